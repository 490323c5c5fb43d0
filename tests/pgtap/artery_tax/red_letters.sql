-- Red letters: what can be taken back, how often, and every answer to a confirmation.
begin;
\ir _world.psql
select no_plan();
select artery_tax.setup_gateway('http://127.0.0.1:9/api/v1');
delete from artery.route where download is not null;
update artery.endpoint set total_timeout = '5 s' where name = 'tax';

-- what a gateway says to a confirmation when all goes well; p_more overrides
create function pg_temp.confirmed(p_request jsonb, p_more jsonb default '{}') returns jsonb language sql as $$
    select jsonb_build_object('status', 'confirmed', 'confirmationNo', 'K' || nextval('pg_temp.numbers'), 'orderNo', p_request ->> 'orderNo',
        'originalInvoiceNo', p_request ->> 'originalInvoiceNo', 'totalAmount', p_request ->> 'totalAmount',
        'totalTax', p_request ->> 'totalTax', 'totalWithTax', p_request ->> 'totalWithTax') || p_more
$$;
-- a runner's round of one topic: each task is answered by its own request, and p_more
create function pg_temp.round(p_topic text, p_code integer, p_more jsonb default '{}', p_error text default null)
returns bigint language plpgsql as $$
declare
    v_runner bigint := artery.register_runner('tap', 'here', 1, '0');
    v_results jsonb;
begin
    update artery.integration_task set due_at = clock_timestamp() where status in ('pending', 'failed') and topic = p_topic;
    perform set_config('artery.claim_cursor', '', false);
    select jsonb_agg(jsonb_build_object(
        'id', c.id, 'attempt', c.attempt, 'span_id', lpad(to_hex(c.id * 1000 + c.attempt), 16, '0'),
        'status_code', p_code, 'error_kind', p_error, 'error', p_error, 'url', c.path, 'ago_ms', 0,
        'response_body', case
            when p_code >= 300 then p_more
            when p_topic like '%confirm' then pg_temp.confirmed(t.body::jsonb, p_more)
            when p_topic like '%withdraw' then '{"status": "withdrawn"}'
            else pg_temp.issued(t.body::jsonb, p_more)
        end::text
    ))
    into v_results from artery.claim_tasks(v_runner, 100) as c join artery.integration_task as t on t.id = c.id;
    perform artery.report_results(v_runner, coalesce(v_results, '[]'));
    return coalesce(jsonb_array_length(v_results), 0);
end $$;
create function pg_temp.left_of(p_order_no text) returns setof text language sql as $$
    select concat_ws(' ', l.line_no, trim_scale(l.quantity), l.amount, l.tax) from artery_tax.red_left(p_order_no) as l
$$;
create function pg_temp.refusal(p_sql text) returns text language plpgsql as $$
declare v_detail text;
begin
    execute p_sql;
    return 'done';
exception when others then
    get stacked diagnostics v_detail = pg_exception_detail;
    return sqlstate || ' ' || v_detail;
end $$;

select pg_temp.sold('S-1', 'C1', '[{"item": "PUMP", "quantity": 10, "price": 100, "discount": 50}, {"item": "SEAL", "quantity": 7, "price": "1.25"},
    {"item": "SEED", "quantity": "2.5", "price": 8}]') as blue \gset
select is(
    pg_temp.refusal(format('select artery_tax.red_letter(%L, ''01'')', :'blue')),
    'IN530 It is requested: only what the gateway has confirmed as issued is taken back.', 'only what is issued'
);
select pg_temp.round('tax.invoice.issue', 200);
select is((pg_temp.invoice(:'blue')).status, 'issued', 'it is');
select results_eq(format('select pg_temp.left_of(%L)', :'blue'), $$values ('1 10 950.00 123.50'), ('3 7 8.75 1.14'), ('4 2.5 20.00 0.00')$$,
    'a discount row is one with its line');

