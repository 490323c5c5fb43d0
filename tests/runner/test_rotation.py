"""A secret changes under load and no task is the worse for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from pg_artery import vault

SIGN = ["whsec_" + letter * 32 for letter in "AB"]
ENOUGH = 30_000  # a producer that nobody stops


@pytest.fixture
def rotate(dsn, tmp_path):
    """Run `artery vault` as a process: rotate("set", "T", value="…")."""
    key = tmp_path / "vault.key"
    key.write_text(vault.new_key())
    key.chmod(0o600)

    def run(*arguments: str, value: str = "") -> None:
        command = [sys.executable, "-m", "pg_artery", "vault", *arguments, "--dsn", dsn]
        done = subprocess.run(
            command,
            input=value,
            text=True,
            capture_output=True,
            timeout=60,
            env={**os.environ, "ARTERY_VAULT_KEY_FILE": str(key)},
        )
        assert done.returncode == 0, done.stderr

    run.key = key
    return run


def trickle(outbox, stop: threading.Event) -> None:
    """Enqueue until told to stop: however long the commands take, they take it under load."""
    for _ in range(ENOUGH // 50):
        outbox.enqueue(50)
        if stop.wait(0.05):
            return


@pytest.mark.one_server
@pytest.mark.parametrize("overlap", [True, False])
def test_a_rotation_under_load_loses_no_send(
    outbox, receiver, artery_run, dsn, connect, rotate, overlap
):
    """With an overlap at the receiver nothing is even refused; without, what was is sent again."""
    rotate("set", "T", "--endpoint", "to", value="old-token")
    rotate("set", "S", "--endpoint", "to", value=SIGN[0])
    outbox.conn.execute(
        "update artery.endpoint set auth_kind = 'bearer', secret_ref = 'vault:T', "
        "signing_ref = 'vault:S' where name = 'to'"
    )
    receiver.slow = 0.05
    receiver.accepts = {"Bearer old-token"}
    running = artery_run(dsn, "--vault-key-file", str(rotate.key)).wait_started()
    stop = threading.Event()
    outbox.conn = connect()
    producer = threading.Thread(target=trickle, args=(outbox, stop))
    producer.start()
    try:
        receiver.wait_for(200)
        if overlap:
            receiver.accepts = {"Bearer old-token", "Bearer new-token"}
        rotate("rotate", "S", value=SIGN[1])
        if not overlap:
            receiver.accepts = {"Bearer new-token"}
            receiver.wait_for(len(receiver.requests) + 20)  # refused, with the old one
        rotate("rotate", "T", value="new-token")
        if overlap:
            # what was claimed before is on its way with the old one
            deadline = time.monotonic() + 10
            while "Bearer old-token" in {
                r.headers["authorization"] for r in receiver.requests[-200:]
            }:
                assert time.monotonic() < deadline, "the new secret is not taken up"
                time.sleep(0.02)
        receiver.accepts = {"Bearer new-token"}
        receiver.wait_for(len(receiver.requests) + 200)
    finally:
        stop.set()
        producer.join()
    outbox.conn = connect()
    count = outbox.value("select count(*) from artery.integration_task")
    outbox.wait({"sent": count})
    refused = outbox.value("select count(*) from artery.cloud_log where status_code = 401")
    assert len(receiver.requests) == count + refused
    assert refused == 0 if overlap else refused > 0
    used = [r.headers["authorization"] for r in receiver.requests]
    assert {"Bearer old-token", "Bearer new-token"} == set(used)
    assert outbox.value("select max(failures) from artery.integration_task") == 0

    def signers(request) -> set[str]:
        found = set()
        for key in SIGN:
            try:
                Webhook(key).verify(request.body, request.headers)
                found.add(key)
            except WebhookVerificationError:
                pass
        return found

    assert signers(receiver.requests[0]) == {SIGN[0]}
    assert signers(receiver.requests[-1]) == set(SIGN)
    assert all(SIGN[0] in signers(r) for r in receiver.requests)
    rotate("retire", "S")
    outbox.enqueue(1)
    outbox.wait({"sent": count + 1})
    assert signers(receiver.requests[-1]) == {SIGN[1]}
    assert running.end(15) == 0


@pytest.mark.one_server
def test_what_was_missing_is_found_without_a_restart(outbox, receiver, artery_run, dsn, rotate):
    """No secret, no key file, a key that is not the right one: tasks wait and nothing is lost."""
    outbox.conn.execute(
        "update artery.endpoint set auth_kind = 'bearer', secret_ref = 'vault:T', "
        "backoff_cap = '200 ms' where name = 'to'"
    )
    right = rotate.key.read_text()
    other = rotate.key.with_name("runner.key")
    running = artery_run(dsn, "--vault-key-file", str(other)).wait_started()
    outbox.enqueue(5)

    def wait_for(reason: str) -> None:
        deadline = time.monotonic() + 20
        query = (
            "select coalesce(string_agg(error ->> 'message', ' '), '') from artery.integration_task"
        )
        while reason not in outbox.value(query):
            assert time.monotonic() < deadline, outbox.value(query)
            time.sleep(0.05)

    wait_for("vault:T: no such secret")
    rotate("set", "T", value="some-token")
    wait_for("cannot be read: No such file")
    other.write_text(vault.new_key())
    wait_for("is open to others")
    other.chmod(0o600)
    wait_for("which is not at hand")
    assert receiver.requests == []
    other.write_text(right)
    outbox.wait({"sent": 5})
    assert {r.headers["authorization"] for r in receiver.requests} == {"Bearer some-token"}
    assert outbox.value("select max(failures) from artery.integration_task") == 0
    assert running.end(15) == 0


@pytest.mark.one_server
def test_a_bound_secret_goes_to_no_other_address(outbox, receiver, artery_run, dsn, rotate):
    """Not even if somebody changes the tables past every trigger."""
    rotate("set", "T", "--endpoint", "to", value="some-token")
    outbox.conn.execute(
        "insert into artery.endpoint (name, base_url, auth_kind, secret_ref) "
        "values ('elsewhere', %s, 'bearer', 'vault:T')",
        (receiver.url.replace("/v1", "/v2"),),
    )
    outbox.conn.execute(
        "insert into artery.route (topic, endpoint_id, path_template) "
        "select 'elsewhere', id, '/ok' from artery.endpoint where name = 'elsewhere'"
    )
    outbox.conn.execute("set session_replication_role = replica")
    outbox.conn.execute(
        "update artery.endpoint set auth_kind = 'bearer', secret_ref = 'vault:T', "
        "version = version + 1, base_url = base_url || '/moved' where name = 'to'"
    )
    outbox.conn.execute("reset session_replication_role")
    running = artery_run(dsn, "--vault-key-file", str(rotate.key)).wait_started()
    outbox.enqueue(1)
    outbox.enqueue(1, "elsewhere")
    query = "select count(*) from artery.integration_task where error ->> 'message' like %s"

    def wait_for(like: str) -> None:
        deadline = time.monotonic() + 20
        while outbox.conn.execute(query, (like,)).fetchone() != (2,):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    wait_for("%bound to another endpoint%")
    # the binding's columns taken away: then the ciphertext does not open
    outbox.conn.execute("update artery.system_vault set endpoint_id = null, base_url = null")
    wait_for("%does not open%")
    assert receiver.requests == []
    assert running.end(15) == 0
