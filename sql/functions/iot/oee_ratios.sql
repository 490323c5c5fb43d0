/* ISO 22400-2: availability = APT / PBT, effectiveness = PRI x PQ / APT, quality ratio = GQ / PQ,
   and OEE = their product. The product is written without APT, which cancels, so that a machine
   that did not run has 0 and not null; PBT = 0 gives null. Nothing is capped: above 1 is flagged.
   Not pinned, so that it is inlined. */
create or replace function artery_iot.oee_ratios(
    p_busy numeric,
    p_production numeric,
    p_unknown numeric,
    p_produced numeric,
    p_good numeric,
    p_ideal numeric,
    p_no_cycle numeric,
    p_resets numeric
)
returns table (
    availability numeric, effectiveness numeric, quality numeric, oee numeric, flags text[]
)
language sql
immutable
parallel safe
as $function$
select
    round(p_production / nullif(p_busy, 0), 6),
    case when p_no_cycle = 0 then round(p_ideal / nullif(p_production, 0), 6) end,
    round(p_good / nullif(p_produced, 0), 6),
    case
        when p_busy = 0 or p_no_cycle > 0 then null
        when p_produced = 0 then 0
        else round(p_ideal * p_good / (p_busy * p_produced), 6)
    end,
    array_remove(array[
        case when p_busy = 0 then 'not_planned' end,
        case
            when p_no_cycle = 0 and p_ideal > p_production and p_busy > 0 and p_production > 0 then 'above_100'
        end,
        case when p_production = 0 and p_produced > 0 then 'counted_not_running' end,
        case when p_unknown > 0 then 'unknown_time' end,
        case when p_no_cycle > 0 then 'no_ideal_cycle' end,
        case when p_resets > 0 then 'counter_reset' end
    ], null)
$function$;

comment on function artery_iot.oee_ratios(
    numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric
) is
'Availability, effectiveness, quality ratio and OEE from sums of their parts, with what is odd about them';
grant execute on function artery_iot.oee_ratios(
    numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric
) to artery_reader;
