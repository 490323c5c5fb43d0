begin;
select plan(49);

insert into artery_erp.unit (code, name, dimension, whole_number) values
('EA', 'piece', 'count', true), ('DZ', 'dozen', 'count', true), ('M', 'metre', 'length', false);
insert into artery_erp.unit_conversion (from_unit, to_quantity, to_unit) values ('DZ', 12, 'EA');
insert into artery_erp.warehouse (code, name) values ('W1', 'one'), ('W2', 'two');
insert into artery_erp.item (code, name, status, source, stock_unit, standard_cost)
select c, c, 'released', case when p is null then 'make' else 'buy' end, u, p
from (values
    ('CAR', 'EA', null), ('PUMP', 'EA', null), ('KIT', 'EA', null), ('SEAL', 'EA', 2), ('GRIP', 'EA', 5),
    ('BOLT', 'EA', 0.5), ('HOSE', 'M', 3)
) as v (c, u, p);
insert into artery_erp.bom (item_code, revision, status, unit, base_quantity) values
('CAR', 'A', 'released', 'EA', 1), ('PUMP', 'A', 'released', 'EA', 2), ('KIT', 'A', 'released', 'EA', 1);
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit, scrap_rate, phantom)
select b.id, v.line_no, v.component, v.quantity, v.unit, v.scrap, v.phantom
from (values
    ('CAR', 10, 'PUMP', 1, 'EA', 0, false), ('PUMP', 10, 'SEAL', 3, 'EA', 0.1, false),
    ('PUMP', 20, 'HOSE', 1.5, 'M', 0, false), ('PUMP', 30, 'KIT', 1, 'EA', 0, true),
    ('KIT', 10, 'BOLT', 1, 'DZ', 0, false)
) as v (item, line_no, component, quantity, unit, scrap, phantom)
inner join artery_erp.bom as b on b.item_code = v.item;
select artery_plm.roll_up_costs('infinity');

-- four orders: planned, released, half made, done
insert into artery_erp.manufacturing_order (mo_no, item_code, quantity, unit)
select 'MO-' || n, 'PUMP', 20, 'EA' from generate_series(1, 4) as n;
select artery_erp.release_manufacturing_order('MO-' || n) from generate_series(2, 4) as n;
update artery_erp.manufacturing_order set status = 'in_progress' where mo_no in ('MO-3', 'MO-4');
update artery_erp.manufacturing_order set good = 8 where mo_no = 'MO-3';
update artery_erp.manufacturing_order_line set issued = required * 0.4 where mo_no = 'MO-3' and component_code <> 'SEAL';
update artery_erp.manufacturing_order_line set issued = 14 where mo_no = 'MO-3' and component_code = 'SEAL';
update artery_erp.manufacturing_order_line set issued = required where mo_no = 'MO-4';
update artery_erp.manufacturing_order set status = 'completed', good = 20 where mo_no = 'MO-4';
select results_eq(
    $$select line_no, component_code collate "default", required from artery_erp.manufacturing_order_line where mo_no = 'MO-2' order by 1$$,
    $$values (10, 'SEAL', 33::numeric), (20, 'HOSE', 15), (40, 'BOLT', 120)$$, 'the orders as frozen'
);
insert into artery_erp.stock_balance (item_code, warehouse_code, quantity, reserved) values
('SEAL', 'W1', 100, 30), ('SEAL', 'W2', 7, 0), ('PUMP', 'W2', 20, 0), ('HOSE', 'W1', 50, 0);
insert into artery_erp.stock_reservation (item_code, warehouse_code, lot_no, quantity, document_type, document_id) values
('SEAL', 'W1', '', 10, 'manufacturing_order', 'MO-2'), ('SEAL', 'W1', '', 20, 'manufacturing_order', 'MO-2');
insert into artery_erp.supplier values ('S', 'supplier');
insert into artery_erp.purchase_order (supplier_code, po_no, status) values ('S', 'P1', 'approved'), ('S', 'P2', 'closed');
insert into artery_erp.purchase_order_line (supplier_code, po_no, line_no, item_code, quantity, unit, received_quantity) values
('S', 'P1', 10, 'SEAL', 10, 'DZ', 2), ('S', 'P2', 10, 'SEAL', 9, 'EA', 0);
insert into artery_erp.asn_document (supplier_code, asn_no) values ('S', 'A1');
insert into artery_erp.asn_line (supplier_code, asn_no, line_no, po_no, po_line_no, item_code, quantity, unit)
values ('S', 'A1', 1, 'P1', 10, 'SEAL', 3, 'DZ');

