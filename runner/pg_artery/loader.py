"""Loads all of sql/ in one transaction, finds orphans, and takes the code away again."""

from __future__ import annotations

import json
from collections.abc import Iterable

import psycopg

from pg_artery import __version__, catalog
from pg_artery.catalog import INSTALL_SCHEMA, CodeObject, Connection
from pg_artery.errors import ArteryError
from pg_artery.resources import Code

# every body is compiled once all of them are there, whatever their order in the manifest
_VALIDATE = """
select p.oid::pg_catalog.regprocedure::text,
    case l.lanname
        when 'plpgsql' then pg_catalog.plpgsql_validator(p.oid)::text
        else pg_catalog.fmgr_sql_validator(p.oid)::text
    end
from pg_catalog.pg_proc as p
join pg_catalog.pg_language as l on l.oid = p.prolang
where p.oid = any (%s) and l.lanname in ('plpgsql', 'sql')
"""


def load(conn: Connection, code: Code, schema_checksum: str) -> list[CodeObject]:
    """Load the code as artery_owner, inside the caller's transaction.

    :param schema_checksum: names the state of the migrations that this code goes with
    :returns: the objects that the code made or replaced
    :raises ArteryError: IN905 if a function, view or trigger is left that this code did not write, IN908
        with file and line if a file fails
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
                "IN908", f"{path} ends the transaction it is loaded in", hint="Take out the commit."
            )
    after = catalog.code_objects(conn)
    managed = [item for item in after if before.get(item.oid) != item.written]
    _fail_on_orphans(conn, after, managed)
    _validate(conn, managed)
    conn.execute("set local role artery_owner")  # a file may have reset it
    conn.execute(f"update {INSTALL_SCHEMA}.code set loaded = false where loaded")
    conn.execute(
        f"""
        insert into {INSTALL_SCHEMA}.code as c
            (schema_checksum, checksum, version, files, managed, fingerprint, loaded)
        values (%s, %s, %s, %s, %s, %s, true)
        on conflict (schema_checksum) do update set
            checksum = excluded.checksum, version = excluded.version, files = excluded.files,
            managed = excluded.managed, fingerprint = excluded.fingerprint, loaded = true,
            loaded_at = excluded.loaded_at
        """,
        (
            schema_checksum,
            code.checksum,
            __version__,
            json.dumps(code.files),
            [item.label for item in managed],
            catalog.fingerprint(after),
        ),
    )
    return managed


def drop(conn: Connection) -> list[str]:
    """Drop all code that sql/ made, as artery_owner, inside the caller's transaction.

    Functions that a migration made stay: its rollback drops them.

    :returns: what was dropped, as after DROP
    :raises psycopg.errors.DependentObjectsStillExist: if an object that is not ours needs one of them
    """
    conn.execute("set local role artery_owner")
    row = conn.execute(
        f"""
        select array(
            select m from {INSTALL_SCHEMA}.code as c, unnest(c.managed) as m where c.loaded
            except
            select o from {INSTALL_SCHEMA}.migration_file as f, unnest(f.code_objects) as o
        )
        """
    ).fetchone()
    doomed = set(row[0]) if row else set()
    there = [item for item in catalog.code_objects(conn) if item.label in doomed]
    # in one statement a kind, so that they may depend on each other in any order; triggers one by one, first
    for item in there:
        if item.kind == "trigger":
            conn.execute(f"drop trigger {item.identity}".encode())
    views = [item.identity for item in there if item.kind == "view"]
    routines = [item for item in there if item.kind not in ("trigger", "view")]
    # a function may return a view's row type and a view call a function: only the loop of both needs cascade
    if views:
        conn.execute(f"drop view {', '.join(views)} cascade".encode())
    still = {item.label for item in catalog.code_objects(conn)}
    names = [item.identity for item in routines if item.label in still]
    if names:
        conn.execute(f"drop routine {', '.join(names)}".encode())
    conn.execute(f"update {INSTALL_SCHEMA}.code set loaded = false where loaded")
    return [item.label for item in there]


def stored_code(conn: Connection, schema_checksum: str) -> Code | None:
    """Give the code that was loaded last at that state of the migrations, if ever."""
    row = conn.execute(
        f"select c.files from {INSTALL_SCHEMA}.code as c where c.schema_checksum = %s",
        (schema_checksum,),
    ).fetchone()
    return Code(tuple((path, text) for path, text in row[0])) if row else None


def _transaction_id(conn: Connection) -> object:
    row = conn.execute("select pg_catalog.pg_current_xact_id()::text").fetchone()
    return row and row[0]


def _run(conn: Connection, path: str, text: str) -> None:
    try:
        conn.execute(text.encode())
    except psycopg.errors.LockNotAvailable:
        raise
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        position = int(error.diag.statement_position or 0)
        line = f", line {text.count(chr(10), 0, position) + 1}" if position else ""
        raise ArteryError(
            error.sqlstate or "IN908",
            f"sql/{path}{line}: {error.diag.message_primary or error}",
            error.diag.message_detail or error.diag.context,
            error.diag.message_hint or "Nothing was loaded; the code of before is still in place.",
        ) from error


def _fail_on_orphans(
    conn: Connection, after: Iterable[CodeObject], managed: Iterable[CodeObject]
) -> None:
    rows = conn.execute(f"select unnest(f.code_objects) from {INSTALL_SCHEMA}.migration_file as f")
    known = {label for (label,) in rows} | {item.label for item in managed}
    orphans = [item.label for item in after if item.label not in known]
    if orphans:
        raise ArteryError(
            "IN905",
            "objects in pg_artery's schemas that its code did not make",
            "; ".join(orphans),
            "Removed from sql/, or given other argument types? Then put into a new migration: "
            + " ".join(f"drop {label};" for label in orphans),
        )


def _validate(conn: Connection, managed: Iterable[CodeObject]) -> None:
    conn.execute("set local check_function_bodies = on")
    oids = [item.oid for item in managed if item.kind in ("function", "procedure")]
    try:
        conn.execute(_VALIDATE, (oids,))
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise ArteryError(
            error.sqlstate or "IN908",
            f"a function body does not compile: {error.diag.message_primary or error}",
            error.diag.context,
            "Nothing was loaded; the code of before is still in place.",
        ) from error
