/* Increases of counters at the readings of some times. A counter that fell was either at its end
   and began again (rollover: it had passed nine tenths of its modulus and stands in the first), or
   was set to 0 (reset: it counted what it shows). Neither is negative production. The first
   reading ever is where counting begins: 0. */
create or replace function artery_iot._counter_steps(
    p_devices integer[], p_from timestamptz[], p_to timestamptz[]
)
returns table (
    span bigint,
    device_id integer,
    ts timestamptz,
    item_code text,
    good numeric,
    reject numeric,
    reset integer,
    rollover integer
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_generic_plan'
as $function$
begin
    return query
    with spans as (
        select w.*
        from unnest(p_devices, p_from, p_to) with ordinality as w (device_id, lo, hi, span)
    ),

    inside as (
        select
            s.span,
            s.lo,
            r.device_id,
            r.metric,
            r.ts,
            r.item_code,
            r.good,
            r.reject
        from spans as s
        -- a young partition has no statistics: offset 0 keeps it at an index scan a span
        cross join lateral (
            select i.*
            from artery_iot.sensor_reading as i
            where i.device_id = s.device_id and i.kind = 'counter' and i.ts >= s.lo and i.ts < s.hi
            offset 0
        ) as r
    ),

    series as (
        select
            i.span,
            i.lo,
            i.device_id,
            i.metric,
            i.ts,
            i.item_code,
            u.is_good,
            u.shown
        from inside as i
        cross join lateral (values (true, i.good), (false, i.reject)) as u (is_good, shown)
        where u.shown is not null
    ),

    -- what each series showed last before its span
    before as (
        select
            g.span,
            g.lo,
            g.device_id,
            g.metric,
            l.ts,
            null as item_code,
            g.is_good,
            l.shown
        from (
            select distinct
                s.span,
                s.lo,
                s.device_id,
                s.metric,
                s.is_good
            from series as s
        ) as g
        cross join lateral (
            select
                r.ts,
                case when g.is_good then r.good else r.reject end as shown
            from artery_iot.sensor_reading as r
            where
                r.device_id = g.device_id and r.kind = 'counter' and r.metric = g.metric and r.ts < g.lo
                and case when g.is_good then r.good else r.reject end is not null
            order by r.ts desc
            limit 1
        ) as l
    ),

    ordered as (
        select
            x.*,
            lag(x.shown) over (partition by x.span, x.metric, x.is_good order by x.ts) as previous
        from (
            select * from series
            union all
            select * from before
        ) as x
    )

    select
        o.span,
        o.device_id,
        o.ts,
        coalesce(o.item_code, ''),
        case when o.is_good then c.step else 0 end,
        case when o.is_good then 0 else c.step end,
        (c.fell and not c.rolled)::integer,
        (c.fell and c.rolled)::integer
    from ordered as o
    inner join artery_iot.device as d on d.id = o.device_id
    cross join lateral (
        select
            f.fell,
            f.rolled,
            case
                when not f.fell then o.shown - o.previous
                when f.rolled then d.counter_modulus - o.previous + o.shown
                else o.shown
            end as step
        from (
            select
                o.shown < o.previous as fell,
                coalesce(o.previous >= 0.9 * d.counter_modulus and o.shown < 0.1 * d.counter_modulus, false)
                as rolled
        ) as f
    ) as c
    where o.ts >= o.lo and o.previous is not null and (c.fell or c.step > 0);
end
$function$;

comment on function artery_iot._counter_steps(integer[], timestamptz[], timestamptz[]) is
'Pieces that the counters of devices counted within spans of time, at the readings that showed them; lo <= ts < hi';
