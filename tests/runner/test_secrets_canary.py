"""Unique secrets go through creation, rotation, use and every way to fail, and stand nowhere after.

Looked through: PostgreSQL's log at its most talkative, pg_stat_activity all the while,
pg_stat_statements, a dump of the whole database, the runners' logs at level debug, all that the
commands printed. A marker that may be seen goes the same ways and must be found in each of them.
"""

from __future__ import annotations

import base64
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from canary_ways import WAYS as MORE_WAYS
from canary_ways import assertions, client_certificate, columns, private_key
from runner_harness import Outbox

from pg_artery.cluster import Cluster
from pg_artery.migrate import migrate
from pg_artery.servers import Server

TALKATIVE = {
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_min_messages": "debug1",
    "log_error_verbosity": "verbose",
    "log_parameter_max_length_on_error": "-1",
    "shared_preload_libraries": "pg_stat_statements",
    "track_activity_query_size": "65536",
}


@pytest.fixture
def talkative(server: Server) -> Iterator[Cluster]:
    with Cluster(server, settings=TALKATIVE, cron_database=None) as running:
        yield running


class Canaries:
    """Secrets that stand nowhere else, and all forms in which one would be seen."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}

    def make(self, name: str, form: str = "{}") -> str:
        self.made[name] = form.format(f"cnry{secrets.token_hex(16)}")
        return self.made[name]

    def seen_in(self, text: str) -> set[str]:
        """Give the names of the secrets that `text` shows in any form."""
        found = set()
        for name, secret in self.made.items():
            # whatever stands around it, in base64 too: three alignments, less the edges
            inner = secret.removeprefix("user:").encode()
            forms = {secret, inner.decode(), quote(secret), inner.hex(), repr(inner)[2:-1]}
            forms |= {base64.b64encode(b"x" * n + inner).decode()[4:-4] for n in range(3)}
            if any(form in text for form in forms):
                found.add(name)
        return found


class Watch:
    """Reads pg_stat_activity again and again."""

    def __init__(self, dsn: str) -> None:
        self.seen: set[str] = set()
        self._dsn = dsn
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._dsn, autocommit=True) as conn:
                    while not self._stop.wait(0.005):
                        rows = conn.execute("select query, application_name from pg_stat_activity")
                        self.seen.update(part for row in rows for part in row if part)
            except psycopg.Error:
                time.sleep(0.05)


class Commands:
    """`artery vault` as a process, whatever it says kept."""

    def __init__(self, dsn: str, key: Path) -> None:
        self.said = ""
        self._dsn, self._key = dsn, key

    def __call__(self, *arguments: str, value: str = "", expect: int = 0, **env: str) -> None:
        environ = {**os.environ, "ARTERY_DSN": self._dsn, "ARTERY_VAULT_KEY_FILE": str(self._key)}
        done = subprocess.run(
            [sys.executable, "-m", "pg_artery", "vault", *arguments],
            input=value.encode(),
            capture_output=True,
            timeout=60,
            env=environ | env,
        )
        self.said += (done.stdout + done.stderr).decode()
        assert done.returncode == expect, self.said


def create(vault: Commands, canaries: Canaries, other_key: Path, dsn: str) -> None:
    """Store secrets, and fail to in every way."""
    make = canaries.make
    vault("set", "TOKEN", value=make("token"))
    vault("set", "BASIC", value=make("basic", "user:{}"))
    vault("set", "SIGN", value=make("sign", "whsec_{}"))
    vault("set", "OSECRET", value=make("client secret"))
    vault("set", "SUBJECT", value=make("subject token"))
    vault("set", "PROXY", value=make("proxy", "user:{}"))
    for name, (pem, line) in (("OKEY", private_key()), ("CERT", client_certificate())):
        canaries.made[name] = line
        vault("set", name, value=pem)
    vault("set", "LINES", value=make("lines", "{}\nmore"))
    vault("set", "STRANGE", value=make("strange key"), ARTERY_VAULT_KEY_FILE=str(other_key))
    vault("set", "TOKEN", value=make("exists"), expect=4)
    vault("set", "NUL", value=make("nul", "{}\0"), expect=2)
    vault("set", "BADSIGN", value=make("bad sign", "whsec_{}!"), expect=2)
    vault("set", "ARGUMENT", make("argument"), expect=2)
    vault("set", make("as name", "{}/+"), expect=2)
    vault("set", "NOWHERE", "--endpoint", "nowhere", value=make("nowhere"), expect=1)
    vault("set", "NOKEY", value=make("no key"), expect=5, ARTERY_VAULT_KEY_FILE="/nowhere")
    vault("rotate", "NONE", value=make("none"), expect=2)
    nobody = psycopg.conninfo.make_conninfo(dsn, user="nobody_else")
    vault("set", "DENIED", value=make("denied"), expect=5, ARTERY_DSN=nobody)
    vault("set", "AWAY", value=make("away"), expect=3, ARTERY_DSN="host=/nowhere")


#: topic -> (base URL, path, auth_kind, secret_ref, signing_ref, the status or kind it ends with)
WAYS: dict[str, tuple[str, str, str, str | None, str | None, str]] = {
    "good": ("http://127.0.0.1:{port}/v1", "/ok", "bearer", "vault:TOKEN", "vault:SIGN", "200"),
    "env": ("http://127.0.0.1:{port}/v1", "/ok", "api_key", "env:CANARY", None, "200"),
    "echo": ("http://127.0.0.1:{port}/v1", "/echo/200", "basic", "vault:BASIC", None, "200"),
    "echo4": ("http://127.0.0.1:{port}/v1", "/echo/400", "bearer", "vault:TOKEN", None, "400"),
    "denied": ("http://127.0.0.1:{port}/v1", "/echo/401", "api_key", "vault:TOKEN", None, "401"),
    "silent": ("http://127.0.0.1:{port}/v1", "/silent", "bearer", "vault:TOKEN", None, "timeout"),
    "reset": ("http://127.0.0.1:{port}/v1", "/close", "bearer", "vault:TOKEN", None, "reset"),
    "large": ("http://127.0.0.1:{port}/v1", "/endless", "bearer", "vault:TOKEN", None, "too_large"),
    "closed": ("http://127.0.0.1:1/v1", "/ok", "bearer", "vault:TOKEN", None, "connect"),
    "egress": ("http://127.1:{port}/v1", "/ok", "bearer", "vault:TOKEN", None, "egress"),
    "dns": ("http://no-such-host.invalid/v1", "/ok", "bearer", "vault:TOKEN", None, "dns"),
    "tls": ("https://127.0.0.1:{port}/v1", "/ok", "bearer", "vault:TOKEN", None, "tls"),
    "badkey": ("http://127.0.0.1:{port}/v1", "/ok", "bearer", "vault:STRANGE", None, "secret"),
    "missing": ("http://127.0.0.1:{port}/v1", "/ok", "bearer", "vault:MISSING", None, "secret"),
    "lines": ("http://127.0.0.1:{port}/v1", "/ok", "bearer", "vault:LINES", None, "secret"),
    "notsign": ("http://127.0.0.1:{port}/v1", "/ok", "none", None, "vault:TOKEN", "secret"),
}


def attach(outbox: Outbox, port: int, marker: str) -> None:
    """Make an endpoint for each way, with a reply handler that fails and shows what it got."""
    for topic, (url, path, kind, secret, signing, _) in WAYS.items():
        outbox.add(
            topic,
            url.format(port=port),
            path,
            auth_kind=kind,
            secret_ref=secret,
            signing_ref=signing,
            total_timeout="500 ms",
            connect_timeout="200 ms",
            backoff_cap="300 ms",
        )
    for topic, (_, url, path, given) in MORE_WAYS.items():
        outbox.add(
            topic,
            url.format(port=port),
            path,
            total_timeout="500 ms",
            connect_timeout="200 ms",
            backoff_cap="300 ms",
            **columns(given, port),
        )
    outbox.add(marker, f"http://127.0.0.1:{port}/v1", auth_kind="bearer", secret_ref="env:UNSET")
    outbox.conn.execute("create schema h; grant usage on schema h to public")
    outbox.conn.execute(
        "create function h.fail(p_reply jsonb) returns void language plpgsql as "
        "$$ begin raise exception 'handler got %', p_reply; end $$"
    )
    outbox.conn.execute("update artery.route set reply_handler = 'h.fail(jsonb)'")


def wait_for_ways(outbox: Outbox) -> None:
    """Wait until each way was gone to its end at least once."""
    query = """
        select t.topic, coalesce(t.error ->> 'kind', t.status_code::text)
        from artery.integration_task as t where t.status <> 'processing'"""
    expected = {topic: way[-1] for topic, way in WAYS.items()}
    expected |= {topic: way[0] for topic, way in MORE_WAYS.items()}
    deadline = time.monotonic() + 60
    now: dict[str, str] = {}
    while True:
        # those that fail are tried again all the while, and in processing every now and then
        now |= {topic: end for topic, end in outbox.conn.execute(query) if topic in expected}
        if now == expected:
            return
        assert time.monotonic() < deadline, {
            topic: (now.get(topic), end) for topic, end in expected.items() if now.get(topic) != end
        }
        time.sleep(0.05)


@pytest.mark.one_server
def test_no_secret_is_seen_anywhere(
    talkative: Cluster, receiver, artery_run: Callable, tmp_path: Path
) -> None:
    canaries, marker = Canaries(), f"control{secrets.token_hex(8)}"
    dsn = talkative.create_database("canary")
    migrate(dsn)
    talkative.execute("create role nobody_else login")
    talkative.execute("create extension pg_stat_statements", "canary")
    key, other_key = tmp_path / "vault.key", tmp_path / "other.key"
    vault = Commands(dsn, key)
    for file in (key, other_key):
        vault("keygen", str(file))
    with Watch(dsn) as watch:
        create(vault, canaries, other_key, dsn)
        outbox = Outbox(psycopg.connect(dsn, autocommit=True), receiver.url)
        attach(outbox, receiver.port, marker)
        outbox.conn.execute(f"select pg_sleep(0.1) as {marker}")
        env = {"CANARY": canaries.make("env"), "ARTERY_VAULT_KEY_FILE": str(key)}
        debug = ("--log-level", "debug", "--lease", "2")
        first = artery_run(dsn, *debug, **env).wait_started()
        receiver.token = canaries.make("access token")
        for topic in (*WAYS, *MORE_WAYS, marker):
            outbox.enqueue(1, topic)
        wait_for_ways(outbox)

        # rotations, with calls under way; one key for another; then what a signature needs no more
        vault("rotate", "TOKEN", value=canaries.make("token 2"))
        vault("rotate", "SIGN", value=canaries.make("sign 2", "whsec_{}"))
        outbox.enqueue(20, "good")
        vault("rotate", "OSECRET", value=canaries.make("client secret 2"))
        for topic in MORE_WAYS:
            outbox.enqueue(1, topic)
        vault("keygen", "--add", str(key))
        vault("rekey", expect=1)  # STRANGE is under a key that is not there
        other = other_key.read_text()
        key.write_text(key.read_text() + other)
        vault("rekey")
        vault("rotate", "TOKEN", value=canaries.make("token 3"))
        vault("retire", "SIGN")
        vault("retire", "TOKEN", "--all", expect=5)
        vault("list", "--all", "--json")
        vault("set", marker, "--endpoint", marker, value=canaries.make("bound"))

        # the server goes and comes back; a runner dies in mid-call; another takes over
        talkative.restart("immediate")
        outbox.conn = psycopg.connect(dsn, autocommit=True)
        outbox.enqueue(5, "good")
        deadline = time.monotonic() + 60
        query = (
            "select count(*) from artery.integration_task where topic = 'good' and status = 'sent'"
        )
        while outbox.value(query) < 26:
            assert time.monotonic() < deadline, outbox.statuses()
            time.sleep(0.05)
        assert first.end(signal.SIGTERM) == 0
        outbox.enqueue(1, "good")
        console = ("--log-format", "console")
        crashed = artery_run(dsn, *debug, *console, **env, ARTERY_FAILPOINT="mid_send")
        assert crashed.wait() == -signal.SIGKILL
        last = artery_run(dsn, *debug, *console, **env)
        while outbox.value(query) < 27:
            assert time.monotonic() < deadline, outbox.statuses()
            time.sleep(0.05)
        assert last.end(signal.SIGTERM) == 0
        statements = "\n".join(
            text for (text,) in outbox.conn.execute("select query from pg_stat_statements")
        )
        outbox.conn.close()

    sent = {value for r in receiver.requests for value in r.headers.values()}
    sent |= {r.body.decode(errors="replace") for r in receiver.requests}
    used = ("token", "token 2", "token 3", "env", "access token", "subject token")
    for name in (*used, "client secret", "client secret 2"):
        assert any(canaries.made[name] in value for value in sent), f"{name} was never used"
    signed = assertions(receiver)
    assert len(signed) == len(set(signed)) > 4, "each try has an assertion of its own"
    canaries.made |= {f"assertion {n}": part for n, part in enumerate(signed)}
    places = {
        "the server's log": talkative.log,
        "pg_stat_activity": "\n".join(watch.seen),
        "pg_stat_statements": statements,
        "a dump": talkative.run("pg_dump", "-d", dsn),
        "the runners' logs": "".join(r.log.read_text() for r in (first, crashed, last)),
        "what the commands said": vault.said,
    }
    for place, text in places.items():
        if place != "pg_stat_statements":  # which forgot all in the crash
            assert marker in text, f"the marker is not in {place}: nothing would be found there"
    assert {place: seen for place, text in places.items() if (seen := canaries.seen_in(text))} == {}
