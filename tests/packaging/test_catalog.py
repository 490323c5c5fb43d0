"""What must hold of every object in our schemas, whoever added it."""

from __future__ import annotations

import psycopg
import pytest

OURS = r"(n.nspname = 'artery' or n.nspname like 'artery\_%')"

# procedures that commit cannot pin it; SQL helpers that must inline would not if they did
UNPINNED = {"artery.tick()"}

DOMAINS = {"erp", "staging", "plm", "mes", "iot", "tax", "procurement", "monitor", "api_v1"}


@pytest.fixture
def found(conn: psycopg.Connection):
    conn.execute("set search_path = ''")

    def names(query: str) -> list[str]:
        return [name for (name,) in conn.execute(query.replace("OURS", OURS))]

    return names


def test_every_object_has_a_comment(found) -> None:
    assert (
        found(
            """
            select 'schema ' || n.nspname from pg_namespace as n
            where OURS and obj_description(n.oid, 'pg_namespace') is null
            union all
            select concat_ws(' ', 'relation', c.oid::regclass) from pg_class as c
            join pg_namespace as n on n.oid = c.relnamespace
            where OURS and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
                and obj_description(c.oid, 'pg_class') is null
            union all
            select 'function ' || p.oid::regprocedure from pg_proc as p
            join pg_namespace as n on n.oid = p.pronamespace
            where OURS and obj_description(p.oid, 'pg_proc') is null
            union all
            select 'type ' || t.oid::regtype from pg_type as t
            join pg_namespace as n on n.oid = t.typnamespace
            where OURS and obj_description(t.oid, 'pg_type') is null and t.typelem = 0
                and (t.typtype in ('d', 'e', 'r') or exists (
                    select from pg_class as c where c.oid = t.typrelid and c.relkind = 'c'
                ))
            """
        )
        == []
    )


def test_everything_belongs_to_the_owner_who_is_nobody(found, conn: psycopg.Connection) -> None:
    role = conn.execute(
        "select rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls from pg_roles "
        "where rolname = 'artery_owner'"
    ).fetchone()
    assert role == (False,) * 5
    assert (
        found(
            """
            select o.label from (
                select 'schema ' || n.nspname as label, n.nspowner as owner
                from pg_namespace as n where OURS
                union all
                select 'relation ' || c.oid::regclass, c.relowner from pg_class as c
                join pg_namespace as n on n.oid = c.relnamespace where OURS
                union all
                select 'function ' || p.oid::regprocedure, p.proowner from pg_proc as p
                join pg_namespace as n on n.oid = p.pronamespace where OURS
                union all
                select 'type ' || t.oid::regtype, t.typowner from pg_type as t
                join pg_namespace as n on n.oid = t.typnamespace where OURS
            ) as o where o.owner <> 'artery_owner'::regrole
            """
        )
        == []
    )


def test_functions_pin_the_search_path(found) -> None:
    loose = set(
        found(
            """
            select p.oid::regprocedure::text from pg_proc as p
            join pg_namespace as n on n.oid = p.pronamespace
            join pg_language as l on l.oid = p.prolang
            where OURS and (l.lanname = 'plpgsql' or p.prosecdef)
                and not coalesce(p.proconfig, '{}') && array['search_path=pg_catalog, pg_temp']
            """
        )
    )
    assert loose <= UNPINNED
    definers = set(found("select p.oid::regprocedure::text from pg_proc as p where p.prosecdef"))
    assert not loose & definers


def test_functions_of_sql_that_do_not_pin_it_name_everything_in_full(found) -> None:
    """A helper that must inline has no search_path of its own: it must work under any."""
    broken = []
    for oid in found(
        """
        select p.oid::bigint from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
        join pg_language as l on l.oid = p.prolang
        where OURS and l.lanname = 'sql' and p.proconfig is null
        """
    ):
        try:
            found(f"select fmgr_sql_validator({oid})::text")
        except psycopg.Error as error:
            broken.append(str(error))
    assert broken == []


