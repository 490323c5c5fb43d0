begin;
select plan(41);

insert into artery_erp.unit (code, name, dimension, whole_number) values
('EA', 'piece', 'count', true), ('PAIR', 'pair', 'count', true), ('KG', 'kilogram', 'mass', false);
insert into artery_erp.item (code, name, status, source, stock_unit)
select c, c, 'released', 'make', 'EA' from unnest(array['TOP', 'PHANTOM', 'PART', 'SUB', 'LOOP']) as c;
insert into artery_erp.item (code) values ('NEW-1'), ('NEW-2');
insert into artery_erp.unit_conversion (from_unit, to_quantity, to_unit) values ('PAIR', 2, 'EA');
insert into artery_erp.warehouse (code, name, kind) values
('FG', 'finished goods', 'finished'), ('LINE', 'line side', 'line_side'), ('CAGE', 'cage', 'stock');

insert into artery_erp.bom (item_code, revision, status, unit, effectivity) values
('TOP', '1', 'released', 'EA', '[2025-01-01 00:00+00, 2026-01-01 00:00+00)'),
('TOP', '2', 'released', 'EA', '[2026-01-01 00:00+00,)'),
('PHANTOM', '1', 'released', 'EA', '(,)');
insert into artery_erp.bom_operation (bom_id, operation_no, name, work_center, setup_minutes, run_minutes)
select b.id, v.n, v.name, 'WC', 5, 1.5
from artery_erp.bom as b
cross join (values (10, 'cut'), (30, 'join')) as v (n, name)
where b.item_code = 'TOP';
insert into artery_erp.bom_line (
    bom_id, line_no, component_code, quantity, unit, scrap_rate, operation_no, phantom, warehouse_code
)
select b.id, v.line_no, v.component, v.quantity, 'EA', v.scrap, v.operation_no, v.phantom, v.warehouse
from artery_erp.bom as b
inner join (values
    ('TOP', 10, 'PART', 1, 0.1, 10, false, null),
    ('TOP', 20, 'PHANTOM', 2, 0, 30, true, 'CAGE'),
    ('TOP', 30, 'PART', 3, 0, 30, false, null),
    ('PHANTOM', 10, 'SUB', 1, 0, null, false, null)
) as v (item, line_no, component, quantity, scrap, operation_no, phantom, warehouse)
    on v.item = b.item_code;

-- the life cycle
insert into artery_erp.manufacturing_order (
    mo_no, item_code, quantity, unit, planned_start, receive_warehouse, line_warehouse
)
select n, 'TOP', 7, 'PAIR', '2025-06-01 00:00+00', 'FG', 'LINE'
from unnest(array['MO-1', 'MO-2', 'MO-3']) as n;
select is(artery_erp.release_manufacturing_order('MO-1'), 1, 'release gives the first version');
select results_eq(
    $$select status, version, bom_revision collate "default", released_at is not null
    from artery_erp.manufacturing_order where mo_no = 'MO-1'$$,
    $$values ('released', 1, '1', true)$$, 'with the revision that is effective at the planned start'
);
select results_eq(
    $$select line_no, bom_line_no, bom_path, component_code collate "default", quantity, base_quantity,
        required, unit collate "default",
        operation_no, warehouse_code collate "default"
    from artery_erp.manufacturing_order_line where mo_no = 'MO-1' order by line_no$$,
    $$values
    (10, 10, '{10}'::integer[], 'PART', 2.2, 1::numeric, 16::numeric, 'EA', 10, null),
    (30, 30, '{30}', 'PART', 6, 1, 42, 'EA', 30, null),
    (40, 10, '{20,10}', 'SUB', 4, 1, 28, 'EA', 30, 'CAGE')$$,
    'lines keep their identity, phantoms give theirs, in the order''s unit and the stock unit'
);
select results_eq(
    $$select operation_no, name, run_minutes, base_quantity
    from artery_erp.manufacturing_order_operation where mo_no = 'MO-1' order by 1$$,
    $$values (10, 'cut', 3.0, 1::numeric), (30, 'join', 3.0, 1)$$, 'operations are frozen too'
);
select is(artery_erp.release_manufacturing_order('MO-1'), 1, 'released again: the same, nothing done');

