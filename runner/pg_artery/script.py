"""`artery migrate --sql`: what a migration would execute, as one script for psql."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
from yoyo.migrations import Migration

from pg_artery import __version__, catalog, install, online, steps
from pg_artery.backend import Backend, file_checksums, load_migrations
from pg_artery.errors import ArteryError
from pg_artery.migrate import Source, check, code_state
from pg_artery.releases import releases
from pg_artery.resources import Code, checksum, read_code, read_text
from pg_artery.session import refuse_extension

_HEAD = """\
-- pg_artery {version}: {count} migrations{code}, made by artery migrate --sql
-- for a database {state}.
--
--   psql -X -v ON_ERROR_STOP=1 -d DATABASE -f THIS_FILE
--
-- Connect as artery migrate would: to the server itself, as the owner of the database or another
-- role that may create schemas in it. Each step is one transaction together with the mark that it
-- is done. After an error or an interruption what was committed stays and is marked: make a new
-- script. On a database in another state than that above this one stops before it does anything.
-- Afterwards `artery migrate status` says: up to date.
\\set ON_ERROR_STOP on
\\set ON_ERROR_ROLLBACK off
\\set AUTOCOMMIT on
\\encoding UTF8
set standard_conforming_strings = on;
set search_path = '';
set lock_timeout = '{lock_timeout:g}s';
{refuse_extension}{check_client}
do $lock$
begin
    if not pg_try_advisory_lock({lock[0]}, {lock[1]}) then
        raise exception using errcode = 'IN907',
            message = 'another artery migrate is at work in this database',
            hint = 'Wait until it is through; then make a new script.';
    end if;
end
$lock$;

-- the functions, procedures, views and triggers in our schemas, as `:objects` below
select $query${objects}$query$ as objects \\gset
"""

_GUARD = """\
do $guard$
declare
    v_found text := '{empty}';
begin
    if to_regclass('artery_install._yoyo_migration') is not null then
        select encode(sha256(string_agg(
            convert_to(m.migration_id || ' ' || coalesce(f.checksum, ''), 'UTF8'), '\\x00'
            order by m.migration_id collate "C"
        )), 'hex')
        into v_found
        from artery_install._yoyo_migration as m
        left join artery_install.migration_file as f on f.migration_id = m.migration_id;
    end if;
    if v_found is distinct from '{state}' then
        raise exception using errcode = 'IN915',
            message = 'this script is not for the state that this database is in',
            detail = {detail},
            hint = 'Make a new one for it: artery migrate --sql.';
    end if;
