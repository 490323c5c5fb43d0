begin;
select plan(50);
\ir _world.psql
select pg_temp.new_order('ACME', 'P-1');
select pg_temp.new_order('ACME', 'P-2');
select pg_temp.new_order('ACME', 'P-DRAFT');
select pg_temp.new_order('BETA', 'P-BETA');
select pg_temp.status(p, 'approved') from unnest(array['P-1', 'P-2', 'P-BETA']) as p;
select pg_temp.commit();

-- partial, under, over, outstanding, short
select is(pg_temp.stands('P-1', 10), 'ordered: 0 0 - 0 0', 'nothing has come of an order');
select is(pg_temp.asn('A-1', pg_temp.line('P-1', 10, '40')), 'processed in_transit', 'a notice');
select is(pg_temp.stands('P-1', 10), 'partly shipped: 40 0 - 0 0', 'a part is on its way; of the rest nothing is said');
select is(pg_temp.asn('A-2', pg_temp.line('P-1', 10, '30', '{"outstanding_quantity": 20, "outstanding_reason": "strike"}'),
    '{"shipped_at": "2030-02-02T08:00:00Z"}'), 'processed in_transit', 'the next one says what is still to come');
select is(pg_temp.stands('P-1', 10), 'partly shipped: 70 0 20 10 0', '100 - 70 - 20 = 10 never come');
select is((select (l.short_closed, l.outstanding_reason)::text from artery_erp.purchase_order_line as l where l.po_no = 'P-1' and l.line_no = 10),
    '(f,strike)', 'not closed while something is outstanding; with the reason');
select is(pg_temp.asn('A-0', pg_temp.line('P-1', 10, '5', '{"outstanding_quantity": "95"}'), '{"shipped_at": "2030-01-01T08:00:00Z"}'),
    'processed in_transit', 'one that left earlier and comes later');
select is(pg_temp.stands('P-1', 10), 'partly shipped: 75 0 20 5 0', 'counts, but what it says of the rest is out of date');
select is(pg_temp.asn('A-3', pg_temp.line('P-1', 10, '0', '{"outstanding_quantity": 0}'), '{"shipped_at": "2030-02-03T08:00:00Z"}'),
    'processed in_transit', 'nothing shipped, and nothing more to come');
select is((select l.short_closed from artery_erp.purchase_order_line as l where l.po_no = 'P-1' and l.line_no = 10), true, 'closes the line short');
select is(pg_temp.stands('P-1', 10), 'on its way: 75 0 0 25 0', 'by 25');
select is(pg_temp.asn('A-4', pg_temp.line('P-1', 10, '3', '{"unit": "BOX"}'), '{"shipped_at": "2030-02-04T08:00:00Z"}'),
    'processed in_transit', 'three boxes of twelve');
select is(pg_temp.stands('P-1', 10), 'on its way: 111 0 0 0 1', '111 of 100, where 110 would do');
select is((select trim_scale(a.excess_quantity * 12) from artery_erp.asn_line as a where a.asn_no = 'A-4'), 0.99999996,
    'the excess is that of the last to leave, in its unit');
select is((select sum(a.excess_quantity) from artery_erp.asn_line as a where a.asn_no <> 'A-4'), 0.0, 'and of no other');
update artery_erp.purchase_order_line set quantity = 120 where po_no = 'P-1' and line_no = 10;
select is(pg_temp.stands('P-1', 10), 'on its way: 111 0 0 9 0', 'the order raised: no excess');

