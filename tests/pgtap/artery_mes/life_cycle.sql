begin;
select no_plan();

insert into artery_erp.unit (code, name, dimension, whole_number) values ('EA', 'piece', 'count', true);
insert into artery_erp.item (code, name, status, source, stock_unit) values ('TOP', 'Top', 'released', 'make', 'EA'), ('PART', 'Part', 'released', 'buy', 'EA');
with b as (
    insert into artery_erp.bom (item_code, revision, status, unit) values ('TOP', 'A', 'released', 'EA') returning id
)
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit) select b.id, 10, 'PART', 2, 'EA' from b;
insert into artery_erp.manufacturing_order (mo_no, item_code, quantity, unit) select 'MO-' || n, 'TOP', 10 * n, 'EA' from generate_series(1, 6) as n;
-- a runner's round: everything due is answered alike
create function pg_temp.answer(p_status_code integer, p_body text) returns jsonb language plpgsql as $$
declare
    v_runner bigint := artery.register_runner('tap', 'here', 1, '0');
    v_results jsonb;
begin
    select jsonb_agg(jsonb_build_object('id', c.id, 'attempt', c.attempt, 'span_id', lpad(c.id::text, 16, '0'), 'status_code', p_status_code, 'url', c.path, 'ago_ms', 0,
        'response_body', replace(replace(p_body, '{mo_no}', coalesce(c.body::jsonb ->> 'mo_no', '')), '{version}', coalesce(c.body::jsonb ->> 'version', ''))))
    into v_results from artery.claim_tasks(v_runner, 100) as c;
    return artery.report_results(v_runner, v_results);
end $$;
create function pg_temp.said(p_mo_no text) returns text language sql as $$
    select string_agg(format('%s %s %s %s', d.version, d.action, d.status, d.resent), ', ' order by d.version) from artery_mes.mo_dispatch as d where d.mo_no = $1
$$;
\set yes '{"mo_no": "{mo_no}", "version": {version}, "status": "acknowledged"}'

-- nobody to ask yet
select is(artery_mes.reconcile(), 0::bigint, 'without a MES nobody is asked');
do $$ begin perform artery_mes.setup_mes('http://mes.example/api/v1'); end $$;
select throws_ok($$select artery_mes.resend_mo('MO-1')$$, 'IN302', null, 'what was never released is not sent anew');
select artery_erp.release_manufacturing_order('MO-' || n) from generate_series(1, 5) as n;
select throws_ok($$select artery_mes.resend_mo('MO-1')$$, 'IN320', null, 'nor what is on its way');
do $$ begin perform pg_temp.answer(200, '{"mo_no": "{mo_no}", "version": {version}, "status": "acknowledged"}'); end $$;
select is(pg_temp.said('MO-1'), '1 create acknowledged 0', 'acknowledged');

-- hold, resume, cancel: each a version
update artery_erp.manufacturing_order set status = 'held' where mo_no = 'MO-1';
do $$ begin perform pg_temp.answer(200, '{"mo_no": "{mo_no}", "version": {version}, "status": "refused", "reason": "running"}'); end $$;
select is(pg_temp.said('MO-1'), '1 create acknowledged 0, 2 change refused 0', 'a hold is a change, and may be refused');

-- the MES lost MO-1: sent anew, the same version under another Request-ID
create temp table before as select request_id from artery_mes.mo_dispatch where mo_no = 'MO-1' and version = 2;
select lives_ok($$select artery_mes.resend_mo('MO-1', 'restored from backup')$$, 'an order is sent anew');
select is(pg_temp.said('MO-1'), '1 create acknowledged 0, 2 change queued 1', 'its present version');
select is((select resend_reason from artery_mes.mo_dispatch where mo_no = 'MO-1' and version = 2), 'restored from backup', 'with the reason');
select isnt((select request_id from artery_mes.mo_dispatch where mo_no = 'MO-1' and version = 2), (select request_id from before), 'under another Request-ID');
select is((select body::jsonb ->> 'status' from artery.integration_task where id = (select task_id from artery_mes.mo_dispatch where mo_no = 'MO-1' and version = 2)), 'held', 'telling what is so now');
do $$ begin perform pg_temp.answer(400, '{"detail": "no such item"}'); end $$;
select is(pg_temp.said('MO-1'), '1 create acknowledged 0, 2 change refused 1', 'refused for good');
do $$ begin perform artery_mes.resend_mo('MO-1', 'item entered'); perform pg_temp.answer(200, '{"mo_no": "{mo_no}", "version": {version}, "status": "acknowledged"}'); end $$;
select is(pg_temp.said('MO-1'), '1 create acknowledged 0, 2 change acknowledged 2', 'sent anew once more, and taken');

-- each night: 1 as it should be, 2 not there, 3 another version and quantity, 4 another status, 5 on its way, 6 closed here
update artery_erp.manufacturing_order set status = 'cancelled' where mo_no = 'MO-6';
select is(artery_mes.reconcile(), 1::bigint, 'the MES is asked');
select is((select jsonb_path_query_array(body::jsonb, '$.orders[*].mo_no') from artery.integration_task where topic = 'mes.reconciliation'), '["MO-1", "MO-2", "MO-3", "MO-4", "MO-5"]', 'and told what is open here');
do $$ begin perform pg_temp.answer(200, '{"orders": [{"mo_no": "MO-1", "version": 2, "status": "held", "quantity": "10.0"}, {"mo_no": "MO-3", "version": 7, "quantity": "31"},
    {"mo_no": "MO-4", "status": "in_progress", "quantity": "many"}, {"mo_no": "MO-5", "version": 1}, {"mo_no": "MO-6", "version": 1}, {"mo_no": "GHOST"}, 7]}'); end $$;
select set_eq($$select mo_no::text, difference from artery_mes.mo_reconciliation$$, $$values ('MO-2', 'missing_there'), ('MO-3', 'version'), ('MO-3', 'quantity'), ('MO-4', 'status'), ('MO-4', 'quantity'), ('MO-6', 'missing_here'), ('GHOST', 'missing_here')$$, 'each difference is listed');
select is((select format('%s %s %s', status, orders, differences) from artery_mes.reconciliation), 'answered 5 7', 'and counted');
-- what is on its way differs by nature
update artery_erp.manufacturing_order set priority = 1 where mo_no = 'MO-2';
do $$ begin perform artery_mes.handle_reconciliation(jsonb_build_object('task_id', (select task_id from artery_mes.reconciliation), 'outcome', 'sent', 'body', '{"orders": []}'::jsonb)); end $$;
select set_eq($$select mo_no::text from artery_mes.mo_reconciliation$$, $$values ('MO-1'), ('MO-3'), ('MO-4'), ('MO-5')$$, 'an order whose message is on its way is left out; the same answer again replaces what it found');
do $$ begin perform pg_temp.answer(200, '{"mo_no": "{mo_no}", "version": {version}, "status": "acknowledged"}'); perform artery_mes.reconcile(); perform pg_temp.answer(200, 'pardon?'); end $$;
select is((select format('%s %s %s', status, mo_no, reason) from artery_mes.mo_reconciliation), 'failed  the answer has no array "orders"', 'an answer that cannot be compared is a failure, visibly');
select throws_ok($$select artery_mes.handle_reconciliation('{"task_id": 0}')$$, 'IN301', null, 'no answer without a question');
select is((select next_run_at > now() and next_run_at <= now() + interval '26 hours' and every = '1 day' from artery.sweep_step where name = 'mes_reconciliation'), true, 'it is asked by night');
select * from finish();
rollback;
