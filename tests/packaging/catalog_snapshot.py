"""The whole of our part of a catalog as lines of text, to compare two installations by."""

from __future__ import annotations

import psycopg

from pg_artery import catalog

# partitions come and go with time
_LINES = r"""
with schemas as (
    select n.* from pg_namespace as n
    where (n.nspname = 'artery' or n.nspname like 'artery\_%') and n.nspname <> 'artery_install'
), relations as (
    select c.*, s.nspname from pg_class as c join schemas as s on s.oid = c.relnamespace
    where not c.relispartition
)
select concat_ws(' ', 'schema', s.nspname, pg_get_userbyid(s.nspowner),
    (select array_agg(a::text order by a::text)
        from unnest(coalesce(s.nspacl, acldefault('n', s.nspowner))) as a),
    obj_description(s.oid, 'pg_namespace'))
from schemas as s
union all
select concat_ws(' ', 'relation', r.relkind, r.oid::regclass, pg_get_userbyid(r.relowner),
    (select array_agg(a::text order by a::text) from unnest(coalesce(
        r.relacl, acldefault(case r.relkind when 'S' then 's' else 'r' end::"char", r.relowner)
    )) as a), r.reloptions,
    pg_get_partkeydef(r.oid), obj_description(r.oid, 'pg_class'),
    case when r.relkind = 'm' then pg_get_viewdef(r.oid) end)
from relations as r
union all
select concat_ws(' ', 'column', r.oid::regclass,
    row_number() over (partition by r.oid order by a.attnum), a.attname,
    format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
    a.attcollation::regcollation, a.attacl, pg_get_expr(d.adbin, d.adrelid),
    col_description(r.oid, a.attnum))
from relations as r
join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef as d on d.adrelid = r.oid and d.adnum = a.attnum
union all
select concat_ws(' ', 'constraint', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
from pg_constraint as c join relations as r on r.oid = c.conrelid
union all
select concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid))
from pg_index as i join relations as r on r.oid = i.indrelid
union all
select concat_ws(' ', 'type', t.oid::regtype, t.typtype, pg_get_userbyid(t.typowner),
    coalesce(t.typacl, acldefault('T', t.typowner)),
    obj_description(t.oid, 'pg_type'))
from pg_type as t join schemas as s on s.oid = t.typnamespace
where not exists (select from pg_class as c where c.reltype = t.oid and c.relispartition)
    and not exists (
        select from pg_type as e join pg_class as c on c.reltype = e.oid
        where e.typarray = t.oid and c.relispartition
    )
union all
select concat_ws(' ', 'policy', p.polrelid::regclass, p.polname, p.polcmd, p.polroles::regrole[],
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
from pg_policy as p
union all
select concat_ws(' ', 'default privileges', pg_get_userbyid(d.defaclrole), d.defaclobjtype,
    d.defaclacl)
from pg_default_acl as d
"""


def snapshot(dsn: str) -> list[str]:
    with psycopg.connect(dsn, autocommit=True) as conn, catalog.qualified_names(conn):
        lines = [line for (line,) in conn.execute(_LINES)]
        lines += [f"{o.label} {o.definition}" for o in catalog.code_objects(conn)]
    return sorted(lines)
