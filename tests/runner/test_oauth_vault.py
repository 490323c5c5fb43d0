"""OAuth 2 from the outbox to the receiver, its secrets in the vault and bound to where they go."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from oauth_harness import PEM, SECRET, client, public
from psycopg.types.json import Jsonb
from real_peers import OpenIdProvider

from pg_artery import vault


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    keys = {"keys": [public("ES256")]}
    signing = {"token_endpoint_auth_signing_alg": "ES256", "jwks": keys}
    clients = [
        client("secret", "client_secret_basic"), client("key", "private_key_jwt", **signing),
    ]  # fmt: skip
    running = OpenIdProvider(clients, [])
    yield running
    running.close()


@pytest.fixture
def keep(dsn, tmp_path):
    """Run `artery vault` as a process: keep("set", "S", value="…")."""
    key = tmp_path / "vault.key"
    key.write_text(vault.new_key())
    key.chmod(0o600)

    def run(*arguments: str, value: str = "") -> None:
        command = [sys.executable, "-m", "pg_artery", "vault", *arguments, "--dsn", dsn]
        env = {**os.environ, "ARTERY_VAULT_KEY_FILE": str(key)}
        done = subprocess.run(
            command, input=value, text=True, capture_output=True, timeout=60, env=env
        )
        assert done.returncode == 0, done.stderr

    run.key = key
    return run


def settings(provider: OpenIdProvider, name: str) -> Jsonb:
    auth = {"token_url": provider.token_url, "client_id": name}
    if name == "key":
        auth |= {"client_auth": "private_key_jwt", "issuer": provider.issuer, "key_id": "ES256"}
    return Jsonb(auth)


@pytest.mark.one_server
def test_tasks_go_out_with_tokens_and_secrets_stay_with_their_address(
    outbox, provider, receiver, artery_run, dsn, keep
):
    for name, value in (("secret", SECRET), ("key", PEM["ES256"])):
        outbox.add(
            name, provider.base_url, auth_kind="client_credentials",
            secret_ref=f"vault:{name}", auth=settings(provider, name), backoff_cap="200 ms",
        )  # fmt: skip
        keep("set", name, "--endpoint", name, value=value)
    running = artery_run(dsn, "--vault-key-file", str(keep.key)).wait_started()
    for name in ("secret", "key"):
        outbox.enqueue(200, name)
    outbox.wait({"sent": 400})
    assert provider.state()["tokens"] == 2
    assert provider.state()["accepted"] == 400

    # revoked while traffic flows: nothing of it shows in a task
    provider.state(revoke=True)
    outbox.enqueue(200, "key")
    outbox.wait({"sent": 600})
    assert provider.state()["tokens"] == 3
    query = "select count(*), max(attempt) from artery.integration_task"
    assert outbox.conn.execute(query).fetchone() == (600, 1)
    log = "select count(*) from artery.cloud_log where request_headers ? 'authorization'"
    assert outbox.value(log) == provider.state()["refused"] > 0

    # somebody points the token requests elsewhere, past every trigger
    outbox.conn.execute("set session_replication_role = replica")
    outbox.conn.execute(
        "update artery.endpoint set version = version + 1, auth = auth || %s where name = 'secret'",
        (Jsonb({"token_url": f"{receiver.url}/token"}),),
    )
    outbox.conn.execute("reset session_replication_role")
    outbox.enqueue(1, "secret")
    query = (
        "select count(*) from artery.integration_task where error ->> 'message' like '%token URL%'"
    )
    deadline = time.monotonic() + 20
    while not outbox.value(query):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert receiver.requests == []
    outbox.conn.execute(
        "update artery.endpoint set auth = %s where name = 'secret'",
        (settings(provider, "secret"),),
    )
    assert outbox.value("select secret_ref from artery.endpoint where name = 'secret'") is None
    outbox.conn.execute(
        "update artery.endpoint set auth_kind = 'client_credentials', secret_ref = 'vault:secret', "
        "auth = %s, enabled = true where name = 'secret'",
        (settings(provider, "secret"),),
    )
    outbox.wait({"sent": 601})
    assert running.end(15) == 0


@pytest.mark.one_server
def test_a_token_server_that_is_away_costs_no_attempt(outbox, provider, artery_run, dsn):
    outbox.add(
        "away", provider.base_url, auth_kind="client_credentials", secret_ref="env:SECRET",
        auth=Jsonb({"token_url": "http://127.0.0.1:1/token", "client_id": "secret"}),
        max_attempts=2, backoff_cap="100 ms",
    )  # fmt: skip
    running = artery_run(dsn, SECRET=SECRET).wait_started()
    outbox.enqueue(5, "away")
    deadline = time.monotonic() + 20
    while outbox.value("select coalesce(min(attempt), 0) from artery.integration_task") < 4:
        assert time.monotonic() < deadline, outbox.statuses()
        time.sleep(0.05)
    assert outbox.value("select max(failures) from artery.integration_task") == 0
    assert outbox.value("select distinct error ->> 'kind' from artery.integration_task") == "token"
    outbox.conn.execute(
        "update artery.endpoint set auth_kind = 'client_credentials', secret_ref = 'env:SECRET2', "
        "auth = %s where name = 'away'",
        (settings(provider, "secret"),),
    )
    outbox.conn.execute("update artery.endpoint set secret_ref = 'env:SECRET' where name = 'away'")
    outbox.wait({"sent": 5})
    assert running.end(15) == 0
