-- From a posted shipment to the invoice's number, and every kind of answer on the way.
begin;
\ir _world.psql
select plan(74);

-- no gateway yet: nothing is lost
select is(pg_temp.sold('S-0', 'C1', '[{"item": "PUMP", "quantity": 1, "price": 10}]'), 'AR0000000001', 'an invoice is made');
select results_eq(
    $$select severity, subject from artery_monitor.attention() where subject like 'invoice%'$$,
    $$values ('warning', 'invoices waiting')$$, 'that waits for a gateway, and says so'
);
select throws_ok($$select artery_tax.setup_gateway('http://127.0.0.1:9/api')$$, 'IN007', null, 'whose URL must carry a version');
select throws_ok($$select artery_tax.setup_gateway('http://127.0.0.1:9/v1', 'none')$$, 'IN014', null, 'and whose profile must be known');
select artery_tax.setup_gateway('http://127.0.0.1:9/api/v1');
select is(artery_tax.setup_gateway('http://127.0.0.1:9/api/v1'), (select e.id from artery.endpoint as e where e.name = 'tax'), 'set up twice: the same');
-- files have tests of their own
delete from artery.route where download is not null;
select is((select e.idempotent from artery.endpoint as e where e.name = 'tax'), false, 'it may not be called twice');
select is(artery_tax.request_drafts(), 1::bigint, 'then it goes off');
select is(artery_tax.request_drafts(), 0::bigint, 'once');

-- the request
select is(
    pg_temp.sold('S-1', 'C1', '[{"item": "PUMP", "quantity": 2, "price": 50, "discount": 10}, {"item": "SEAL", "quantity": 3, "price": "0.33333333"},
        {"item": "SEED", "quantity": "2.5", "price": 8}, {"item": "HELP", "quantity": 1, "price": 100}]'),
    'AR0000000002', 'a shipment makes an invoice'
);
select results_eq(
    $$select pg_temp.rows('AR0000000002')$$,
    $$values ('1 discounted 离心泵 2 100.00 0.13 13.00'), ('2 discount 离心泵 -10.00 0.13 -1.30'), ('3 normal 密封圈 3 1.00 0.13 0.13'),
        ('4 normal 种子 2.5 20.00 0 0.00'), ('5 normal 修理 1 100.00 0.06 6.00')$$,
    'a discount row follows its line; several rates'
);
select results_eq(
    $$select (pg_temp.invoice('AR0000000002')).amount, (pg_temp.invoice('AR0000000002')).tax, (pg_temp.invoice('AR0000000002')).total$$,
    $$values (211.00, 17.83, 228.83)$$, 'amount + tax = total'
);
select results_eq(
    $$select t.topic, t.document_type, t.document_id, t.request_id, t.status from artery.integration_task as t where t.document_id = 'AR0000000002'$$,
    $$select 'tax.invoice.issue', 'ar_invoice', 'AR0000000002', (pg_temp.invoice('AR0000000002')).request_id, 'pending'$$,
    'its task is there in the same transaction'
);
select is((select r.notify_channel from artery.route as r where r.topic = 'tax.invoice.issue'), 'invoice_request', 'NOTIFY invoice_request');
select is(
    (select t.body::jsonb from artery.integration_task as t where t.document_id = 'AR0000000002'),
    artery_tax.tax_invoice_payload('AR0000000002'), 'its body is artery_tax.tax_invoice_payload'
);
select results_eq(
    $$select p #>> '{lines,2,taxClassCode}', p #>> '{seller,account}', p ->> 'totalTax', jsonb_typeof(p #> '{lines,0,amount}'), p ->> 'invoiceType'
      from artery_tax.tax_invoice_payload('AR0000000002') as p$$,
    $$values ('0109011990000000019', '62220000000000000002', '17.83', 'string', '82')$$, 'long numbers and money are text'
);
select results_eq(
    $$select l ->> 'policyFlag', l ->> 'policyCode', l ->> 'policyName', l ->> 'zeroRateFlag'
      from artery_tax.tax_invoice_payload('AR0000000002') as p, jsonb_array_elements(p -> 'lines') as l where l ->> 'lineNo' in ('1', '4')$$,
    $$values ('0', null, null, null), ('1', '03', '免税', '1')$$, 'a preferential policy'
);
select is(pg_temp.post('S-1'), 'AR0000000002', 'posted again: the same invoice');
select is((select count(*) from artery.integration_task), 2::bigint, 'and no further task');

