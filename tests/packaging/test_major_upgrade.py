"""A newer PostgreSQL under the same database: nothing lost, nothing sent unasked."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from catalog_snapshot import snapshot
from extension_server import server_with

from pg_artery.cluster import Cluster
from pg_artery.migrate import migrate, status
from pg_artery.servers import ClusterError, Server, find_servers
from previous_release import FURNITURE, contents, lost

#: what pg_upgrade runs, of either server
OLD = ("pg_controldata", "pg_resetwal")
NEW = ("pg_upgrade", "pg_checksums", "pg_dump", "pg_dumpall", "pg_restore", "psql", "vacuumdb")
COMPRESSED = "artery_staging.iot_reading_batch"
OUTBOX = (
    "insert into artery.endpoint (name, base_url) values ('tax', 'http://127.0.0.1/v1'); "
    "insert into artery.route (topic, endpoint_id, path_template) "
    "select 'tax.invoice', id, '/issue' from artery.endpoint"
)


@pytest.fixture(scope="module")
def old_and_new(pytestconfig) -> tuple[Server, Server]:
    """Two major versions of PostgreSQL, as far apart as may be."""
    if not pytestconfig.getoption("--long"):
        pytest.skip("a newer PostgreSQL is tried in the long form: --long")
    servers = sorted(find_servers().values(), key=lambda server: server.major)

    def having(programs: tuple[str, ...]) -> list[Server]:
        return [s for s in servers if all((s.bindir / name).exists() for name in programs)]

    old, new = having(OLD)[:1], having(NEW)[-1:]
    if not (old and new and old[0].major < new[0].major):
        pytest.skip("no two versions of PostgreSQL, the newer with pg_upgrade")
    return old[0], new[0]


@pytest.fixture(params=["migrated", "extension", "migrated, by a dump"])
def clusters_to_upgrade(
    request: pytest.FixtureRequest, old_and_new: tuple[Server, Server], extension_files: Path
) -> Iterator[tuple[Cluster, Cluster, str]]:
    """The two, up, that find the extension where that is the mode; and the mode."""
    old, new = old_and_new
    settings = {}
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        if request.param == "extension":
            Path(folder).chmod(0o755)
            old = server_with(old, extension_files, Path(folder))
            settings = {"extension_control_path": f"$system:{extension_files.parent}"}
        with (
            Cluster(old, durable=False, cron_database=None) as before,
            Cluster(new, durable=False, cron_database=None, settings=settings) as after,
        ):
            yield before, after, request.param


def forget_marks(old: Cluster, new: Cluster, database: str) -> None:
    """Let a server take tables over from one with a later security release than its own.

    15.20 of Debian marks each column with an option, pg_attver, that 18.6 does not know: it would
    refuse every table, whosever it is. A server of the same day would not.
    """
    marked = "select count(*) from pg_attribute where attoptions::text ~ 'pg_attver'"
    with psycopg.connect(new.dsn(), autocommit=True) as conn:
        if conn.execute(marked).fetchone() != (0,):
            return
    with psycopg.connect(old.dsn(database), autocommit=True) as conn:
        conn.execute("update pg_attribute set attoptions = null where attoptions is not null")


def has_lz4(cluster: Cluster) -> bool:
    """Tell whether a server is built with the compression that one of our columns asks for."""
    with psycopg.connect(cluster.dsn()) as conn:
        methods = "select enumvals from pg_settings where name = 'default_toast_compression'"
        [(values,)] = conn.execute(methods).fetchall()
    return "lz4" in values


def pg_upgrade(old: Cluster, new: Cluster) -> None:
    if has_lz4(old) and not has_lz4(new):
        with psycopg.connect(old.dsn("erp")) as conn:
            assert conn.execute(f"select from {COMPRESSED}").rowcount == 0
            conn.execute(f"alter table {COMPRESSED} alter column readings set compression default")
    old.stop()
    new.stop()
    data = [str(cluster.path / "data") for cluster in (old, new)]
    new.run("pg_checksums", "--disable", "--no-sync", "-D", data[1])  # initdb's default since 18
    where = ("-b", str(old.server.bindir), "-d", data[0], "-D", data[1])
    ports = ("-p", str(old.port), "-P", str(new.port), "-s", str(new.path))
    try:
        new.run("pg_upgrade", "-U", "postgres", "--no-sync", *where, *ports)
    except ClusterError as error:
        logs = [file.read_text() for file in (new.path / "data/pg_upgrade_output.d").rglob("*.log")]
        said = [line for log in logs for line in log.splitlines() if "error:" in line]
        raise AssertionError(f"{error}\n{said}") from error
    new.start()


def dump(old: Cluster, new: Cluster) -> None:
    """Move roles and database with the newer server's programs, as the manual advises."""
    there, here = (("-h", str(c.path), "-p", str(c.port), "-U", "postgres") for c in (old, new))
    new.run("pg_dumpall", *there, "--roles-only", "-f", "roles.sql")
    new.run("psql", *here, "-X", "-q", "-f", "roles.sql")  # the superuser is there already
    plain = [] if has_lz4(new) else ["--no-toast-compression"]
    new.run("pg_dump", *there, *plain, "-Fc", "-f", "erp.dump", "erp")
    new.run("pg_restore", *here, "--exit-on-error", "--create", "-d", "postgres", "erp.dump")


def install(dsn: str, extension: bool) -> None:
    if extension:
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute("create extension pg_artery")
    else:
        migrate(dsn)


def claim(conn: psycopg.Connection) -> int:
    """Claim as a runner would; gives how many tasks it got."""
    [(runner,)] = conn.execute("select artery.register_runner('r', 'h', 1, '0')").fetchall()
    return len(conn.execute("select from artery.claim_tasks(%s)", (runner,)).fetchall())


def test_on_a_newer_server_all_is_there_and_nothing_goes_out_until_it_is_armed(
    clusters_to_upgrade: tuple[Cluster, Cluster, str],
) -> None:
    old, new, mode = clusters_to_upgrade
    extension = mode == "extension"
    dsn = old.create_database("erp")
    install(dsn, extension)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(OUTBOX)
        conn.execute("call artery.tick()")
        conn.execute(FURNITURE.read_bytes())
        assert claim(conn) > 0
    before = contents(dsn)
    forget_marks(old, new, "erp")
    (dump if "dump" in mode else pg_upgrade)(old, new)

    dsn = new.dsn("erp")
    assert lost(before, dsn) == []
    if not extension:
        # a newer server prints some views otherwise; their text is what the fingerprint is of
        assert status(dsn).code in ("up to date", "changed in the database")
        migrate(dsn)
        assert status(dsn).up_to_date
    with psycopg.connect(dsn, autocommit=True) as conn:
        with pytest.raises(psycopg.Error) as refused:
            claim(conn)
        assert refused.value.sqlstate == "IN060"
        conn.execute("select artery.arm(p_reason => 'a newer PostgreSQL')")
        conn.execute("select artery.enqueue_task('tax.invoice', '{}')")
        assert claim(conn) > 0
    install(new.create_database("fresh"), extension)
    assert snapshot(dsn) == snapshot(new.dsn("fresh"))
