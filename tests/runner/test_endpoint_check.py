"""`artery endpoint check` says what was resolved, allowed, dialled and answered, and what to do."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trustme
from click.testing import CliRunner
from fault_proxy import FaultProxy, full_backlog

from pg_artery.cli import main

Check = Callable[..., tuple[int, dict[str, Any]]]

pytestmark = pytest.mark.one_server


class Answers(BaseHTTPRequestHandler):
    seen: list[tuple[str, dict[str, str]]]

    def do_HEAD(self) -> None:
        self.seen.append((self.command, dict(self.headers)))
        self.send_response(301 if "moved" in self.path else 404)
        self.send_header("Location", "https://elsewhere.example/v2?token=x")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Partner:
    """A server on loopback with TLS; `certificate` may be exchanged."""

    def __init__(self) -> None:
        self.authority = trustme.CA()
        self.seen: list[tuple[str, dict[str, str]]] = []
        handler = type("Answering", (Answers,), {"seen": self.seen})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = self.server.server_address[1]

    def serve(self, *names: str, days: int = 90) -> None:
        until = datetime.now(UTC) + timedelta(days=days, hours=1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        early = until - timedelta(days=365)
        self.authority.issue_cert(*names, not_before=early, not_after=until).configure_cert(context)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def ca(self) -> str:
        return self.authority.cert_pem.bytes().decode()


@pytest.fixture
def partner() -> Iterator[Partner]:
    running = Partner()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def check(dsn, conn) -> Check:
    """Make an endpoint of these columns, rules by `rules=`, and check it as JSON."""

    def run(base_url: str, rules: Any = (), **columns: Any) -> tuple[int, dict[str, Any]]:
        columns = {"connect_timeout": "400 ms", "tls_timeout": "400 ms"} | columns
        names = "".join(f", {name}" for name in columns)
        conn.execute(
            f"insert into artery.endpoint (name, base_url{names}) "
            f"values ('mes', %s{', %s' * len(columns)})",
            (base_url, *columns.values()),
        )
        for rule in rules:
            conn.execute(
                "insert into artery.egress_rule (endpoint, network, first_port) "
                "values ('mes', %s, %s)",
                rule,
            )
        done = CliRunner().invoke(main, ["endpoint", "check", "mes", "--dsn", dsn, "--json"])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done.exit_code, json.loads(done.stdout)

    return run


def test_a_partner_that_is_reached(check, partner, dsn, monkeypatch):
    monkeypatch.setenv("MES_TOKEN", "c4nary-token")
    partner.serve("127.0.0.1", "mes.example")
    headers = json.dumps({"X-Plant": "c4nary-header"})
    code, told = check(
        f"https://127.0.0.1:{partner.port}/api/v1",
        auth_kind="bearer",
        secret_ref="env:MES_TOKEN",
        headers=headers,
        ca_bundle=partner.ca,
    )
    assert (code, told["outcome"], told["next"]) == (0, "reached", [])
    (found,) = told["addresses"]
    assert (found["address"], found["allowed"], found["dialled"]) == ("127.0.0.1", True, True)
    assert (found["rule"], found["status"]) == ("the URL names it", 404)
    assert found["tls"].startswith("TLSv1.")
    assert found["connect_ms"] >= 0
    assert found["tls_ms"] > 0
    assert found["certificate"]["san"] == ["127.0.0.1", "mes.example"]
    assert found["certificate"]["days_left"] == 90
    assert "trustme" in found["certificate"]["issuer"]
    ((method, sent),) = partner.seen
    assert method == "HEAD"
    assert {name.lower() for name in sent} <= {"host", "user-agent", "accept", "accept-encoding"}
    assert "c4nary" not in str(sent)
    people = CliRunner().invoke(main, ["endpoint", "check", "mes", "--dsn", dsn])
    for text in ("Reached.", "127.0.0.1, mes.example", "(90 days)", "the URL names it", "404"):
        assert text in people.stdout
    assert people.exit_code == 0


@pytest.mark.parametrize(
    ("names", "days", "trusted", "said"),
    [
        (["127.0.0.1"], 90, False, "issuer is not trusted"),
        (["other.example"], 90, True, "certificate is for other names than 127.0.0.1"),
        (["127.0.0.1"], -3, True, "certificate has expired"),
    ],
)
def test_a_certificate_that_does_not_do_is_shown(check, partner, names, days, trusted, said):
    partner.serve(*names, days=days)
    ca = {"ca_bundle": partner.ca} if trusted else {}
    code, told = check(f"https://127.0.0.1:{partner.port}/v1", **ca)
    assert (code, told["outcome"]) == (1, "not reached")
    (found,) = told["addresses"]
    assert found["kind"] == "tls"
    assert found["certificate"]["san"] == names
    assert found["certificate"]["days_left"] == days
    assert said in told["next"][0]
    assert not partner.seen, "not a byte of a request where TLS failed"


def test_a_certificate_that_expires_soon(check, partner):
    partner.serve("127.0.0.1", days=12)
    code, told = check(f"https://127.0.0.1:{partner.port}/v1", ca_bundle=partner.ca)
    assert code == 0
    assert told["next"] == ["The certificate expires in 12 days: tell its owner."]


def test_a_redirect_is_no_way_in(check, partner):
    partner.serve("127.0.0.1")
    url = f"https://127.0.0.1:{partner.port}/moved/v1"
    code, told = check(url, ca_bundle=partner.ca, enabled=False)
    assert code == 0
    assert told["next"] == [
        "It redirects to https://elsewhere.example/v2. Redirects are never followed: base_url has "
        "to be the address that answers.",
        "Endpoint mes is disabled: no task is sent until it is enabled.",
    ]


def test_an_address_that_our_rules_refuse_is_not_dialled(check, receiver):
    code, told = check(f"http://127.1:{receiver.port}/v1")
    assert (code, told["outcome"]) == (5, "refused")
    (found,) = told["addresses"]
    assert not found["allowed"]
    assert not found["dialled"]
    assert (
        "insert into artery.egress_rule (endpoint, network, first_port, note) "
        f"values ('mes', '127.0.0.1', {receiver.port}, 'why, for whom');"
    ) in told["next"][0]
    assert not receiver.requests


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "10.0.0.5", "[fd00:ec2::254]", "[::ffff:7f00:1]"]
)
def test_special_and_private_addresses_are_not_dialled(check, host):
    code, told = check(f"http://{host}/v1")
    assert code == 5
    assert [found["dialled"] for found in told["addresses"]] == [False]


def test_the_rule_that_allows_is_named(check, receiver):
    rule = ("127.0.0.1", receiver.port)
    code, told = check(f"http://127.1:{receiver.port}/v1", [rule])
    assert code == 0
    assert told["addresses"][0]["rule"] == f"rule 127.0.0.1/32 port {receiver.port}"
    assert told["rules"] == [f"127.0.0.1/32 port {receiver.port}"]


def test_through_a_proxy_the_proxy_is_what_is_dialled(check, receiver):
    receiver.status = 407
    proxy = f"http://127.0.0.1:{receiver.port}"
    code, told = check("https://mes.example/v1", proxy_url=proxy, proxy_ref="env:PROXY_LOGIN")
    assert (code, told["proxy"], told["host"]) == (1, proxy, "127.0.0.1")
    assert told["addresses"][0]["kind"] == "proxy"
    assert "407" in told["next"][0]
    assert "shows it no login" in told["next"][0]
    (request,) = receiver.requests
    assert (request.method, request.path) == ("CONNECT", "mes.example:443")
    assert not {"authorization", "proxy-authorization"} & request.headers.keys()


def test_a_proxy_needs_a_rule_too(check):
    code, told = check("https://mes.example/v1", proxy_url="http://10.0.0.9:3128")
    assert (code, told["addresses"][0]["dialled"]) == (5, False)
    assert "10.0.0.9 port 3128 is not open" in told["next"][0]


def test_nobody_there(check, receiver):
    receiver.close()
    code, told = check(f"http://127.0.0.1:{receiver.port}/v1")
    assert (code, told["addresses"][0]["kind"]) == (1, "connect")
    assert "nothing listens there" in told["next"][0]


def test_a_firewall_that_drops(check):
    with full_backlog() as port:
        code, told = check(f"http://127.0.0.1:{port}/v1", tls_timeout="50 ms")
    assert (code, told["addresses"][0]["kind"]) == (1, "connect")
    assert f"have TCP from 127.0.0.1 to 127.0.0.1:{port} opened" in told["next"][0]


def test_a_port_that_speaks_no_tls(check, receiver):
    code, told = check(f"https://127.0.0.1:{receiver.port}/v1")
    assert (code, told["addresses"][0]["kind"]) == (1, "tls")
    assert "Does that port speak TLS?" in told["next"][0]


def test_a_server_that_takes_and_does_not_answer(check, receiver):
    proxy = FaultProxy(receiver.port)
    proxy.fault = "black_hole"
    code, told = check(f"http://127.0.0.1:{proxy.port}/v1", total_timeout="600 ms")
    proxy.close()
    assert (code, told["addresses"][0]["kind"]) == (1, "timeout")
    assert "takes connections and does not answer" in told["next"][0]


def test_a_name_that_does_not_resolve(check):
    code, told = check("https://no-such-host.invalid/v1", connect_timeout="20 s")
    assert (code, told["addresses"]) == (1, [])
    assert "does not resolve here" in told["next"][0]


def test_no_such_endpoint(conn, dsn):
    conn.execute(
        "insert into artery.endpoint (name, base_url) values ('mes', 'https://e.example/v1')"
    )
    done = CliRunner().invoke(main, ["endpoint", "check", "mess", "--dsn", dsn])
    assert done.exit_code == 2
    for text in ("there is no endpoint 'mess' (SQLSTATE IN041)", "There are: mes.", "hint:"):
        assert text in done.stderr


def test_list(conn, dsn):
    empty = CliRunner().invoke(main, ["endpoint", "list", "--dsn", dsn])
    assert "There is no endpoint" in empty.stdout
    conn.execute(
        "insert into artery.endpoint (name, base_url) values ('mes', 'https://m.example/v1'), "
        "('tax', 'https://t.example/v1')"
    )
    conn.execute(
        "insert into artery.egress_rule (endpoint, network, first_port, last_port) "
        "values ('mes', '10.0.0.0/8', 443, 443), ('mes', '10.1.0.0/16', 80, 89)"
    )
    listed = json.loads(
        CliRunner().invoke(main, ["endpoint", "list", "--dsn", dsn, "--json"]).stdout
    )
    mes, tax = listed["endpoints"]
    assert mes["egress_rules"] == ["10.0.0.0/8 port 443", "10.1.0.0/16 port 80-89"]
    assert (tax["egress_rules"], tax["breaker"], tax["enabled"]) == ([], "closed", True)
    people = CliRunner().invoke(main, ["endpoint", "list", "--dsn", dsn]).stdout
    assert "10.0.0.0/8 port 443, 10.1.0.0/16 port 80-89" in people
    assert "public addresses" in people
