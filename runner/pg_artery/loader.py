"""Loads all of sql/ in one transaction, finds orphans, and takes the code away again."""

from __future__ import annotations

import psycopg

from pg_artery import catalog, steps
from pg_artery.catalog import Connection
from pg_artery.errors import ArteryError, sql_error
from pg_artery.resources import Code

# functions that a migration made stay: its rollback drops them
_DROPPABLE = """
select m from artery_install.code as c, unnest(c.managed) as m where c.loaded
except
select o from artery_install.migration_file as f, unnest(f.code_objects) as o
"""


def load(conn: Connection, code: Code, schema_checksum: str) -> None:
    """Load the code as artery_owner, inside the caller's transaction.

    :param schema_checksum: names the state of the migrations that this code goes with
    :raises ArteryError: IN905 if a function, view or trigger is left that this code did not write;
        with the server's SQLSTATE, the file and the line, if a file fails
    """
    conn.execute("set local search_path = ''")
    conn.execute(steps.before(catalog.CODE).encode())
    conn.execute(steps.LOAD)
    transaction = _transaction_id(conn)
    for path, text in code.files:
        _run(conn, path, text)
        if _transaction_id(conn) != transaction:
            raise ArteryError(
                "IN908",
                f"sql/{path} ends the transaction it is loaded in",
                hint="Take the commit or rollback out of it; what was loaded is not whole.",
            )
    conn.execute(steps.after(catalog.CODE).encode())
    try:
        conn.execute(steps.NO_ORPHANS)
        conn.execute(steps.VALIDATE)
    except psycopg.Error as error:
        raise sql_error(error) from error
    conn.execute(steps.FORGET)
    fingerprint = catalog.fingerprint_of(catalog.CODE)
    conn.execute(steps.remember(code, schema_checksum, fingerprint).encode())


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
    conn.execute(steps.FORGET)
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
