create or replace view artery_iot.equipment_oee
with (security_invoker = true) as
select
    s.equipment_code,
    s.day,
    s.shift_code,
    s.started_at,
    s.ended_at,
    s.counted_to,
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
    s.resets,
    r.flags
    || case when s.counted_to < s.ended_at then array['in_progress'] else '{}' end as flags
from artery_iot.oee_shift as s
cross join lateral artery_iot.oee_ratios(
    s.planned_busy, s.production, s.unknown, s.produced, s.good, s.ideal, s.no_cycle, s.resets
) as r;

comment on view artery_iot.equipment_oee is
'OEE by ISO 22400 of each machine and shift, with its parts in seconds and pieces; the function of the same name '
'has it for days and any range';
grant select on artery_iot.equipment_oee to artery_reader;
