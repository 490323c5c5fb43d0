"""yoyo's backend for `postgresql+psycopg://`, made safe to kill.

As it comes, yoyo 9 applies a migration on one connection and marks it on another, so that a
process killed between the two applies it twice; it notices no edited file; its lock is a row that
outlives a dead process; it prints what a statement returns; it looks up the host's name in DNS.
Here each migration, its mark and its checksum are one transaction on one connection, which also
holds the advisory lock: when the process dies, so does the lock.

yoyo's tables and ours live in the schema artery_install, which comes with the first migration
(it makes the owner) and goes with the last; the user's own yoyo in `public` is left alone.
"""

from __future__ import annotations

import contextlib
import io
import socket
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import Migration, MigrationList, default_migration_table

from pg_artery import catalog, install, online, steps
from pg_artery.catalog import Connection
from pg_artery.errors import ArteryError, sql_error
from pg_artery.resources import checksum, read_text

_APPLIED = """
select m.migration_id, f.checksum
from artery_install._yoyo_migration as m
left join artery_install.migration_file as f on f.migration_id = m.migration_id
order by m.migration_id
"""


def load_migrations(folder: Path) -> MigrationList:
    """Read the migrations of a folder, in order of their names.

    :raises ArteryError: IN909 for one that could not be applied and marked in one transaction, or
        that has no way back
    """
    migrations = read_migrations(str(folder))
    for migration in [*migrations, *migrations.post_apply]:
        migration.load()
        fault = None
        if migration in migrations.post_apply:
            fault = "is a post-apply hook: yoyo skips those when nothing is pending"
        elif not migration.is_raw_sql():
            fault = "is no SQL"
        elif not Path(migration.path).with_suffix(".rollback.sql").exists():
            fault = "has no .rollback.sql"
        if fault:
            raise ArteryError(
                "IN909", f"migration {migration.id} {fault}", migration.path, "0001 is a model."
            )
        if not migration.use_transactions:
            online.statements(migration.id, read_text(Path(migration.path)))
            migration.use_transactions = True  # its way back: all rollbacks are one transaction
    return migrations


def list_migrations(folder: Path) -> MigrationList:
    """List the migrations of a folder, unread: to take all apart costs a second."""
    return read_migrations(str(folder))


def file_checksums(migrations: MigrationList) -> dict[str, str]:
    """Map each migration's id to the SHA-256 of its file."""
    return {m.id: checksum(read_text(Path(m.path))) for m in migrations}


class Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """A yoyo backend on a connection that is given, in autocommit mode."""

    _is_locked = True  # by our advisory lock: yoyo's lock table never comes into being

    def __init__(self, conn: Connection) -> None:
        self._given = conn
        uri = DatabaseURI("postgresql+psycopg", None, None, None, None, conn.info.dbname, {})
        super().__init__(uri, default_migration_table)

    def connect(self, dburi: DatabaseURI) -> Connection:  # noqa: ARG002
        """Give the connection; yoyo's tables are looked up in our schema alone."""
        self.schema = "artery_install"
        return self._given

    @property
    def installed(self) -> bool:
        """Whether any migration is applied."""
        row = self.connection.execute(
            "select pg_catalog.to_regclass('artery_install._yoyo_migration') is not null"
        ).fetchone()
        return bool(row[0])

    def get_applied_migration_hashes(self) -> list[str]:
        """List the hashes of the applied migrations (yoyo hashes the name, not the text)."""
        return super().get_applied_migration_hashes() if self.installed else []

    def ensure_internal_schema_updated(self) -> None:
        """Upgrade yoyo's own tables, where there are any."""
        if self.installed:
            super().ensure_internal_schema_updated()

    def applied(self) -> dict[str, str]:
        """Map each applied migration's id to the checksum that its file had."""
        return dict(self.connection.execute(_APPLIED)) if self.installed else {}

    def apply_one(self, migration: Migration, force: bool = False, mark: bool = True) -> None:
        """Apply a migration and mark it, with its checksum, in one transaction."""
        del force, mark
        text = read_text(Path(migration.path))
        if online.is_online(text):
            self._apply_outside(migration, text)
            with self.transaction():
                self.execute("set local search_path = ''")
                self.connection.execute(steps.before(catalog.CODE).encode())
                self._mark(migration)
            return
        with self.transaction():
            self.execute("set local search_path = ''")
            self.connection.execute(steps.before(catalog.CODE).encode())
            self._process(migration, "apply")
            self._mark(migration)

    def rollback_one(self, migration: Migration, force: bool = False) -> None:
        """Roll a migration back and unmark it, in one transaction; the last takes our schema."""
        del force
        with self.transaction():
            self.execute("set local role artery_owner")
            self.execute("set local search_path = artery_install")
            self.log_migration(migration, "rollback")
            self.unmark_one(migration, log=False)
            self.connection.execute(
                "delete from artery_install.migration_file where migration_id = %s", (migration.id,)
            )
            self._process(migration, "rollback")
            if not self.applied():
                self.execute("drop schema artery_install cascade")

    def rollback(self) -> None:
        """Roll back, unless the connection is lost: that error is the one to show."""
        if not self.connection.closed:
            super().rollback()

    def savepoint_rollback(self, id: str) -> None:
        """Roll back to a savepoint, unless the connection is lost."""
        if not self.connection.closed:
            super().savepoint_rollback(id)

    def get_log_data(
        self, migration: Migration | None = None, operation: str = "apply"
    ) -> dict[str, Any]:
        """Give yoyo's log row without asking DNS or the password file."""
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": self.connection.info.user,
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }

    def _apply_outside(self, migration: Migration, text: str) -> None:
        conn = self.connection
        row = conn.execute("select pg_catalog.current_setting('lock_timeout')").fetchone()
        # waiting here keeps nobody out
        conn.execute("set lock_timeout = 0; set role artery_owner; set search_path = ''")
        try:
            for statement in online.statements(migration.id, text):
                for (drop,) in conn.execute(statement.leftover.encode()).fetchall():
                    conn.execute(drop.encode())
                conn.execute(statement.text.encode())
        except psycopg.Error as error:
            raise sql_error(error, f"migration {migration.id}", "apply failed") from error
        finally:
            if not conn.closed:
                conn.execute("reset role; set search_path = artery_install")
                conn.execute("select pg_catalog.set_config('lock_timeout', %s, false)", row)

    def _mark(self, migration: Migration) -> None:
        if not self.installed:
            self.execute("reset role")
            for statement in install.statements():
                self.connection.execute(statement.encode())
        host = steps.literal(socket.gethostname())
        digest = checksum(read_text(Path(migration.path)))
        self.connection.execute(steps.mark(migration, digest, host, catalog.CODE).encode())

    def _process(self, migration: Migration, direction: str) -> None:
        # no schema on the path: what a migration makes it must name in full
        self.execute("set local search_path = ''")
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # yoyo prints the rows of a statement
                migration.process_steps(self, direction)
        except psycopg.Error as error:
            raise sql_error(error, f"migration {migration.id}", f"{direction} failed") from error
