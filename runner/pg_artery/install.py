"""The schema artery_install, with yoyo's own tables, as SQL text."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from yoyo import internalmigrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.migrations import default_migration_table

_INSTALL = """
create schema artery_install authorization artery_owner;
comment on schema artery_install is
'pg_artery, what artery migrate remembers: migrations, their checksums, loaded code';
set local role artery_owner;
set local search_path = artery_install;
grant usage on schema artery_install to artery_reader;
create table artery_install.migration_file (
    migration_id text primary key,
    checksum text not null,
    code_objects text[] not null
);
comment on table artery_install.migration_file is
'The applied migrations: SHA-256 of the file, and the functions, views and triggers that it made';
create table artery_install.code (
    schema_checksum text primary key,
    checksum text not null,
    version text not null,
    files jsonb not null,
    managed text[] not null,
    fingerprint text not null,
    loaded boolean not null,
    loaded_at timestamptz not null default clock_timestamp()
);
comment on table artery_install.code is
'The code loaded last at each state of the schema, whole: a rollback to that state loads it again';
"""

_AFTER_YOYO = """
comment on table artery_install._yoyo_migration is 'yoyo: the applied migrations';
comment on table artery_install._yoyo_log is 'yoyo: what was applied and rolled back, and by whom';
comment on table artery_install._yoyo_version is 'yoyo: the version of its own tables';
grant select on all tables in schema artery_install to artery_reader;
reset role;
"""


def statements() -> list[str]:
    """List what makes the schema artery_install, yoyo's own tables included."""
    recorder = _Recorder()
    internalmigrations.upgrade(recorder)
    return [_INSTALL.strip(), *recorder.statements, _AFTER_YOYO.strip()]


class _Recorder(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """A yoyo backend that takes statements down instead of executing them."""

    def __init__(self) -> None:
        self.migration_table = default_migration_table
        self.statements: list[str] = []

    def execute(self, query: str, params: dict[str, Any] | None = None) -> _Recorder:
        def value(match: re.Match[str]) -> str:
            given = (params or {})[match[1]]
            now = "clock_timestamp() at time zone 'UTC'"
            return now if isinstance(given, datetime) else str(given)

        if not query.startswith("SELECT"):
            self.statements.append(re.sub(r":(\w+)", value, query).strip())
        return self

    def fetchone(self) -> None:
        """Give nothing: there is no row yet."""

    def list_tables(self, **_: Any) -> list[str]:
        """Give nothing: there is no table yet."""
        return []

    @contextlib.contextmanager
    def transaction(self, rollback_on_exit: bool = False) -> Iterator[None]:  # noqa: ARG002
        """Do nothing: whoever executes the statements is in one."""
        yield
