begin;
select plan(26);

insert into artery_erp.unit (code, name, dimension, whole_number) values
('EA', 'piece', 'count', true), ('G', 'gram', 'mass', false), ('KG', 'kilogram', 'mass', false);
insert into artery_erp.unit_conversion (from_unit, to_quantity, to_unit) values ('KG', 1000, 'G');
insert into artery_erp.item (code, name, status, source, stock_unit, standard_cost) values
('TOP', 'top', 'released', 'make', 'EA', 999), ('SUB', 'sub', 'released', 'make', 'EA', null),
('PASTE', 'paste', 'released', 'make', 'KG', null), ('A', 'a', 'released', 'buy', 'EA', 2),
('B', 'b', 'released', 'buy', 'G', 0.03), ('C', 'c', 'released', 'buy', 'EA', null),
('FREE', 'free of charge', 'released', 'buy', 'EA', 0), ('LONE', 'made, no BOM', 'released', 'make', 'EA', 7);
insert into artery_erp.bom (item_code, revision, status, base_quantity, unit, effectivity) values
('TOP', '1', 'released', 1, 'EA', '(,2030-01-01 00:00+00)'), ('TOP', '2', 'released', 1, 'EA', '[2030-01-01 00:00+00,)'),
('SUB', '1', 'released', 4, 'EA', '(,)'), ('PASTE', '1', 'released', 500, 'G', '(,)');
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit, scrap_rate, issue_method)
select b.id, l.line_no, l.component, l.quantity, l.unit, l.scrap, l.method
from (values
    ('TOP', '1', 10, 'SUB', 2, 'EA', 0, 'backflush'), ('TOP', '1', 20, 'A', 1, 'EA', 0.5, 'backflush'),
    ('TOP', '1', 30, 'A', 1, 'EA', 0, 'issue'), ('TOP', '1', 40, 'FREE', 100, 'EA', 0, 'backflush'),
    ('TOP', '1', 50, 'C', 1, 'EA', 0, 'floor_stock'), ('TOP', '2', 10, 'A', 1, 'EA', 0, 'backflush'),
    ('SUB', '1', 10, 'PASTE', 200, 'G', 0, 'backflush'), ('SUB', '1', 20, 'A', 2, 'EA', 0, 'backflush'),
    ('PASTE', '1', 10, 'B', 0.5, 'KG', 0.02, 'backflush')
) as l (item, revision, line_no, component, quantity, unit, scrap, method)
inner join artery_erp.bom as b on b.item_code = l.item and b.revision = l.revision;

select isnt_empty($$select from artery_plm.cost_signal$$, 'new items and BOMs are signalled');
select cmp_ok(artery_plm.roll_up_costs('infinity'), '=', 8::bigint, 'the first roll-up costs every item');
-- PASTE: 510 g of B at 0.03 for 500 g; SUB: 200 g of it and two A for four; TOP: 2 SUB, 2.5 A
select results_eq(
    $$select item_code collate "default", unit_cost, source from artery_erp.item_cost order by item_code$$,
    $$values
    ('A', 2::numeric, 'standard'), ('B', 0.03, 'standard'), ('C', null, 'standard'), ('FREE', 0, 'standard'),
    ('LONE', 7, 'standard'), ('PASTE', 30.6, 'bom'), ('SUB', 2.53, 'bom'), ('TOP', 10.06, 'bom')$$,
    'bought items at their standard cost, made ones from their components; 0 is a cost, null is none'
);
select results_eq(
    $$select scope, status, items, done, missing, skipped, levels from artery_plm.cost_run$$,
    $$values ('all', 'done', 8, 8, 1, 0, 4)$$, 'the run is recorded'
);
select results_eq(
    $$select item_code collate "default", missing from artery_plm.missing_cost$$, $$values ('C', 'standard cost')$$,
    'what is missing is said; floor stock does not count'
);
select is_empty($$select from artery_plm.cost_signal where due_at <= now()$$, 'signals are taken up');
select is_empty($$select from artery_plm.cost_run_item$$, 'and the run''s own table is empty after it');
select is(artery_plm.roll_up_costs(clock_timestamp() + '1 s'), 0::bigint, 'with nothing new there is nothing to do');

-- only what the change reaches
update artery_erp.item set standard_cost = 0.04 where code = 'B';
select is(artery_plm.roll_up_costs('infinity'), 4::bigint, 'a new cost reaches what the item goes into, and no more');
select results_eq(
    $$select item_code collate "default", unit_cost from artery_erp.item_cost
    where run_id = (select max(id) from artery_plm.cost_run) order by 1$$,
    $$values ('B', 0.04::numeric), ('PASTE', 40.8), ('SUB', 3.04), ('TOP', 11.08)$$, 'up to the top'
);
update artery_erp.item set name = 'another name';
select is_empty($$select from artery_plm.cost_signal where due_at <= now()$$, 'a new name costs nothing');
update artery_erp.bom_line set quantity = 6 where component_code = 'A' and scrap_rate = 0.5;
select results_eq(
    $$select distinct item_code collate "default" from artery_plm.cost_signal where due_at <= now()$$, $$values ('TOP')$$, 'a changed line signals its item'
);
select is(artery_plm.roll_up_costs('infinity'), 1::bigint, 'which nothing contains');
update artery_erp.bom_line set component_code = 'C' where quantity = 6;
select artery_plm.roll_up_costs('infinity');
select results_eq(
    $$select unit_cost, missing from artery_erp.item_cost where item_code = 'TOP'$$,
    $$values (null::numeric, '{cost of C}'::text[])$$, 'a missing cost is flagged all the way up, never 0'
);
update artery_erp.bom_line set unit = 'KG' where quantity = 6;
select artery_plm.roll_up_costs('infinity');
select results_eq(
    $$select problem from artery_plm.cost_run_problem where run_id = (select max(id) from artery_plm.cost_run)$$,
    $$values ('conversion of C from KG to EA')$$, 'so is a missing conversion'
);
delete from artery_erp.bom_line where quantity = 6;

