create or replace function artery_iot.readings_from(p_table regclass)
returns timestamptz
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
select clock_timestamp() + interval '1 day' - coalesce(
    (
        select p.keep
        from artery.partitioning as p
        where p.parent::regclass = p_table
    ), (
        select s.hypertable_keep
        from artery_iot.setting as s
        where p_table = 'artery_iot.sensor_reading'::regclass
    ), '10 years'
)
$function$;

comment on function artery_iot.readings_from(regclass) is
'The age up to which readings are taken: a day less than the table keeps, as what a reading is compared with '
'must be there; 10 years where it keeps all';
revoke execute on function artery_iot.readings_from(regclass) from public;
