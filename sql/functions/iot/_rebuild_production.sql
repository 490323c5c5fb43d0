/* Besides the spans themselves, the bucket of each series' next reading is counted again: what it
   was compared with may have changed. */
create or replace function artery_iot._rebuild_production(
    p_devices integer[], p_from timestamptz[], p_to timestamptz[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
as $function$
declare
    v_devices integer[];
    v_from timestamptz[];
    v_to timestamptz[];
begin
    with spans as (
        select s.*
        from unnest(p_devices, p_from, p_to) as s (device_id, lo, hi)
    ),

    -- columns and metrics that counted in a span
    series as (
        select
            s.device_id,
            s.lo,
            s.hi,
            r.metric,
            r.has_good,
            r.has_reject
        from spans as s
        cross join lateral (
            select
                i.metric,
                bool_or(i.good is not null) as has_good,
                bool_or(i.reject is not null) as has_reject
            from artery_iot.sensor_reading as i
            where i.device_id = s.device_id and i.kind = 'counter' and i.ts >= s.lo and i.ts < s.hi
            group by i.metric
        ) as r
    ),

    next_buckets as (
        select
            s.device_id,
            artery_iot.oee_bucket(n.ts) as lo
        from series as s
        cross join (values (true), (false)) as c (is_good)
        cross join lateral (
            select r.ts
            from artery_iot.sensor_reading as r
            where
                r.device_id = s.device_id and r.kind = 'counter' and r.metric = s.metric and r.ts >= s.hi
                and case when c.is_good then r.good else r.reject end is not null
            order by r.ts
            limit 1
        ) as n
        where case when c.is_good then s.has_good else s.has_reject end
    )

    select
        array_agg(m.device_id order by m.device_id, m.span),
        array_agg(lower(m.span) order by m.device_id, m.span),
        array_agg(upper(m.span) order by m.device_id, m.span)
    into v_devices, v_from, v_to
    from (
        select
            a.device_id,
            unnest(range_agg(tstzrange(a.lo, a.hi))) as span
        from (
            select
                s.device_id,
                s.lo,
                s.hi
            from series as s
            union all
            select
                n.device_id,
                n.lo,
                n.lo + interval '5 minutes'
            from next_buckets as n
        ) as a
        group by a.device_id
    ) as m;
    if v_devices is null then
        return;
    end if;

    delete from artery_iot.production as p
    using unnest(v_devices, v_from, v_to) as s (device_id, lo, hi)
    where p.device_id = s.device_id and p.bucket_at >= s.lo and p.bucket_at < s.hi;

    insert into artery_iot.production (
        device_id, bucket_at, item_code, good, reject, resets, rollovers
    )
    select
        c.device_id,
        artery_iot.oee_bucket(c.ts),
        c.item_code,
        sum(c.good),
        sum(c.reject),
        sum(c.reset),
        sum(c.rollover)
    from artery_iot._counter_steps(v_devices, v_from, v_to) as c
    group by c.device_id, artery_iot.oee_bucket(c.ts), c.item_code;

    insert into artery_iot.oee_stale (equipment_code, during)
    select
        d.equipment_code,
        tstzrange(s.lo, s.hi)
    from unnest(v_devices, v_from, v_to) as s (device_id, lo, hi)
    inner join artery_iot.device as d on d.id = s.device_id
    where d.equipment_code is not null;
end
$function$;

comment on function artery_iot._rebuild_production(integer[], timestamptz[], timestamptz[]) is
'Counts artery_iot.production again where readings of spans, whole buckets, came in, and marks the OEE of their machines as stale';
