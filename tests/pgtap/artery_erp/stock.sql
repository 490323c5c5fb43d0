begin;
select plan(31);

insert into artery_erp.unit (code, name, dimension, whole_number) values
('EA', 'piece', 'count', true), ('KG', 'kilogram', 'mass', false);
insert into artery_erp.item (code, name, status, source, stock_unit, lot_tracked) values
('BOLT', 'bolt', 'released', 'buy', 'EA', false), ('GLUE', 'glue', 'released', 'buy', 'KG', true),
('OIL', 'oil', 'released', 'buy', 'KG', false);
insert into artery_erp.item (code) values ('DRAFT');
insert into artery_erp.warehouse (code, name, negative_stock) values
('MAIN', 'main', 'reject'), ('LINE', 'line', 'shortage'), ('FREE', 'free', 'allow');

create function pg_temp.post(p_item text, p_warehouse text, p_lot text, p_quantity text, p_at timestamptz default now())
returns bigint language sql as $$
    select artery_erp.post_stock('adjustment', 'test', '1', jsonb_build_array(jsonb_build_object(
        'item', p_item, 'warehouse', p_warehouse, 'lot', p_lot, 'quantity', p_quantity)), p_at)
$$;
create function pg_temp.on_hand(p_item text, p_warehouse text, p_at timestamptz default clock_timestamp())
returns numeric language sql as $$
    select coalesce(sum(h.quantity), 0) from artery_erp.stock_on_hand(p_at, p_item) as h
    where h.warehouse_code = p_warehouse
$$;
create temp table mark (name text primary key, at timestamptz default clock_timestamp());

select isnt(pg_temp.post('BOLT', 'MAIN', null, '10'), null, 'a receipt is posted');
insert into mark values ('ten');
select pg_temp.post('BOLT', 'MAIN', null, '-4');
insert into mark values ('six');
select pg_temp.post('BOLT', 'MAIN', null, '-6');
select is(pg_temp.on_hand('BOLT', 'MAIN'), 0::numeric, 'what went in went out');
select is(pg_temp.on_hand('BOLT', 'MAIN', (select at from mark where name = 'ten')), 10::numeric, 'on hand at a moment');
select is(pg_temp.on_hand('BOLT', 'MAIN', (select at from mark where name = 'six')), 6::numeric, 'and at the next');
select is(pg_temp.on_hand('BOLT', 'MAIN', '2000-01-01'), 0::numeric, 'and before all');
select throws_ok($$select pg_temp.post('BOLT', 'MAIN', null, '-1')$$, 'IN107', 'not enough stock', 'reject refuses');
select throws_ok($$select pg_temp.post('BOLT', 'LINE', null, '-1')$$, 'IN107', null, 'so does shortage: a posting cannot wait');
select lives_ok($$select pg_temp.post('BOLT', 'FREE', null, '-1')$$, 'allow goes below zero');
update artery_erp.item set negative_stock = 'reject' where code = 'BOLT';
select throws_ok($$select pg_temp.post('BOLT', 'FREE', null, '-1')$$, 'IN107', null, 'the item''s policy goes first');

select throws_ok(
    $$select artery_erp.post_stock('adjustment', 'test', '2', '[
        {"item": "NOPE", "warehouse": "MAIN", "quantity": "1"},
        {"item": "BOLT", "warehouse": "NOPE", "quantity": "1.5"},
        {"item": "BOLT", "warehouse": "MAIN", "lot": "L", "quantity": "1"},
        {"item": "GLUE", "warehouse": "MAIN", "quantity": "1"},
        {"item": "DRAFT", "warehouse": "MAIN", "quantity": "1"},
        {"item": "OIL", "warehouse": "MAIN", "quantity": "0.5"}]')$$,
    'IN110', null, 'bad moves are refused'
);
create function pg_temp.detail(p_moves jsonb) returns text language plpgsql as $$
declare v text;
begin
    perform artery_erp.post_stock('adjustment', 'test', '2', p_moves);
    return null;
exception when others then
    get stacked diagnostics v = pg_exception_detail;
    return v;
