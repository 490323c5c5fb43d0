create or replace function artery_staging._as_reading(
    p_row artery_staging.iot_sensor_reading
)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select jsonb_strip_nulls(to_jsonb(p_row) - 'source' - 'received_at')
$function$;

comment on function artery_staging._as_reading(artery_staging.iot_sensor_reading) is
'A staged reading in the form that artery_api_v1.sensor_readings takes';