update artery_erp.bom_line set quantity = 99;
select is(
    (select max(required) from artery_erp.manufacturing_order_line where mo_no = 'MO-1'), 42::numeric,
    'a later change of the BOM does not reach it'
);
update artery_erp.manufacturing_order set quantity = 10 where mo_no = 'MO-1';
select results_eq(
    $$select required from artery_erp.manufacturing_order_line where mo_no = 'MO-1' order by line_no$$,
    $$values (22::numeric), (60), (40)$$, 'a change of its quantity does, from the frozen lines'
);
select is(
    (select version from artery_erp.manufacturing_order where mo_no = 'MO-1'), 2, 'and is a new version'
);
update artery_erp.manufacturing_order set quantity = 10, version = 77 where mo_no = 'MO-1';
select is(
    (select version from artery_erp.manufacturing_order where mo_no = 'MO-1'), 2,
    'nothing changed, no new version, whatever one writes there'
);
select throws_ok(
    $$update artery_erp.manufacturing_order set item_code = 'PART' where mo_no = 'MO-1'$$,
    'IN103', null, 'what is made is frozen'
);
select throws_ok(
    $$update artery_erp.manufacturing_order set quantity = 1.5 where mo_no = 'MO-1'$$,
    '23514', null, 'half a pair cannot be ordered'
);

create function pg_temp.walk(p_mo_no text, p_statuses text[])
returns integer language plpgsql
as $$
declare v_status text; v_version integer;
begin
    foreach v_status in array p_statuses loop
        update artery_erp.manufacturing_order set status = v_status where mo_no = p_mo_no
        returning version into v_version;
    end loop;
    return v_version;
end $$;
select is(pg_temp.walk('MO-1', array['held', 'released']), 4, 'hold and resume are news to the shop floor');
select is(
    pg_temp.walk('MO-1', array['in_progress', 'held', 'in_progress', 'completed', 'closed']), 6,
    'progress and completion are news from it'
);
select throws_ok(
    $$update artery_erp.manufacturing_order set quantity = 2 where mo_no = 'MO-1'$$, 'IN103', null,
    'a closed plan stands'
);
select is(pg_temp.walk('MO-2', array['released', 'cancelled']), 2, 'plain updates release and cancel');
select is(pg_temp.walk('MO-3', array['cancelled']), 0, 'what was never released is no news');
select throws_ok(format(
    'update artery_erp.manufacturing_order set status = %L where mo_no = %L', s, 'MO-2'
), 'IN103', null, 'cancelled does not become ' || s)
from unnest(array['planned', 'released', 'in_progress', 'held', 'completed', 'closed']) as s;
select throws_ok(
    $$select artery_erp.release_manufacturing_order('MO-2')$$, 'IN103',
    'manufacturing order MO-2 cannot go from cancelled to released', 'nor by the function'
);
select throws_ok($$select artery_erp.release_manufacturing_order('NOPE')$$, 'IN106', null, 'no such order');
select throws_ok(
    $$insert into artery_erp.manufacturing_order (mo_no, item_code, quantity, unit, status)
    values ('MO-4', 'TOP', 1, 'EA', 'released')$$, 'IN103', null, 'an order begins planned'
);
select throws_ok(format(
    'insert into artery_erp.manufacturing_order (mo_no, item_code, quantity, unit) values (%L, %L, %L, %L)',
    'MO-5', 'TOP', q, 'EA'
), '23514', null, 'a quantity of ' || q || ' is refused')
from unnest(array['0', '-1', 'NaN', 'Infinity']) as q;

-- what cannot be released
create function pg_temp.release_error(p_item text, p_unit text, p_start timestamptz)
returns table (state text, detail text, hint text) language plpgsql
as $$
begin
    insert into artery_erp.manufacturing_order (mo_no, item_code, quantity, unit, planned_start)
    values ('BAD', p_item, 1, p_unit, p_start);
    perform artery_erp.release_manufacturing_order('BAD');
    return;
