begin;
select plan(22);

insert into artery_erp.unit (code, name, dimension, whole_number) values
('EA', 'piece', 'count', true), ('MM', 'millimetre', 'length', false), ('M', 'metre', 'length', false);
insert into artery_erp.item (code, name, status, source, stock_unit)
select c, 'name of ' || c, 'released', 'make', u
from (values ('BIKE', 'EA'), ('TRIKE', 'EA'), ('FRAME', 'EA'), ('KIT', 'EA'), ('TUBE', 'M'), ('BOLT', 'EA')) as v (c, u);
insert into artery_erp.item (code) values ('NEW');
insert into artery_erp.unit_conversion (from_unit, to_quantity, to_unit) values ('M', 1000, 'MM');

insert into artery_erp.bom (item_code, revision, status, base_quantity, unit, effectivity) values
('BIKE', 'A', 'released', 1, 'EA', '[2024-01-01 00:00+00, 2025-01-01 00:00+00)'),
('BIKE', 'B', 'released', 1, 'EA', '[2025-01-01 00:00+00,)'),
('BIKE', 'C', 'draft', 1, 'EA', '(,)'),
('TRIKE', 'A', 'released', 2, 'EA', '(,)'),
('FRAME', 'A', 'released', 10, 'EA', '(,2025-01-01 00:00+00)'),
('FRAME', 'B', 'released', 10, 'EA', '[2025-01-01 00:00+00,)'),
('KIT', 'A', 'released', 3, 'EA', '(,)');
insert into artery_erp.bom_operation (bom_id, operation_no)
select b.id, 10 from artery_erp.bom as b where b.item_code = 'BIKE';
insert into artery_erp.bom_line (
    bom_id, line_no, component_code, component_revision, quantity, unit, scrap_rate, phantom, operation_no
)
select b.id, v.line_no, v.component, v.fixed, v.quantity, v.unit, v.scrap, v.phantom, v.operation_no
from (values
    ('BIKE', 'A', 10, 'BOLT', null, 4, 'EA', 0, false, null),
    ('BIKE', 'A', 20, 'FRAME', null, 1, 'EA', 0, false, 10),
    ('BIKE', 'B', 10, 'BOLT', null, 6, 'EA', 0, false, 10),
    ('BIKE', 'B', 30, 'FRAME', null, 1, 'EA', 0, false, 10),
    ('BIKE', 'B', 40, 'KIT', null, 1, 'EA', 0.1, true, null),
    ('BIKE', 'C', 10, 'BOLT', null, 9, 'EA', 0, false, null),
    -- three wheels still take the frame of revision A
    ('TRIKE', 'A', 10, 'FRAME', 'A', 2, 'EA', 0, false, null),
    ('FRAME', 'A', 10, 'TUBE', null, 26000, 'MM', 0.1, false, null),
    ('FRAME', 'B', 10, 'NEW', null, 5, 'EA', 0, false, null),
    ('KIT', 'A', 10, 'BOLT', null, 1, 'EA', 0, false, null)
) as v (item, revision, line_no, component, fixed, quantity, unit, scrap, phantom, operation_no)
inner join artery_erp.bom as b on b.item_code = v.item and b.revision = v.revision;
insert into artery_erp.bom_line_designator (bom_id, line_no, designator)
select b.id, 10, d from artery_erp.bom as b cross join unnest(array['R2', 'R1']) as d
where b.item_code = 'BIKE' and b.revision = 'B';
insert into artery_erp.bom_line_substitute (bom_id, line_no, priority, component_code, ratio)
select b.id, 10, 1, 'KIT', 0.50 from artery_erp.bom as b where b.item_code = 'BIKE' and b.revision = 'B';

-- where used
select results_eq(
    $$select level, parent_code, revision, line_no, required, top from artery_erp.where_used('BOLT', 100, '2025-06-01')$$,
    $$values
    (1, 'BIKE', 'B', 10, 600::numeric, true), (1, 'KIT', 'A', 10, 34, false), (2, 'BIKE', 'B', 40, 37, true)$$,
    'every way up, each with its own requirement, rounded up once'
);
select results_eq(
    $$select parent_code, revision from artery_erp.where_used('BOLT', 1, '2024-06-01')$$,
    $$values ('BIKE', 'A'), ('KIT', 'A')$$, 'another day, other ways; no draft revision'
);
select results_eq(
    $$select level, parent_code, revision, required, unit from artery_erp.where_used('TUBE', 10, '2025-06-01')$$,
    $$values (1, 'FRAME', 'A', 28.6, 'M'), (2, 'TRIKE', 'A', 28.6, 'M')$$,
    'a revision out of date counts where a line names it, and nowhere else'
);
select results_eq(
    $$select level, parent_code, revision from artery_erp.where_used('TUBE', 1, '2024-06-01')$$,
    $$values (1, 'FRAME', 'A'), (2, 'BIKE', 'A'), (2, 'TRIKE', 'A')$$, 'in date, it counts for all'
);
select set_eq(
    $$select item_code from artery_erp.where_used_items('TUBE', '2025-06-01')$$, array['TRIKE'],
    'the items: those that are built so, each once'
);
select set_eq(
    $$select item_code from artery_erp.where_used_items('BOLT', '2025-06-01')$$, array['KIT', 'BIKE'], 'each once'
);
update artery_erp.bom_line set unit = 'M' where component_code = 'BOLT' and quantity = 6;
select results_eq(
    $$select parent_code, required, missing from artery_erp.where_used('BOLT', 1, '2025-06-01') where line_no = 10$$,
    $$values ('BIKE', null::numeric, 'item BOLT from M to EA'), ('KIT', 1, null)$$,
    'a missing conversion is named, never taken for 1'
);
update artery_erp.bom_line set unit = 'EA' where unit = 'M' and component_code = 'BOLT';
update artery_erp.bom_line set component_code = 'BIKE' where component_code = 'BOLT' and quantity = 1;
select results_eq(
    $$select parent_code, cyclic from artery_erp.where_used('KIT', 1, '2025-06-01')$$,
    $$values ('BIKE', false), ('KIT', true)$$, 'a loop ends, marked'
);
update artery_erp.bom_line set component_code = 'BOLT' where component_code = 'BIKE';
select throws_ok($$select artery_erp.where_used('NOPE')$$, 'IN120', 'there is no item NOPE', 'no such item');

