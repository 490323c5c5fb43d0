"""What a migration executes besides the files themselves, as SQL text.

`artery migrate` sends these texts over its connection and `artery migrate --sql` prints them, so
that both do the same. What one statement finds and a later one needs is kept in settings
`artery_install.*`, which end with the transaction: no temporary object, no privilege.
"""

from __future__ import annotations

import json

from psycopg import sql
from yoyo.migrations import Migration

from pg_artery import __version__
from pg_artery.resources import Code, checksum

#: pg_advisory_lock key of everything that changes our schema
LOCK_KEY = (1634890853, 1634301545)

REFUSE_EXTENSION = """
do $guard$
begin
    if exists (select from pg_catalog.pg_extension as e where e.extname = 'pg_artery') then
        raise exception using errcode = 'IN902',
            message = 'pg_artery is installed in this database as an extension',
            detail = 'Migrations and CREATE EXTENSION are two ways to install the same objects.',
            hint = 'Bring it up to date: make install, then alter extension pg_artery update.';
    end if;
end
$guard$;
"""

# where the server's system can: end a long statement, and free the lock, when its client is dead
CHECK_CLIENT = """
do $check$
begin
    set client_connection_check_interval = '1s';
exception when others then null;
end
$check$;
"""

_BEFORE = """
select set_config('artery_install.before', coalesce(jsonb_object_agg(
    o.kind || ' ' || o.identity, o.oid || ' ' || o.written
), '{}')::text, true)
from (OBJECTS) as o
"""

# a migration's own code objects are no orphans, and outlive the code of sql/
_MARK = """
reset role;
set local search_path = '';
set local role artery_owner;
insert into artery_install.migration_file
select {id}, {checksum}, coalesce(array_agg(o.kind || ' ' || o.identity), '{{}}')
from (OBJECTS) as o
where not exists (
    select from jsonb_object_keys(current_setting('artery_install.before')::jsonb) as k (label)
    where k.label = o.kind || ' ' || o.identity
);
"""

_MARK_YOYO = """
insert into artery_install._yoyo_log
    (id, migration_hash, migration_id, operation, username, hostname, created_at_utc)
values
    (gen_random_uuid(), {hash}, {id}, 'apply', session_user, {host},
    clock_timestamp() at time zone 'UTC');
insert into artery_install._yoyo_migration (migration_hash, migration_id, applied_at_utc)
values ({hash}, {id}, clock_timestamp() at time zone 'UTC')
"""

LOAD = """
set local role artery_owner;
set local search_path = '';
set local check_function_bodies = off
"""

# create or replace writes the row anew even if nothing changed; a file may have set role or path
_AFTER = """
set local role artery_owner;
set local search_path = '';
select set_config('artery_install.after', coalesce(jsonb_agg(jsonb_build_object(
    'label', a.label, 'kind', a.kind, 'oid', a.oid,
    'managed', b.value is distinct from a.oid || ' ' || a.written
) order by a.kind, a.identity), '[]')::text, true)
from (select o.*, o.kind || ' ' || o.identity as label from (OBJECTS) as o) as a
left join jsonb_each_text(current_setting('artery_install.before')::jsonb) as b on b.key = a.label
"""

NO_ORPHANS = """
do $orphans$
declare
    v_orphans text[];
begin
    select array_agg(o.label)
    into v_orphans
    from jsonb_to_recordset(current_setting('artery_install.after')::jsonb)
        as o (label text, managed boolean)
    where not o.managed and not exists (
        select from artery_install.migration_file as f where o.label = any(f.code_objects)
    );
    if v_orphans is not null then
        raise exception using errcode = 'IN905',
            message = 'objects in pg_artery''s schemas that its code did not make',
            detail = array_to_string(v_orphans, '; '),
            hint = 'Removed from sql/, or with other argument types now? Into a new migration: '
                || (select string_agg(format('drop %s;', d), ' ') from unnest(v_orphans) as d);
    end if;
end
$orphans$
"""