exception when others then
    get stacked diagnostics state = returned_sqlstate, detail = pg_exception_detail, hint = pg_exception_hint;
    return next;
end $$;
select results_eq(
    $$select state, detail from pg_temp.release_error('PART', 'EA', '2025-06-01')$$,
    format(
        'select %L, %L', 'IN101',
        format('IN101: item PART has no released BOM effective at %s.', '2025-06-01'::timestamptz)
    ), 'without a BOM'
);
select is(
    (select state from pg_temp.release_error('TOP', 'EA', '2024-06-01')), 'IN101',
    'without a revision that is effective at its start'
);
update artery_erp.bom_line set unit = 'KG' where component_code in ('PART', 'SUB');
select results_eq(
    $$select state, detail from pg_temp.release_error('TOP', 'KG', '2025-06-01')$$,
    $$values (
        'IN102', 'IN102: item PART from KG to EA; IN102: item SUB from KG to EA; IN102: item TOP from KG to EA.'
    )$$, 'without unit conversions: all of them named at once'
);
update artery_erp.bom_line set component_code = 'NEW-1' where component_code = 'SUB';
insert into artery_erp.bom (item_code, revision, status, unit) values ('PART', '1', 'released', 'EA');
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit)
select b.id, 10, 'NEW-2', 1, 'EA' from artery_erp.bom as b where b.item_code = 'PART';
select results_eq(
    $$select state, detail from pg_temp.release_error('TOP', 'EA', '2025-06-01')$$,
    $$values (
        'IN102',
        'IN102: item PART from KG to EA; IN104: item NEW-1 is draft; IN104: item NEW-2 is draft.'
    )$$, 'draft items at any depth are told beside other problems'
);
update artery_erp.bom_line set unit = 'EA';
select results_eq(
    $$select state, detail, hint <> '' from pg_temp.release_error('TOP', 'EA', '2025-06-01')$$,
    $$values ('IN104', 'IN104: item NEW-1 is draft; IN104: item NEW-2 is draft.', true)$$,
    'draft items have their own SQLSTATE'
);
insert into artery_erp.bom (item_code, revision, status, unit) values ('LOOP', '1', 'released', 'EA');
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit, phantom)
select b.id, 10, 'LOOP', 1, 'EA', true from artery_erp.bom as b where b.item_code = 'LOOP';
select results_eq(
    $$select state, detail from pg_temp.release_error('LOOP', 'EA', '2025-06-01')$$,
    $$values ('IN105', 'IN105: LOOP > LOOP.')$$, 'a BOM that contains itself ends in an error, with the path'
);
delete from artery_erp.bom_line as l using artery_erp.bom as b where b.id = l.bom_id and b.item_code = 'PHANTOM';
select results_eq(
    $$select state, detail ~ 'phantom TOP > PHANTOM has no released BOM'
    from pg_temp.release_error('TOP', 'EA', '2025-06-01')$$,
    $$values ('IN101', true)$$, 'nor a phantom with nothing in it'
);

-- who may
set local role artery_reader;
select throws_ok(
    $$update artery_erp.manufacturing_order set status = 'released'$$, '42501', null, 'a reader releases nothing'
);
select lives_ok($$select from artery_erp.manufacturing_order_line$$, 'but reads');
set local role artery_app;
select throws_ok(
    $$update artery_erp.manufacturing_order set version = 9$$, '42501', null,
    'the application cannot write versions'
);
select throws_ok(
    $$delete from artery_erp.manufacturing_order_line$$, '42501', null, 'nor frozen lines'
);
reset role;
delete from artery_erp.bom_line where component_code in ('NEW-2', 'NEW-1', 'PHANTOM');
set local role artery_app;
insert into artery_erp.manufacturing_order (mo_no, item_code, quantity, unit, planned_start)
values ('MO-9', 'TOP', 2, 'EA', '2025-06-01');
select lives_ok(
    $$update artery_erp.manufacturing_order set status = 'released' where mo_no = 'MO-9'$$,
    'it releases by a plain update'
);

select * from finish();
rollback;