-- again, revised, cancelled, in any order
select is(pg_temp.asn('A-1', pg_temp.line('P-1', 10, '40')), 'processed in_transit', 'the same notice again is the same answer');
select is(pg_temp.asn('A-1', pg_temp.line('P-1', 10, '40'), '{"message_id": "again"}'), 'processed in_transit', 'under another message_id, too');
select is(pg_temp.asn('A-1', pg_temp.line('P-1', 10, '41')), 'rejected IN612/revision', 'another content needs a revision');
select is(pg_temp.asn('A-1', pg_temp.line('P-1', 10, '41'), '{"revision": 3}'), 'processed in_transit', 'which counts');
select is(pg_temp.asn('A-1', pg_temp.line('P-1', 10, '1'), '{"revision": 2}'), 'processed superseded', 'a lower one that comes later does not');
select is(pg_temp.stands('P-1', 10), 'on its way: 112 0 0 8 0', 'one more than before');
select is(pg_temp.said(artery_api_v1.submit_asn('{"supplier": "ACME", "asn_no": "A-4", "revision": 2, "status": "cancelled", "shipped_at": "2030-02-04T08:00:00Z"}')),
    'processed cancelled', 'a notice is cancelled');
select is(pg_temp.stands('P-1', 10), 'on its way: 76 0 0 44 0', 'and counts no more');
select is(pg_temp.said(artery_api_v1.submit_asn('{"supplier": "ACME", "asn_no": "A-5", "revision": 2, "status": "cancelled", "shipped_at": "2030-02-04T08:00:00Z"}')),
    'processed cancelled', 'a cancellation ahead of its notice');
select is(pg_temp.asn('A-5', pg_temp.line('P-1', 10, '7')), 'processed superseded', 'which then changes nothing');

-- what is wrong
select is(pg_temp.asn('A-9', '[
    {"line_no": 1, "po_no": "P-1", "po_line_no": 10, "item": "PUMP", "quantity": "NaN"},
    {"line_no": 1, "po_no": "P-1", "po_line_no": 10, "item": "BOLT", "quantity": 1.5, "serials": ["S1", "S2"], "best_before": "2030-02-30"},
    {"line_no": 3, "po_no": "P-1", "po_line_no": 20, "item": "RESIN", "quantity": "1", "unit": "BOX", "outstanding_quantity": "-1"},
    {"line_no": 4, "po_no": "P-1", "po_line_no": 99, "item": "BOLT", "quantity": 1}]', '{"shipped_at": "2030-02-01", "expected_at": "soon"}'),
    'rejected IN605/expected_at IN605/shipped_at IN606/lines/3/po_line_no IN608/lines/0/item IN609/lines/0/quantity '
    'IN609/lines/1/line_no IN609/lines/1/quantity IN609/lines/1/serials IN609/lines/2/outstanding_quantity IN610/lines/2/unit '
    'IN611/lines/1/best_before IN611/lines/2/lot', 'all that is wrong is said at once');
select is(pg_temp.asn('A-9', '[{"line_no": 1, "po_no": "P-1", "po_line_no": 10, "item": "BOLT", "quantity": 1, "sscc": "123", "colour": "red"}]'),
    'rejected IN605/lines/0/colour IN605/lines/0/sscc', 'by the schema, too');
select is(pg_temp.asn('A-10', pg_temp.line('P-BETA', 10, '1')), pg_temp.asn('A-11', pg_temp.line('P-DRAFT', 10, '1')),
    'somebody else''s order and a draft');
select is(pg_temp.asn('A-12', pg_temp.line('P-NONE', 10, '1')), pg_temp.asn('A-10', pg_temp.line('P-BETA', 10, '1')), 'and none at all are told apart by nothing');
select is(pg_temp.asn('A-13', pg_temp.line('P-2', 20, '10', '{"lot": "no good"}')), 'rejected IN611/lines/0/lot', 'a lot number');

-- receipt
select is(pg_temp.asn('B-1', '[
    {"line_no": 1, "po_no": "P-2", "po_line_no": 20, "item": "RESIN", "quantity": "20.5", "lot": "L-1", "sscc": "376123450000000012", "best_before": "2031-06-30"},
    {"line_no": 2, "po_no": "P-2", "po_line_no": 20, "item": "RESIN", "quantity": "19.5", "lot": "L-2"},
    {"line_no": 3, "po_no": "P-2", "po_line_no": 10, "item": "BOLT", "quantity": "2", "unit": "BOX", "serials": ["S-2", "S-1"]}]'),
    'processed in_transit', 'lots, SSCC, best-before, serials');
