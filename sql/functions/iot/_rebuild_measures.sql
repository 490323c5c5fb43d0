create or replace function artery_iot._rebuild_measures(
    p_devices integer[], p_from timestamptz[], p_to timestamptz[]
)
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
insert into artery_iot.measure_summary as m (
    device_id, metric, bucket_at, samples, total, minimum, maximum
)
select
    r.device_id,
    r.metric,
    artery_iot.oee_bucket(r.ts),
    count(*),
    sum(r.value),
    min(r.value),
    max(r.value)
from unnest(p_devices, p_from, p_to) as s (device_id, lo, hi)
cross join lateral (
    select i.*
    from artery_iot.sensor_reading as i
    where i.device_id = s.device_id and i.kind = 'measure' and i.ts >= s.lo and i.ts < s.hi
    offset 0
) as r
group by r.device_id, r.metric, artery_iot.oee_bucket(r.ts)
on conflict (device_id, metric, bucket_at) do update
set
    samples = excluded.samples,
    total = excluded.total,
    minimum = excluded.minimum,
    maximum = excluded.maximum
where m.samples <> excluded.samples
$function$;

comment on function artery_iot._rebuild_measures(integer[], timestamptz[], timestamptz[]) is
'Sums artery_iot.measure_summary again in spans, whole buckets; readings only ever come in, so their number tells';
