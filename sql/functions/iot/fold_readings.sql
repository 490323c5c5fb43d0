create or replace function artery_iot.fold_readings(
    p_devices integer[], p_from timestamptz[], p_to timestamptz[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform artery_iot._rebuild_production(p_devices, p_from, p_to);
    perform artery_iot._rebuild_measures(p_devices, p_from, p_to);
    perform artery_iot._rebuild_states(p_devices, p_from, p_to);

    -- a state that came late holds until the next one, or as long as the device is heard of
    insert into artery_iot.oee_stale (equipment_code, during)
    select
        d.equipment_code,
        tstzrange(s.lo, greatest(
            s.hi + d.heartbeat_timeout,
            least(
                (
                    select min(r.ts)
                    from artery_iot.sensor_reading as r
                    where r.device_id = s.device_id and r.kind = 'state' and r.ts >= s.hi
                ), (
                    select x.ended_at
                    from artery_iot.device_state as x
                    where x.device_id = s.device_id
                    order by x.started_at desc
                    limit 1
                )
            )
        ))
    from unnest(p_devices, p_from, p_to) as s (device_id, lo, hi)
    inner join artery_iot.device as d on d.id = s.device_id
    where d.equipment_code is not null;
end
$function$;

comment on function artery_iot.fold_readings(integer[], timestamptz[], timestamptz[]) is
'Brings the roll-ups of devices up to readings that came in within spans of whole buckets, and marks '
'the OEE of their machines as stale';
revoke execute on function artery_iot.fold_readings(integer[], timestamptz[], timestamptz[])
from public;