-- comparison
select results_eq(
    $$select line_no, change, component_code, property, from_value, to_value from artery_erp.bom_diff('BIKE', 'A', 'B')$$,
    $$values
    (10, 'changed', 'BOLT', 'designators', null, 'R1 R2'),
    (10, 'changed', 'BOLT', 'operation_no', null, '10'),
    (10, 'changed', 'BOLT', 'quantity', '4', '6'),
    (10, 'changed', 'BOLT', 'substitutes', null, '1 0.5 x KIT'),
    (20, 'removed', 'FRAME', 'component', 'FRAME', null),
    (20, 'removed', 'FRAME', 'quantity', '1', null),
    (20, 'removed', 'FRAME', 'unit', 'EA', null),
    (30, 'added', 'FRAME', 'component', null, 'FRAME'),
    (30, 'added', 'FRAME', 'quantity', null, '1'),
    (30, 'added', 'FRAME', 'unit', null, 'EA'),
    (40, 'added', 'KIT', 'component', null, 'KIT'),
    (40, 'added', 'KIT', 'quantity', null, '1'),
    (40, 'added', 'KIT', 'unit', null, 'EA')$$,
    'line by line, property by property'
);
select is_empty($$select from artery_erp.bom_diff('BIKE', 'B', 'B')$$, 'a revision differs in nothing from itself');
update artery_erp.bom set base_quantity = 20 where item_code = 'FRAME' and revision = 'B';
select results_eq(
    $$select change, property, from_value, to_value from artery_erp.bom_diff('FRAME', 'A', 'B') where line_no is null$$,
    $$values ('changed', 'base_quantity', '10', '20')$$, 'the base quantity is compared too'
);
select throws_ok(
    $$select artery_erp.bom_diff('BIKE', 'A', 'X')$$, 'IN121', 'item BIKE has no revision X', 'no such revision'
);

-- trees
select results_eq(
    $$select level, item, required, revision, note from artery_erp.bom_tree('BIKE', 100, '2025-06-01')$$,
    $$values
    (0, 'BIKE', 100::numeric, 'B', ''), (1, '  BOLT', 600, null, ''), (1, '  FRAME', 100, 'B', ''),
    (2, '    NEW', null, null, 'draft'), (1, '  KIT', 110, 'A', 'phantom'), (2, '    BOLT', 37, null, '')$$,
    'the tree reads from the top, with what is odd about a row beside it'
);
select results_eq(
    $$select required from artery_erp.bom_tree('BIKE', 3, '2030-01-01', 'A') where level = 1$$,
    $$values (12::numeric), (3)$$, 'of a named revision'
);
select results_eq(
    $$select level, note from artery_erp.bom_tree('TUBE')$$, $$values (0, 'no BOM')$$, 'an item without a BOM'
);
select throws_ok(
    $$select artery_erp.bom_tree('BIKE', 1, now(), 'C')$$, 'IN121', null, 'a draft revision is not built'
);
select throws_ok($$select artery_erp.bom_tree('NOPE')$$, 'IN120', null, 'no such item');
select results_eq(
    $$select item, required from artery_erp.bom_indented where item_code = 'KIT'$$,
    $$values ('KIT', 3::numeric), ('  BOLT', 1)$$, 'the view of all that is built'
);
select results_eq(
    $$select jsonb_build_array(component_code, quantity, per_quantity, designators, substitutes)
    from artery_erp.bom_single_level where item_code = 'BIKE' and effective order by line_no$$,
    array[
        '["BOLT", 6, 1, "R1 R2", "KIT"]'::jsonb, '["FRAME", 1, 1, null, null]', '["KIT", 1, 1, null, null]'
    ], 'the view of one level'
);
set local role artery_reader;
select results_eq(
    $$select used_in, line_no from artery_erp.bom_where_used where item_code = 'BOLT'$$,
    $$values ('BIKE', 10), ('KIT', 10), ('  BIKE', 40)$$, 'the view of where it goes, which a reader may use'
);
select lives_ok($$select from artery_erp.bom_diff('BIKE', 'A', 'B')$$, 'and compare');
reset role;

select * from finish();
rollback;
