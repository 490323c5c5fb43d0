/* Accepting is one insert; checks against devices, items and reasons come with the sweep, and what
   they refuse is in artery_staging.iot_rejected_reading. */
create or replace function artery_api_v1.sensor_readings(jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_source text := coalesce($1 ->> 'source', session_user::text);
begin
    if jsonb_typeof($1 -> 'readings') = 'array' then
        return artery_staging.receive_readings(v_source, $1 -> 'readings', $1 ->> 'device');
    end if;
    if $1 ? 'timestamp' then
        return artery_staging.receive_sparkplug(v_source, $1);
    end if;
    raise exception using
        errcode = 'invalid_parameter_value',
        message = 'there are no readings',
        detail = format('Got %s.', left($1::text, 200)),
        hint = 'Send {"readings": [{"device", "ts", "kind", ...}]}, or a Sparkplug payload as JSON.';
end
$function$;

comment on function artery_api_v1.sensor_readings(jsonb) is
'Takes a batch of readings, {"source", "device": of those that name none, "readings": [...]}, or one '
'Sparkplug-like message -> {"status", "accepted", "rejected", "reasons"}. Errors: 22023 neither of them';
grant execute on function artery_api_v1.sensor_readings(jsonb) to artery_app;
