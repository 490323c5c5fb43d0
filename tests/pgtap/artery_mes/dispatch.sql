begin;
select plan(31);

insert into artery_erp.unit (code, name, dimension, whole_number) values
('EA', 'piece', 'count', true), ('KG', 'kilogram', 'mass', false);
insert into artery_erp.item (code, name, status, source, stock_unit, lot_tracked) values
('TOP', 'Top', 'released', 'make', 'EA', false), ('PART', 'Part', 'released', 'buy', 'EA', true),
('GLUE', 'Glue', 'released', 'buy', 'KG', false);
insert into artery_erp.warehouse (code, name, kind) values ('FG', 'goods', 'finished'), ('LINE', 'line', 'line_side');
with b as (
    insert into artery_erp.bom (item_code, revision, status, base_quantity, unit)
    values ('TOP', 'A', 'released', 3, 'EA') returning id
), o as (
    insert into artery_erp.bom_operation (bom_id, operation_no, name, run_minutes)
    select id, 10, 'press', 1 from b
)
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit, operation_no)
select b.id, v.n, v.component, v.quantity, v.unit, 10
from b cross join (values
    (10, 'PART', 3, 'EA'), (20, 'GLUE', 0.1, 'KG'), (30, 'PART', 6, 'EA')
) as v (n, component, quantity, unit);
create function pg_temp.new_order(p_mo_no text) returns void language sql
as $$
    insert into artery_erp.manufacturing_order (
        mo_no, item_code, quantity, unit, planned_start, planned_end, receive_warehouse, line_warehouse
    ) values ($1, 'TOP', 100, 'EA', '2025-06-01 08:00+00', '2025-06-02 08:00+00', 'FG', 'LINE')
$$;

-- a runner's round: everything due is answered alike; {mo_no} and {version} in the body are filled in
create function pg_temp.answer(p_status_code integer, p_body text) returns jsonb language plpgsql
as $$
declare
    v_runner bigint := artery.register_runner('tap', 'here', 1, '0');
    v_results jsonb;
begin
    select jsonb_agg(jsonb_build_object(
        'id', c.id, 'attempt', c.attempt, 'span_id', lpad(c.id::text, 16, '0'),
        'status_code', p_status_code, 'url', c.path, 'ago_ms', 0,
        'response_body',
        replace(replace(p_body, '{mo_no}', c.body::jsonb ->> 'mo_no'), '{version}', c.body::jsonb ->> 'version')
    ))
    into v_results from artery.claim_tasks(v_runner, 100) as c;
    return artery.report_results(v_runner, v_results);
end $$;
create function pg_temp.said(p_mo_no text) returns setof text language sql
as $$
    select format('%s %s %s', d.version, d.action, d.status)
    from artery_mes.mo_dispatch as d where d.mo_no = $1 order by d.version
$$;

-- a site without a MES
select pg_temp.new_order('MO-0');
select artery_erp.release_manufacturing_order('MO-0');
select results_eq($$select pg_temp.said('MO-0')$$, $$values ('1 create unrouted')$$, 'without a MES an order is kept, visibly');
select results_eq(
    $$select artery_api_v1.release_mo('{"mo_no": "MO-0"}') -> 'task_id'$$, $$values ('null'::jsonb)$$,
    'and released all the same'
);

select throws_ok($$select artery_mes.setup_mes('http://mes.example/api')$$, 'IN007', null, 'its URL must carry a version');
select lives_ok($$select artery_mes.setup_mes('http://mes.example/api/v1')$$, 'a MES is set up by its URL');
do $$ begin perform artery_mes.setup_mes('http://mes.example/api/v1'); end $$;
select is((select version from artery.endpoint where name = 'mes'), 1, 'again with the same changes nothing');
select results_eq(
    $$select topic, method, path_template, notify_channel from artery.route where topic ~ '^mes[.]mo[.]' order by topic$$,
    $$values
    ('mes.mo.cancel', 'POST', '/mo/cancel', 'mes_sync_channel'),
    ('mes.mo.change', 'POST', '/mo/change', 'mes_sync_channel'),
    ('mes.mo.create', 'POST', '/mo/create', 'mes_sync_channel')$$, 'its routes are data'
);
select isnt(artery_mes.push_mo('MO-0'), null, 'what was released before can be pushed now');
select results_eq($$select pg_temp.said('MO-0')$$, $$values ('1 create queued')$$, 'once');
select is(
    artery_mes.push_mo('MO-0'), (select task_id from artery_mes.mo_dispatch where mo_no = 'MO-0'),
    'pushed again: the same task'
);
select throws_ok($$select artery_mes.push_mo('NOPE')$$, 'IN302', null, 'nothing to push of no order');

