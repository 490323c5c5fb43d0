/* Pieces of the buckets in a window; where an end cuts a bucket, of its readings. */
create or replace function artery_iot._oee_pieces(
    p_equipment text[], p_from timestamptz[], p_to timestamptz[]
)
returns table (
    number bigint,
    good numeric,
    reject numeric,
    resets bigint,
    ideal numeric,
    no_cycle numeric
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
set jit = off
as $function$
begin
    return query
    with windows as (
        select
            w.*,
            artery_iot.oee_bucket(w.lo + interval '5 minutes' - interval '1 microsecond') as first_bucket,
            -- up to now is all that is there, the bucket that goes on included
            artery_iot.oee_bucket(w.hi)
            + case when w.hi >= now() then interval '5 minutes' else interval '0' end as last_bucket
        from unnest(p_equipment, p_from, p_to)
        with ordinality as w (equipment_code, lo, hi, number)
    ),

    edges as materialized (
        select
            row_number() over () as edge,
            w.number,
            d.id as device_id,
            e.lo,
            e.hi
        from windows as w
        inner join artery_iot.device as d on d.equipment_code = w.equipment_code
        cross join lateral (
            values
            (w.lo, least(w.first_bucket, w.hi)),
            (greatest(w.last_bucket, w.first_bucket), w.hi)
        ) as e (lo, hi)
        where e.lo < e.hi
    ),

    pieces as (
        select
            w.number,
            p.item_code,
            p.good,
            p.reject,
            p.resets
        from windows as w
        inner join artery_iot.device as d on d.equipment_code = w.equipment_code
        -- offset 0: a look into the index for each window, whatever the planner thinks of them
        cross join lateral (
            select x.*
            from artery_iot.production as x
            where
                x.device_id = d.id and x.bucket_at >= w.first_bucket and x.bucket_at < w.last_bucket
            offset 0
        ) as p
        union all
        select
            e.number,
            c.item_code,
            c.good,
            c.reject,
            c.reset
        from edges as e
        inner join artery_iot._counter_steps(
            (select array_agg(x.device_id order by x.edge) from edges as x),
            (select array_agg(x.lo order by x.edge) from edges as x),
            (select array_agg(x.hi order by x.edge) from edges as x)
        ) as c on c.span = e.edge
    )

    select
        p.number,
        sum(p.good) as good,
        sum(p.reject) as reject,
        sum(p.resets) as resets,
        sum((p.good + p.reject) * coalesce(i.seconds, q.ideal_cycle)) as ideal,
        sum(p.good + p.reject) filter (where coalesce(i.seconds, q.ideal_cycle) is null) as no_cycle
    from pieces as p
    inner join windows as w on w.number = p.number
    inner join artery_erp.equipment as q on q.code = w.equipment_code
    left join artery_erp.ideal_cycle as i
        on i.equipment_code = w.equipment_code and i.item_code = p.item_code
    group by p.number;
end
$function$;

comment on function artery_iot._oee_pieces(text[], timestamptz[], timestamptz[]) is
'Of windows, numbered as given: pieces counted, their ideal time, and those for which no ideal cycle is known';