-- labour, where it is kept
insert into artery_erp.bom_operation (bom_id, operation_no, work_center, setup_minutes, run_minutes)
select b.id, 10, 'W1', 600, 30 from artery_erp.bom as b where b.item_code = 'SUB';
select artery_plm.roll_up_costs('infinity');
select is(
    (select unit_cost from artery_erp.item_cost where item_code = 'SUB'), 3.04, 'without rates operations are not costed'
);
insert into artery_erp.work_center_rate values ('W1', 60);
select artery_plm.roll_up_costs('infinity');
select results_eq(
    $$select material_cost, operation_cost, unit_cost from artery_erp.item_cost where item_code = 'SUB'$$,
    $$values (3.04, 7.5, 10.54)$$, 'with them: run minutes for the base quantity'
);
update artery_erp.bom_operation set work_center = 'W2';
select artery_plm.roll_up_costs('infinity');
select is(
    (select missing from artery_erp.item_cost where item_code = 'SUB'), '{rate of work center W2}', 'a rate may be missing'
);
delete from artery_erp.bom_operation;
select artery_plm.roll_up_costs('infinity');

-- dates
select results_eq(
    $$select distinct item_code collate "default", due_at from artery_plm.cost_signal$$,
    $$values ('TOP', '2030-01-01 00:00+00'::timestamptz)$$, 'what begins or ends later is signalled for that day'
);
update artery_erp.bom set effectivity = '(,2010-01-01 00:00+00)' where item_code = 'TOP' and revision = '1';
update artery_erp.bom set effectivity = '[2010-01-01 00:00+00,)' where item_code = 'TOP' and revision = '2';
delete from artery_plm.cost_signal where due_at <= now();
update artery_plm.cost_signal set due_at = now();
select is(artery_plm.roll_up_costs('infinity'), 1::bigint, 'and taken up on it');
select is((select unit_cost from artery_erp.item_cost where item_code = 'TOP'), 2::numeric, 'a revision that has begun is costed');

-- purchase prices
insert into artery_erp.supplier values ('S1', 'one');
insert into artery_erp.purchase_order (supplier_code, po_no, status, ordered_at) values
('S1', 'P1', 'approved', '2024-01-01'), ('S1', 'P2', 'approved', '2024-02-01'), ('S1', 'P3', 'draft', '2024-03-01');
insert into artery_erp.purchase_order_line (supplier_code, po_no, line_no, item_code, quantity, unit, unit_price) values
('S1', 'P1', 10, 'A', 10, 'EA', 3), ('S1', 'P2', 10, 'A', 10, 'EA', 3.5), ('S1', 'P3', 10, 'A', 10, 'EA', 4),
('S1', 'P2', 20, 'B', 1, 'KG', 50);
select artery_plm.start_cost_run(p_rate_source => 'purchase');
select throws_ok($$select artery_plm.start_cost_run()$$, 'IN250', null, 'one run at a time');
select artery_plm.roll_up_costs('infinity');
select results_eq(
    $$select item_code collate "default", unit_cost, source from artery_erp.item_cost where item_code in ('A', 'B', 'FREE', 'TOP') order by 1$$,
    $$values ('A', 3.5, 'purchase'), ('B', 0.05, 'purchase'), ('FREE', 0, 'standard'), ('TOP', 3.5, 'bom')$$,
    'the newest approved price, in the stock unit; else the standard cost'
);

-- a structure that contains itself; and work in batches
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit)
select b.id, 90, 'SUB', 1, 'EA' from artery_erp.bom as b where b.item_code = 'PASTE';
update artery_erp.bom set status = 'obsolete' where item_code = 'TOP';
update artery_erp.bom set status = 'released' where item_code = 'TOP' and revision = '1';
update artery_erp.bom set effectivity = '(,)' where item_code = 'TOP' and revision = '1';
delete from artery_plm.cost_signal;
update artery_plm.cost_policy set batch_size = 1;
select artery_plm.start_cost_run();
select is(artery_plm.roll_up_costs('-infinity'), 1::bigint, 'at its time limit it stops');
select artery_plm.roll_up_costs('-infinity') from generate_series(1, 10);
select results_eq(
    $$select items, done, missing, skipped from artery_plm.cost_run order by id desc limit 1$$,
    $$values (8, 5, 1, 3)$$, 'and goes on where it stopped; what contains itself is skipped'
);
select set_eq(
    $$select item_code::text from artery_plm.missing_cost where missing like 'structure:%'$$,
    array['PASTE', 'SUB', 'TOP'], 'and has no cost'
);

select * from finish();
rollback;