# compiles every body, now that all objects are there, whatever the order of the files
VALIDATE = """
do $validate$
declare
    v_object record;
    v_detail text;
    v_context text;
    v_hint text;
begin
    set local check_function_bodies = on;
    for v_object in
        select o.label, o.oid, l.lanname
        from jsonb_to_recordset(current_setting('artery_install.after')::jsonb)
            as o (label text, kind text, oid oid, managed boolean)
        inner join pg_catalog.pg_proc as p on p.oid = o.oid
        inner join pg_catalog.pg_language as l on l.oid = p.prolang
        where o.managed and o.kind in ('function', 'procedure') and l.lanname in ('plpgsql', 'sql')
    loop
        if v_object.lanname = 'plpgsql' then
            perform pg_catalog.plpgsql_validator(v_object.oid);
        else
            perform pg_catalog.fmgr_sql_validator(v_object.oid);
        end if;
    end loop;
exception when others then
    get stacked diagnostics v_detail = pg_exception_detail, v_context = pg_exception_context,
        v_hint = pg_exception_hint;
    raise exception using errcode = sqlstate,
        message = format('%s: does not compile: %s', v_object.label, sqlerrm),
        detail = coalesce(nullif(v_detail, ''), v_context),
        hint = coalesce(nullif(v_hint, ''),
            'Nothing of it was kept. Mend the cause and run again.');
end
$validate$
"""

FORGET = "update artery_install.code set loaded = false where loaded"

_REMEMBER = """
insert into artery_install.code
    (schema_checksum, checksum, version, files, managed, fingerprint, loaded)
select
    {schema_checksum}, {checksum}, {version}, {files},
    array(
        select o.label
        from jsonb_to_recordset(current_setting('artery_install.after')::jsonb)
            as o (label text, managed boolean)
        where o.managed
    ),
    (FINGERPRINT), true
on conflict (schema_checksum) do update set
    checksum = excluded.checksum, version = excluded.version, files = excluded.files,
    managed = excluded.managed, fingerprint = excluded.fingerprint, loaded = true,
    loaded_at = excluded.loaded_at
"""


def literal(value: str) -> str:
    """Write a text as SQL takes it."""
    return sql.Literal(value).as_string(None).strip()


def dollar_quoted(text: str) -> str:
    """Write a long text as SQL takes it, so that it can be read."""
    tag = next(f"${name}$" for name in ("json", "json_", "json__") if f"${name}$" not in text)
    return f"{tag}{text}{tag}"


def state_checksum(applied: dict[str, str]) -> str:
    """Name a state of the schema: SHA-256 over the migrations applied and their checksums."""
    return checksum("\0".join(f"{name} {applied[name]}" for name in sorted(applied)))


def _fill(text: str, objects: str, **values: str) -> str:
    return text.format(**values).replace("OBJECTS", objects)


def before(objects: str) -> str:
    """Keep in mind which code objects there are.

    :param objects: the query of `catalog`, or a psql variable that holds it
    """
    return _BEFORE.replace("OBJECTS", objects)


def after(objects: str) -> str:
    """Find which code objects there are now, and which of them were written since `before`."""
    return _AFTER.replace("OBJECTS", objects)


def mark(migration: Migration, file_checksum: str, host: str, objects: str) -> str:
    """Mark a migration as applied: what yoyo writes, and the checksum of its file.

    :param host: an SQL expression, for yoyo's log
    """
    name, digest = literal(migration.id), literal(migration.hash)
    values = {"id": name, "checksum": literal(file_checksum), "hash": digest, "host": host}
    return _fill(_MARK, objects, **values) + _MARK_YOYO.format(**values).lstrip("\n")


def remember(code: Code, schema_checksum: str, fingerprint: str) -> str:
    """Record that this code is loaded at that state of the schema.

    :param fingerprint: the query that gives it
    """
    files = ",\n".join(json.dumps(file, ensure_ascii=False) for file in code.files)
    text = _REMEMBER.replace("(FINGERPRINT)", "(\n{fingerprint}\n)")
    return text.format(
        schema_checksum=literal(schema_checksum),
        checksum=literal(code.checksum),
        version=literal(__version__),
        files=dollar_quoted(f"[\n{files}\n]"),
        fingerprint=fingerprint,
    )
