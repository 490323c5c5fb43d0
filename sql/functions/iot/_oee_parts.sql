/* The parts of ISO 22400 in windows of machines; times as unions of ranges: overlaps count once.
     PBT = planned operation time - planned downtime
     APT = time in state running within PBT, less recorded unplanned downtime
     down = the other known time within PBT: idle, setup, down, recorded
     unknown = the rest of PBT
   Pieces are those of the buckets in the window; where an end cuts a bucket, of its readings. */
create or replace function artery_iot._oee_parts(
    p_equipment text[], p_from timestamptz[], p_to timestamptz[], p_planned boolean[]
)
returns table (
    number bigint,
    planned_operation numeric,
    planned_down numeric,
    planned_busy numeric,
    production numeric,
    down numeric,
    unknown numeric,
    produced numeric,
    good numeric,
    reject numeric,
    ideal numeric,
    no_cycle numeric,
    off_shift numeric,
    resets bigint
)
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
set jit = off
as $function$
begin
    return query
    with windows as (
        select
            w.*,
            tstzmultirange(tstzrange(w.lo, w.hi)) as whole,
            artery_iot.oee_bucket(w.lo + interval '5 minutes' - interval '1 microsecond') as first_bucket,
            -- up to now is all that is there, the bucket that goes on included
            artery_iot.oee_bucket(w.hi)
            + case when w.hi >= now() then interval '5 minutes' else interval '0' end as last_bucket
        from unnest(p_equipment, p_from, p_to, p_planned)
        with ordinality as w (equipment_code, lo, hi, planned, number)
    ),

    said as (
        select
            w.number,
            range_agg(tstzrange(s.started_at, s.ended_at)) filter (where s.state = 'running') as running,
            range_agg(tstzrange(s.started_at, s.ended_at)) filter (
                where s.state in ('idle', 'setup', 'down')
            ) as stopped,
            range_agg(tstzrange(s.started_at, s.ended_at)) filter (
                where s.state in ('idle', 'setup', 'down') and k.kind = 'planned'
            ) as planned
        from windows as w
        inner join artery_iot.device as d on d.equipment_code = w.equipment_code
        cross join lateral (
            select coalesce(max(x.started_at), '-infinity') as at
            from artery_iot.device_state as x
            where x.device_id = d.id and x.started_at <= w.lo
        ) as f
        cross join lateral (
            select x.*
            from artery_iot.device_state as x
            where
                x.device_id = d.id and x.started_at >= f.at and x.started_at < w.hi
                and x.ended_at > w.lo
            offset 0
        ) as s
        left join artery_erp.downtime_reason as k on k.code = s.reason_code
        where w.planned
        group by w.number
    ),

    recorded as (
        select
            w.number,
            range_agg(r.during) filter (where k.kind = 'planned') as planned,
            range_agg(r.during) filter (where k.kind = 'unplanned') as unplanned
        from windows as w
        cross join lateral (
            select x.*
            from artery_erp.equipment_downtime as x
            where x.equipment_code = w.equipment_code and x.during && tstzrange(w.lo, w.hi)
            offset 0
        ) as r
        inner join artery_erp.downtime_reason as k on k.code = r.reason_code
        where w.planned
        group by w.number
    ),

    times as (
        select
            b.number,
            b.operation,
            b.operation - b.busy as planned_down,
            b.busy,
            b.busy * b.running - b.unplanned as running,
            b.busy * (b.running + b.stopped + b.unplanned) as known
        from (
            select
                w.number,
                w.whole as operation,
                w.whole - coalesce(r.planned, '{}') - (coalesce(s.planned, '{}') - coalesce(s.running, '{}')) as busy,
                coalesce(s.running, '{}') as running,
                coalesce(s.stopped, '{}') as stopped,
                coalesce(r.unplanned, '{}') as unplanned
            from windows as w
            left join said as s on s.number = w.number
            left join recorded as r on r.number = w.number
            where w.planned
        ) as b
    ),

    seconds as (
        select
            t.number,
            artery_iot.seconds(t.operation) as operation,
            artery_iot.seconds(t.planned_down) as planned_down,
            artery_iot.seconds(t.busy) as busy,
            artery_iot.seconds(t.running) as running,
            artery_iot.seconds(t.known) as known
        from times as t
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
    ),

    counted as (
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
        group by p.number
    )

    select
        w.number,
        coalesce(s.operation, 0),
        coalesce(s.planned_down, 0),
        coalesce(s.busy, 0),
        coalesce(s.running, 0),
        coalesce(s.known - s.running, 0),
        coalesce(s.busy - s.known, 0),
        case when w.planned then coalesce(c.good + c.reject, 0) else 0 end,
        case when w.planned then coalesce(c.good, 0) else 0 end,
        case when w.planned then coalesce(c.reject, 0) else 0 end,
        case when w.planned then coalesce(c.ideal, 0) else 0 end,
        case when w.planned then coalesce(c.no_cycle, 0) else 0 end,
        case when w.planned then 0 else coalesce(c.good + c.reject, 0) end,
        coalesce(c.resets, 0)
    from windows as w
    left join seconds as s on s.number = w.number
    left join counted as c on c.number = w.number;
end
$function$;

comment on function artery_iot._oee_parts(text[], timestamptz[], timestamptz[], boolean[]) is
'The parts of the OEE in windows of machines, numbered as given: seconds and pieces; not planned = outside all shifts';
