-- What makes invoices, what cannot be invoiced, and what is split.
begin;
\ir _world.psql
select plan(56);

-- a document that cannot be invoiced says everything that is wrong, and is not posted
select pg_temp.shipment('B-1', 'C1', '[{"item": "BARE", "quantity": 1, "price": 10}, {"item": "PUMP", "quantity": 1, "price": 10, "discount": 11}, {"item": "SEED", "quantity": 1, "price": 10},
    {"item": "BARE", "quantity": 1, "price": 10, "rate": 0.13}]');
update artery_tax.item_profile set policy = '07' where item_code = 'SEED';
create function pg_temp.problems(p_sql text) returns text language plpgsql as $$
declare v_detail text;
begin
    execute p_sql;
    return null;
exception when sqlstate 'IN502' then
    get stacked diagnostics v_detail = pg_exception_detail;
    return v_detail;
end $$;
select is(
    pg_temp.problems($$select pg_temp.post('B-1')$$),
    'Line 10: has no rate, and item BARE no row in artery_tax.item_profile, tax_class_code (none) is not 19 digits. '
    || 'Line 30: policy 07 (50%先征后退) goes with category S. Line 40: tax_class_code (none) is not 19 digits. '
    || 'Line 10: rate must be a fraction from 0 to 1 (13 % is 0.13). Line 20: discount 11 is more than the amount 10.00.',
    'all that is wrong is said at once'
);
select is((select s.status from artery_erp.sales_shipment as s where s.shipment_no = 'B-1'), 'draft', 'and nothing is posted');
update artery_tax.item_profile set policy = '03' where item_code = 'SEED';
select is(
    pg_temp.problems($$select artery_tax.create_invoices('x', '1', '{"customer": "NO", "merchant": "NO", "currency": "yuan", "invoice_type": "gold"}', '[]')$$),
    'There is no merchant NO. There is no customer NO. There is no invoice type gold. The currency is no code of three letters. '
    || 'Line 1: quantity must be a number other than 0, of 8 decimals at most, price must be a number from 0 on, of 8 decimals at most, '
    || 'rate must be a fraction from 0 to 1 (13 % is 0.13).',
    'of the header, too'
);
insert into artery_tax.customer_profile (customer_code, invoice_type) values ('C3', 'special');
select is(
    pg_temp.problems($$select pg_temp.sold('B-2', 'C3', '[{"item": "PUMP", "quantity": 1, "price": 10}]')$$),
    'A special invoice needs the buyer''s tax number.', 'a special invoice needs a taxpayer'
);

-- preferential policies
create function pg_temp.claims(p_line jsonb) returns text language sql as $$
    select pg_temp.problems(format(
        $x$select artery_tax.create_invoices('policy', %L, '{"customer": "C1"}', %L)$x$, p_line::text,
        jsonb_build_array('{"item": "PUMP", "quantity": 1, "price": 10}'::jsonb || p_line)))
$$;
select is(pg_temp.claims('{"policy": "08", "rate": "0.03"}'), null, '3 % simplified');
select matches(pg_temp.claims('{"policy": "08", "rate": "0.05"}'), 'goes with a rate of 0.03', 'not at another rate');
select matches(pg_temp.claims('{"policy": "03", "rate": "0.13"}'), 'goes with category E', 'exempt is not taxed');
select is(pg_temp.claims('{"policy": "03", "rate": "0", "category": "E"}'), null, 'and so it is exempt');
select matches(pg_temp.claims('{"policy": "10", "rate": "0.015", "tax_included": true}'), 'needs prices without tax', '1.5 % of a price with 5 %');
select matches(pg_temp.claims('{"policy": "99"}'), 'there is no policy 99', 'one that is none');
select matches(pg_temp.claims('{"quantity": -1}'), 'quantity is negative', 'what is taken back is a red invoice');
select is(
    (select count(*) from artery_tax.preferential_policy as p where p.rates <@ '{0}' and p.category in ('E', 'O') or p.category = 'S'), 18::bigint,
    'each policy demands what can be'
);

-- prices with tax
select pg_temp.sold('T-1', 'C1', '[{"item": "PUMP", "quantity": 3, "price": "113"}, {"item": "PUMP", "quantity": 1, "price": "0.99"}]', true);
select results_eq(
    $$select v.amount, v.tax, v.total from artery_erp.ar_invoice as v where v.source_id = 'T-1'$$, $$values (300.88, 39.11, 339.99)$$,
    'the buyer pays what was agreed'
);

