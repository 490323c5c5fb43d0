-- Gateways of other kinds are rows and two functions: the engine knows none of them.
begin;
\ir _world.psql
select plan(23);

-- EN 16931
insert into artery_tax.merchant (code, name, tax_no, address, profile) values ('EU', 'Pumpen Müller GmbH', 'DE123456789', 'Weg 1, Ulm', 'en16931');
insert into artery_tax.customer_profile (customer_code, merchant) values ('C2', 'EU');
insert into artery_tax.item_profile (item_code, category, rate) values ('BARE', 'S', 0.19);
select artery_tax.setup_gateway('http://127.0.0.1:9/v1', 'en16931', 'einvoice');
select results_eq(
    $$select r.topic, r.status_done::text, r.status_failed::text from artery.route as r where r.topic like 'tax.%' order by 1$$,
    $$values ('tax.en16931.invoice.issue', '($."state" == "accepted")', '($."state" == "rejected")'),
        ('tax.en16931.invoice.query', '($."state" == "accepted")', '($."state" == "rejected")'),
        ('tax.en16931.red.issue', '($."state" == "accepted")', '($."state" == "rejected")')$$, 'its routes, by its own words'
);
update artery.endpoint set max_attempts = 1;
select is(
    pg_temp.sold('E-1', 'C2', '[{"item": "BARE", "quantity": 3, "price": "9.99", "discount": "0.07"}, {"item": "BARE", "quantity": 1, "price": "0.04"},
        {"item": "BARE", "quantity": 1, "price": "5", "rate": 0.07}]', true), 'AR0000000001', 'prices with tax'
);
create temp table request as select t.body::jsonb as body from artery.integration_task as t;
select results_eq(
    $$select body ->> 'invoiceTypeCode', body ->> 'invoiceCurrencyCode', body #>> '{seller,vatIdentifier}', body #>> '{buyer,vatIdentifier}' from request$$,
    $$values ('380', 'CNY', 'DE123456789', 'ESB12345678')$$, 'who sells to whom'
);
select results_eq(
    $$select b ->> 'vatCategoryCode', b ->> 'vatCategoryRate', b ->> 'vatCategoryTaxableAmount', b ->> 'vatCategoryTaxAmount'
      from request, jsonb_array_elements(body -> 'vatBreakdown') as b$$,
    $$values ('S', '7', '4.67', '0.33'), ('S', '19', '25.16', '4.78')$$, 'a row a category and rate, the rate in percent'
);
select ok((b ->> 'vatCategoryTaxAmount')::numeric = round((b ->> 'vatCategoryTaxableAmount')::numeric * (b ->> 'vatCategoryRate')::numeric / 100, 2), 'BR-CO-17')
from request, jsonb_array_elements(body -> 'vatBreakdown') as b;
select results_eq(
    $$select (t ->> 'invoiceTotalAmountWithoutVat')::numeric + (t ->> 'invoiceTotalVatAmount')::numeric = (t ->> 'invoiceTotalAmountWithVat')::numeric,
        (t ->> 'invoiceTotalAmountWithVat')::numeric + (t ->> 'roundingAmount')::numeric = (t ->> 'amountDueForPayment')::numeric, t ->> 'amountDueForPayment'
      from request, jsonb_extract_path(body, 'documentTotals') as t$$,
    $$values (true, true, '34.94')$$, 'BR-CO-15, BR-CO-16: the amount due is what was agreed'
);
select is(
    (select sum((l ->> 'invoiceLineNetAmount')::numeric) from request, jsonb_array_elements(body -> 'invoiceLines') as l),
    (select (body #>> '{documentTotals,sumOfInvoiceLineNetAmount}')::numeric from request), 'BR-CO-10: the lines add up'
);
select is((select body #>> '{invoiceLines,0,invoiceLineAllowanceAmount}' from request), '0.06', 'a discount row is an allowance of its line, net');
select ok(abs((l ->> 'invoicedQuantity')::numeric * (l ->> 'itemNetPrice')::numeric - coalesce((l ->> 'invoiceLineAllowanceAmount')::numeric, 0)
    - (l ->> 'invoiceLineNetAmount')::numeric) <= 0.02, 'quantity × price − allowance is the line''s net amount')
from request, jsonb_array_elements(body -> 'invoiceLines') as l;
select pg_temp.answer(200, '{"state": "rejected", "errors": [{"code": "BR-01", "text": "no customization id"}, {"code": "BR-02", "text": "no number"}]}');
select is((pg_temp.invoice('AR0000000001')).reason, 'BR-01: no customization id; no number', 'all that it says is wrong');
select artery_tax.request_invoice('AR0000000001');
select pg_temp.answer(202, '{"state": "pending"}');
select is((select t.inquiry ->> 'why' from artery.integration_task as t where t.status = 'failed'), 'accepted', 'a 202 is asked after by the engine');
select pg_temp.answer(200, '{"state": "accepted", "documentId": "2026-000017", "acceptedAt": "2026-11-21T09:00:00Z", "totalWithVat": 34.94, "buyerVatIdentifier": "esb12345678"}');
select results_eq(
    $$select v.status, v.invoice_no collate "default", v.issued_at from pg_temp.invoice('AR0000000001') as v$$,
    $$values ('issued', '2026-000017', '2026-11-21 09:00+00'::timestamptz)$$, 'its answer in its own words'
);
select is(pg_temp.sold('E-2', 'C2', '[{"item": "BARE", "quantity": 1, "price": 1}]'), 'AR0000000002', 'another');
select pg_temp.answer(200, '{"state": "accepted", "documentId": "2026-000018", "totalWithVat": 1.20}');
select is((select a.differences #>> '{0,field}' from artery_tax.invoice_alarm as a), 'total', 'contradicted in its own words');

-- one more, made up here: an answer wrapped in an envelope, a number a status
create function public.short_payload(p_order_no text) returns jsonb language sql stable as $$
    select jsonb_build_object('no', v.order_no, 'sum', v.total::text) from artery_erp.ar_invoice as v where v.order_no = p_order_no
$$;
select throws_ok($$insert into artery_tax.gateway_profile (name, topic_prefix, payload_function, answer) values ('short', 'tax.short', 'public.nothing(text)', '{}')$$,
    'IN009', null, 'a function that is not there');
select throws_ok($$insert into artery_tax.gateway_profile (name, topic_prefix, payload_function, answer) values ('short', 'tax.short', 'public.short_payload(text)', '{"number": "$["}')$$,
    'IN014', null, 'a path that is none');
insert into artery_tax.gateway_profile (name, topic_prefix, payload_function, answer) values ('short', 'tax.short', 'public.short_payload(text)',
    '{"status": "$.data.state", "statuses": {"2": "issued", "1": "processing", "9": "failed"}, "number": "$.data.no", "total": "$.data.sum"}');
select artery_tax.setup_gateway('http://127.0.0.1:9/v2', 'short', 'other');
select ok('{"data": {"state": 2}}'::jsonb @@ r.status_done and '{"data": {"state": "2"}}'::jsonb @@ r.status_done and ('{"data": {"state": 1}}'::jsonb @@ r.status_done) is not true,
    'a number or a text') from artery.route as r where r.topic = 'tax.short.invoice.issue';
update artery_tax.merchant set profile = 'short' where code = 'EU';
select pg_temp.sold('E-3', 'C2', '[{"item": "BARE", "quantity": 1, "price": 100}]');
select is((select t.body::jsonb from artery.integration_task as t where t.topic = 'tax.short.invoice.issue'), '{"no": "AR0000000003", "sum": "119.00"}', 'its request');
select pg_temp.answer(200, '{"code": 0, "data": {"state": 2, "no": "00001234567890123456", "sum": "119.00"}}');
select results_eq($$select v.status, v.invoice_no collate "default" from pg_temp.invoice('AR0000000003') as v$$, $$values ('issued', '00001234567890123456')$$, 'its answer');
select is_empty('select * from artery_monitor.verify()', 'all promises hold');
select * from finish();
rollback;
