"""`artery migrate` killed at its statements: the next run takes it up."""

from __future__ import annotations

import functools
import time

import psycopg
import pytest
from catalog_snapshot import snapshot
from test_migrate import query, yes

import previous_release
from pg_artery import migrate as work
from pg_artery import session
from pg_artery.migrate import Source, migrate, rollback, status


class Killed(psycopg.Cursor):
    """Has the server end the session before each statement that it has not been ended at yet."""

    done: set[tuple[str, str, int]]
    phase: str
    counts: dict[str, int]
    admin: psycopg.Connection
    stride: dict[bool, int]  # of a migration's statements, and of the loading's

    def execute(self, query, params=None, **kwargs):
        text = query.decode() if isinstance(query, bytes) else str(query)
        self.counts[text] = self.counts.get(text, 0) + 1
        point = (self.phase, text, self.counts[text])
        # before a statement that writes nothing the state is that before the next one that does
        skip = text.lstrip().startswith(("SAVEPOINT", "select", "set ", "reset", "with schemas"))
        if not skip and point not in self.done:
            self.done.add(point)
            if len(self.done) % self.stride[self.phase.startswith("loading")] == 0:
                self.end_session((self.connection.info.backend_pid,))
        return super().execute(query, params, **kwargs)

    def end_session(self, pid: tuple[int]) -> None:
        self.admin.execute("select pg_terminate_backend(%s)", pid)
        while self.admin.execute("select 1 from pg_stat_activity where pid = %s", pid).fetchone():
            time.sleep(0.001)


def migrate_killed(cluster, dsn: str, source: Source | None, stride: dict[bool, int], m) -> int:
    """Migrate, again and again, until nothing kills it any more; gives how often it was killed."""
    connect = psycopg.connect

    def connect_killed(*args, **kwargs):
        Killed.counts = {}
        return connect(*args, **kwargs, cursor_factory=Killed)

    def say(line: str) -> None:
        Killed.phase = line
        Killed.counts.clear()

    kills = 0
    Killed.done = set()
    Killed.stride = stride
    with psycopg.connect(cluster.dsn(), autocommit=True) as Killed.admin, m.context() as patched:
        patched.setattr(session.psycopg, "connect", connect_killed)
        patched.setattr(work, "load_migrations", functools.cache(work.load_migrations))
        while True:
            Killed.phase = "starting"
            try:
                migrate(dsn, source=source, say=say)
            except psycopg.OperationalError:
                kills += 1
            else:
                return kills


TWICE = "select migration_id from artery_install._yoyo_log group by 1 having count(*) > 1"


@pytest.mark.timeout(1800)  # seven hundred kills in the long form
@pytest.mark.one_server
def test_killed_at_any_statement_the_next_run_converges(
    cluster, empty: str, template: str, monkeypatch, pytestconfig
) -> None:
    """Every statement of every migration in the long form, each sixteenth else.

    Loading is one transaction, and long: some of its statements will do.
    """
    long = pytestconfig.getoption("--long")
    stride = {False: 1 if long else 16, True: 80 if long else 160}
    kills = migrate_killed(cluster, empty, None, stride, monkeypatch)
    assert kills > (150 if long else 12)
    assert status(empty).up_to_date
    assert snapshot(empty) == snapshot(cluster.dsn(template))
    assert query(empty, TWICE) == []


@pytest.mark.one_server
def test_an_upgrade_killed_at_each_statement_converges_and_keeps_the_data(
    cluster, once, template: str, monkeypatch, tmp_path
) -> None:
    furnished, source = previous_release.template(cluster, once), previous_release.later(tmp_path)
    with (
        cluster.database("upgrade_killed", furnished) as killed,
        cluster.database("upgraded", furnished) as reference,
    ):
        before, old = previous_release.contents(killed), snapshot(killed)
        kills = migrate_killed(cluster, killed, source, {False: 1, True: 400}, monkeypatch)
        assert kills > 8
        assert status(killed, source=source).up_to_date
        assert previous_release.lost(before, killed) == []
        migrate(reference, source=source)
        assert snapshot(killed) == snapshot(reference)
        assert query(killed, TWICE) == []
        rollback(killed, to=previous_release.previous()[0].version, source=source, confirm=yes)
        assert previous_release.lost(before, killed) == [], "back, with what was there"
        assert snapshot(killed) == old, "and all as that release had it"
        migrate(killed, source=source)
        assert snapshot(killed) == snapshot(reference)