select is(artery_plm.create_eco('{"ecn_no": "E1", "status": "approved", "title": "grip ring for seal", "boms": [
    {"item": "PUMP", "base_revision": "A", "lines": [
        {"action": "change", "line_no": 10, "component": "GRIP", "quantity": 2},
        {"action": "change", "line_no": 20, "quantity": 3}]},
    {"item": "KIT", "base_revision": "A", "lines": [
        {"action": "add", "line_no": 20, "component": "SEAL", "quantity": 1, "unit": "EA"}]}]}'::jsonb) ->> 'status',
    'submitted', 'the change is submitted');
select results_eq(
    $$select object_kind, object_id, object_status, quantity, issued, unit, value, proposed
    from artery_plm.wip_impact_of('E1') where item_code = 'PUMP' and line_no = 10$$,
    $$values
    ('assembly', 'CAR', 'built', null::numeric, null::numeric, 'EA', null::numeric, 'use_as_is'),
    ('in_transit', 'S A1', 'in transit', 36, null, 'EA', 72.00, 'exhaust'),
    ('mo_done', 'MO-4', 'completed', 33, 33, 'EA', 66.00, 'use_as_is'),
    ('mo_not_started', 'MO-1', 'planned', 33, 0, 'EA', 66.00, 'rework'),
    ('mo_not_started', 'MO-2', 'released', 33, 0, 'EA', 66.00, 'rework'),
    ('mo_started', 'MO-3', 'in_progress', 19, 14, 'EA', 38.00, 'use_as_is'),
    ('on_order', 'P1/10', 'ordered', 60, null, 'EA', 120.00, 'exhaust'),
    ('product_stock', 'W2', 'on hand', 20, null, 'EA', 171.00, 'use_as_is'),
    ('reservation', 'manufacturing_order MO-2', 'reserved', 30, null, 'EA', 60.00, 'exhaust'),
    ('stock', 'W1', 'on hand', 100, null, 'EA', 200.00, 'exhaust'),
    ('stock', 'W2', 'on hand', 7, null, 'EA', 14.00, 'exhaust')$$,
    'a row for each thing that a line hits'
);
select results_eq(
    $$select object_kind, object_id, quantity from artery_plm.wip_impact_of('E1') where item_code = 'KIT'$$,
    $$values ('assembly', 'CAR', null::numeric), ('assembly', 'PUMP', null), ('mo_done', 'MO-4', null),
    ('mo_not_started', 'MO-2', null), ('mo_started', 'MO-3', null)$$,
    'below a phantom too; what is added leaves nothing over'
);
select is(
    (select proposed from artery_plm.wip_impact_of('E1') where line_no = 20 and object_kind = 'stock'), 'use_as_is',
    'another quantity of the same component: its stock is as good as before'
);
select throws_ok($$select artery_plm.wip_impact_of('NOPE')$$, 'IN256', null, 'no such ECO');
select ok(next_run_at <= clock_timestamp(), 'the refresh of the view is due') from artery.sweep_step where name = 'refresh_wip_impact';
select throws_ok($$select from artery_plm.wip_impact$$, '55000', null, 'before the first refresh there is no view');
select cmp_ok(artery_plm.refresh_wip_impact('infinity'), '=', (select count(*) from artery_plm.wip_impact_of('E1')), 'refreshed');
select cmp_ok(artery_plm.refresh_wip_impact('infinity'), '=', (select count(*) from artery_plm.wip_impact_of('E1')), 'and concurrently');
select set_eq(
    $$select * from artery_plm.wip_impact$$, $$select * from artery_plm.wip_impact_of('E1')$$, 'it says the same as the fresh one'
);
update artery_erp.engineering_change_order set mandatory = true;
select results_eq(
    $$select distinct proposed from artery_plm.wip_impact_of('E1') where line_no = 10 and object_kind = any('{stock,product_stock,mo_started}') order by 1$$,
    $$values ('rework'), ('scrap')$$, 'where the old design must not go out, nothing is used as it is'
);
update artery_erp.engineering_change_order set mandatory = false, effective_at = now() + interval '1 day';
select results_eq(
    $$select object_id, proposed from artery_plm.wip_impact_of('E1') where line_no = 10 and object_kind = 'mo_not_started'$$,
    $$values ('MO-1', 'use_as_is'), ('MO-2', 'use_as_is')$$, 'an order that starts before the change takes effect is built as planned'
);
update artery_erp.manufacturing_order set planned_start = '2000-01-01' where mo_no = 'MO-1';
update artery_erp.bom set effectivity = '[2001-01-01 00:00+00,)' where item_code = 'PUMP';
select is_empty(
    $$select from artery_plm.wip_impact_of('E1') where object_id = 'MO-1'$$, 'one that is built by another revision is not hit'
);
update artery_erp.manufacturing_order set planned_start = now() where mo_no = 'MO-1';
update artery_erp.bom set effectivity = '(,)' where item_code = 'PUMP';
update artery_erp.engineering_change_order set effective_at = null;
update artery_erp.bom_line set component_code = 'SEAL' where component_code = 'PUMP';
select is(
    (select proposed from artery_plm.wip_impact_of('E1') where line_no = 10 and object_id = 'W1'), 'use_as_is',
    'what something else still takes is not left over'
);
update artery_erp.bom_line as l set component_code = 'PUMP' from artery_erp.bom as b where b.id = l.bom_id and b.item_code = 'CAR';

