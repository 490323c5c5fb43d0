/* Sweep step. TimescaleDB's policies would run as artery_owner, which may not log in: so days that
   are old enough are compressed here, and dropped when they are older than readings are kept. A
   compressed day that late readings came to is compressed again. */
create or replace function artery_iot.tend_hypertable(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set client_min_messages = 'warning'
as $function$
declare
    v_setting artery_iot.setting;
    v_schema name := (
        select n.nspname
        from pg_catalog.pg_extension as x
        inner join pg_catalog.pg_namespace as n on n.oid = x.extnamespace
        where x.extname = 'timescaledb'
    );
    v_chunk regclass;
    v_count bigint;
begin
    -- @plpgsql_check_options: security_warnings = off, performance_warnings = off
    -- the schema goes through %I; the extension's functions are called by text, as they may not be there
    select s.*
    into strict v_setting
    from artery_iot.setting as s;
    if v_schema is null or v_setting.hypertable_compress_after is null then
        return 0::bigint;
    end if;

    execute format(
        'select count(*) from %I.drop_chunks($1, older_than => $2)', v_schema
    )
    into v_count
    using 'artery_iot.sensor_reading'::regclass,
        coalesce(clock_timestamp() - v_setting.hypertable_keep, '-infinity');
    for v_chunk in
        execute format('select c from %I.show_chunks($1, older_than => $2) as c order by c', v_schema)
        using 'artery_iot.sensor_reading'::regclass,
            clock_timestamp() - v_setting.hypertable_compress_after
    loop
        exit when clock_timestamp() >= p_until;
        execute format('select %I.compress_chunk($1, if_not_compressed => true)', v_schema)
        using v_chunk;
        v_count := v_count + 1;
    end loop;
    return v_count;
end
$function$;
insert into artery.sweep_step (name, function, every, position)
values ('hypertable', 'artery_iot.tend_hypertable', '1 hour', 90)
on conflict (name) do nothing;

comment on function artery_iot.tend_hypertable(timestamptz) is
'Sweep step: where readings are in a hypertable, compresses its old days and drops those past their age, until that '
'moment; returns how many it looked at';
grant execute on function artery_iot.tend_hypertable(timestamptz) to artery_admin;