-- the answer
select is(pg_temp.answer(200), 2, 'the gateway answers');
select results_eq(
    $$select v.status, v.invoice_no collate "default", v.issued_at, v.response ->> 'extra', v.answered_at is not null from pg_temp.invoice('AR0000000002') as v$$,
    $$values ('issued', '24312000000000000002', '2026-11-21 01:00+00'::timestamptz, 'kept', true)$$,
    'number, date, status and the whole answer are written back'
);
select results_eq(
    $$select e.event, e.from_status, e.to_status, e.invoice_no from artery_tax.invoice_event as e where e.order_no = 'AR0000000002' order by e.id$$,
    $$values ('created', null, 'draft', null), ('requested', 'draft', 'requested', null), ('issued', 'requested', 'issued', '24312000000000000002')$$,
    'update_invoice_status keeps the history'
);
select throws_ok($$update artery_erp.ar_invoice set invoice_no = '24312000000000000009' where order_no = 'AR0000000002'$$, 'IN103', null, 'a number stands');
select throws_ok($$update artery_erp.ar_invoice set total = total + 1, tax = tax + 1 where order_no = 'AR0000000002'$$, 'IN103', null, 'so does the amount');
select throws_ok($$update artery_erp.ar_invoice set status = 'draft' where order_no = 'AR0000000002'$$, 'IN103', null, 'and the status');
select throws_ok($$select artery_tax.request_invoice('AR0000000002')$$, 'IN504', null, 'it cannot be requested again');
select throws_ok($$select artery_tax.cancel_invoice('AR0000000002', 'x')$$, 'IN504', null, 'nor cancelled');
select throws_ok($$select artery_tax.request_invoice('AR9')$$, 'IN503', null, 'what is not there is said');
select throws_ok($$select artery_tax.tax_invoice_payload('AR9')$$, 'IN503', null, 'for a payload too');
select artery_tax.handle_invoice_reply(jsonb_build_object('task_id', t.id, 'request_id', t.request_id, 'topic', t.topic, 'document_type', t.document_type,
    'document_id', t.document_id, 'outcome', 'sent', 'status_code', 200, 'body', v.response))
from artery.integration_task as t inner join artery_erp.ar_invoice as v on v.task_id = t.id where v.order_no = 'AR0000000002';
select is_empty('select * from artery_tax.invoice_alarm', 'the same answer again changes nothing');

-- contradictions
create function pg_temp.contradicted(p_no text, p_more jsonb) returns text language plpgsql as $$
declare v_order text := pg_temp.sold(p_no, 'C1', '[{"item": "PUMP", "quantity": 1, "price": 100}]');
begin
    perform pg_temp.answer(200, '{"status": "issued"}'::jsonb || p_more);
    return (select concat_ws(' ', v.status, coalesce(v.invoice_no, '-'), a.differences -> 0 ->> 'field', a.differences -> 0 ->> 'asked', a.differences -> 0 ->> 'answered')
        from artery_erp.ar_invoice as v left join artery_tax.invoice_alarm as a on a.order_no = v.order_no and a.decided_at is null where v.order_no = v_order);
end $$;
select is(pg_temp.contradicted('A-1', '{"totalWithTax": "113.01"}'), 'requested - total 113.00 113.01', 'another total is an alarm, not a write');
select is(pg_temp.contradicted('A-2', '{"totalTax": "13.005"}'), 'requested - tax 13.00 13.005', 'another tax');
select is(pg_temp.contradicted('A-3', '{"buyerTaxNo": "91310000123456789Y"}'), 'requested - buyer_tax_no 91310000123456789X 91310000123456789Y', 'another buyer');
select is(pg_temp.contradicted('A-4', '{"buyerName": "上海水泵"}'), 'requested - buyer_name 上海水泵（销售）有限公司 上海水泵', 'by name');
select is(pg_temp.contradicted('A-5', '{"buyerName": "上海水泵(销售) 有限公司"}'), 'issued 24312000000000000007', 'but the other kind of brackets is the same name');
select is(pg_temp.contradicted('A-6', '{"invoiceNo": "123"}'), 'requested - number ^[0-9]{20}$ 123', 'a number that is none');
select is(pg_temp.contradicted('A-7', '{"invoiceNo": null}'), 'requested - number ^[0-9]{20}$', 'or is missing');
select is(pg_temp.contradicted('A-8', '{"invoiceNo": "24312000000000000002"}'), 'requested - number a number of its own 24312000000000000002', 'or is another''s');
select is(pg_temp.contradicted('A-9', '{"orderNo": "AR0000000001"}'), 'requested - order_no AR0000000011 AR0000000001', 'another order');
select is(pg_temp.contradicted('A-10', '{"issuedAt": "yesterday"}'), 'requested - issued_at a time yesterday', 'a date that is none');
select is(pg_temp.contradicted('A-11', '{"issuedAt": "2026-11-21 09:00:00", "invoiceNo": 24312000000000000999}'), 'issued 24312000000000000999',
    'a time without zone is Beijing''s; a number as JSON number keeps its 20 digits');
