"""What an attacker puts where names are looked up, and the trap that tells whether it worked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg

TYPES = ("text", "uuid", "jsonb", "int8", "int4", "int2", "timestamptz", "numeric", "bool")

# each better than its like in pg_catalog for some pair of types, if it were looked at
_OPERATORS = (
    ("||", "text", "text"),
    ("||", "text", "integer"),
    ("=", "text", "text"),
    ("=", "name", "text"),
    ("=", "integer", "bigint"),
    ("<>", "text", "text"),
    ("->>", "jsonb", "text"),
    ("+", "timestamptz", "interval"),
)
_FUNCTIONS = (
    "format(text, text)",
    "format(text, name)",
    "now()",
    "clock_timestamp()",
    "current_setting(text)",
    "set_config(text, text, bool)",
    "to_regclass(text)",
    "count(anyelement)",
    "jsonb_build_object(text, text)",
    "pg_extension_config_dump(regclass, text)",
)


@contextlib.contextmanager
def mallory(conn: psycopg.Connection, *, owner: bool = False) -> Iterator[None]:
    """Give the connection to a role mallory, who may create in public, and take it back.

    :param owner: mallory may create schemas, too
    """
    conn.execute("create role mallory")
    conn.execute("grant create, usage on schema public to mallory")
    if owner:
        conn.execute(f"grant create on database {conn.info.dbname} to mallory".encode())
    conn.execute("set session authorization mallory")
    try:
        yield
    finally:
        conn.execute("reset session authorization")
        conn.execute("drop owned by mallory cascade; drop role mallory")


def lay_traps(conn: psycopg.Connection, schema: str) -> None:
    """Fill `schema` with types, tables, functions and operators like those of pg_catalog.

    Whoever runs one writes his name into pg_temp.caught or public.caught.
    """
    spring = f"insert into {schema}.caught values (current_user)"
    conn.execute(f"create table {schema}.caught (who name)".encode())
    conn.execute(f"grant all on {schema}.caught to public".encode())
    conn.execute(
        f"create function {schema}.spring(p anyelement) returns boolean language plpgsql as "
        f"$$begin {spring}; return true; end$$".encode()
    )
    for name in TYPES:
        conn.execute(
            f"create domain {schema}.{name} as pg_catalog.{name} "
            f"check ({schema}.spring(value))".encode()
        )
    for name in ("integration_task", "endpoint", "pg_class", "pg_extension", "pg_namespace"):
        conn.execute(f"create table {schema}.{name} (id pg_catalog.int4)".encode())
    for signature in _FUNCTIONS:
        name, _, arguments = signature.removesuffix(")").partition("(")
        types = ", ".join(
            a if a == "anyelement" else f"pg_catalog.{a}" for a in arguments.split(", ") if a
        )
        conn.execute(
            f"create function {schema}.{name}({types}) returns pg_catalog.text "
            f"language plpgsql as $$begin {spring}; return null; end$$".encode()
        )
    for number, (operator, left, right) in enumerate(_OPERATORS):
        types = ", ".join(
            f"pg_catalog.{'int4' if t == 'integer' else 'int8' if t == 'bigint' else t}"
            for t in (left, right)
        )
        result = "boolean" if operator in ("=", "<>") else "text"
        result = {"boolean": "pg_catalog.bool", "text": "pg_catalog.text"}[result]
        conn.execute(
            f"create function {schema}.operate{number}({types}) returns {result} "
            f"language plpgsql as $$begin {spring}; return null; end$$".encode()
        )
        a, b = types.split(", ")
        conn.execute(
            f"create operator {schema}.{operator} (function = {schema}.operate{number}, "
            f"leftarg = {a}, rightarg = {b})".encode()
        )


def caught(conn: psycopg.Connection, schema: str) -> list[str]:
    """List who else than mallory ran something of mallory's."""
    rows = conn.execute(
        f"select distinct who::text from {schema}.caught where who <> 'mallory'".encode()
    )
    return [who for (who,) in rows]
