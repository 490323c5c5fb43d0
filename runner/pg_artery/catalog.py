"""The code objects that a database has in our schemas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]

# Not code of sql/: what belongs to another extension, partitions' copies of a trigger, and what
# bind_outbox made.
CODE = r"""
with schemas as (
    select n.oid, n.nspname
    from pg_catalog.pg_namespace as n
    join pg_catalog.pg_roles as r on r.oid = n.nspowner
    where (n.nspname = 'artery' or n.nspname like 'artery\_%') and r.rolname = 'artery_owner'
), objects as (
    select
        case p.prokind
            when 'p' then 'procedure' when 'a' then 'aggregate' else 'function'
        end as kind,
        p.oid::pg_catalog.regprocedure::text as identity, 'pg_proc'::pg_catalog.regclass as class,
        p.oid, p.xmin::text as written, p.proowner as owner, p.proacl as acl,
        case when p.prokind <> 'a' then pg_catalog.pg_get_functiondef(p.oid) end as definition
    from pg_catalog.pg_proc as p
    join schemas as s on s.oid = p.pronamespace
    union all
    select
        'view', format('%I.%I', s.nspname, c.relname), 'pg_class', c.oid, r.xmin::text, c.relowner,
        c.relacl, concat_ws(' ', c.reloptions::text, pg_catalog.pg_get_viewdef(c.oid))
    from pg_catalog.pg_class as c
    join schemas as s on s.oid = c.relnamespace
    join pg_catalog.pg_rewrite as r on r.ev_class = c.oid and r.rulename = '_RETURN'
    where c.relkind = 'v'
    union all
    select
        'trigger', format('%I on %I.%I', t.tgname, s.nspname, c.relname), 'pg_trigger', t.oid,
        t.xmin::text, c.relowner, null,
        concat_ws(' ', t.tgenabled, pg_catalog.pg_get_triggerdef(t.oid))
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    join schemas as s on s.oid = c.relnamespace
    join pg_catalog.pg_proc as p on p.oid = t.tgfoid
    where not t.tgisinternal and t.tgparentid = 0 and p.proname <> 'outbox_binding'
)
select
    o.kind, o.identity, o.oid::bigint, o.written,
    concat_ws(
        e'\n', o.definition, 'owner ' || pg_catalog.pg_get_userbyid(o.owner),
        'acl ' || (select string_agg(a::text, ',' order by a::text) from unnest(o.acl) as a),
        'comment ' || pg_catalog.obj_description(o.oid, o.class::text::name)
    ) as definition
from objects as o
where not exists (
    select from pg_catalog.pg_depend as x
    join pg_catalog.pg_extension as e on e.oid = x.refobjid
    where x.classid = o.class and x.objid = o.oid and x.deptype = 'e' and e.extname <> 'pg_artery'
)
order by o.kind, o.identity
"""

_FINGERPRINT = r"""
select encode(sha256(coalesce(string_agg(
    convert_to(o.kind || ' ' || o.identity, 'UTF8') || '\x00'
    || convert_to(o.definition, 'UTF8') || '\x00', '' order by o.kind, o.identity
), '')), 'hex')
from (OBJECTS) as o
"""


def fingerprint_of(objects: str) -> str:
    """Give the query of the SHA-256 over definitions, owners, grants and comments.

    :param objects: the query of the objects, or a psql variable that holds it
    """
    return _FINGERPRINT.replace("OBJECTS", objects)


@contextmanager
def qualified_names(conn: Connection) -> Iterator[None]:
    """Have the server write every name with its schema, as long as the block lasts."""
    row = conn.execute("select pg_catalog.current_setting('search_path')").fetchone()
    conn.execute("select pg_catalog.set_config('search_path', '', false)")
    yield
    conn.execute("select pg_catalog.set_config('search_path', %s, false)", row)


@dataclass(frozen=True)
class CodeObject:
    """A function, procedure, aggregate, view or trigger in a schema of ours."""

    kind: str
    identity: str  # as after DROP kind: schema.name(types), schema.name, name on schema.table
    oid: int
    written: str  # the transaction that last wrote its catalog row
    definition: str

    @property
    def label(self) -> str:
        """Kind and identity, as after DROP."""
        return f"{self.kind} {self.identity}"


def code_objects(conn: Connection) -> list[CodeObject]:
    """List the functions, procedures, views and triggers in our schemas, by kind and name."""
    with qualified_names(conn):
        return [CodeObject(*row) for row in conn.execute(CODE.encode())]


def fingerprint(conn: Connection) -> str:
    """Give the SHA-256 over definitions, owners, grants and comments of our code objects."""
    with qualified_names(conn):
        row = conn.execute(fingerprint_of(CODE).encode()).fetchone()
    return str(row and row[0])