-- dispositions
select throws_ok($$select artery_plm.carry_out_dispositions('E1')$$, 'IN103', null, 'nothing is carried out before its time');
select throws_ok($$select artery_plm.choose_disposition('E1', 'burn', 'me')$$, '22023', null, 'no such disposition');
select throws_ok($$select artery_plm.choose_disposition('E1', 'scrap', 'me', '{"who": 1}')$$, '22023', null, 'no such filter');
select throws_ok($$select artery_plm.choose_disposition('E9', 'scrap', 'me')$$, 'IN256', null, 'no such ECO');
select is(artery_plm.set_eco_status('E1', 'approved'), 'approved', 'approved');
select cmp_ok(
    artery_plm.choose_disposition('E1', 'proposed', 'planner'), '=', (select count(*) from artery_plm.wip_impact_of('E1')),
    'all as proposed'
);
select is(artery_plm.choose_disposition('E1', 'rework', 'foreman', '{"object_kind": "mo_started"}', 'seals leak'), 3::bigint, 'but one order');
select results_eq(
    $$select chosen, owner from artery_plm.wip_impact_of('E1') where line_no = 10 and object_id in ('MO-3', 'W2') order by 1$$,
    $$values ('exhaust', 'planner'), ('rework', 'foreman'), ('use_as_is', 'planner')$$, 'the impact shows what was chosen'
);
select is(artery_plm.set_eco_status('E1', 'scheduled'), 'implemented', 'implemented');
select throws_ok($$select artery_plm.set_eco_status('E1', 'closed')$$, 'IN257', null, 'it is not closed before its dispositions are carried out');

