/* The parts of ISO 22400 in windows of machines; times as unions of ranges: overlaps count once.
     PBT = planned operation time - planned downtime
     APT = time in state running within PBT, less recorded unplanned downtime
     down = the other known time within PBT: idle, setup, down, recorded
     unknown = the rest of PBT
   Outside the shifts there is nothing but pieces. */
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
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
set jit = off
as $function$
begin
    return query
    select
        w.number,
        coalesce(t.operation, 0),
        coalesce(t.operation - t.busy, 0),
        coalesce(t.busy, 0),
        coalesce(t.running, 0),
        coalesce(t.known - t.running, 0),
        coalesce(t.busy - t.known, 0),
        case when w.planned then coalesce(c.good + c.reject, 0) else 0 end,
        case when w.planned then coalesce(c.good, 0) else 0 end,
        case when w.planned then coalesce(c.reject, 0) else 0 end,
        case when w.planned then coalesce(c.ideal, 0) else 0 end,
        case when w.planned then coalesce(c.no_cycle, 0) else 0 end,
        case when w.planned then 0 else coalesce(c.good + c.reject, 0) end,
        coalesce(c.resets, 0)
    from unnest(p_planned) with ordinality as w (planned, number)
    left join artery_iot._oee_times(p_equipment, p_from, p_to, p_planned) as t on t.number = w.number
    left join artery_iot._oee_pieces(p_equipment, p_from, p_to) as c on c.number = w.number;
end
$function$;

comment on function artery_iot._oee_parts(text[], timestamptz[], timestamptz[], boolean[]) is
'The parts of the OEE in windows of machines, numbered as given: seconds and pieces; not planned = outside all shifts';
