begin;
select no_plan();
\ir _setup.psql

-- Monday, early shift: 8 h. Two planned downtimes that overlap: 8:00 to 9:30, 5,400 s. A jam that the machine
-- reports from 10:00 to 10:30 and a person from 10:15 to 10:45: 2,700 s. 1,800 good and 100 bad, 10 s each.
select pg_temp.machine('M1');
select pg_temp.beat('M1', '2024-03-04 06:00', '2024-03-05 06:00');
select pg_temp.state('M1', '2024-03-04 06:00', 'running'), pg_temp.state('M1', '2024-03-04 10:00', 'down', 'JAM'),
    pg_temp.state('M1', '2024-03-04 10:30', 'running');
select pg_temp.count('M1', '2024-03-04 06:00', 100, 0), pg_temp.count('M1', '2024-03-04 09:00', 900, 40),
    pg_temp.count('M1', '2024-03-04 13:30', 1900, 100);
insert into artery_erp.equipment_downtime (equipment_code, during, reason_code) values
('M1', '[2024-03-04 08:00, 2024-03-04 09:00)', 'MAINT'), ('M1', '[2024-03-04 08:30, 2024-03-04 09:30)', 'MEET'),
('M1', '[2024-03-04 10:15, 2024-03-04 10:45)', 'JAM');
select pg_temp.settle('2024-03-04 14:00');
create function pg_temp.parts(p_code text, p_at timestamptz) returns table (
    pot numeric, pdot numeric, pbt numeric, apt numeric, down numeric, unknown numeric, pq numeric, gq numeric
) language sql as $$
    select planned_operation, planned_down, planned_busy, production, down, unknown, produced, good
    from artery_iot.equipment_oee where equipment_code = $1 and started_at <= $2 and ended_at > $2
$$;
create function pg_temp.ratios(p_code text, p_at timestamptz) returns table (
    availability numeric, effectiveness numeric, quality numeric, oee numeric, flags text[]
) language sql as $$
    select availability, effectiveness, quality, oee, flags
    from artery_iot.equipment_oee where equipment_code = $1 and started_at <= $2 and ended_at > $2
$$;
select results_eq($$select * from pg_temp.parts('M1', '2024-03-04 10:00')$$,
    $$values (28800::numeric, 5400::numeric, 23400::numeric, 20700::numeric, 2700::numeric, 0::numeric, 1900::numeric, 1800::numeric)$$,
    'PBT is without planned downtime, APT without the jam, and what overlaps counts once');
select results_eq($$select * from pg_temp.ratios('M1', '2024-03-04 10:00')$$,
    $$values (0.884615, 0.917874, 0.947368, 0.769231, '{}'::text[])$$,
    '20,700/23,400; 19,000/20,700; 1,800/1,900; their product');

-- the shift's end: a reading at 14:00 is the late shift's, a state is split there
select pg_temp.count('M1', '2024-03-04 14:00', 1910), pg_temp.state('M1', '2024-03-04 15:00', 'idle');
select pg_temp.settle('2024-03-04 22:00');
select results_eq($$select * from pg_temp.parts('M1', '2024-03-04 21:59')$$,
    $$values (28800::numeric, 0::numeric, 28800::numeric, 3600::numeric, 25200::numeric, 0::numeric, 10::numeric, 10::numeric)$$,
    'a reading at the end of a shift is the next one''s, a state that goes over it is split');
select is((select production from pg_temp.parts('M1', '2024-03-04 10:00') as p (a, b, c, production)), 20700::numeric, 'the early shift has its own part');
select is((select count(*)::int from artery_iot.device_state where started_at < '2024-03-04 22:00'), 4,
    'a machine that goes on in a state has one row for it');

-- aggregation: by sums, 10 h of PBT less 5,400 s, not by averages
select results_eq(
    $$select availability, quality, oee, planned_busy from artery_iot.equipment_oee('2024-03-04 06:00', '2024-03-04 22:00', '{M1}')$$,
    $$values (round(24300 / 52200.0, 6), round(1810 / 1910.0, 6), round(19100 * 1810 / (52200.0 * 1910), 6), 52200::numeric)$$,
    'two shifts together: ratios of the sums');
select results_eq(
    $$select planned_busy, production, down, produced from artery_iot.equipment_oee('2024-03-04 09:02', '2024-03-04 10:07', '{M1}')$$,
    $$values (37 * 60::numeric, 30 * 60::numeric, 7 * 60::numeric, 0::numeric)$$, 'any range, cut at the minute');
