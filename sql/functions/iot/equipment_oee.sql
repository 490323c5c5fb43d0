/* Sums of the shifts that lie within the range, and what its ends cut off others, counted there and
   then. Ratios are made of the sums, never averaged. */
create or replace function artery_iot.equipment_oee(
    p_from timestamptz,
    p_to timestamptz,
    p_equipment text[] default null,
    p_by text default 'total'
)
returns table (
    equipment_code text,
    day date,
    shift_code text,
    availability numeric,
    effectiveness numeric,
    quality numeric,
    oee numeric,
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
    flags text[]
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = 'force_custom_plan'
as $function$
declare
    v_codes text[];
    v_days date[];
    v_shifts text[];
    v_from timestamptz[];
    v_to timestamptz[];
begin
    if p_from >= p_to or p_from is null or p_to is null or p_by not in ('total', 'day', 'shift') then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = 'no range, or not by total, day or shift',
            detail = format('From %s to %s by %s.', p_from, p_to, p_by),
            hint = 'p_from must be before p_to.';
    end if;

    -- what was counted to no further than the range goes can be taken whole
    select
        array_agg(c.equipment_code order by c.equipment_code, c.started_at),
        array_agg(c.day order by c.equipment_code, c.started_at),
        array_agg(c.shift_code order by c.equipment_code, c.started_at),
        array_agg(greatest(c.started_at, p_from) order by c.equipment_code, c.started_at),
        array_agg(least(c.counted_to, p_to) order by c.equipment_code, c.started_at)
    into v_codes, v_days, v_shifts, v_from, v_to
    from artery_iot.oee_shift as c
    where
        c.started_at < p_to and c.counted_to > p_from
        and (c.started_at < p_from or c.counted_to > p_to)
        and c.started_at > p_from - interval '2 days'
        and (p_equipment is null or c.equipment_code = any(p_equipment));

    return query
    with parts as (
        select
            s.equipment_code,
            s.day,
            s.shift_code,
            s.planned_operation,
            s.planned_down,
            s.planned_busy,
            s.production,
            s.down,
            s.unknown,
            s.produced,
            s.good,
            s.reject,
            s.ideal,
            s.no_cycle,
            s.off_shift,
            s.resets
        from artery_iot.oee_shift as s
        where
            s.started_at >= p_from and s.started_at < p_to and s.counted_to <= p_to
            and (p_equipment is null or s.equipment_code = any(p_equipment))
        union all
        select
            v_codes[p.number],
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
            v_codes, v_from, v_to, array(
                select u.code is not null
                from unnest(v_shifts) with ordinality as u (code, place)
                order by u.place
            )
        ) as p
    ),

    sums as (
        select
            s.equipment_code,
            case when p_by in ('day', 'shift') then s.day end as day,
            case when p_by = 'shift' then s.shift_code end as shift_code,
            sum(s.planned_operation) as planned_operation,
            sum(s.planned_down) as planned_down,
            sum(s.planned_busy) as planned_busy,
            sum(s.production) as production,
            sum(s.down) as down,
            sum(s.unknown) as unknown,
            sum(s.produced) as produced,
            sum(s.good) as good,
            sum(s.reject) as reject,
            sum(s.ideal) as ideal,
            sum(s.no_cycle) as no_cycle,
            sum(s.off_shift) as off_shift,
            sum(s.resets) as resets
        from parts as s
        group by 1, 2, 3
    )

    select
        s.equipment_code,
        s.day,
        s.shift_code,
        r.availability,
        r.effectiveness,
        r.quality,
        r.oee,
        s.planned_operation,
        s.planned_down,
        s.planned_busy,
        s.production,
        s.down,
        s.unknown,
        s.produced,
        s.good,
        s.reject,
        s.ideal,
        s.no_cycle,
        s.off_shift,
        r.flags
    from sums as s
    cross join lateral artery_iot.oee_ratios(
        s.planned_busy, s.production, s.unknown, s.produced, s.good, s.ideal, s.no_cycle, s.resets
    ) as r
    order by s.equipment_code, s.day, s.shift_code;
end
$function$;

comment on function artery_iot.equipment_oee(timestamptz, timestamptz, text[], text) is
'OEE by ISO 22400 of machines (null = all) in a range, by total, day or shift, with its parts in seconds and pieces. '
'Errors: 22023 no range';
grant execute on function artery_iot.equipment_oee(timestamptz, timestamptz, text[], text)
to artery_reader, artery_app;
