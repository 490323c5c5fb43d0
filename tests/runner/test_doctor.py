"""`artery doctor` on a set-up that is broken in each way names the fault and its mend."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from pg_artery import queries, vault
from pg_artery.cli import main
from pg_artery.commands import health
from pg_artery.servers import unprivileged_user

pytestmark = pytest.mark.one_server


def ask(dsn: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", "--dsn", dsn, *arguments])


@pytest.fixture
def lines(dsn: str):
    def read(*arguments: str, dsn: str = dsn) -> dict[str, dict[str, str]]:
        result = ask(dsn, "--json", *arguments)
        assert result.stdout.startswith("{"), (result.output, result.exception)
        return {line["subject"]: line for line in json.loads(result.stdout)["checks"]}

    return read


@pytest.fixture
def checks(dsn: str):
    """Give the lines that the database has for the command, from a new session, quickly."""

    def read(dsn: str = dsn) -> dict[str, dict[str, str]]:
        with psycopg.connect(dsn, row_factory=dict_row) as session:
            return {line["subject"]: line for line in session.execute(queries.DOCTOR)}

    return read


def test_a_missing_extension_costs_what_is_said(checks, conn) -> None:
    line = checks()["extension postgres_fdw"]
    assert (line["state"], line["found"]) == ("info", "not installed")
    assert "docs/cloud-database.md" in line["mend"]
    conn.execute("create extension postgres_fdw")
    line = checks()["extension postgres_fdw"]
    assert (line["state"], line["mend"]) == ("ok", None)


@pytest.mark.parametrize(
    ("setting", "state", "mend"),
    [
        ("synchronous_commit = off", "warning", "loses commits"),
        ("session_replication_role = replica", "critical", "No trigger fires"),
        ("default_transaction_isolation = 'repeatable read'", "warning", "reset default_trans"),
        ("default_transaction_read_only = on", "critical", "Nothing can be enqueued"),
    ],
)
def test_a_wrong_setting(setting: str, state: str, mend: str, checks, conn, dsn: str) -> None:
    conn.execute(f"alter database {conn.info.dbname} set {setting}".encode())
    line = checks()[f"setting {setting.partition(' ')[0]}"]
    assert line["state"] == state
    assert mend in line["mend"]


def test_settings_of_the_server_that_cost_a_crash_everything(checks) -> None:
    # the tests' cluster has them off
    assert checks()["setting fsync"]["state"] == "critical"
    assert "A crash corrupts" in checks()["setting fsync"]["mend"]


def test_roles_that_nobody_has_or_that_are_not_there(checks, conn) -> None:
    line = checks()["role artery_runner"]
    assert line["state"] == "warning"
    assert "grant artery_runner to the login" in line["mend"]
    conn.execute("create role daemon_of_doctor login; grant artery_runner to daemon_of_doctor")
    try:
        assert checks()["role artery_runner"]["state"] == "ok"
    finally:
        conn.execute("drop role daemon_of_doctor")
    conn.execute("alter role artery_app rename to artery_app_gone")
    try:
        line = checks()["role artery_app"]
        assert (line["state"], line["found"]) == ("critical", "it does not exist")
        assert "create role artery_app nologin" in line["mend"]
    finally:
        conn.execute("alter role artery_app_gone rename to artery_app")


def test_a_clock_that_differs(lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated on this side: a test may not set the machine's clock."""
    assert lines()["clock"]["state"] == "ok"

    class Late:
        @staticmethod
        def time() -> float:
            return time.time() - 3600

    monkeypatch.setattr(health, "time", Late)
    line = lines()["clock"]
    assert line["state"] == "warning"
    assert "+3600" in line["found"]
    assert "chrony" in line["mend"]


def holder(kind: str, dsn: str, conn: psycopg.Connection) -> Callable[[], object]:
    """Hold back vacuum in a way that sites meet; gives what ends it."""
    if kind == "session":
        session = psycopg.connect(dsn, application_name="long report")
        session.execute("set transaction isolation level repeatable read")
        session.execute("select count(*) from artery.route")
        return session.close
    conn.execute("begin; create table public.half_done (); prepare transaction 'payment 7'")
    return lambda: conn.execute("rollback prepared 'payment 7'")


