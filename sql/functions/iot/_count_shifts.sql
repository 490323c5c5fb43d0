create or replace function artery_iot._count_shifts(p_equipment text[], p_now timestamptz)
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
as $function$
declare
    v_codes text[];
    v_days date[];
    v_shifts text[];
    v_from timestamptz[];
    v_to timestamptz[];
    v_counted timestamptz[];
    v_count bigint;
begin
    with taken as (
        delete from artery_iot.oee_stale as s
        where s.equipment_code = any(p_equipment)
        returning s.equipment_code, s.during
    ),

    stale as (
        select
            t.equipment_code,
            t.during
        from taken as t
        union all
        -- what has passed since the last count; a machine new here: since it is in service
        select
            e.code,
            tstzrange(coalesce(l.at, e.in_service), p_now)
        from artery_erp.equipment as e
        cross join lateral (
            select least(
                (
                    select min(s.started_at)
                    from artery_iot.oee_shift as s
                    where s.equipment_code = e.code and s.counted_to < s.ended_at
                ), (
                    select max(s.ended_at)
                    from artery_iot.oee_shift as s
                    where s.equipment_code = e.code
                )
            ) as at
        ) as l
        where e.code = any(p_equipment) and coalesce(l.at, e.in_service) < p_now
    ),

    merged as (
        select
            s.equipment_code,
            range_agg(s.during * tstzrange(e.in_service, p_now)) as during
        from stale as s
        inner join artery_erp.equipment as e on e.code = s.equipment_code
        where e.in_service < p_now
        group by s.equipment_code
    ),

    windows as (
        select
            w.equipment_code,
            w.day,
            w.shift_code,
            greatest(w.started_at, e.in_service) as started_at,
            w.ended_at,
            least(w.ended_at, p_now) as counted_to
        from merged as m
        inner join artery_erp.equipment as e on e.code = m.equipment_code
        cross join lateral unnest(m.during) as u (piece)
        cross join lateral artery_erp.equipment_windows(
            array[m.equipment_code], lower(u.piece), upper(u.piece)
        ) as w
        where w.started_at < p_now and w.ended_at > e.in_service
        group by w.equipment_code, w.day, w.shift_code, w.started_at, w.ended_at, e.in_service
    )

    select
        array_agg(w.equipment_code order by w.equipment_code, w.started_at),
        array_agg(w.day order by w.equipment_code, w.started_at),
        array_agg(w.shift_code order by w.equipment_code, w.started_at),
        array_agg(w.started_at order by w.equipment_code, w.started_at),
        array_agg(w.ended_at order by w.equipment_code, w.started_at),
        array_agg(w.counted_to order by w.equipment_code, w.started_at)
    into v_codes, v_days, v_shifts, v_from, v_to, v_counted
    from windows as w;
    if v_codes is null then
        return 0::bigint;
    end if;

    -- windows of a calendar that is not the same any more go with those that take their place
    delete from artery_iot.oee_shift as s
    using unnest(v_codes, v_from, v_to) as w (equipment_code, lo, hi)
    where s.equipment_code = w.equipment_code and s.started_at < w.hi and s.ended_at > w.lo;

    insert into artery_iot.oee_shift (
        equipment_code, started_at, ended_at, counted_to, day, shift_code, planned_operation, planned_down,
        planned_busy, production, down, unknown, produced, good, reject, ideal, no_cycle, off_shift, resets
    )
    select
        v_codes[p.number],
        v_from[p.number],
        v_to[p.number],
        v_counted[p.number],
        v_days[p.number],
        v_shifts[p.number],
        p.planned_operation,
        p.planned_down,
        p.planned_busy,
        p.production,
        p.down,
        p.unknown,
        p.produced,
        p.good,
        p.reject,
        p.ideal,
        p.no_cycle,
        p.off_shift,
        p.resets
    from artery_iot._oee_parts(
        v_codes, v_from, v_counted, array(
            select u.code is not null
            from unnest(v_shifts) with ordinality as u (code, place)
            order by u.place
        )
    ) as p
    -- the last one says how far was counted; else time without a shift leaves a row only for its pieces
    where v_shifts[p.number] is not null or p.off_shift > 0 or v_to[p.number] > p_now;
    get diagnostics v_count = row_count;
    return v_count;
end
$function$;

comment on function artery_iot._count_shifts(text[], timestamptz) is
'Counts the stale windows of machines again, as of a moment; returns how many it wrote';
