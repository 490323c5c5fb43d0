create or replace function artery_staging._reject_conflicts(
    p_rows artery_staging.iot_sensor_reading[], p_from timestamptz, p_to timestamptz
)
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
insert into artery_staging.iot_rejected_reading (source, received_at, reading, reasons)
select
    r.source,
    r.received_at,
    artery_staging._as_reading(r),
    artery_staging._reading_reasons('{conflict}')
from unnest(p_rows) as r
inner join artery_iot.device as d on d.code = r.device and d.enabled
inner join artery_iot.sensor_reading as t
    on
        t.device_id = d.id and t.kind = r.kind and t.ts = r.ts
        and t.metric = case when r.kind in ('counter', 'measure') then coalesce(r.metric, '') else '' end
where
    (t.value, t.good, t.reject, t.state, t.reason_code, t.item_code)
    is distinct from (r.value, r.good, r.reject, r.state, r.reason_code, r.item_code)
    -- what was wrong by itself is rejected already
    and artery_staging._reading_faults(r, d.counter_modulus, d.sequence_modulus, p_from, p_to) = '{}'
    and (
        r.reason_code is null
        or exists (select from artery_erp.downtime_reason as k where k.code = r.reason_code)
    )
    and (
        r.item_code is null
        or exists (select from artery_erp.item as i where i.code = r.item_code)
    )
$function$;

comment on function artery_staging._reject_conflicts(
    artery_staging.iot_sensor_reading[], timestamptz, timestamptz
) is
'Keeps the readings of a batch, after it was stored, that say otherwise than what is stored';