@pytest.mark.parametrize("kind", ["session", "prepared transaction"])
def test_what_holds_vacuum_back_for_long(kind: str, checks, conn, dsn: str) -> None:
    """The holders are real; half an hour is made to have passed."""
    let_go = holder(kind, dsn, conn)
    try:
        assert checks()["vacuum"]["state"] == "ok", "it has only begun"
        (seen,) = conn.execute(
            "select who, since from artery_monitor.xmin_holders where kind = %s", (kind,)
        ).fetchall()
        assert any(name in seen[0] for name in ("long report", "payment 7"))
        [(view,)] = conn.execute("select pg_get_viewdef('artery_monitor.xmin_holders'::regclass)")
        conn.execute(
            "create or replace view artery_monitor.xmin_holders as select h.kind, h.who, h.role, "
            "h.database, h.transactions, h.since - interval '31 minutes' as since, h.state "
            f"from ({view.rstrip().rstrip(';')}) as h".encode()
        )
        line = checks()["vacuum"]
        assert line["state"] == "warning"
        assert "end the session, drop the slot, or settle the prepared tran" in line["mend"]
    finally:
        let_go()
    assert checks()["vacuum"]["state"] == "ok"


def test_dead_rows_that_nobody_cleans_up(checks, conn) -> None:
    conn.execute(
        """create or replace view artery_monitor.table_health as
        select 'artery.integration_task' collate "C" as relation, 10::bigint as live_rows,
            200000::bigint as dead_rows, 0.9::numeric as dead_share, 1::bigint as table_bytes,
            1::bigint as index_bytes, now() as vacuumed_at, now() as analyzed_at"""
    )
    assert "vacuum (verbose) artery.integration_task" in checks()["dead rows"]["mend"]


def test_partitions_that_end_soon(checks, conn) -> None:
    assert checks()["partitions of artery.cloud_log"]["found"] == "there is none"
    conn.execute("call artery.tick()")
    assert checks()["partitions of artery.cloud_log"]["state"] == "ok"
    ahead = conn.execute(
        "select i.inhrelid::regclass::text from pg_inherits as i "
        "where i.inhparent = 'artery.cloud_log'::regclass order by 1 offset 1"
    ).fetchall()
    for (name,) in ahead:
        conn.execute(f"drop table {name}".encode())
    line = checks()["partitions of artery.cloud_log"]
    assert line["state"] == "critical"
    assert "artery.tick()" in line["mend"]


def test_a_secret_that_the_vault_does_not_have(checks, conn) -> None:
    conn.execute(
        "insert into artery.endpoint (name, base_url, auth_kind, secret_ref) "
        "values ('mes', 'https://mes.example/v1', 'bearer', 'vault:MES_TOKEN')"
    )
    line = checks()["secrets"]
    assert line["state"] == "critical"
    assert "artery vault set MES_TOKEN --endpoint mes" in line["mend"]


def test_code_that_is_not_this_versions(lines, conn) -> None:
    conn.execute("update artery_install.code set checksum = 'of another version'")
    line = lines()["schema"]
    assert line["state"] == "critical"
    assert "artery migrate" in line["mend"]


def test_a_key_file_that_others_can_read_is_gone_or_is_named_in_the_file(
    lines, tmp_path: Path
) -> None:
    key, file = tmp_path / "key", tmp_path / "artery.toml"
    key.write_text("k")
    key.chmod(0o640)
    file.write_text(f'vault_key_file = "{key}"')
    result = CliRunner().invoke(main, ["--config", str(file), "doctor", "--json"])
    assert result.exit_code == 3, "no database named: said first"
    line = lines("--vault-key-file", str(key))["vault key"]
    assert line["mend"] == f"chmod 600 {key}"
    key.unlink()
    assert lines("--vault-key-file", str(key))["vault key"]["state"] == "critical"


def test_a_key_file_that_the_runner_s_user_cannot_read(lines) -> None:
    """As by `sudo -u` with the caller's HOME, which that user may not look into either."""
    if os.geteuid() != 0:
        pytest.skip("only root can ask as somebody else")
    account = unprivileged_user()
    assert account is not None
    home = Path(tempfile.mkdtemp())
    try:
        home.chmod(0o755)
        key = home / "vault.key"
        key.write_text("k")
        key.chmod(0o600)
        line = lines("--vault-key-file", str(key))["vault key"]
        assert line["state"] == "critical", "no key at all"
        key.write_text(vault.new_key())
        assert lines("--vault-key-file", str(key))["vault key"]["state"] == "ok"
        os.setresgid(account.pw_gid, account.pw_gid, 0)
        os.setresuid(account.pw_uid, account.pw_uid, 0)
        try:
            line = lines("--vault-key-file", str(key))["vault key"]
        finally:
            os.setresuid(0, 0, 0)
            os.setresgid(0, 0, 0)
        assert (line["state"], line["found"]) == ("critical", f"{key} cannot be read")
        assert "chown it" in line["mend"]
    finally:
        shutil.rmtree(home)