select is((select produced from artery_iot.equipment_oee('2024-03-04 08:58', '2024-03-04 09:00:01', '{M1}')), 840::numeric, 'a reading within the range counts');
select is((select produced from artery_iot.equipment_oee('2024-03-04 08:58', '2024-03-04 09:00', '{M1}')), 0::numeric, '... at its end not');
select is(
    (select sum(produced) from unnest('{2024-03-04 06:00,2024-03-04 07:13,2024-03-04 09:00,2024-03-04 09:01,2024-03-04 14:00}'::timestamptz[],
        '{2024-03-04 07:13,2024-03-04 09:00,2024-03-04 09:01,2024-03-04 14:00,2024-03-04 20:00}'::timestamptz[]) as r (a, b),
        artery_iot.equipment_oee(r.a, r.b, '{M1}')), 1910::numeric, 'ranges that meet add up to the whole');
select throws_ok($$select artery_iot.equipment_oee('2024-03-04 09:00', '2024-03-04 09:00')$$, '22023', null, 'an empty range is an error');
select throws_ok($$select artery_iot.equipment_oee('2024-03-04', '2024-03-05', null, 'week')$$, '22023', null, '... and so is a grouping that is not there');

-- where the clocks change the night has an hour less, or more
select set_eq(
    $$select day, extract(epoch from ended_at - started_at)::int from artery_erp.equipment_windows('{M1}', '2024-03-30 12:00', '2024-04-01 00:00') where shift_code = 'night'
    union all select day, extract(epoch from ended_at - started_at)::int from artery_erp.equipment_windows('{M1}', '2024-10-26 23:00', '2024-10-27 04:00') where shift_code = 'night'$$,
    $$values ('2024-03-30'::date, 7 * 3600), ('2024-03-31', 8 * 3600), ('2024-10-26', 9 * 3600)$$, 'a night shift over the change of the clocks has 7 or 9 hours');
select pg_temp.machine('DST', p_service => '2024-03-30 22:00');
select pg_temp.beat('DST', '2024-03-30 22:00', '2024-03-31 06:00'), pg_temp.state('DST', '2024-03-30 22:00', 'running'), pg_temp.count('DST', '2024-03-30 22:00', 0),
    pg_temp.count('DST', '2024-03-31 05:59', 2520);
select pg_temp.settle('2024-03-31 06:00');
select results_eq($$select availability, effectiveness, oee, planned_busy from artery_iot.equipment_oee where equipment_code = 'DST'$$,
    $$values (1.000000, 1.000000, 1.000000, 25200::numeric)$$, 'it ran for the 7 hours that there were');

-- a counter at its end begins again; one that falls elsewhere was reset: never negative
select pg_temp.machine('ROLL', p_modulus => 1000);
select pg_temp.count('ROLL', '2024-03-04 06:00', 950), pg_temp.count('ROLL', '2024-03-04 07:00', 990), pg_temp.count('ROLL', '2024-03-04 08:00', 10),
    pg_temp.count('ROLL', '2024-03-04 09:00', 40), pg_temp.count('ROLL', '2024-03-04 10:00', 5);
select pg_temp.settle('2024-03-04 14:00');
select is((select pq from pg_temp.parts('ROLL', '2024-03-04 10:00')), 40 + 20 + 30 + 5::numeric, '950, 990, 10, 40, 5 of 1,000: 95 pieces');
select results_eq($$select sum(resets), sum(rollovers) from artery_iot.production as p inner join artery_iot.device as d on d.id = p.device_id where d.code = 'd-ROLL'$$,
    $$values (1::bigint, 1::bigint)$$, 'one reset, one rollover, both on record');
select ok((select flags @> '{counter_reset,counted_not_running}' from pg_temp.ratios('ROLL', '2024-03-04 10:00')), 'and flagged');

-- no sign of life from 7:00 to 8:00, with a timeout of a minute: 59 minutes are unknown, neither running nor down
select pg_temp.machine('MUTE', '1 minute');
select pg_temp.beat('MUTE', '2024-03-04 06:00', '2024-03-04 07:00', '1 minute'), pg_temp.beat('MUTE', '2024-03-04 08:00', '2024-03-04 14:00', '1 minute'),
    pg_temp.state('MUTE', '2024-03-04 06:00', 'running');
