/* The table keeps its name, columns and key, so that every query stays as it is; chunks are
   TimescaleDB's from then on, compressed and dropped by artery_iot.tend_hypertable. The extension's
   functions are called by text, as they may not be there and may be in any schema. */
create or replace function artery_iot.use_timescaledb(p_compress_after interval default '7 days')
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_schema name := (
        select n.nspname
        from pg_catalog.pg_extension as x
        inner join pg_catalog.pg_namespace as n on n.oid = x.extnamespace
        where x.extname = 'timescaledb'
    );
    v_keep interval;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the schema goes through %I
    if v_schema is null then
        raise exception using
            errcode = 'feature_not_supported',
            message = 'TimescaleDB is not installed in this database',
            detail = 'Readings are in daily partitions, which serve the same queries.',
            hint = 'create extension timescaledb; then call this again.';
    end if;
    delete from artery.partitioning as p
    where p.parent = 'artery_iot.sensor_reading'
    returning p.keep into v_keep;
    if not found then
        return;
    end if;

    execute format(
        $ddl$
        alter table artery_iot.sensor_reading rename to sensor_reading_native;
        alter index artery_iot.sensor_reading_key rename to sensor_reading_native_key;
        create table artery_iot.sensor_reading (
            like artery_iot.sensor_reading_native including defaults including comments
        );
        create unique index sensor_reading_key
        on artery_iot.sensor_reading (device_id, kind, ts, metric);
        grant select on artery_iot.sensor_reading to artery_reader;
        select %1$I.create_hypertable(
            'artery_iot.sensor_reading', 'ts', chunk_time_interval => interval '1 day'
        );
        insert into artery_iot.sensor_reading
        select r.*
        from artery_iot.sensor_reading_native as r;
        drop table artery_iot.sensor_reading_native;
        alter table artery_iot.sensor_reading set (
            timescaledb.compress,
            timescaledb.compress_segmentby = 'device_id, kind',
            timescaledb.compress_orderby = 'ts desc, metric'
        )
        $ddl$,
        v_schema
    );
    update artery_iot.setting as s
    set
        hypertable_keep = v_keep,
        hypertable_compress_after = p_compress_after;
end
$function$;

comment on function artery_iot.use_timescaledb(interval) is
'Makes a TimescaleDB hypertable of artery_iot.sensor_reading, compressed after an age, kept as long '
'as before. Again: does nothing. Errors: 0A000 the extension is not there';
grant execute on function artery_iot.use_timescaledb(interval) to artery_admin;