-- all that is wrong, at once
select is(pg_temp.refusal(format('select artery_tax.red_letter(%L, ''05'', %L)', :'blue', '[{"line_no": 1, "quantity": "10.5"}, {"line_no": 2, "quantity": 1},
    {"line_no": 3, "quantity": 1}, {"line_no": 3, "amount": 1}, {"line_no": 4, "quantity": 1, "amount": 1}, {"line_no": "x"}, {"line_no": 9, "qty": 1}]')),
    'IN530 Reason 05 is none of 01, 02, 03, 04. Line 1: only 10 EA and 950.00 (without tax) of it are left. '
    'Line 2: the invoice has none of that number. Line 3: named twice. Line 3: named twice. '
    'Line 4: give a quantity (8 decimals at most) or an amount (2), and not both. Line number 6: it is none. '
    'Line 9: the invoice has none of that number.', 'everything is named');
select is(pg_temp.refusal(format('select artery_tax.red_letter(%L, ''02'', %L)', :'blue', v.lines)), 'IN530 ' || v.said, v.lines)
from (values
    ('[]', 'The lines are no array, or an empty one; leave them out to take all back.'),
    ('{"line_no": 1}', 'The lines are no array, or an empty one; leave them out to take all back.'),
    ('[7]', 'Line number 1: it is none.'),
    ('[{"line_no": 1, "quantity": "-1"}]', 'Line 1: it must be more than 0.'),
    ('[{"line_no": 1, "quantity": "NaN"}]', 'Line 1: give a quantity (8 decimals at most) or an amount (2), and not both.'),
    ('[{"line_no": 1, "amount": "0.001"}]', 'Line 1: give a quantity (8 decimals at most) or an amount (2), and not both.'),
    ('[{"line_no": 3, "quantity": "0.0001"}]', 'Line 3: 0.0001 of it come to nothing.'),
    ('[{"line_no": 3, "amount": "8.76"}]', 'Line 3: only 7 EA and 8.75 (without tax) of it are left.')
) as v (lines, said);
select is(pg_temp.refusal($$select artery_tax.red_letter('AR9', '01')$$), 'IN503 No row of artery_erp.ar_invoice has this order number, or its profile is gone.',
    'an invoice that is none');
select is((select count(*) from artery_tax.red_letter), 0::bigint, 'none of it left a trace');

-- a part: confirmation, red invoice, what is left
select artery_tax.red_letter(:'blue', '02', '[{"line_no": 1, "quantity": "3"}, {"line_no": 3, "quantity": 2}]', 'three came back', 'R-1') as red \gset
select is(artery_tax.red_letter(:'blue', '02', '[{"line_no": 1, "quantity": "3"}, {"line_no": 3, "quantity": 2}]', 'three came back', 'R-1'), :'red',
    'the same key and request is the same red letter');
select is(left(pg_temp.refusal(format('select artery_tax.red_letter(%L, ''03'', null, null, ''R-1'')', :'blue')), 5), 'IN531', 'another request is not');
select results_eq(format('select pg_temp.rows(%L)', :'red'), $$values ('1 normal 离心泵 -3 -285.00 0.13 -37.05'), ('2 normal 密封圈 -2 -2.50 0.13 -0.33')$$,
    'its lines are below zero, and have no discount rows');
select results_eq(format('select pg_temp.left_of(%L)', :'blue'), $$values ('1 7 665.00 86.45'), ('3 5 6.25 0.81'), ('4 2.5 20.00 0.00')$$,
    'what is asked for counts as gone');
select results_eq(
    $$select t.topic, b ->> 'requestId' = t.request_id::text, b ->> 'reason', b ->> 'totalWithTax', b ->> 'note', b ? 'invoiceType', t.document_id
      from artery.integration_task as t, lateral (select t.body::jsonb as b) as x where t.topic like '%.red.%'$$,
    format($$values ('tax.red.confirm', true, '02', '-324.88', 'three came back', false, %L)$$, :'red'), 'the confirmation is asked for, and nothing else');
select is((pg_temp.invoice(:'red')).status, 'draft', 'the red invoice waits for it');
select is(pg_temp.round('tax.red.confirm', 200), 1::bigint, 'it comes');
select results_eq(format('select r.status, r.confirmation_no ~ ''^K'', r.confirmed_at is not null, r.response ->> ''status'' from artery_tax.red_letter as r where r.order_no = %L', :'red'),
    $$values ('confirmed', true, true, 'confirmed')$$, 'and is written down');
select results_eq(
    $$select b ->> 'color', b ->> 'requestId' = t.request_id::text, b #>> '{red,originalInvoiceNo}', b #>> '{red,confirmationNo}', b #>> '{red,reason}'
      from artery.integration_task as t, lateral (select t.body::jsonb as b) as x where t.topic = 'tax.red.issue'$$,
    format($$select 'red', true, (pg_temp.invoice(%L)).invoice_no collate "default", r.confirmation_no collate "default", '02' from artery_tax.red_letter as r where r.order_no = %L$$, :'blue', :'red'),
    'then the red invoice is asked for');
select is((pg_temp.invoice(:'red')).request_id, (select t.request_id from artery.integration_task as t where t.topic = 'tax.red.issue'), 'under its own Request-ID');

-- the gateway issues it and says nothing: asked, and not sent again
select pg_temp.round('tax.red.issue', null, '{}', 'timeout');
select results_eq($$select t.status, t.inquiry ->> 'path' from artery.integration_task as t where t.topic = 'tax.red.issue'$$,
    $$select 'failed', '/invoices/by-request/' || t.request_id from artery.integration_task as t where t.topic = 'tax.red.issue'$$, 'a timeout is asked after, by the same Request-ID');
select is((pg_temp.invoice(:'red')).status, 'requested', 'and is no failure');
select pg_temp.round('tax.red.issue', 200);
select is((pg_temp.invoice(:'red')).status, 'issued', 'it was issued');
select results_eq($$select count(*) filter (where not l.status_query), count(*) filter (where l.status_query) from artery.cloud_log as l where l.topic = 'tax.red.issue'$$,
    $$values (1::bigint, 1::bigint)$$, 'sent once, asked once');
select is((pg_temp.invoice(:'blue')).status, 'partly_red', 'the blue one is partly red');
select results_eq($$select r.status, s.status from artery_tax.red_letter as r join artery.saga as s on s.id = r.saga_id$$, $$values ('issued', 'complete')$$, 'all is done');

-- an allowance has an amount and no quantity; cents do not drift, the last part takes what is left
create function pg_temp.back(p_blue text, p_lines jsonb) returns text language plpgsql as $$
declare v_red text := artery_tax.red_letter(p_blue, '04', p_lines);
begin
    perform pg_temp.round('tax.red.confirm', 200);
    perform pg_temp.round('tax.red.issue', 200);
    return (pg_temp.invoice(v_red)).status;
end $$;
select is(pg_temp.back(:'blue', '[{"line_no": 1, "amount": "0.05"}]'), 'issued', 'an allowance');
select results_eq($$select l.quantity, l.price, l.amount, l.tax from artery_erp.ar_invoice_line as l where l.amount = -0.05$$,
    $$values (null::numeric, null::numeric, -0.05, -0.01)$$, 'has no quantity');
select is(string_agg(pg_temp.back(:'blue', '[{"line_no": 3, "quantity": "0.5"}]'), ' '), trim(repeat('issued ', 9)), 'nine small parts') from generate_series(1, 9);
select results_eq(format('select pg_temp.left_of(%L)', :'blue'), $$values ('1 7 664.95 86.44'), ('3 0.5 0.62 0.08'), ('4 2.5 20.00 0.00')$$, 'leave the rest exactly');
select is(pg_temp.back(:'blue', null), 'issued', 'all that is left');
select is((pg_temp.invoice(:'blue')).status, 'red', 'the blue one is red');
select is((select sum(v.total) from artery_erp.ar_invoice as v), 0.00, 'to the cent');
select is(pg_temp.refusal(format('select artery_tax.red_letter(%L, ''01'')', :'blue')),
    'IN530 It is red: only what the gateway has confirmed as issued is taken back.', 'and no more');
select is(pg_temp.refusal(format('select artery_tax.red_letter(%L, ''01'')', :'red')), 'IN530 It is red itself.', 'nor what is red itself');

-- confirmations that do not come
select pg_temp.sold('S-2', 'C1', '[{"item": "PUMP", "quantity": 2, "price": 100}]') as blue \gset
select pg_temp.round('tax.invoice.issue', 200);
select artery_tax.red_letter(:'blue', '02') as red \gset
select pg_temp.round('tax.red.confirm', 422, '{"status": "failed", "message": "closed period"}');
select results_eq(format('select (pg_temp.invoice(%1$L)).status, r.status, r.ended_at is not null from artery_tax.red_letter as r where r.order_no = %1$L', :'red'),
    $$values ('cancelled', 'refused', true)$$, 'refused: the red invoice is cancelled');
select results_eq(format('select pg_temp.left_of(%L)', :'blue'), $$values ('1 2 200.00 26.00')$$, 'and all can be asked for again');
select artery_tax.red_letter(:'blue', '02') as red \gset
select pg_temp.round('tax.red.confirm', 200, '{"totalWithTax": "-2.26"}');
select results_eq(format('select a.differences from artery_tax.invoice_alarm as a where a.order_no = %L', :'red'),
    $$values ('[{"field": "totalWithTax", "asked": "-226.00", "answered": "-2.26"}]'::jsonb)$$, 'one that contradicts the request is an alarm');
select is((select count(*) from artery.integration_task as t where t.topic = 'tax.red.issue' and t.document_id = :'red'), 0::bigint, 'no red invoice is asked for');
select is((select t.path from artery.integration_task as t where t.topic = 'tax.red.withdraw'),
    (select '/red-confirmations/by-request/' || t.request_id || '/withdrawal' from artery.integration_task as t where t.topic = 'tax.red.confirm' and t.document_id = :'red'),
    'the confirmation is taken back');
select pg_temp.round('tax.red.withdraw', 200);
select results_eq(format('select (pg_temp.invoice(%1$L)).status, r.status from artery_tax.red_letter as r where r.order_no = %1$L', :'red'), $$values ('cancelled', 'withdrawn')$$, 'and then all of it');

-- asked with 202: the buyer has yet to confirm
select artery_tax.red_letter(:'blue', '02') as red \gset
select pg_temp.round('tax.red.confirm', 202, '{"status": "waiting"}');
select results_eq(format('select r.status, t.inquiry ->> ''why'' from artery_tax.red_letter as r join artery.integration_task as t on t.document_id = r.order_no where r.order_no = %L', :'red'),
    $$values ('requested', 'accepted')$$, 'a confirmation that waits is asked after');
select pg_temp.round('tax.red.confirm', 200, '{"status": "refused", "message": "the buyer says no"}');
select results_eq(format('select (pg_temp.invoice(%1$L)).status, r.status, s.status from artery_tax.red_letter as r join artery.saga as s on s.id = r.saga_id where r.order_no = %1$L', :'red'),
    $$values ('cancelled', 'refused', 'compensated')$$, 'the buyer says no: nobody is in doubt');

-- cancelled by hand before anything was sent
select artery_tax.red_letter(:'blue', '02') as red \gset
select artery.compensate_saga(r.saga_id, 'a mistake') from artery_tax.red_letter as r where r.order_no = :'red';
select results_eq(format('select (pg_temp.invoice(%1$L)).status, r.status from artery_tax.red_letter as r where r.order_no = %1$L', :'red'), $$values ('cancelled', 'released')$$, 'given up in time');

select is(pg_temp.refusal($$select artery_api_v1.red_letter('{"order_no": "AR1", "reasons": "01"}')$$), '22023 Got {"reasons": "01", "order_no": "AR1"}.', 'the API tells a slip');
select artery_api_v1.red_letter(jsonb_build_object('order_no', :'blue', 'reason', '01', 'message_id', 'M-1')) as answer \gset
select results_eq(format('select %L::jsonb - ''order_no''', :'answer'), format($$select jsonb_build_object('original_order_no', %L, 'status', 'requested', 'invoice_no', null, 'total', '-226.00')$$, :'blue'), 'and answers');
select is(artery_api_v1.red_letter(jsonb_build_object('order_no', :'blue', 'reason', '01', 'message_id', 'M-1')), :'answer'::jsonb, 'the same message the same');

select throws_ok($$select artery_tax.handle_confirmation_reply('{"document_id": "AR9"}')$$, 'IN534', null, 'a reply about no red letter');
select is_empty('select * from artery.saga_violations', 'each saga is done, undone or moving');
select is_empty('select * from artery_monitor.verify()', 'all promises hold');
select finish();
rollback;