select is((pg_temp.invoice('AR0000000013')).issued_at, '2026-11-21 01:00+00'::timestamptz, 'it is');
select is((select count(*) from artery_monitor.attention() as a where a.severity = 'critical' and a.subject like 'invoice AR%'), 9::bigint, 'somebody is told');
select throws_ok($$select artery_tax.decide_alarm(1, true, ' ')$$, 'IN506', null, 'who must say why');
select artery_tax.decide_alarm(a.id, true, 'agreed by phone') from artery_tax.invoice_alarm as a where a.order_no = 'AR0000000003';
select is((pg_temp.invoice('AR0000000003')).status, 'issued', 'and may accept it');
select throws_ok($$select artery_tax.decide_alarm(1, true, 'again')$$, 'IN506', null, 'once');
select artery_tax.decide_alarm(a.id, false, 'undone there') from artery_tax.invoice_alarm as a where a.order_no = 'AR0000000004';
select results_eq($$select v.status, v.reason from pg_temp.invoice('AR0000000004') as v$$, $$values ('refused', 'undone there')$$, 'or not');
select isnt(artery_tax.request_invoice('AR0000000004'), null, 'then it can be requested again');
select pg_temp.answer(200);
select is((pg_temp.invoice('AR0000000004')).status, 'issued', 'and is issued');