-- split by rows and by amount
update artery_tax.gateway_profile set max_lines = 4 where name = 'digital';
select is(
    pg_temp.sold('L-1', 'C1', (select jsonb_agg(jsonb_build_object('item', 'PUMP', 'quantity', 1, 'price', n, 'discount', case n % 2 when 0 then 0.5 end)) from generate_series(1, 7) as n)),
    'AR0000000004 AR0000000005 AR0000000006', 'its invoices, in order'
);
select is(
    (select array_agg(p.kinds order by p.part) from (
        select v.part, string_agg(left(l.kind, 1) || right(l.kind, 1), ' ' order by l.line_no) as kinds
        from artery_erp.ar_invoice as v join artery_erp.ar_invoice_line as l using (order_no) where v.source_id = 'L-1' group by v.part) as p),
    '{"nl dd dt nl","dd dt nl","dd dt nl"}', 'no more rows than allowed; a discount stays with its line'
);
select is((select sum(v.amount) from artery_erp.ar_invoice as v where v.source_id = 'L-1'), 26.50, 'nothing is lost');
update artery_tax.gateway_profile set max_lines = 2000 where name = 'digital';
update artery_tax.merchant set max_amount = 1000;
select pg_temp.sold('M-1', 'C1', '[{"item": "PUMP", "quantity": 25, "price": 100, "discount": "33.33"}, {"item": "PUMP", "quantity": 2, "price": 99}, {"item": "HELP", "quantity": "7.5", "price": "333.333"}]');
select ok(bool_and(v.amount <= 1000) and count(*) > 3, 'no invoice over the limit') from artery_erp.ar_invoice as v where v.source_id = 'M-1';
select is((select sum(v.amount) from artery_erp.ar_invoice as v where v.source_id = 'M-1'), 25 * 100 - 33.33 + 198 + 2500.00, 'nothing is lost');
select results_eq(
    $$select l.source_line_no, sum(l.quantity), bool_and(l.quantity = trunc(l.quantity)), sum(l.amount)
      from artery_erp.ar_invoice as v join artery_erp.ar_invoice_line as l using (order_no) where v.source_id = 'M-1' group by 1 order by 1$$,
    $$values (10, 25.0, true, 2466.67), (20, 2, true, 198.00), (30, 7.5, false, 2500.00)$$, 'whole pumps, broken hours'
);
select is(
    pg_temp.problems($$select pg_temp.sold('M-2', 'C1', '[{"item": "PUMP", "quantity": 2, "price": 1001}]')$$),
    'Line 10: one unit comes to more than the 1000 that an invoice may.', 'half a pump is not invoiced'
);
select is(array_length(string_to_array(pg_temp.sold('M-3', 'C1', '[{"item": "PUMP", "quantity": 7, "price": "282.5"}]', true), ' '), 1), 3, 'with tax it is the amount without that counts');
select is((select sum(v.total) from artery_erp.ar_invoice as v where v.source_id = 'M-3'), 7 * 282.50, 'and the agreed total that is kept');
update artery_tax.merchant set max_amount = null;

-- an ERP of its own; nothing to pay; no merchant
select is(
    artery_tax.create_invoices('order', 'O-1', '{"buyer": {"name": "Somebody", "tax_no": "DE123456789"}, "currency": "EUR"}',
        '[{"name": "thing", "tax_class_code": "1090119010000000000", "quantity": 1, "price": 10, "rate": 0.13, "unit": "PC"}]'),
    artery_tax.create_invoices('order', 'O-1', '{}', '[]'), 'any document; each is invoiced once'
);
select is((select v.buyer_name || v.currency from artery_erp.ar_invoice as v where v.source_id = 'O-1'), 'SomebodyEUR', 'to any buyer');
select is(pg_temp.sold('Z-1', 'C1', '[{"item": "PUMP", "quantity": 1, "price": 10, "discount": 10}]'), null, 'what costs nothing is not invoiced');

-- settlements
insert into artery_tax.customer_profile (customer_code, billing) values ('C2', 'settlement');
select is(pg_temp.sold('S-1', 'C2', '[{"item": "PUMP", "quantity": 10, "price": 100}]'), null, 'a customer billed by settlement');
create function pg_temp.settle(p_no text, p_customer text, p_quantity numeric, p_shipment text default 'S-1') returns text language plpgsql as $$
begin
    insert into artery_erp.settlement (settlement_no, customer_code) values (p_no, p_customer);
    insert into artery_erp.settlement_line (settlement_no, line_no, item_code, quantity, unit, unit_price, shipment_no, shipment_line_no)
    values (p_no, 1, 'PUMP', p_quantity, 'EA', 95, p_shipment, 10), (p_no, 2, 'HELP', 1, 'HOUR', 50, null, null);
    return artery_api_v1.approve_settlement(jsonb_build_object('settlement_no', p_no)) #>> '{invoices,0,status}';