select pg_temp.settle('2024-03-04 14:00');
select results_eq($$select pbt, apt, down, unknown from pg_temp.parts('MUTE', '2024-03-04 10:00')$$,
    $$values (28800::numeric, 28800 - 3540::numeric, 0::numeric, 3540::numeric)$$, 'a lost heartbeat is unknown time');
select ok((select flags @> '{unknown_time}' from pg_temp.ratios('MUTE', '2024-03-04 10:00')), 'and flagged');
-- its readings come late: the past is corrected
select pg_temp.beat('MUTE', '2024-03-04 07:01', '2024-03-04 07:59', '1 minute');
select pg_temp.settle('2024-03-04 14:00');
select results_eq($$select apt, unknown from pg_temp.parts('MUTE', '2024-03-04 10:00')$$, $$values (28800::numeric, 0::numeric)$$, 'late heartbeats make it known');
select pg_temp.state('MUTE', '2024-03-04 11:00', 'down', 'JAM'), pg_temp.state('MUTE', '2024-03-04 11:30', 'running');
select pg_temp.settle('2024-03-04 14:00');
select results_eq($$select apt, down from pg_temp.parts('MUTE', '2024-03-04 10:00')$$, $$values (27000::numeric, 1800::numeric)$$, 'a late stop is taken off');
select pg_temp.state('MUTE', '2024-03-04 11:10', 'running');
select pg_temp.settle('2024-03-04 14:00');
select results_eq($$select apt, down from pg_temp.parts('MUTE', '2024-03-04 10:00')$$, $$values (28200::numeric, 600::numeric)$$, '... and ends with a still later reading');
select pg_temp.count('MUTE', '2024-03-04 06:00', 0), pg_temp.count('MUTE', '2024-03-04 13:59', 70), pg_temp.count('MUTE', '2024-03-04 14:01', 100);
select pg_temp.settle('2024-03-04 22:00');
select pg_temp.count('MUTE', '2024-03-04 14:00', 90);
select pg_temp.settle('2024-03-04 22:00');
select is((select pq from pg_temp.parts('MUTE', '2024-03-04 15:00')), 30::numeric, 'a late count splits the step that was counted, and adds nothing');

-- PBT = 0
select pg_temp.machine('IDLE');
insert into artery_erp.equipment_downtime (equipment_code, during, reason_code) values ('IDLE', '[2024-03-04 05:00, 2024-03-04 15:00)', 'MAINT');
select pg_temp.settle('2024-03-04 14:00');
select results_eq($$select * from pg_temp.ratios('IDLE', '2024-03-04 10:00')$$, $$values (null::numeric, null::numeric, null::numeric, null::numeric, '{not_planned}'::text[])$$,
    'PBT = 0: null, and no division');
delete from artery_erp.equipment_downtime where equipment_code = 'IDLE';
select pg_temp.settle('2024-03-04 14:00');
select results_eq($$select availability, oee, flags from pg_temp.ratios('IDLE', '2024-03-04 10:00')$$, $$values (0::numeric, 0::numeric, '{unknown_time}'::text[])$$,
    'the downtime is taken back: a shift of which nothing is known has 0');

-- above 100 %: 3,000 pieces of 10 s in 8 h; shown as it is
select pg_temp.machine('FAST');
select pg_temp.beat('FAST', '2024-03-04 06:00', '2024-03-04 14:00'), pg_temp.state('FAST', '2024-03-04 06:00', 'running'), pg_temp.count('FAST', '2024-03-04 06:00', 0),
    pg_temp.count('FAST', '2024-03-04 13:00', 3600);
select pg_temp.settle('2024-03-04 14:00');
select results_eq($$select effectiveness, oee, flags from pg_temp.ratios('FAST', '2024-03-04 10:00')$$, $$values (1.250000, 1.250000, '{above_100}'::text[])$$,
    'a wrong ideal cycle shows as more than 100 %, and is flagged');
update artery_erp.equipment set ideal_cycle = 8 where code = 'FAST';
select pg_temp.settle('2024-03-04 14:00');
select results_eq($$select effectiveness, flags from pg_temp.ratios('FAST', '2024-03-04 10:00')$$, $$values (1.000000, '{}'::text[])$$, 'corrected, it is counted again');

