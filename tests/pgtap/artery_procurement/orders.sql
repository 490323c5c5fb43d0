begin;
select plan(36);
\ir _world.psql
create function pg_temp.told(p_po_no text) returns text language sql as $$
    select string_agg(concat_ws(' ', d.version, d.action, d.status), ', ' order by d.version)
    from artery_procurement.po_dispatch as d where d.po_no = p_po_no
$$;
create function pg_temp.body(p_po_no text) returns jsonb language sql as $$
    select t.body::jsonb from artery.integration_task as t where t.document_id = p_po_no order by t.id desc limit 1
$$;

-- approval, without a cloud and with one
select pg_temp.new_order('ACME', 'P-0');
select pg_temp.commit();
select is(pg_temp.told('P-0'), null, 'a draft is nobody''s business');
select throws_ok($$select artery_procurement.push_po('ACME', 'P-0')$$, 'IN601', null, 'nothing is told of a draft');
select throws_ok($$insert into artery_erp.purchase_order (supplier_code, po_no, status) values ('ACME', 'P-X', 'cancelled')$$,
    'IN103', null, 'no order begins cancelled');
select pg_temp.status('P-0', 'approved');
select pg_temp.commit();
select is(pg_temp.told('P-0'), '1 approve unrouted', 'without a cloud an approval waits');
select isnt(artery_procurement.setup_supplier_cloud('http://127.0.0.1:9/api/v1'), null, 'the cloud is set up');
select isnt(artery_procurement.push_po('ACME', 'P-0'), null, 'then it can be pushed');
select is(artery_procurement.push_po('ACME', 'P-0'), (select d.task_id from artery_procurement.po_dispatch as d where d.po_no = 'P-0'),
    'again: the same task');
select is(
    (select (t.topic, t.path, t.ordering_key, t.document_type)::text from artery.integration_task as t where t.document_id = 'P-0'),
    '(procurement.po.approve,/po/approve,"ACME P-0",purchase_order)', 'its task'
);
select is(pg_temp.body('P-0') #- '{ordered_at}', $${
    "supplier": "ACME", "po_no": "P-0", "version": 1, "action": "approve", "status": "approved", "currency": "CNY",
    "deliver_to": {"code": "RAW", "name": "raw material"}, "note": null, "decision": null,
    "lines": [
        {"line_no": 10, "item": "BOLT", "name": "bolt", "quantity": "100", "unit": "EA", "unit_price": "0.21",
            "due_at": "2030-03-01T12:00:00+00:00", "over_delivery_rate": "0.1", "received": "0", "lot_tracked": false},
        {"line_no": 20, "item": "RESIN", "name": "resin", "quantity": "50", "unit": "KG", "unit_price": "9.4",
            "due_at": "2030-03-01T12:00:00+00:00", "over_delivery_rate": "0", "received": "0", "lot_tracked": true}]
}$$, 'the whole order, quantities as text, times in UTC');
select pg_temp.answer(200, '{"po_no": "{po_no}", "version": {version}, "status": "acknowledged", "cloud_order_no": "C-{po_no}"}');
select is((select (d.status, d.cloud_order_no)::text from artery_procurement.po_dispatch as d where d.po_no = 'P-0'),
    '(acknowledged,C-P-0)', 'the cloud''s acknowledgement is written back');

