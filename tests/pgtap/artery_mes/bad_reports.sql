-- Bad reports are kept with all their reasons, hurt no other, and go through once the cause is gone.
begin;
select plan(64);
\ir _world.psql

select pg_temp.stock('PIPE', 'LINE', '1000000');
select pg_temp.order('MO-1', 'TUBE', 100);
select pg_temp.order('MO-2', 'TUBE', 100);
select pg_temp.order('MO-3', 'KIT', 100);
select pg_temp.order('MO-4', 'TUBE', 100);
update artery_erp.manufacturing_order set status = 'in_progress' where mo_no = 'MO-4';
update artery_erp.manufacturing_order set status = 'completed' where mo_no = 'MO-4';
update artery_erp.manufacturing_order set status = 'closed' where mo_no = 'MO-4';
update artery_erp.manufacturing_order set status = 'cancelled' where mo_no = 'MO-2';
insert into artery_erp.manufacturing_order (mo_no, item_code, quantity, unit) values ('MO-P', 'TUBE', 1, 'EA');

select is(pg_temp.said(pg_temp.report('B-' || b.no, b.mo_no, b.good, b.more)), b.said, b.what)
from (values
    (1, 'NOPE', '1', '{}'::jsonb, 'rejected IN106', 'unknown order'),
    (2, 'MO-2', '1', '{}', 'rejected IN304', 'cancelled order'),
    (3, 'MO-P', '1', '{"warehouse": "FG"}', 'rejected IN304', 'an order that is not released'),
    (4, 'MO-1', '1', '{"warehouse": "CAGE"}', 'rejected IN305', 'wrong warehouse'),
    (5, 'MO-1', '1', '{"warehouse": "NOPE"}', 'rejected IN305', 'no warehouse'),
    (6, 'MO-1', '101', '{}', 'rejected IN308', 'over tolerance'),
    (7, 'MO-1', 'NaN', '{}', 'rejected IN303', 'NaN'),
    (8, 'MO-1', '-1', '{}', 'rejected IN303', 'negative'),
    (9, 'MO-1', '1e5', '{}', 'rejected IN303', 'exponent'),
    (10, 'MO-1', 'Infinity', '{}', 'rejected IN303', 'infinite'),
    (11, 'MO-1', '0.5', '{}', 'rejected IN303', 'half a piece'),
    (12, 'MO-1', '1', '{"reported_at": "2099-01-01T00:00:00Z"}', 'rejected IN309', 'future'),
    (13, 'MO-1', '1', '{"reported_at": "2026-02-30T00:00:00Z"}', 'rejected IN303', 'no such day'),
    (14, 'MO-1', '1', '{"reported_at": "2026-01-01 00:00"}', 'rejected IN303', 'a time without its offset'),
    (15, 'MO-1', '1', '{"item": "KIT"}', 'rejected IN310', 'another item'),
    (16, 'MO-1', '1', '{"lot": "X"}', 'rejected IN307', 'a lot where there are none'),
    (17, 'MO-3', '1', '{"lot": "no good"}', 'rejected IN307', 'a lot number that is none'),
    (18, 'MO-3', '1', '{"operation_no": 15}', 'rejected IN306', 'no such operation'),
    (19, 'MO-3', '1', '{"operation_no": "ten"}', 'rejected IN303 IN307', 'an operation that is no number'),
    (20, 'MO-1', '1', '{"kind": "strange"}', 'rejected IN303', 'no such kind'),
    (21, 'NOPE', 'x', '{"scrap": "y", "reported_at": "z"}', 'rejected IN106 IN303 IN303 IN303', 'all that is wrong at once'),
    (22, 'MO-1', '1', '{"components": [{"line_no": 99, "quantity": "1"}]}', 'rejected IN310', 'no such line'),
    (23, 'MO-1', '1', '{"components": [{"line_no": 10, "item": "BOLT", "quantity": "0"}]}', 'rejected IN303 IN310', 'no substitute'),
    (24, 'MO-3', '1', '{"operation_no": 10, "components": [{"line_no": 10, "lot": "NONE", "quantity": "1"}]}', 'rejected IN307', 'no such lot'),
    (25, 'MO-1', '1', '{"components": 7}', 'rejected IN303', 'components that are none'),
    (26, 'MO-1', '1', '{"kind": "reversal", "reverses": "NONE"}', 'rejected IN311', 'nothing to take back'),
    (27, 'MO-4', '1', '{}', 'rejected IN304', 'closed order'),
    (28, 'MO-1', '0', '{"components": null, "operation_no": null, "lot": null, "item": null, "warehouse": null,
        "scrap": null, "rework": null, "reason": null, "reported_at": null, "kind": null}', 'processed', 'a field that is null is absent'),
    (29, 'MO-1', '0', '{"components": []}', 'processed', 'no components are none to check'),
    (30, 'MO-1', '1', '{"scrap": "NaN", "rework": "-1"}', 'rejected IN303 IN303', 'NaN and negative in the other counts'),
    (31, 'MO-1', '1', format('{"reported_at": "%s"}', to_char(clock_timestamp() at time zone 'UTC' + interval '5 minutes 2 s',
        'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::jsonb, 'rejected IN309', 'a clock that is a little too far ahead')
) as b (no, mo_no, good, more, said, what);

insert into artery_staging.mes_production_report (source, message_id, body) values
('odd', '1', '[]'), ('odd', '2', '"x"'), ('odd', '3', '7'), ('odd', '4', '{}'), ('odd', '5', 'null'),
('odd', '6', '{"mo_no": {"a": 1}, "good": [1], "components": {}}'), ('odd', '7', '{"mo_no": "MO-1", "good": 1}');
select is(artery_staging.process('artery_staging.mes_production_report'), 8, 'one batch, the release of MO-3 with it');
select results_eq(
    $$select message_id from artery_staging.mes_production_report where source = 'odd' and status = 'processed'$$,
    $$values ('7')$$, 'the good one among odd ones is posted'
);
select is(
    (select count(*)::integer from artery_staging.mes_production_report
    where status = 'rejected' and (reasons is null or jsonb_array_length(reasons) = 0)), 0, 'none without a reason'
);
select is(
    (select count(*)::integer from artery_staging.mes_production_report as s
    cross join jsonb_array_elements(s.reasons) as r (value)
    where r.value ->> 'code' = 'IN016' or not r.value ?& array['code', 'path', 'message', 'hint']), 0,
    'each with its code, place and what to do'
);
select is((select sum(good) from artery_mes.production_report), 1::numeric, 'nothing of the bad ones was posted');

-- what is refused, and what is taken back, is of orders that no report left in the batch is of
insert into artery_staging.mes_production_report (source, message_id, body) values
('mix', '1', '{"mo_no": "MO-1", "good": "x"}'), ('mix', '2', '{"mo_no": "MO-2", "good": "1"}'), ('mix', '3', '{"mo_no": "MO-9", "good": "0"}'),
('mix', '4', '{"kind": "reversal", "reverses": "7"}'), ('odd', '8', '{"kind": "reversal", "reverses": "7"}');
select pg_temp.order('MO-9', 'TUBE', 10);
select lives_ok(
    $$select artery_staging.process_production_reports(array(select id from artery_staging.mes_production_report where status = 'new'))$$,
    'a batch of good ones, bad ones and reversals is posted in one go'
);
select results_eq(
    $$select source, message_id, status from artery_staging.mes_production_report where source = 'mix' or (source, message_id) = ('odd', '8') order by 1, 2$$,
    $$values ('mix', '1', 'rejected'), ('mix', '2', 'rejected'), ('mix', '3', 'processed'), ('mix', '4', 'rejected'), ('odd', '8', 'processed')$$,
    'each for itself'
);
select is((select sum(good) from artery_mes.production_report), 0::numeric, 'what was taken back is gone');

-- the same id with another body: kept, refused, and the first is as it was
select is(pg_temp.said(pg_temp.report('B-28', 'MO-1', '1')), 'rejected IN015', 'another body under a known id');
insert into artery_staging.mes_production_report (source, message_id, body)
values ('mes', 'B-29', '{"mo_no": "MO-1", "good": "2"}') on conflict do nothing;
select artery_staging.process('artery_staging.mes_production_report');
select results_eq(
    $$select message_id, status, coalesce(reasons #>> '{0,code}', '') from artery_staging.mes_production_report
    where source = 'mes' and message_id in ('B-28', 'B-29') order by 1, 2$$,
    $$values ('B-28', 'processed', ''), ('B-28', 'rejected', 'IN015'), ('B-29', 'processed', ''), ('B-29', 'rejected', 'IN015')$$,
    'by either way both bodies are there to see'
);

-- the cause is gone
create function pg_temp.again(p_message_id text) returns text language plpgsql as $$
begin
    perform artery_staging.reprocess(
        'artery_staging.mes_production_report',
        array(select s.id from artery_staging.mes_production_report as s where s.message_id = p_message_id), 'mended');
    perform artery_staging.process('artery_staging.mes_production_report');
    return (select pg_temp.said(to_jsonb(s)) from artery_staging.mes_production_report as s where s.message_id = p_message_id);
end $$;
select pg_temp.order('NOPE', 'TUBE', 10);
select is(pg_temp.again('B-1'), 'processed', 'when the order is there, its report goes through');
update artery_erp.manufacturing_order set overproduction_rate = 0.05 where mo_no = 'MO-1';
select is(pg_temp.again('B-6'), 'processed', 'when more are allowed, so do more');
select is(pg_temp.again('B-4'), 'rejected IN305', 'while the cause is there, it is refused again');
update artery_erp.manufacturing_order set receive_warehouse = 'CAGE' where mo_no = 'MO-1';
select is(pg_temp.again('B-4'), 'processed', 'when its warehouse is the right one');
update artery_erp.manufacturing_order set status = 'released', receive_warehouse = 'FG', line_warehouse = 'LINE' where mo_no = 'MO-P';
select is(pg_temp.again('B-3'), 'processed', 'when the order is released');
select is(pg_temp.again('B-27'), 'rejected IN304', 'a closed order stays closed');
select pg_temp.stock('RESIN', 'LINE', '5', 'NONE');
select is(pg_temp.again('B-24'), 'processed', 'when the lot is entered');
select pg_sleep(2.1);
select is(pg_temp.again('B-31'), 'processed', 'when the time has come');
-- the report itself is wrong, and corrected
select artery_staging.correct('artery_staging.mes_production_report', s.id,
    jsonb_set(s.body, '{good}', '"0"')::text, 'counted again')
from artery_staging.mes_production_report as s where s.source = 'mes' and s.message_id in ('B-7', 'B-8');
select artery_staging.process('artery_staging.mes_production_report');
select results_eq(
    $$select status, history #>> '{0,body,good}' from artery_staging.mes_production_report where message_id in ('B-7', 'B-8') order by message_id$$,
    $$values ('processed', 'NaN'), ('processed', '-1')$$, 'when the report is corrected; the original is kept'
);
select is(
    (select array_agg(distinct jsonb_array_length(s.history) order by jsonb_array_length(s.history))
    from artery_staging.mes_production_report as s where s.message_id in ('B-1', 'B-4')), '{1,2}'::integer[],
    'each attempt is in the history'
);
update artery_erp.manufacturing_order set status = 'held' where mo_no = 'NOPE';
select is(pg_temp.said(pg_temp.report('H-1', 'NOPE', '1')), 'parked IN304', 'on hold: it waits');
update artery_erp.manufacturing_order set status = 'released' where mo_no = 'NOPE';
insert into artery_erp.accounting_period values ('2026-01', '[2026-01-01 00:00+00, 2026-02-01 00:00+00)', 'closed');
select is(
    pg_temp.said(pg_temp.report('C-1', 'NOPE', '1', '{"reported_at": "2026-01-31T23:59:59Z"}')), 'parked IN109',
    'a closed period: it waits'
);
select is(
    pg_temp.said(pg_temp.report('C-2', 'NOPE', '1', '{"reported_at": "2026-01-31T23:00:00-01:00"}')), 'processed',
    'the period is a matter of the instant, not of the day it is written as'
);
update artery_erp.accounting_period set status = 'open';
update artery_staging.mes_production_report set due_at = clock_timestamp() where status = 'parked';
select artery_staging.process('artery_staging.mes_production_report');
select results_eq(
    $$select message_id, status from artery_staging.mes_production_report where message_id in ('H-1', 'C-1') order by 1$$,
    $$values ('C-1', 'processed'), ('H-1', 'processed')$$, 'and goes through when the order is resumed, the period open'
);
select is(
    (select effective_at from artery_erp.stock_posting as p
    inner join artery_mes.production_report as r on r.posting_id = p.id where r.report_id = 'C-1'),
    '2026-01-31 23:59:59+00'::timestamptz, 'posted in its own period'
);
-- taken back when its own period is closed again: at the start of the next that is open, once
update artery_erp.accounting_period set status = 'closed';
select is(
    pg_temp.said(artery_api_v1.reverse_production_report('{"source": "mes", "report_id": "C-1"}')), 'processed',
    'a report of a closed period is taken back'
);
select is(
    (select effective_at from artery_erp.stock_posting as p
    inner join artery_mes.production_report as r on r.posting_id = p.id
    where r.reverses = (select id from artery_mes.production_report where report_id = 'C-1')),
    '2026-02-01 00:00+00'::timestamptz, 'in the next that is open'
);
select is(
    pg_temp.said(pg_temp.report('C-3', 'NOPE', '0', '{"kind": "reversal", "reverses": "C-1"}')), 'rejected IN311', 'and once'
);
-- what waits, for how long, how fast it comes and goes
insert into artery_staging.mes_production_report (source, message_id, body, received_at)
select 'queue', n, '{"mo_no": "MO-1", "good": "0"}', clock_timestamp() - interval '2 minutes' from generate_series(1, 6) as n;
select pg_temp.report('Q-1', 'NOPE', '1', '{"reported_at": "2026-01-15T00:00:00Z"}');
select results_eq(
    $$select waiting, parked, age between '2 minutes' and '3 minutes', arrived_per_second > 0, posted_per_second > 0, drained_in > '0'
    from artery_monitor.production_report_queue$$,
    $$values (6::bigint, 2::bigint, true, true, true, true)$$, 'the queue says how deep it is, how old and how fast'
);
select artery_staging.process('artery_staging.mes_production_report');
select results_eq(
    'select waiting, parked, age, drained_in from artery_monitor.production_report_queue',
    $$values (0::bigint, 2::bigint, null::interval, '0'::interval)$$, 'and when it is empty'
);
select is(
    (select min(posted_per_second) from artery_monitor.production_report_queue),
    (select round(count(*) / 60.0, 1) from artery_mes.production_report), 'by what was posted in the last minute'
);
select is_empty('select * from artery_erp.stock_reconciliation', 'balances are the sums of their moves');
select is(
    (select count(*)::integer from artery_staging.mes_production_report where status = 'new'), 0, 'nothing is left undecided'
);

select * from finish();
rollback;