-- cycles of items; a piece without one leaves the ratio open
insert into artery_erp.unit (code, name, dimension, whole_number) values ('EA', 'piece', 'count', true);
insert into artery_erp.item (code, name, status, source, stock_unit) values ('A', 'A', 'released', 'make', 'EA'), ('B', 'B', 'released', 'make', 'EA');
select pg_temp.machine('MIX', p_cycle => null);
insert into artery_erp.ideal_cycle values ('MIX', 'A', 20);
select pg_temp.beat('MIX', '2024-03-04 06:00', '2024-03-04 14:00'), pg_temp.state('MIX', '2024-03-04 06:00', 'running'), pg_temp.count('MIX', '2024-03-04 06:00', 0, null, 'A'),
    pg_temp.count('MIX', '2024-03-04 08:00', 360, null, 'A'), pg_temp.count('MIX', '2024-03-04 12:00', 480, null, 'B');
select pg_temp.settle('2024-03-04 14:00');
select results_eq($$select effectiveness, oee, flags from pg_temp.ratios('MIX', '2024-03-04 10:00')$$, $$values (null::numeric, null::numeric, '{no_ideal_cycle}'::text[])$$,
    'no cycle for an item: no guess');
insert into artery_erp.ideal_cycle values ('MIX', 'B', 60);
select pg_temp.settle('2024-03-04 14:00');
select results_eq($$select effectiveness from pg_temp.ratios('MIX', '2024-03-04 10:00')$$, $$values (round((360 * 20 + 120 * 60) / 28800.0, 6))$$, 'each item by its own');

-- a stop whose reason is planned is no loss; several devices; holidays; work outside the shifts
select pg_temp.machine('TWO');
insert into artery_iot.device (code, equipment_code, heartbeat_timeout) values ('d-TWO-b', 'TWO', '1 hour');
select pg_temp.beat('TWO', '2024-03-04 06:00', '2024-03-04 14:00'), pg_temp.beat('TWO-b', '2024-03-04 06:00', '2024-03-04 14:00');
select pg_temp.state('TWO', '2024-03-04 06:00', 'running'), pg_temp.state('TWO', '2024-03-04 10:00', 'down', 'MAINT'), pg_temp.state('TWO-b', '2024-03-04 06:00', 'idle'),
    pg_temp.state('TWO-b', '2024-03-04 11:00', 'running'), pg_temp.state('TWO-b', '2024-03-04 12:00', 'idle');
select pg_temp.count('TWO', '2024-03-04 06:00', 0), pg_temp.count('TWO', '2024-03-04 07:00', 5), pg_temp.count('TWO-b', '2024-03-04 06:00', 0), pg_temp.count('TWO-b', '2024-03-04 11:30', 7);
select pg_temp.settle('2024-03-04 14:00');
select results_eq($$select pdot, pbt, apt, down, pq from pg_temp.parts('TWO', '2024-03-04 10:00')$$, $$values (10800::numeric, 18000::numeric, 18000::numeric, 0::numeric, 12::numeric)$$,
    'planned from 10:00 but for the hour in which the other device ran');
insert into artery_erp.calendar_day (calendar_code, day, name) values ('plant', '2024-03-04', 'Holiday');
select pg_temp.settle('2024-03-04 14:00');
select results_eq($$select shift_code, pbt, off_shift, oee from artery_iot.equipment_oee, lateral (select planned_busy) as p (pbt) where equipment_code = 'TWO' and off_shift > 0$$,
    $$values (null::text, 0::numeric, 12::numeric, null::numeric)$$, 'on a holiday nothing is planned, and pieces are off shift');
update artery_erp.calendar_day set shift_codes = '{early}';
select pg_temp.settle('2024-03-05 06:00');
select set_eq($$select shift_code, planned_operation from artery_iot.equipment_oee('2024-03-04 00:00', '2024-03-05 00:00', '{TWO}', 'shift')$$,
    $$values ('early', 28800::numeric)$$, 'a day with a shift of its own');

select throws_ok($$insert into artery_erp.work_shift (calendar_code, code, weekdays, starts_at, ends_at) values ('plant', 'x', '{7}', '05:00', '06:30')$$, '23P01', null, 'shifts may not overlap');
select throws_ok($$insert into artery_erp.work_shift (calendar_code, code, starts_at, ends_at) values ('always', 'x', '05:01', '06:30')$$, '23514', null, '... nor cut five minutes');
select throws_ok($$insert into artery_erp.work_calendar values ('x', 'x', 'Mars/Olympus')$$, '22023', null, 'nor be on Mars');

-- the parts always make up PBT
select is_empty($$select * from artery_iot.oee_shift where planned_busy <> production + down + unknown or planned_operation <> planned_busy + planned_down$$, 'PBT = running + down + unknown');
select * from finish();
rollback;
