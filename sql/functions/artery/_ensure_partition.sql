/* A partition is made apart and attached: that takes a SHARE UPDATE EXCLUSIVE lock of the parent,
   where CREATE TABLE ... PARTITION OF would stop every reader. Two at once: the second waits for
   the advisory lock and finds it made. In UTC, or a day would have 23 or 25 hours where the clocks
   change. */
create or replace function artery._ensure_partition(p_parent regclass, p_at timestamptz)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $function$
declare
    v_day timestamptz := date_trunc('day', p_at, 'UTC');
    v_schema text;
    v_table text;
    v_name text;
    v_key text;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- every name goes through %I, every value through %L
    select
        n.nspname::text,
        c.relname::text
    into v_schema, v_table
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = p_parent;
    v_name := v_table || to_char(v_day at time zone 'UTC', '"_"YYYYMMDD');

    if to_regclass(format('%I.%I', v_schema, v_name)) is not null then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('artery.partition.' || p_parent::oid, 0));
    -- read from the table: the catalog cache of this session may still say that there is none
    perform from pg_catalog.pg_class as c
    inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = v_schema and c.relname = v_name;
    if found then
        return false;
    end if;

    select a.attname::text
    into strict v_key
    from pg_catalog.pg_partitioned_table as t
    inner join pg_catalog.pg_attribute as a on a.attrelid = t.partrelid and a.attnum = t.partattrs[0]
    where t.partrelid = p_parent;
    execute format(
        'create table %1$I.%2$I (like %1$I.%3$I including defaults including constraints including storage, '
        'constraint %4$I check (%5$s))',
        v_schema, v_name, v_table, v_name || '_day', format('%1$I >= %2$L and %1$I < %3$L', v_key, v_day, v_day + interval '1 day')
    );
    execute format(
        'alter table %1$I.%3$I attach partition %1$I.%2$I for values from (%4$L) to (%5$L)',
        v_schema, v_name, v_table, v_day, v_day + interval '1 day'
    );
    -- the bound says it from now on; it was there so that attaching need not read the table
    execute format('alter table %I.%I drop constraint %I', v_schema, v_name, v_name || '_day');
    return true;
end
$function$;
comment on function artery._ensure_partition(regclass, timestamptz) is
'Makes the daily (UTC) partition that p_at falls in, unless it is there; true if it was made';
