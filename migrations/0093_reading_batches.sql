set local role artery_owner;

/* What artery_api_v1.sensor_readings takes, a call a row: five thousand readings are one row of a
   tenth of their size, in place of five thousand rows and their share of the WAL. */
create table artery_staging.iot_reading_batch (
    id bigint generated always as identity primary key,
    readings artery_staging.iot_sensor_reading[] not null,
    length integer generated always as (cardinality(readings)) stored
) with (
    autovacuum_vacuum_scale_factor = 0.1,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0.1,
    toast.autovacuum_vacuum_cost_delay = 0
);
comment on table artery_staging.iot_reading_batch is
'Readings that came through artery_api_v1.sensor_readings, a call a row, to be processed by the sweep';
comment on column artery_staging.iot_reading_batch.readings is
'As rows of artery_staging.iot_sensor_reading: select r.* from artery_staging.iot_reading_batch as b cross join lateral unnest(b.readings) as r';
comment on column artery_staging.iot_reading_batch.length is 'How many readings';

-- a third of the time of pglz; not every PostgreSQL is built with it
do $$
begin
    alter table artery_staging.iot_reading_batch alter column readings set compression lz4;
exception when feature_not_supported then
    null;
end
$$;

grant select on artery_staging.iot_reading_batch to artery_reader;
