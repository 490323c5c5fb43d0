"""What PostgreSQL knows of an extension beside its objects' definitions."""

from __future__ import annotations

import psycopg

_MEMBERS = """
select concat_ws(
    ' ', pg_describe_object(d.classid, d.objid, 0),
    case when d.objid = any(e.extconfig) then 'dumped' end
)
from pg_extension as e
join pg_depend as d
    on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
where e.extname = 'pg_artery'
union all
select concat_ws(' ', e.extversion, e.extnamespace::regnamespace, e.extrelocatable)
from pg_extension as e where e.extname = 'pg_artery'
"""

# a right that only the owner has is what a new object of his begins with
_RIGHTS = """
select concat_ws(
    ' ', pg_describe_object(i.classoid, i.objoid, i.objsubid),
    (select string_agg(a::text, ',' order by a::text) from unnest(i.initprivs) as a)
)
from pg_init_privs as i
where i.privtype = 'e' and array(select grantee from aclexplode(i.initprivs))
    <> array_fill('artery_owner'::regrole::oid, array[cardinality(i.initprivs)])
"""


def members(dsn: str) -> list[str]:
    """List the objects of the extension, which of them a dump has the rows of, and its version."""
    with psycopg.connect(dsn) as conn:
        return sorted(line for (line,) in conn.execute(_MEMBERS))


def first_rights(dsn: str) -> list[str]:
    """List the rights that a dump leaves out, since `create extension` gives them."""
    with psycopg.connect(dsn) as conn:
        return sorted(line for (line,) in conn.execute(_RIGHTS))