-- whatever one transaction does is one version
update artery_erp.purchase_order_line set quantity = 120 where po_no = 'P-0' and line_no = 10;
update artery_erp.purchase_order_line set due_at = due_at + interval '1 day' where po_no = 'P-0';
update artery_erp.purchase_order set note = 'gate 3' where po_no = 'P-0';
select pg_temp.commit();
select is(pg_temp.told('P-0'), '1 approve acknowledged, 2 change queued', 'three changes, one message');
select is((pg_temp.body('P-0') #>> '{lines,0,quantity}') || ' ' || (pg_temp.body('P-0') ->> 'note'), '120 gate 3', 'with the last word');
update artery_erp.purchase_order_line set received_quantity = 5 where po_no = 'P-0' and line_no = 10;
select pg_temp.commit();
select is((select o.version from artery_erp.purchase_order as o where o.po_no = 'P-0'), 2, 'what has come is no news to the supplier');
select pg_temp.answer(200, '{"po_no": "P-9", "version": 2, "status": "acknowledged"}');
select is((select (d.status, d.reason)::text from artery_procurement.po_dispatch as d where d.po_no = 'P-0' and d.version = 2),
    '(refused,"the answer is about P-9, version 2")', 'an answer about another order acknowledges nothing');
select pg_temp.status('P-0', 'cancelled');
select pg_temp.commit();
select is((select (t.topic, t.body::jsonb ? 'lines')::text from artery.integration_task as t where t.document_id = 'P-0' order by t.id desc limit 1),
    '(procurement.po.cancel,f)', 'a cancellation is version 3, without lines');
select throws_ok($$update artery_erp.purchase_order set note = 'x' where po_no = 'P-0'$$, 'IN103', null, 'a cancelled order stands');
select throws_ok($$update artery_erp.purchase_order_line set quantity = 1 where po_no = 'P-0'$$, 'IN103', null, 'so do its lines');
select throws_ok($$select artery_procurement.handle_po_reply('{"task_id": 0}')$$, 'IN603', null, 'a task that told of no order');

select pg_temp.new_order('ACME', 'P-1');
select pg_temp.status('P-1', 'approved');
select pg_temp.status('P-1', 'cancelled');
select pg_temp.commit();
select is(pg_temp.told('P-1'), null, 'approved and cancelled in one transaction: nothing to tell');
insert into artery_erp.purchase_order (supplier_code, po_no) values ('ACME', 'P-2');
select throws_ok($$select pg_temp.status('P-2', 'approved')$$, 'IN602', null, 'an order without lines is not approved');

-- what was refused or given up does not hold up what comes after
select pg_temp.new_order('ACME', 'P-3');
select pg_temp.status('P-3', 'approved');
select pg_temp.commit();
select pg_temp.answer(422, '{"title": "no such item"}');
select is((select (d.status, d.reason)::text from artery_procurement.po_dispatch as d where d.po_no = 'P-3'),
    '(refused,"no such item")', 'a 4xx is a refusal');
update artery_erp.purchase_order set note = 'mended' where po_no = 'P-3';
select pg_temp.commit();
select pg_temp.answer(200, '{"po_no": "{po_no}", "version": {version}, "status": "acknowledged"}');
select is(pg_temp.told('P-3'), '1 approve refused, 2 approve acknowledged', 'the next version goes out, and is the first they know');

-- replies
select is(pg_temp.reply('R-1', 'P-3', 2, 'confirmed'), 'processed confirmed', 'a confirmation');
select is(pg_temp.reply('R-1', 'P-3', 2, 'confirmed'), 'processed confirmed', 'again: the same answer');
select is(pg_temp.reply('R-1', 'P-3', 2, 'refused'), 'rejected IN015', 'its id for another reply is a conflict');
select is(pg_temp.reply('R-0', 'P-3', 2, 'refused', '{"replied_at": "2029-12-31T08:00:00Z"}'), 'processed superseded',
    'one that was given earlier and came later counts for nothing');
select is(pg_temp.reply('R-2', 'P-3', 2, 'counter', '{"replied_at": "2030-01-02T08:00:00Z", "lines": [
    {"line_no": 10, "quantity": "90", "due_at": "2030-04-01T00:00:00Z"}, {"line_no": 20, "unit_price": "9.9"}]}'),
    'processed open', 'a counter-proposal is open');
select is((select r.status from artery_procurement.po_reply as r where r.reply_no = 'R-1'), 'superseded', 'and takes the place of what was said before');
select is(pg_temp.reply('R-3', 'P-3', 9, 'counter', '{"replied_at": "soon", "lines": [{"line_no": 11, "quantity": 0}, {"line_no": 11}]}'),
    'rejected IN604/lines/0/line_no IN604/lines/0/quantity IN604/lines/1/line_no IN604/lines/1/line_no IN604/replied_at IN604/version',
    'all that is wrong with a reply is said at once');
select is(pg_temp.reply('R-4', 'P-3', 2, 'counter'), 'rejected IN605', 'a proposal without lines is against the schema');
select is(pg_temp.reply('R-5', 'P-2', 1, 'confirmed'), pg_temp.reply('R-6', 'P-NONE', 1, 'confirmed'),
    'a draft and no order are told apart by nothing');
select is(artery_procurement.decide_po_reply('ACME', 'R-2', true, 'go ahead'), 3, 'the buyer accepts: version 3');
select is((select string_agg(trim_scale(l.quantity) || ' ' || l.unit_price || ' ' || to_char(l.due_at at time zone 'UTC', 'MM-DD'), ', ' order by l.line_no)
    from artery_erp.purchase_order_line as l where l.po_no = 'P-3'), '90 0.21 04-01, 50 9.9 03-01', 'the lines are as proposed');
select is(pg_temp.body('P-3') -> 'decision', '{"message_id": "R-2", "reply": "counter", "decision": "accepted", "note": "go ahead"}',
    'and the supplier is told so');
select throws_ok($$select artery_procurement.decide_po_reply('ACME', 'R-2', false)$$, 'IN614', null, 'once');
select pg_temp.reply('R-7', 'P-3', 3, 'refused', '{"reason": "no steel"}');
select artery_procurement.decide_po_reply('ACME', 'R-7', false, 'we agreed');
select pg_temp.reply('R-8', 'P-3', 4, 'refused');
select artery_procurement.decide_po_reply('ACME', 'R-8', true);
select is((select (s.status, s.version, s.reply_status, s.action)::text from artery_procurement.po_status as s where s.po_no = 'P-3'),
    '(cancelled,5,accepted,cancel)', 'a refusal rejected stands, one accepted cancels');
select * from finish();
rollback;
