/* Times as unions of ranges, so that what overlaps counts once. */
create or replace function artery_iot._oee_times(
    p_equipment text[], p_from timestamptz[], p_to timestamptz[], p_planned boolean[]
)
returns table (
    number bigint,
    operation numeric,
    busy numeric,
    running numeric,
    known numeric
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
            w.number,
            w.equipment_code,
            w.lo,
            w.hi,
            tstzmultirange(tstzrange(w.lo, w.hi)) as whole
        from unnest(p_equipment, p_from, p_to, p_planned)
        with ordinality as w (equipment_code, lo, hi, planned, number)
        where w.planned
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
        group by w.number
    ),

    times as (
        select
            b.number,
            b.operation,
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
        ) as b
    )

    select
        t.number,
        artery_iot.seconds(t.operation),
        artery_iot.seconds(t.busy),
        artery_iot.seconds(t.running),
        artery_iot.seconds(t.known)
    from times as t;
end
$function$;

comment on function artery_iot._oee_times(text[], timestamptz[], timestamptz[], boolean[]) is
'Of the planned ones of windows, numbered as given: seconds planned for operation, planned busy, running, and known';