-- refused, corrected, issued
select pg_temp.sold('R-1', 'C2', '[{"item": "PUMP", "quantity": 1, "price": 100}]');
select pg_temp.answer(422, '{"status": "failed", "code": "E1042", "message": "no such taxpayer"}');
select results_eq($$select v.status, v.reason from pg_temp.invoice('AR0000000014') as v$$, $$values ('refused', 'E1042: no such taxpayer')$$, 'a refusal with its reason');
update artery_erp.customer set tax_no = '91310000555555555X' where code = 'C2';
select isnt((pg_temp.invoice('AR0000000014')).task_id, artery_tax.request_invoice('AR0000000014'), 'requested again it is another task');
select is(artery_tax.tax_invoice_payload('AR0000000014') #>> '{buyer,taxNo}', '91310000555555555X', 'with the customer''s data as they are now');
select is((select count(distinct t.request_id)::text || ' ' || string_agg(t.status, ' ' order by t.id) from artery.integration_task as t where t.document_id = 'AR0000000014'),
    '2 cancelled pending', 'and another Request-ID; the first is over');
select pg_temp.answer(200, '{"status": "failed", "code": "E2", "message": "busy with the books"}');
select is((pg_temp.invoice('AR0000000014')).reason, 'E2: busy with the books', 'refused by a 200 as well');
select artery_tax.cancel_invoice('AR0000000014', 'billed on paper');
select is((pg_temp.invoice('AR0000000014')).status, 'cancelled', 'given up');
select is(artery_tax.invoice_document('sales_shipment', 'R-1'), '{AR0000000015}', 'its document can be invoiced anew');
select pg_temp.answer(200);

-- never delivered, accepted, unknown
update artery.endpoint set max_attempts = 1 where name = 'tax';
select pg_temp.sold('U-1', 'C1', '[{"item": "PUMP", "quantity": 1, "price": 100}]');
select pg_temp.answer(null, '{}', 'connect');
select is((pg_temp.invoice('AR0000000016')).status, 'undelivered', 'given up by the engine: never delivered');
select artery.retry_task((pg_temp.invoice('AR0000000016')).task_id, 'it is up again');
select throws_ok($$select artery_tax.request_invoice('AR0000000016')$$, 'IN504', null, 'set going again by hand it is under way');
select pg_temp.answer(200);
select is((pg_temp.invoice('AR0000000016')).status, 'issued', 'and issued after all');
select pg_temp.sold('P-1', 'C1', '[{"item": "PUMP", "quantity": 1, "price": 100}]');
select pg_temp.answer(200, '{"status": "processing"}');
select is((select string_agg(t.topic || ' ' || t.path, ', ') from artery.integration_task as t where t.document_id = 'AR0000000017' and t.status = 'pending'),
    'tax.invoice.query /invoices/by-request/' || (pg_temp.invoice('AR0000000017')).request_id, 'still working on it: asked again by the same Request-ID');
select pg_temp.answer(200, '{"status": "processing"}');
select is((select array_agg(e.detail ->> 'asked_again_in' order by e.id) from artery_tax.invoice_event as e where e.order_no = 'AR0000000017' and e.event = 'processing'),
    '{00:00:05,00:00:10}', 'with longer pauses');
select pg_temp.answer(200);
select is((pg_temp.invoice('AR0000000017')).status, 'issued', 'until it says so');
select pg_temp.sold('U-2', 'C1', '[{"item": "PUMP", "quantity": 1, "price": 100}]');
select pg_temp.answer(null, '{}', 'timeout');
select is((select t.status || ' ' || (t.inquiry ->> 'path') from artery.integration_task as t where t.document_id = 'AR0000000018'),
    'failed /invoices/by-request/' || (pg_temp.invoice('AR0000000018')).request_id, 'outcome unknown: it is asked what became of it');
select is(artery_tax.request_invoice('AR0000000018'), (pg_temp.invoice('AR0000000018')).task_id, 'and not requested again');
select throws_ok($$select artery_tax.cancel_invoice('AR0000000018', 'x')$$, 'IN504', null, 'nor given up');
select pg_temp.answer(200);
select is((pg_temp.invoice('AR0000000018')).status || ' ' || (select count(*) from artery.integration_task as t where t.document_id = 'AR0000000018'), 'issued 1',
    'it had been issued');

-- what a person decides
select pg_temp.sold('H-1', 'C1', '[{"item": "PUMP", "quantity": 1, "price": 100}]');
select artery.cancel_task((pg_temp.invoice('AR0000000019')).task_id, 'not now');
select is((select a.subject from artery_tax.invoice_attention() as a where a.found ~ 'AR0000000019'), 'invoices requested', 'a task that was cancelled: somebody is told');
select isnt(artery_tax.request_invoice('AR0000000019'), null, 'who may have it requested anew');
update artery.route set status_path_template = null;
select pg_temp.answer(null, '{}', 'reset');
select is((pg_temp.invoice('AR0000000019')).status || ' ' || (select t.status from artery.integration_task as t where t.id = (pg_temp.invoice('AR0000000019')).task_id),
    'requested held', 'where nobody can be asked it is held');
select is(artery_tax.request_invoice('AR0000000019'), (pg_temp.invoice('AR0000000019')).task_id, 'and not requested again');
select artery.resolve_task((pg_temp.invoice('AR0000000019')).task_id, 'dead', 'not in their portal');
select is((pg_temp.invoice('AR0000000019')).status, 'undelivered', 'a person found that it is not there');
select artery_tax.request_invoice('AR0000000019');
select pg_temp.answer(null, '{}', 'reset');
select artery.resolve_task((pg_temp.invoice('AR0000000019')).task_id, 'sent', 'in their portal', '{"status": "issued", "invoiceNo": "24312000000000000777"}');
select results_eq($$select v.status, v.invoice_no collate "default" from pg_temp.invoice('AR0000000019') as v$$, $$values ('issued', '24312000000000000777')$$, 'or that it is, and its number');
select is_empty('select * from artery_monitor.verify()', 'all promises hold');
savepoint broken;
select pg_temp.sold('V-1', 'C1', '[{"item": "PUMP", "quantity": 1, "price": 100}]');
delete from artery.integration_task where document_id = 'AR0000000020';
select results_eq('select invariant, tasks from artery_monitor.verify()', $$values ('I7', 1::bigint)$$, 'an invoice that is forgotten shows');
update artery_erp.ar_invoice_line set amount = 100.10 where order_no = 'AR0000000020';
select is((select v.detail from artery_monitor.verify() as v), 'invoices whose lines do not add up to them', 'and one that does not add up');
rollback to broken;
select * from finish();
rollback;