-- release
select pg_temp.new_order('MO-1');
create temp table answered as select artery_api_v1.release_mo('{"mo_no": " ＭＯ－1 "}') as answer;
select is(
    (select answer from answered), (
        select jsonb_build_object('mo_no', 'MO-1', 'version', 1, 'task_id', t.id, 'request_id', t.request_id)
        from artery.integration_task as t
        where t.document_type = 'manufacturing_order' and t.document_id = 'MO-1'
    ), 'the API releases and names task and Request-ID'
);
select is(
    artery_api_v1.release_mo('{"mo_no": "MO-1"}') -> 'request_id',
    (select to_jsonb(request_id) from artery_mes.mo_dispatch where mo_no = 'MO-1'), 'again: the same answer'
);
select is(
    (select count(*) from artery.integration_task where document_id = 'MO-1'), 1::bigint, 'and no second task'
);
select throws_ok(format('select artery_api_v1.release_mo(%L)', a), '22023', null, a || ' is no order')
from unnest(array['{}', '[]', '{"mo_no": 5}', 'null']) as a;
select results_eq(
    $$select t.topic, t.path, t.ordering_key, t.status from artery.integration_task as t where t.document_id = 'MO-1'$$,
    $$values ('mes.mo.create', '/mo/create', 'MO-1', 'pending')$$, 'its task is in the outbox'
);
select is(
    (select t.body::jsonb from artery.integration_task as t where t.document_id = 'MO-1'),
    '{
        "mo_no": "MO-1", "version": 1, "action": "create", "status": "released",
        "item": {"code": "TOP", "name": "Top", "bom_revision": "A"}, "quantity": "100", "unit": "EA",
        "planned_start": "2025-06-01T08:00:00+00:00", "planned_end": "2025-06-02T08:00:00+00:00",
        "priority": 5, "location": {"receive": "FG", "line": "LINE"},
        "operations": [{
            "operation_no": 10, "name": "press", "work_center": null,
            "setup_minutes": "0", "run_minutes": "33.33333334"
        }],
        "components": [{
            "line_no": 10, "bom_line": {"item": "TOP", "revision": "A", "line_no": 10}, "item": "PART",
            "name": "Part", "revision": null, "quantity": "1", "required": "100", "unit": "EA",
            "issue_method": "backflush", "operation_no": 10, "location": "LINE", "lot_tracked": true
        }, {
            "line_no": 20, "bom_line": {"item": "TOP", "revision": "A", "line_no": 20}, "item": "GLUE",
            "name": "Glue", "revision": null, "quantity": "0.03333334", "required": "3.33333334", "unit": "KG",
            "issue_method": "backflush", "operation_no": 10, "location": "LINE", "lot_tracked": false
        }, {
            "line_no": 30, "bom_line": {"item": "TOP", "revision": "A", "line_no": 30}, "item": "PART",
            "name": "Part", "revision": null, "quantity": "2", "required": "200", "unit": "EA",
            "issue_method": "backflush", "operation_no": 10, "location": "LINE", "lot_tracked": true
        }]
    }'::jsonb, 'the message tells the whole order; a repeated component keeps its two lines'
);

