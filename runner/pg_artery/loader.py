"""Loads all of sql/ in one transaction, finds orphans, and takes the code away again."""

from __future__ import annotations

import json
from collections.abc import Iterable

import psycopg

from pg_artery import __version__, catalog
from pg_artery.catalog import CodeObject, Connection
from pg_artery.errors import ArteryError, sql_error
from pg_artery.resources import Code

_VALIDATE = """
select
    case l.lanname
        when 'plpgsql' then pg_catalog.plpgsql_validator(p.oid)::text
        else pg_catalog.fmgr_sql_validator(p.oid)::text
    end
from pg_catalog.pg_proc as p
join pg_catalog.pg_language as l on l.oid = p.prolang
where p.oid = %s and l.lanname in ('plpgsql', 'sql')
"""

_REMEMBER = """
insert into artery_install.code
    (schema_checksum, checksum, version, files, managed, fingerprint, loaded)
values (%s, %s, %s, %s, %s, %s, true)
on conflict (schema_checksum) do update set
    checksum = excluded.checksum, version = excluded.version, files = excluded.files,
    managed = excluded.managed, fingerprint = excluded.fingerprint, loaded = true,
    loaded_at = excluded.loaded_at
"""

_FORGET = "update artery_install.code set loaded = false where loaded"

# functions that a migration made stay: its rollback drops them
_DROPPABLE = """
select m from artery_install.code as c, unnest(c.managed) as m where c.loaded
except
select o from artery_install.migration_file as f, unnest(f.code_objects) as o
"""


def load(conn: Connection, code: Code, schema_checksum: str) -> list[CodeObject]:
    """Load the code as artery_owner, inside the caller's transaction.

    :param schema_checksum: names the state of the migrations that this code goes with
    :returns: the objects that the code made or replaced
    :raises ArteryError: IN905 if a function, view or trigger is left that this code did not write;
        with the server's SQLSTATE, the file and the line, if a file fails
    """
    before = {item.oid: item.written for item in catalog.code_objects(conn)}
    conn.execute("set local role artery_owner")
    conn.execute("set local search_path = ''")
    conn.execute("set local check_function_bodies = off")
    transaction = _transaction_id(conn)
    for path, text in code.files:
        _run(conn, path, text)
        if _transaction_id(conn) != transaction:
            raise ArteryError(
                "IN908",
                f"sql/{path} ends the transaction it is loaded in",
                hint="Take the commit or rollback out of it; what was loaded is not whole.",
            )
    # a file may have set any of these
    conn.execute("set local role artery_owner")
    conn.execute("set local search_path = ''")
    after = catalog.code_objects(conn)
    # create or replace writes the row anew even if nothing changed
    managed = [item for item in after if before.get(item.oid) != item.written]
    _fail_on_orphans(conn, after, managed)
    _validate(conn, managed)
    conn.execute(_FORGET)
    labels = [item.label for item in managed]
    values = (__version__, json.dumps(code.files), labels, catalog.fingerprint(after))
    conn.execute(_REMEMBER, (schema_checksum, code.checksum, *values))
    return managed


def drop(conn: Connection) -> list[str]:
    """Drop all code that sql/ made, as artery_owner, inside the caller's transaction.

    :returns: what was dropped, as after DROP
    :raises ArteryError: 2BP01 if an object that is not ours needs one of them
    """
    conn.execute("set local role artery_owner")
    doomed = {label for (label,) in conn.execute(_DROPPABLE)}
    left = [item.label for item in catalog.code_objects(conn) if item.label in doomed]
    dropped: list[str] = []
    while left:  # views may need functions and functions views: whatever nothing needs goes first
        still: list[str] = []
        for label in left:
            try:
                with conn.transaction():
                    conn.execute(f"drop {label}".encode())
                dropped.append(label)
            except psycopg.errors.DependentObjectsStillExist as error:
                still.append(label)
                reason = sql_error(error, label, "cannot be dropped")
        if len(still) == len(left):
            raise reason
        left = still
    conn.execute(_FORGET)
    return dropped


def stored_code(conn: Connection, schema_checksum: str) -> Code | None:
    """Give the code that was loaded last at that state of the migrations, if ever."""
    row = conn.execute(
        "select c.files from artery_install.code as c where c.schema_checksum = %s",
        (schema_checksum,),
    ).fetchone()
    return Code(tuple((path, text) for path, text in row[0])) if row else None


def _transaction_id(conn: Connection) -> object:
    row = conn.execute("select pg_catalog.pg_current_xact_id()::text").fetchone()
    return row and row[0]


def _run(conn: Connection, path: str, text: str) -> None:
    try:
        conn.execute(text.encode())
    except psycopg.Error as error:
        position = int(error.diag.statement_position or 0)
        line = f", line {text.count(chr(10), 0, position - 1) + 1}" if position else ""
        raise sql_error(error, f"sql/{path}{line}", "load failed") from error


def _fail_on_orphans(
    conn: Connection, after: Iterable[CodeObject], managed: Iterable[CodeObject]
) -> None:
    rows = conn.execute("select unnest(f.code_objects) from artery_install.migration_file as f")
    known = {label for (label,) in rows} | {item.label for item in managed}
    orphans = [item.label for item in after if item.label not in known]
    if orphans:
        drops = " ".join(f"drop {label};" for label in orphans)
        raise ArteryError(
            "IN905",
            "objects in pg_artery's schemas that its code did not make",
            "; ".join(orphans),
            f"Removed from sql/, or with other argument types now? Into a new migration: {drops}",
        )


def _validate(conn: Connection, managed: Iterable[CodeObject]) -> None:
    """Compile every body, now that all objects are there, whatever the order of the files."""
    conn.execute("set local check_function_bodies = on")
    for item in managed:
        if item.kind in ("function", "procedure"):
            try:
                conn.execute(_VALIDATE, (item.oid,))
            except psycopg.Error as error:
                raise sql_error(error, item.label, "does not compile") from error