def test_a_password_that_lies_open_in_the_configuration_file(dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "artery.toml"
    file.write_text('dsn = "postgresql://daemon:hunter2@db.example/erp"')
    file.chmod(0o644)
    ask_with = ["--config", str(file), "doctor", "--dsn", dsn, "--json"]
    result = CliRunner().invoke(main, ask_with)
    [line] = [
        x for x in json.loads(result.stdout)["checks"] if x["subject"] == "configuration file"
    ]
    assert line["state"] == "critical"
    assert f"chmod 600 {file}" in line["mend"]
    assert "hunter2" not in result.stdout
    file.chmod(0o600)
    result = CliRunner().invoke(main, ask_with)
    assert '"configuration file", "state": "ok"' in result.stdout


def test_connections_that_run_out(checks, conn, dsn: str) -> None:
    assert checks()["connections"]["state"] == "ok"
    allowed = conn.execute("select current_setting('max_connections')::int").fetchone()[0]
    used = conn.execute("select sum(numbackends) from pg_stat_database").fetchone()[0]
    opened = [psycopg.connect(dsn) for _ in range(int(allowed * 0.78) - int(used))]
    try:
        line = checks()["connections"]
        assert line["state"] == "warning"
        assert "max_connections" in line["mend"]
    finally:
        for connection in opened:
            connection.close()


def test_no_installation_and_no_right_to_look(cluster, dsn: str, conn) -> None:
    result = ask(cluster.dsn("postgres"))
    assert result.exit_code == 4
    assert "artery migrate" in result.output
    conn.execute("create role stranger_to_doctor login")
    try:
        result = ask(make_conninfo(dsn, user="stranger_to_doctor"))
        assert result.exit_code == 5
        assert "artery_reader" in result.output
    finally:
        conn.execute("drop role stranger_to_doctor")


def test_the_worst_stands_first_and_the_faults_are_counted(dsn: str, conn) -> None:
    output = ask(dsn).output.splitlines()
    states = [line.split()[0] for line in output[1:-2] if line[:1].strip()]
    assert states == sorted(states, key=["critical", "warning", "info", "ok"].index)
    assert output[-1] == (
        f"{states.count('critical')} critical, {states.count('warning')} warning."
    )


def test_pg_cron_that_is_installed_and_does_nothing(checks, conn) -> None:
    # what of pg_cron is looked at, as 1.4 and 1.6 have it; itself it fits one database alone
    conn.execute(
        """
        create schema cron
        create table job (jobid bigint, active boolean, database text, command text)
        create table job_run_details (
            jobid bigint, runid bigint, status text, return_message text, start_time timestamptz
        )"""
    )
    assert "artery.schedule_sweeps()" in checks()["pg_cron"]["mend"]
    conn.execute("insert into cron.job values (1, true, current_database(), 'call artery.tick()')")
    assert checks()["pg_cron"]["state"] == "ok"
    conn.execute("update cron.job set active = false")
    assert "switched off" in checks()["pg_cron"]["found"]
    run = "insert into cron.job_run_details values (1, %s, %s, %s, now() - %s::interval)"
    conn.execute("update cron.job set active = true")
    conn.execute(run, (1, "failed", "ERROR: no", "1 minute"))
    assert checks()["pg_cron"]["found"] == "failed: ERROR: no"
    conn.execute(run, (2, "succeeded", "", "1 hour"))
    assert "Restart the server" in checks()["pg_cron"]["mend"]
    conn.execute("create role cron_stranger login; grant artery_reader to cron_stranger")
    try:
        stranger = make_conninfo(conn.info.dsn, user="cron_stranger")
        assert checks(dsn=stranger)["pg_cron"]["state"] == "info"
    finally:
        conn.execute("drop owned by cron_stranger; drop role cron_stranger")