-- the frozen lines
select throws_ok($$update artery_erp.manufacturing_order_line set quantity = 1 where mo_no = 'MO-2'$$, 'IN259', null, 'frozen lines are not changed by hand');
select throws_ok($$delete from artery_erp.manufacturing_order_line where mo_no = 'MO-2'$$, 'IN259', null, 'nor deleted');
update artery_erp.manufacturing_order set priority = 1 where mo_no = 'MO-2';
select throws_ok(
    $$insert into artery_erp.manufacturing_order_line select (jsonb_populate_record(l, '{"line_no": 99}')).*
    from artery_erp.manufacturing_order_line as l where l.mo_no = 'MO-2' and l.line_no = 10$$,
    'IN259', null, 'nor added'
);
select is(artery_plm.carry_out_dispositions('E1', '{"object_id": "MO-2"}'), 3::bigint, 'carried out on an order');
select results_eq(
    $$select line_no, component_code collate "default", required, unit collate "default"
    from artery_erp.manufacturing_order_line where mo_no = 'MO-2' order by 1$$,
    -- SEAL 3.3 for two -> GRIP 2.2 for two; HOSE 3 for two; a SEAL more for each
    $$values (10, 'GRIP', 22::numeric, 'EA'), (20, 'HOSE', 30, 'M'), (40, 'BOLT', 120, 'EA'), (50, 'SEAL', 10, 'EA')$$,
    'its lines are those of the new revisions'
);
select is(
    (select array_agg(required order by line_no) from artery_erp.manufacturing_order_line where mo_no = 'MO-2'),
    (select array_agg(e.required order by e.line_path) from artery_erp.bom_explosion('PUMP', 20, now(), p_phantoms_only => true) as e where not e.phantom),
    'as a fresh order would have them'
);
select is((select version from artery_erp.manufacturing_order where mo_no = 'MO-2'), 3, 'the shop floor hears of it');
select results_eq(
    $$select eco_no collate "default", mo_no collate "default", jsonb_array_length(lines_before), jsonb_array_length(lines_after) from artery_plm.eco_order_change$$,
    $$values ('E1', 'MO-2', 3, 4)$$, 'and it is on record'
);
select isnt_empty($$select artery_plm.carry_out_dispositions('E1')$$, 'the rest');
select results_eq(
    $$select line_no, component_code collate "default", required from artery_erp.manufacturing_order_line where mo_no = 'MO-3' order by 1$$,
    -- 8 of 20 are made: 14 SEAL stay issued; GRIP for 12; HOSE 8 x 0.75 + 12 x 1.5; a SEAL more for 12
    $$values (10, 'SEAL', 14::numeric), (20, 'HOSE', 24), (40, 'BOLT', 120), (50, 'SEAL', 6), (60, 'GRIP', 14)$$,
    'what is made keeps what it took, the rest is made by the new revision'
);
select is((select bom_revision from artery_erp.manufacturing_order where mo_no = 'MO-1') collate "default", 'B', 'a planned order takes the new revision');
select is_empty($$select from artery_plm.wip_impact_of('E1') where executed_at is null and object_kind like 'mo_%' and chosen is not null$$, 'all is carried out');
select is(artery_plm.carry_out_dispositions('E1'), 0::bigint, 'once');
select is(artery_plm.set_eco_status('E1', 'closed'), 'closed', 'and the ECO is closed');
select is((select count(*) from artery_plm.eco_order_change), 2::bigint, 'two orders were changed in all');

-- who may
set local role artery_app;
select is(artery_api_v1.submit_ecn('{"ecn_no": "E2", "source": "plm", "message_id": "1", "status": "approved", "title": "t",
    "boms": [{"item": "CAR", "base_revision": "A", "lines": [{"action": "change", "line_no": 10, "quantity": 2}]}]}') ->> 'status',
    'processed', 'the application submits');
select is(artery_plm.set_eco_status('E2', 'approved'), 'approved', 'and moves on');
select lives_ok($$select artery_plm.choose_disposition('E2', 'proposed', 'me')$$, 'chooses');
select lives_ok($$select from artery_plm.wip_impact, artery_plm.wip_impact_of('E2')$$, 'and reads');
select throws_ok($$update artery_erp.engineering_change_order set status = 'implemented'$$, '42501', null, 'but writes no status itself');
select throws_ok($$update artery_plm.eco_disposition set executed_at = now()$$, '42501', null, 'nor a disposition');
select throws_ok($$select artery_plm.impact_rows(null)$$, '42501', null, 'private functions are private');
set local role artery_reader;
select lives_ok($$select from artery_plm.wip_impact, artery_plm.wip_impact_of('E2'), artery_plm.missing_cost$$, 'a reader reads');
select throws_ok($$select artery_plm.set_eco_status('E2', 'cancelled', 'x')$$, '42501', null, 'and changes nothing');
reset role;

select * from finish();
rollback;