select results_eq(
    $$select w.kind, w.quantity from artery_plm.impact_stock('{RESIN}') as w where w.id in ('ACME B-1', 'P-2/20') order by w.kind$$,
    $$values ('in_transit', 40.0), ('on_order', 10.0)$$, 'the impact analysis sees it on its way'
);
select results_eq(
    $$select o.date::text, o.on_hand, o.in_transit, o.on_order, o.expected from artery_erp.supply_outlook as o where o.item_code = 'RESIN' order by o.date$$,
    $$values ('2030-02-10', 0.0, 40.0, 0.0, 40.0), ('2030-03-01', 0.0, 0.0, 110.0, 150.0)$$, 'the outlook, by date'
);
select throws_ok($$select artery_procurement.receive_asn('ACME', 'B-1', '[{"line_no": 9, "quantity": 1}, {"line_no": 1, "quantity": "-1"}]')$$,
    'IN615', 'shipping notice B-1 cannot be received so', 'a wrong count is refused');
select isnt(artery_procurement.receive_asn('ACME', 'B-1', '[{"line_no": 1, "quantity": "20.5"}, {"line_no": 3, "quantity": "1"}]', false), null,
    'a first part is received');
select is((select string_agg(b.item_code || ' ' || b.lot_no || ' ' || trim_scale(b.quantity), ', ' order by b.item_code) from artery_erp.stock_balance as b),
    'BOLT  12, RESIN L-1 20.5', 'in stock, in stock units, by lot');
select is((select (l.expires_at at time zone 'UTC')::text from artery_erp.lot as l where l.lot_no = 'L-1'), '2031-07-01 00:00:00', 'the lot expires after its best-before day');
select is(pg_temp.stands('P-2', 20) || ', ' || pg_temp.stands('P-2', 10), 'partly shipped: 40 20.5 - 0 0, partly shipped: 24 12 - 0 0', 'counted on the order');
select is((select sum(w.quantity) from artery_plm.impact_stock('{RESIN}') as w where w.kind in ('in_transit', 'on_order', 'stock') and w.id <> 'P-1/20' and w.id <> 'P-BETA/20'),
    50.0, 'each of the 50 is on hand, in transit or on order, once');
select is(pg_temp.said(artery_api_v1.submit_asn('{"supplier": "ACME", "asn_no": "B-1", "revision": 2, "status": "cancelled", "shipped_at": "2030-02-04T08:00:00Z"}')),
    'rejected IN613/asn_no', 'what has come cannot be taken back by a notice');
select isnt(artery_procurement.receive_asn('ACME', 'B-1', '[{"line_no": 2, "quantity": "19"}]'), null, 'the rest, and half a kilogram is missing');
select is(pg_temp.stands('P-2', 20) || ', ' || pg_temp.stands('P-2', 10), 'partly shipped: 39.5 39.5 - 0 0, partly shipped: 12 12 - 0 0',
    'now only what came counts as shipped');
select throws_ok($$select artery_procurement.receive_asn('ACME', 'B-1')$$, 'IN103', null, 'a notice is received once');
select throws_ok($$select artery_procurement.receive_asn('ACME', 'NONE')$$, 'IN616', null, 'no such notice');
select is((select count(*) from artery_erp.stock_reconciliation), 0::bigint, 'moves and balances agree');

-- search
select results_eq($$select f.asn_no, f.line_no from artery_procurement.find_asn('{"lot": "L-1"}') as f$$, $$values ('B-1', 1)$$, 'by lot');
select is((select string_agg(f.asn_no || '/' || f.line_no, ' ' order by f.asn_no) from artery_procurement.find_asn(w::jsonb) as f), want, w)
from (values ('{"sscc": "376123450000000012", "item": "RESIN"}', 'B-1/1'), ('{"serial": "S-1"}', 'B-1/3')) as x (w, want);
select throws_ok($$select artery_procurement.find_asn('{"supplier": "ACME"}')$$, 'IN617', null, 'a search for nothing');
select * from finish();
rollback;
