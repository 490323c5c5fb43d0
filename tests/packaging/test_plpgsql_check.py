"""plpgsql_check, all warnings on, over every PL/pgSQL function that was installed.

A warning that is wrong is silenced in the function itself, with its reason, by a comment
`-- @plpgsql_check_options: ...`.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from pg_artery.cluster import Cluster
from pg_artery.migrate import migrate
from pg_artery.servers import Server

pytestmark = pytest.mark.one_server

# Trigger functions are checked against each table they serve; those that wait to be bound
# (`bind_outbox`) against a sample table.
CHECK = """
select
    f.oid::regprocedure::text || coalesce(' on ' || t.tgrelid::regclass::text, ''),
    c.lineno, c.level, c.message, c.detail, c.hint
from pg_proc as f
join pg_namespace as n on n.oid = f.pronamespace
join pg_language as l on l.oid = f.prolang
left join lateral (
    select distinct on (b.tgrelid, b.tgoldtable, b.tgnewtable)
        b.tgrelid, b.tgoldtable, b.tgnewtable
    from pg_trigger as b
    where b.tgfoid = f.oid and not b.tgisinternal and b.tgparentid = 0
) as t on f.prorettype = 'trigger'::regtype
cross join lateral plpgsql_check_function_tb(
    funcoid => f.oid::regprocedure,
    relid => case
        when f.prorettype = 'trigger'::regtype
        then coalesce(t.tgrelid::regclass, 'public.check_sample'::regclass)
        else 0::regclass
    end,
    fatal_errors => false,
    all_warnings => true,
    oldtable => t.tgoldtable,
    newtable => t.tgnewtable
) as c
where l.lanname = 'plpgsql' and n.nspname ~ '^artery(_|$)'
order by 1, 2
"""


@pytest.fixture
def checked(server: Server) -> Iterator[psycopg.Connection]:
    for extension, package in (("plpgsql_check", "plpgsql-check"), ("pg_cron", "cron")):
        if not server.has_extension(extension):
            pytest.skip(f"{server.label} has no {extension} (Debian: postgresql-15-{package})")
    # pg_cron can be created in one database only, and functions that call it are checked too.
    with Cluster(server, durable=False, cron_database="checked") as cluster:
        dsn = cluster.create_database("checked")
        migrate(dsn)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("create extension pg_cron")
            connection.execute("create extension plpgsql_check with schema public")
            connection.execute("create table public.check_sample (id bigint primary key)")
            yield connection


def test_no_function_has_a_finding(checked: psycopg.Connection) -> None:
    found = checked.execute(CHECK).fetchall()
    assert not found, "\n".join(
        f"{name}:{line}: {level}: {': '.join(part for part in said if part)}"
        for name, line, level, *said in found
    )


def test_the_check_sees_a_fault(checked: psycopg.Connection) -> None:
    """A check that finds nothing anywhere would pass above too."""
    checked.execute(
        """
        create function artery.faulty() returns trigger language plpgsql volatile
        as $$ begin new.nowhere := 1; return new; end $$
        """
    )
    found = checked.execute(CHECK).fetchall()
    assert any(row[0].startswith("artery.faulty()") and row[2] == "error" for row in found)