end $$;
select is(
    pg_temp.detail('[{"item": "NOPE", "warehouse": "MAIN", "quantity": "1"},
        {"item": "BOLT", "warehouse": "NOPE", "quantity": "1.5"},
        {"item": "GLUE", "warehouse": "MAIN", "quantity": "1"},
        {"item": "GLUE", "warehouse": "MAIN", "lot": "L9", "quantity": "-1"}]'),
    'Move 1: no item NOPE. Move 2: no warehouse NOPE, EA comes in whole numbers. '
    'Move 3: item GLUE comes in lots: name one. Move 4: no lot L9 of item GLUE.',
    'all that is wrong is named at once'
);
select ok(pg_temp.detail(jsonb_build_array(jsonb_build_object('item', 'OIL', 'warehouse', 'MAIN', 'quantity', q)))
    ~ 'quantity must be', 'a quantity of ' || q || ' is refused')
from unnest(array['NaN', 'Infinity', '1e10', '0', '']) as q;

-- lots, transfers, reversal
select artery_erp.post_stock('receipt', 'test', '3', '[
    {"item": "GLUE", "warehouse": "MAIN", "lot": "L1", "quantity": "2.5", "expires_at": "2030-01-01T00:00:00Z"},
    {"item": "GLUE", "warehouse": "MAIN", "lot": "L2", "quantity": "1"}]') as receipt \gset
select is(
    (select count(*)::integer from artery_erp.lot where item_code = 'GLUE'), 2, 'new lots are made'
);
select artery_erp.post_stock('transfer', 'test', '4', '[
    {"item": "GLUE", "warehouse": "MAIN", "lot": "L1", "quantity": "-2.5"},
    {"item": "GLUE", "warehouse": "LINE", "lot": "L1", "quantity": "2.5"}]') as transfer \gset
select is(pg_temp.on_hand('GLUE', 'LINE'), 2.5, 'a transfer is two moves of one posting');
select throws_ok(format('select artery_erp.reverse_posting(%s)', :receipt), 'IN107', null,
    'a receipt whose goods have gone is not reversed');
select artery_erp.reverse_posting(:transfer, 'wrong rack') as reversal \gset
select results_eq(
    format('select item_code collate "default", warehouse_code collate "default", lot_no collate "default", quantity
    from artery_erp.stock_move where posting_id = %s', :reversal),
    $$values ('GLUE', 'MAIN', 'L1', 2.5), ('GLUE', 'LINE', 'L1', -2.5)$$, 'a reversal is the exact inverse'
);
select is(artery_erp.reverse_posting(:transfer), :reversal::bigint, 'once: again gives the first');
select throws_ok(format('select artery_erp.reverse_posting(%s)', :reversal), 'IN112', null, 'it is not reversed itself');

-- periods
insert into artery_erp.accounting_period values
('2026-01', '[2026-01-01 00:00+00, 2026-02-01 00:00+00)', 'open'),
('2026-02', '[2026-02-01 00:00+00, 2026-03-01 00:00+00)', 'closed');
select pg_temp.post('OIL', 'MAIN', null, '5', '2026-01-15 00:00+00') as january \gset
select throws_ok($$select pg_temp.post('OIL', 'MAIN', null, '5', '2026-02-15 00:00+00')$$, 'IN109', null,
    'nothing is posted into a closed period');
update artery_erp.accounting_period set status = 'closed';
select artery_erp.reverse_posting(:january) as february \gset
select is(
    (select effective_at from artery_erp.stock_posting where id = :february),
    '2026-03-01 00:00+00'::timestamptz, 'a reversal goes into the next open one'
);

-- reservations
select artery_erp.reserve_stock('test', '9', 'GLUE', 'MAIN', 'L1', 2);
select throws_ok($$select artery_erp.reserve_stock('test', '9', 'GLUE', 'MAIN', 'L1', 1)$$, 'IN107', null,
    'what is promised is not promised again');
select is(artery_erp.release_reservations('test', '9'), 1, 'reservations are freed');

-- what is posted stays
select throws_ok('update artery_erp.stock_move set quantity = 1 where false', 'IN108', null, 'moves are not changed');
select throws_ok('delete from artery_erp.stock_posting where false', 'IN108', null, 'postings are not deleted');
set local role artery_app;
select throws_ok('update artery_erp.stock_balance set quantity = 1', '42501', null, 'nor balances by the application');
reset role;
select is_empty('select * from artery_erp.stock_reconciliation', 'balances are the sums of their moves');

set local session_replication_role = replica;
update artery_erp.stock_balance set quantity = quantity + 1 where item_code = 'OIL';
select results_eq(
    'select invariant, tasks from artery_monitor.verify()', $$values ('I3', 1::bigint)$$, 'verify finds one that is not'
);

select * from finish();
rollback;