def test_public_has_nothing(found) -> None:
    assert (
        found(
            """
            select o.label from (
                select 'schema ' || n.nspname as label,
                    coalesce(n.nspacl, acldefault('n', n.nspowner)) as acl
                from pg_namespace as n where OURS
                union all
                select 'relation ' || c.oid::regclass,
                    coalesce(c.relacl, acldefault('r', c.relowner)) from pg_class as c
                join pg_namespace as n on n.oid = c.relnamespace where OURS
                union all
                select 'function ' || p.oid::regprocedure,
                    coalesce(p.proacl, acldefault('f', p.proowner)) from pg_proc as p
                join pg_namespace as n on n.oid = p.pronamespace where OURS
                union all
                select 'column ' || c.oid::regclass || '.' || a.attname, a.attacl
                from pg_attribute as a join pg_class as c on c.oid = a.attrelid
                join pg_namespace as n on n.oid = c.relnamespace where OURS
                union all
                select 'type ' || t.oid::regtype, coalesce(t.typacl, acldefault('T', t.typowner))
                from pg_type as t join pg_namespace as n on n.oid = t.typnamespace
                where OURS and t.typelem = 0 and t.typtype in ('d', 'e', 'r')
            ) as o
            where exists (select from aclexplode(o.acl) as a where a.grantee = 0)
            """
        )
        == []
    )


def test_grantees_are_our_roles_only(found) -> None:
    assert (
        found(
            """
            select distinct a.grantee::regrole::text from (
                select n.nspacl as acl from pg_namespace as n where OURS
                union all select c.relacl from pg_class as c
                join pg_namespace as n on n.oid = c.relnamespace where OURS
                union all select p.proacl from pg_proc as p
                join pg_namespace as n on n.oid = p.pronamespace where OURS
            ) as o, aclexplode(o.acl) as a
            where a.grantee <> 0 and a.grantee::regrole::text not like 'artery\\_%'
            """
        )
        == []
    )


def test_arguments_begin_with_p(found) -> None:
    assert (
        found(
            """
            select p.oid::regprocedure || ' ' || a.name from pg_proc as p
            join pg_namespace as n on n.oid = p.pronamespace
            cross join unnest(p.proargnames) with ordinality as a (name, position)
            where OURS and coalesce(p.proargmodes[a.position], 'i') in ('i', 'b', 'v')
                and a.name not like 'p\\_%'
            union all
            select p.oid::regprocedure || ' has an argument without a name' from pg_proc as p
            join pg_namespace as n on n.oid = p.pronamespace
            where OURS and p.pronargs > 0 and p.proargnames is null
                -- the body of an HTTP call, as PostgREST passes it
                and (n.nspname <> 'artery_api_v1' or p.pronargs > 1)
            """
        )
        == []
    )


def allowed(source: str, target: str) -> bool:
    """Say whether an object of schema `source` may name the schema `target` (both less artery_)."""
    lower = {"artery"} if source == "erp" else {"artery", "erp"}
    if source == "artery":
        return False
    if source in ("api_v1", "staging", "monitor"):
        return target not in {"api_v1", "monitor"} or source == target
    return target in lower


def test_dependencies_between_schemas_point_one_way(found) -> None:
    """The engine names no domain, a domain no other domain, nothing the surface above it."""
    wrong = []
    texts = found(
        """
        select o.schema || '|' || o.label || '|' || o.text from (
            select n.nspname as schema, p.oid::regprocedure::text as label,
                case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end as text
            from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where OURS
            union all
            select n.nspname, c.oid::regclass::text, pg_get_viewdef(c.oid)
            from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
            where OURS and c.relkind in ('v', 'm')
            union all
            select n.nspname, c.conname, pg_get_constraintdef(c.oid)
            from pg_constraint as c join pg_namespace as n on n.oid = c.connamespace where OURS
            union all
            -- a trigger is its function's: a domain may attach one to a document of the ERP
            select n.nspname, t.tgname, pg_get_triggerdef(t.oid)
            from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
            join pg_namespace as n on n.oid = p.pronamespace where OURS and not t.tgisinternal
        ) as o
        where o.schema <> 'artery_install'
        """
    )
    assert texts
    for line in texts:
        schema, label, text = line.split("|", 2)
        source = schema.removeprefix("artery_")
        code = "\n".join(part.split("--")[0] for part in text.splitlines())
        for target in DOMAINS | {"artery"}:
            name = "artery" if target == "artery" else f"artery_{target}"
            if target != source and f"{name}." in code and not allowed(source, target):
                wrong.append(f"{label} names {name}")
    assert sorted(set(wrong)) == []