-- answers
select pg_temp.answer(200, '{"mo_no": "{mo_no}", "version": {version}, "status": "acknowledged", "mes_order_no": "M-{mo_no}"}');
select results_eq(
    $$select mes_status, mes_order_no, acknowledged_version, task_status, attempts
    from artery_mes.mo_dispatch_status where mo_no = 'MO-1'$$,
    $$values ('acknowledged', 'M-MO-1', 1, 'sent', 1)$$, 'the acknowledgement is written back'
);
update artery_erp.manufacturing_order set quantity = 50 where mo_no = 'MO-1';
update artery_erp.manufacturing_order set status = 'cancelled' where mo_no = 'MO-1';
select results_eq(
    $$select pg_temp.said('MO-1')$$, $$values ('1 create acknowledged'), ('2 change queued'), ('3 cancel queued')$$,
    'change and cancellation push higher versions'
);
select is(
    (select t.body::jsonb - 'item' from artery.integration_task as t where t.topic = 'mes.mo.cancel'),
    '{"mo_no": "MO-1", "version": 3, "action": "cancel", "status": "cancelled", "quantity": "50", "unit": "EA",
      "planned_start": "2025-06-01T08:00:00+00:00", "planned_end": "2025-06-02T08:00:00+00:00",
      "priority": 5, "location": {"receive": "FG", "line": "LINE"}}'::jsonb,
    'a cancellation carries the order''s head'
);
-- one at a time, in order: first the change is refused for good, then the cancellation waits behind it
select pg_temp.answer(422, '{"type": "about:blank", "title": "No", "detail": "already cut"}');
select results_eq(
    $$select pg_temp.said('MO-1')$$, $$values ('1 create acknowledged'), ('2 change refused'), ('3 cancel queued')$$,
    'a 4xx is a refusal of its version'
);
select is((select reason from artery_mes.mo_dispatch where mo_no = 'MO-1' and version = 2), 'already cut', 'with its reason');
select artery.cancel_task(task_id) from artery_mes.mo_dispatch where mo_no = 'MO-1' and version = 2;
select pg_temp.answer(200, '{"mo_no": "{mo_no}", "version": {version}, "status": "acknowledged"}');

-- an answer that comes late
select artery_mes.handle_mo_reply(jsonb_build_object(
    'task_id', d.task_id, 'outcome', 'sent', 'status_code', 200,
    'body', '{"status": "acknowledged", "mo_no": "MO-1", "version": 1}'::jsonb
)) from artery_mes.mo_dispatch as d where d.mo_no = 'MO-1' and d.version = 1;
select results_eq(
    $$select sent_version, action, mes_status, status from artery_mes.mo_dispatch_status where mo_no = 'MO-1'$$,
    $$values (3, 'cancel', 'acknowledged', 'cancelled')$$,
    'a late answer to the release brings nothing back'
);

-- refused, corrected, sent anew: the refused message holds nothing back
select pg_temp.new_order('MO-2');
select artery_erp.release_manufacturing_order('MO-2');
select pg_temp.answer(200, '{"mo_no": "{mo_no}", "version": {version}, "status": "refused", "reason": "no capacity"}');
select results_eq(
    $$select mes_status, reason from artery_mes.mo_dispatch_status where mo_no = 'MO-2'$$,
    $$values ('refused', 'no capacity')$$, 'a refusal in a 200 is one too'
);
update artery_erp.manufacturing_order set priority = 1 where mo_no = 'MO-2';
select pg_temp.answer(400, 'nonsense');
update artery_erp.manufacturing_order set priority = 2 where mo_no = 'MO-2';
select pg_temp.answer(200, '');
select results_eq(
    $$select pg_temp.said('MO-2')$$, $$values ('1 create refused'), ('2 create refused'), ('3 create sent')$$,
    'until the MES has taken the order it is created anew, past what it refused'
);
select pg_temp.new_order('MO-3');
select artery_erp.release_manufacturing_order('MO-3');
select pg_temp.answer(200, '{"mo_no": "MO-1", "version": 1, "status": "acknowledged", "mes_order_no": "X"}');
select results_eq(
    $$select mes_status, reason, mes_order_no from artery_mes.mo_dispatch_status where mo_no = 'MO-3'$$,
    $$values ('refused', 'the answer is about MO-1, version 1', null)$$, 'an answer about another order acknowledges nothing'
);

-- given up, then changed
select pg_temp.new_order('MO-4');
update artery.endpoint set max_attempts = 1;
select artery_erp.release_manufacturing_order('MO-4');
select pg_temp.answer(503, '');
select results_eq($$select pg_temp.said('MO-4')$$, $$values ('1 create undelivered')$$, 'given up is not refused');
update artery_erp.manufacturing_order set quantity = 9 where mo_no = 'MO-4';
select results_eq(
    $$select pg_temp.said('MO-4')$$, $$values ('1 create superseded'), ('2 create queued')$$,
    'the next version takes its place'
);
select throws_ok(
    $$select artery_mes.handle_mo_reply('{"task_id": 0, "outcome": "sent"}')$$, 'IN301', null,
    'an answer to no dispatch is an error'
);

select * from finish();
rollback;