end $$;
select artery_tax.setup_gateway('http://127.0.0.1:9/api/v1');
select is(pg_temp.settle('X-1', 'C2', 6), 'requested', 'approving makes the invoice and asks for it');
select is((select v.total from artery_erp.ar_invoice as v where v.source_id = 'X-1'), 6 * 95 * 1.13 + 50 * 1.06, 'at the settled price, services too');
select is(pg_temp.problems($$select pg_temp.settle('X-2', 'C2', 5)$$), 'Line 1: more is settled of shipment S-1, line 10 than was shipped.', 'no more than was shipped');
select is(pg_temp.settle('X-3', 'C2', 4), 'requested', 'the rest');
select matches(pg_temp.problems($$select pg_temp.settle('X-4', 'C1', 1)$$), 'another customer', 'to whom it was shipped');
select matches(pg_temp.problems($$select pg_temp.settle('X-5', 'C1', 1, 'T-1')$$), 'has its own invoice', 'and not twice');

-- stock and the life of documents
select artery_erp.post_stock('receipt', 'test', 'R', '[{"item": "PUMP", "warehouse": "FG", "quantity": "30"}]');
select isnt(pg_temp.sold('W-1', 'C1', '[{"item": "PUMP", "quantity": 2, "unit": "BOX", "price": 1200, "warehouse": "FG"}]'), null, 'what is shipped');
select is((select b.quantity from artery_erp.stock_balance as b where b.item_code = 'PUMP' and b.warehouse_code = 'FG'), 6::numeric, 'leaves the stock, in its unit');
select is((select p.document_id from artery_erp.stock_posting as p join artery_erp.sales_shipment as s on s.stock_posting_id = p.id), 'W-1', 'the shipment knows its posting');
select throws_ok($$select pg_temp.sold('W-2', 'C1', '[{"item": "PUMP", "quantity": 7, "price": 1200, "warehouse": "FG"}]')$$, 'IN107', null, 'what is not there is not shipped');
select is((select count(*) from artery_erp.ar_invoice as v where v.source_id = 'W-2'), 0::bigint, 'nor invoiced');
select throws_ok($$select pg_temp.sold('W-3', 'C1', '[{"item": "PUMP", "quantity": 7, "unit": "KG", "price": 1200, "warehouse": "FG"}]')$$, 'IN102', null, 'nor what has no conversion');
select throws_ok($$update artery_erp.sales_shipment set status = 'draft' where shipment_no = 'W-1'$$, 'IN103', null, 'posted is posted');
select throws_ok($$insert into artery_erp.sales_shipment (shipment_no, customer_code, status) values ('W-4', 'C1', 'posted')$$, 'IN103', null, 'and nothing begins so');
select throws_ok($$update artery_erp.sales_shipment set customer_code = 'C2' where shipment_no = 'W-1'$$, 'IN103', null, 'its customer stands');
select throws_ok($$update artery_erp.sales_shipment_line set quantity = 1 where shipment_no = 'W-1'$$, 'IN103', null, 'so do its lines');
select throws_ok($$delete from artery_erp.settlement_line where settlement_no = 'X-1'$$, 'IN103', null, 'those of a settlement');
select throws_ok($$update artery_erp.settlement set currency = 'EUR' where settlement_no = 'X-1'$$, 'IN103', null, 'and its currency');
select throws_ok($$select artery_api_v1.post_shipment('{"shipment_no": "NO"}')$$, 'IN507', null, 'no such shipment');
select throws_ok($$select artery_api_v1.approve_settlement('{"settlement_no": 7}')$$, '22023', null, 'no number');
select throws_ok($$select artery_tax.invoice_document('sales_shipment', 'B-1')$$, 'IN507', null, 'a draft is not invoiced');
select throws_ok($$update artery_erp.ar_invoice set total = 'NaN' where source_id = 'T-1'$$, null, null, 'NaN is no total');

-- who may
grant artery_app to current_user;
set local role artery_app;
select lives_ok($$insert into artery_erp.sales_shipment (shipment_no, customer_code) values ('G-1', 'C1')$$, 'the ERP writes shipments');
insert into artery_erp.sales_shipment_line (shipment_no, line_no, item_code, quantity, unit, unit_price) values ('G-1', 1, 'PUMP', 1, 'EA', 5);
select lives_ok($$update artery_erp.sales_shipment set status = 'posted' where shipment_no = 'G-1'$$, 'and posts them');
select is((select v.status from artery_erp.ar_invoice as v where v.source_id = 'G-1'), 'requested', 'with their invoices');
select throws_ok($$update artery_erp.ar_invoice set status = 'issued'$$, '42501', null, 'which it cannot write');
select throws_ok($$delete from artery_tax.invoice_event$$, '42501', null, 'nor their history');
select throws_ok($$select artery_tax.handle_invoice_reply('{}')$$, '42501', null, 'nor answer for the gateway');
select throws_ok($$select artery_tax.decide_alarm(1, true, 'x')$$, '42501', null, 'nor decide an alarm');
reset role;
delete from artery_tax.customer_profile;
delete from artery_tax.merchant;
select is(pg_temp.sold('N-1', 'C1', '[{"item": "BARE", "quantity": 1, "price": 10}]'), null, 'no merchant: no invoices, and shipments go on');
select * from finish();
rollback;
