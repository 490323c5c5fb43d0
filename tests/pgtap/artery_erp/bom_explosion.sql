begin;
select plan(17);

insert into artery_erp.unit (code, name, dimension, whole_number) values
('EA', 'piece', 'count', true), ('MM', 'millimetre', 'length', false),
('M', 'metre', 'length', false), ('KG', 'kilogram', 'mass', false);
insert into artery_erp.item (code, name, status, source, stock_unit)
select c, c, 'released', 'make', u
from (values
    ('BIKE', 'EA'), ('FRAME', 'EA'), ('KIT', 'EA'), ('TUBE', 'M'), ('BOLT', 'EA'), ('GLUE', 'KG')
) as v (c, u);
insert into artery_erp.unit_conversion (from_unit, to_quantity, to_unit) values ('M', 1000, 'MM');

insert into artery_erp.bom (item_code, revision, status, base_quantity, unit, effectivity) values
('BIKE', 'A', 'released', 1, 'EA', '[2024-01-01 00:00+00, 2025-01-01 00:00+00)'),
('BIKE', 'B', 'released', 1, 'EA', '[2025-01-01 00:00+00,)'),
('BIKE', 'C', 'draft', 1, 'EA', '(,)'),
('FRAME', 'A', 'released', 10, 'EA', '(,)'),
('KIT', 'A', 'released', 3, 'EA', '(,)');
insert into artery_erp.bom_line (
    bom_id, line_no, component_code, quantity, unit, scrap_rate, phantom, effectivity
)
select b.id, v.line_no, v.component, v.quantity, v.unit, v.scrap, v.phantom, v.effectivity::tstzrange
from (values
    ('BIKE', 'A', 10, 'BOLT', 4, 'EA', 0, false, '(,)'),
    ('BIKE', 'B', 10, 'FRAME', 1, 'EA', 0, false, '(,)'),
    ('BIKE', 'B', 20, 'KIT', 1, 'EA', 0.1, true, '(,)'),
    ('BIKE', 'B', 30, 'BOLT', 2, 'EA', 0, false, '(,2026-01-01 00:00+00)'),
    ('FRAME', 'A', 10, 'TUBE', 26000, 'MM', 0.1, false, '(,)'),
    ('KIT', 'A', 10, 'BOLT', 1, 'EA', 0, false, '(,)'),
    ('KIT', 'A', 20, 'GLUE', 0.1, 'KG', 0, false, '(,)')
) as v (item, revision, line_no, component, quantity, unit, scrap, phantom, effectivity)
inner join artery_erp.bom as b on b.item_code = v.item and b.revision = v.revision;

select results_eq(
    $$select path, quantity, base_quantity, required, unit
    from artery_erp.bom_explosion('BIKE', 100, '2025-06-01')$$,
    $$values
    ('BIKE > FRAME', 1::numeric, 1::numeric, 100::numeric, 'EA'),
    ('BIKE > FRAME > TUBE', 28600, 10000, 286, 'M'),
    ('BIKE > KIT', 1.1, 1, 110, 'EA'),
    ('BIKE > KIT > BOLT', 1.1, 3, 37, 'EA'),
    ('BIKE > KIT > GLUE', 0.11, 3, 3.66666667, 'KG'),
    ('BIKE > BOLT', 2, 1, 200, 'EA')$$,
    'all levels, in tree order, in stock units, rounded up once and only at the end'
);
select results_eq(
    $$select line_path, component_code, required
    from artery_erp.bom_explosion('BIKE', 100, '2025-06-01', p_phantoms_only => true) where not phantom$$,
    $$values
    ('{10}'::integer[], 'FRAME', 100::numeric), ('{20,10}', 'BOLT', 37), ('{20,20}', 'GLUE', 3.66666667),
    ('{30}', 'BOLT', 200)$$,
    'an order goes through phantoms and stops at what is stocked'
);
select is(
    (select count(*) from artery_erp.bom_explosion('BIKE', 1, '2026-01-01')), 5::bigint,
    'a line ends at its end, exclusive'
);
select results_eq(
    $$select component_code, required from artery_erp.bom_explosion('BIKE', 2, '2024-12-31 23:59:59+00')$$,
    $$values ('BOLT', 8::numeric)$$, 'another day, another revision'
);
select results_eq(
    $$select component_code from artery_erp.bom_explosion('BIKE', 1, '2030-01-01', p_revision => 'A')$$,
    $$values ('BOLT')$$, 'a named revision is taken whatever its dates'
);
select is_empty(
    $$select from artery_erp.bom_explosion('BIKE', 1, '2023-01-01')$$, 'nothing before the first revision'
);
select is_empty(
    $$select from artery_erp.bom_explosion('BIKE', 1, '2023-01-01', 'C')$$, 'a draft revision is not built'
);
select set_eq(
    $$select item_code from artery_erp.bom_items('BIKE', '2025-06-01')$$,
    array['BIKE', 'FRAME', 'KIT', 'TUBE', 'BOLT', 'GLUE'], 'each item below once'
);
select is_empty(
    $$select from artery_erp.release_problems('BIKE', 'EA', '2025-06-01')$$, 'nothing stops its release'
);

select throws_ok(
    $$insert into artery_erp.bom (item_code, revision, status, unit, effectivity)
    values ('BIKE', 'D', 'released', 'EA', '[2024-06-01 00:00+00, 2024-07-01 00:00+00)')$$,
    '23P01', null, 'two released revisions cannot be effective at once'
);
select lives_ok(
    $$insert into artery_erp.bom (item_code, revision, status, unit, effectivity)
    values ('BIKE', 'D', 'draft', 'EA', '[2024-06-01 00:00+00, 2024-07-01 00:00+00)')$$,
    'a draft one can'
);
select throws_ok(
    format(
        'insert into artery_erp.bom (item_code, revision, unit, effectivity) values (%L, %L, %L, %L)',
        'BIKE', 'E', 'EA', e
    ), '23514', null, 'effectivity ' || e || ' is not half-open, or empty'
) from unnest(array['[2024-01-01 00:00+00,2024-02-01 00:00+00]', 'empty', '(2024-01-01 00:00+00,)']) as e;
select throws_ok(
    format('update artery_erp.bom_line set quantity = %L', q), '23514', null, 'a quantity of ' || q || ' is refused'
) from unnest(array['0', 'NaN', 'Infinity']) as q;

select * from finish();
rollback;