end
$guard$;
"""

_OBJECTS = ":objects"


def script(
    dsn: str = "",
    *,
    since: str | None = None,
    source: Source | None = None,
    lock_timeout: float = 10,
) -> Iterator[str]:
    """Write the script, a piece at a time; changes nothing.

    :param dsn: libpq connection string of the database that it is for
    :param since: instead of looking at a database: `empty`, a version, or a migration
    :param lock_timeout: longest wait for a table's lock that the script will have, in seconds
    :raises ArteryError: IN901 to IN911, IN910 if there is no such version or migration
    """
    source = source or Source()
    migrations = load_migrations(source.migrations)
    ours = file_checksums(migrations)
    code: Code | None = read_code(source.sql)
    if since is not None:
        last = _last(since, list(ours), source.migrations)
        applied = {name: ours[name] for name in ours if name <= last}
    else:
        with psycopg.connect(dsn, autocommit=True, application_name="artery migrate --sql") as conn:
            refuse_extension(conn)
            applied = Backend(conn).applied()
            check(applied, ours)
            if applied.keys() == ours.keys() and code:
                code = None if code_state(conn, code, applied) == "up to date" else code
    pending = [m for m in migrations if m.id not in applied]
    yield from _write(applied, pending, code, lock_timeout)


def _last(since: str, names: list[str], folder: Path) -> str:
    versions = {release.version: release.last_migration for release in releases(folder)}
    found = {"empty": ""} | versions | {name: name for name in names}
    if since not in found:
        raise ArteryError(
            "IN910",
            f"there is no version or migration {since}",
            f"Versions: {', '.join(versions) or 'none'}. Newest migration: {max(names)}.",
            "Give empty, a version, or the full name of a migration, as artery migrate status "
            "shows it.",
        )
    return found[since]


def _write(
    applied: dict[str, str], pending: list[Migration], code: Code | None, lock_timeout: float
) -> Iterator[str]:
    if not pending and code is None:
        yield f"-- pg_artery {__version__}: nothing to do, the database is up to date.\n"
        return
    yield _HEAD.format(
        version=__version__,
        count=len(pending),
        code=f" and {len(code.files)} files of functions, views and triggers" if code else "",
        state=f"at {max(applied)}" if applied else "without pg_artery",
        lock_timeout=lock_timeout,
        refuse_extension=steps.REFUSE_EXTENSION,
        check_client=steps.CHECK_CLIENT,
        lock=steps.LOCK_KEY,
        objects=catalog.CODE,
    )
    yield _guard(applied)
    for migration in pending:
        yield f"\n\\echo 'applying {migration.id}'\n"
        text = read_text(Path(migration.path))
        if online.is_online(text):
            yield from _outside(migration.id, text, applied, lock_timeout)
        else:
            yield _begin(applied)
            yield f"{steps.before(_OBJECTS).strip()} \\gset artery_\n\n{text.strip()}\n"
        if not applied:
            yield "\nreset role;\n" + "".join(_end(s) for s in install.statements())
        file_checksum = checksum(text)
        host = "coalesce(host(inet_client_addr()), 'psql')"
        yield _end(steps.mark(migration, file_checksum, host, _OBJECTS)) + "commit;\n"
        applied = applied | {migration.id: file_checksum}
    if code:
        yield from _load(code, applied)
    yield "\nreset search_path;\nreset lock_timeout;\n"
    yield f"do 'begin perform pg_advisory_unlock{steps.LOCK_KEY}; end';\n"
    yield "\\echo 'done: artery migrate status compares'\n"


def _end(statement: str) -> str:
    return statement.strip().removesuffix(";") + ";\n"


def _guard(applied: dict[str, str]) -> str:
    newest = (
        f"at {max(applied)}, with {len(applied)} migrations" if applied else "without pg_artery"
    )
    return _GUARD.format(
        empty=checksum(""),
        state=steps.state_checksum(applied),
        detail=steps.literal(f"It was made for a database {newest}."),
    )


def _begin(applied: dict[str, str]) -> str:
    return f"begin;\n{_guard(applied)}set local search_path = '';\n"


def _outside(name: str, text: str, applied: dict[str, str], lock_timeout: float) -> Iterator[str]:
    yield _guard(applied)
    yield "set role artery_owner;\nset lock_timeout = 0;\n"
    for statement in online.statements(name, text):
        yield f"{statement.leftover.strip()} \\gexec\n{statement.text};\n"
    yield f"reset role;\nset lock_timeout = '{lock_timeout:g}s';\n\n{_begin(applied)}"
    yield f"{steps.before(_OBJECTS).strip()} \\gset artery_\n"


def _load(code: Code, applied: dict[str, str]) -> Iterator[str]:
    yield f"\n\\echo 'loading {len(code.files)} files of sql/'\n"
    yield _begin(applied)
    yield f"{steps.before(_OBJECTS).strip()} \\gset artery_\n{_end(steps.LOAD)}"
    for path, text in code.files:
        yield f"\n-- sql/{path}\n{text.strip()}\n"
    yield f"\n{steps.after(_OBJECTS).strip()} \\gset artery_\n"
    yield _end(steps.NO_ORPHANS) + _end(steps.VALIDATE) + _end(steps.FORGET)
    fingerprint = catalog.fingerprint_of(_OBJECTS)
    yield _end(steps.remember(code, steps.state_checksum(applied), fingerprint)) + "commit;\n"
