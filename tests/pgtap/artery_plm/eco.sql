begin;
select plan(78);

insert into artery_erp.unit (code, name, dimension, whole_number) values
('EA', 'piece', 'count', true), ('M', 'metre', 'length', false), ('MM', 'millimetre', 'length', false);
insert into artery_erp.unit_conversion (from_unit, to_quantity, to_unit) values ('M', 1000, 'MM');
insert into artery_erp.warehouse (code, name) values ('W1', 'one');
insert into artery_erp.item (code, name, status, source, stock_unit)
select c, c, 'released', 'make', u
from (values ('TOP', 'EA'), ('SUB', 'EA'), ('BOLT', 'EA'), ('NUT', 'EA'), ('TUBE', 'M'), ('PIN', 'EA')) as v (c, u);
insert into artery_erp.bom (item_code, revision, status, unit, effectivity) values
('TOP', 'A', 'released', 'EA', '[2024-01-01 00:00+00,)'), ('SUB', '1', 'released', 'EA', '(,)');
insert into artery_erp.bom_operation (bom_id, operation_no, name)
select b.id, 10, 'assemble' from artery_erp.bom as b where b.item_code = 'TOP';
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit, scrap_rate, operation_no)
select b.id, v.line_no, v.component, v.quantity, v.unit, v.scrap, v.operation
from (values
    ('TOP', 10, 'SUB', 1, 'EA', 0, 10), ('TOP', 20, 'BOLT', 4, 'EA', 0.1, 10), ('TOP', 30, 'TUBE', 250, 'MM', 0, null),
    ('SUB', 10, 'BOLT', 2, 'EA', 0, null)
) as v (item, line_no, component, quantity, unit, scrap, operation)
inner join artery_erp.bom as b on b.item_code = v.item;
insert into artery_erp.bom_line_designator (bom_id, line_no, designator)
select b.id, 20, 'D' || n from artery_erp.bom as b cross join generate_series(1, 4) as n where b.item_code = 'TOP';
insert into artery_erp.bom_line_substitute (bom_id, line_no, priority, component_code)
select b.id, 20, 1, 'PIN' from artery_erp.bom as b where b.item_code = 'TOP';

create function pg_temp.ecn(p_no text, p_lines text, p_more jsonb default '{}', p_item text default 'TOP', p_base text default 'A')
returns jsonb language sql as $$
    select jsonb_build_object(
        'ecn_no', p_no, 'status', 'approved', 'title', 'a change', 'boms', jsonb_build_array(jsonb_build_object(
            'item', p_item, 'base_revision', p_base, 'lines', p_lines::jsonb
        ))
    ) || p_more
$$;
create function pg_temp.codes(p_ecn jsonb) returns text[] language sql as $$
    select array_agg(r ->> 'code' || ' ' || (r ->> 'path') order by r ->> 'path', r ->> 'code')
    from jsonb_array_elements(artery_plm.create_eco(p_ecn) -> 'reasons') as r
$$;

-- from message to revision
create temp table answer as select artery_api_v1.submit_ecn(pg_temp.ecn('ECN-1', $$[
    {"action": "change", "line_no": 20, "quantity": "6", "designators": ["D1", "D9"]},
    {"action": "remove", "line_no": 30},
    {"action": "add", "line_no": 40, "component": "NUT", "quantity": 6, "unit": "EA", "scrap_rate": 0.05,
        "operation_no": 10, "warehouse": "W1", "substitutes": [{"component": "PIN", "ratio": 2}]},
    {"action": "add", "line_no": 50, "component": "NEW-1", "component_name": "a new part", "quantity": 1, "unit": "EA"}
]$$, '{"source": "plm", "message_id": "m1", "effectivity": {"kind": "date", "at": "2031-01-01T00:00:00Z"}}')) as body;
select is((select body ->> 'status' from answer), 'processed', 'an approved ECN is processed at once');
select is(
    (select body -> 'result' from answer),
    '{"eco_no": "ECN-1", "status": "submitted", "boms": [{"item": "TOP", "base_revision": "A", "new_revision": "B"}]}',
    'and becomes an ECO'
);
select is(
    artery_api_v1.submit_ecn((select body from artery_staging.plm_ecn where message_id = 'm1')),
    (select body from answer), 'the same message again: the first answer'
);
select is(
    artery_api_v1.submit_ecn(jsonb_set((select body from artery_staging.plm_ecn where message_id = 'm1'), '{title}', '"x"'))
    -> 'reasons' -> 0 ->> 'code', 'IN015', 'another body under its id: a conflict'
);
select results_eq(
    $$select status, name from artery_erp.item where code = 'NEW-1'$$, $$values ('draft', 'a new part')$$,
    'an unknown component is a draft item'
);
select results_eq(
    $$select line_no, action, component_code collate "default" from artery_erp.engineering_change_line order by line_no$$,
    $$values (20, 'change', 'BOLT'), (30, 'remove', 'TUBE'), (40, 'add', 'NUT'), (50, 'add', 'NEW-1')$$, 'with its lines'
);
select is((select count(*) from artery_erp.bom where item_code = 'TOP'), 1::bigint, 'no BOM is changed yet');
select throws_ok($$select artery_plm.set_eco_status('ECN-1', 'implemented')$$, 'IN103', null, 'it cannot jump');
select throws_ok($$select artery_plm.set_eco_status('ECN-1', 'closed')$$, 'IN103', null, 'nor close');
select throws_ok($$select artery_plm.set_eco_status('ECN-1', 'rejected')$$, '22023', null, 'a rejection needs its reason');
select is(artery_plm.set_eco_status('ECN-1', 'approved'), 'approved', 'approved');
select is(artery_plm.set_eco_status('ECN-1', 'approved'), 'approved', 'again: nothing more');
select is(artery_plm.set_eco_status('ECN-1', 'scheduled'), 'scheduled', 'scheduled for its day');
select results_eq(
    $$select revision collate "default", status, effectivity from artery_erp.bom where item_code = 'TOP' order by 1$$,
    $$values ('A', 'released', '[2024-01-01 00:00+00,2031-01-01 00:00+00)'::tstzrange),
    ('B', 'released', '[2031-01-01 00:00+00,)')$$, 'one ends where the other begins'
);
select results_eq(
    $$select line_no, change, component_code, property, from_value, to_value from artery_erp.bom_diff('TOP', 'A', 'B')
    where property in ('quantity', 'designators') order by 1, 4$$,
    $$values
    (20, 'changed', 'BOLT', 'designators', 'D1 D2 D3 D4', 'D1 D9'), (20, 'changed', 'BOLT', 'quantity', '4', '6'),
    (30, 'removed', 'TUBE', 'quantity', '250', null), (40, 'added', 'NUT', 'quantity', null, '6'),
    (50, 'added', 'NEW-1', 'quantity', null, '1')$$, 'the new one is the base with the changes'
);
select results_eq(
    $$select line_no, scrap_rate, issue_method, operation_no, warehouse_code collate "default"
    from artery_erp.bom_line as l inner join artery_erp.bom as b on b.id = l.bom_id
    where b.item_code = 'TOP' and b.revision = 'B' order by line_no$$,
    $$values (10, 0::numeric, 'backflush', 10, null), (20, 0.1, 'backflush', 10, null),
    (40, 0.05, 'backflush', 10, 'W1'), (50, 0, 'backflush', null, null)$$, 'what is not said stays, or has its default'
);
select results_eq(
    $$select s.line_no, s.component_code collate "default", s.ratio from artery_erp.bom_line_substitute as s
    inner join artery_erp.bom as b on b.id = s.bom_id where b.revision = 'B' order by 1$$,
    $$values (20, 'PIN', 1::numeric), (40, 'PIN', 2)$$, 'substitutes come along'
);
select is((select count(*) from artery_erp.bom_operation), 2::bigint, 'so do operations');
select results_eq(
    $$select component_code from artery_erp.bom_explosion('TOP', 1, '2031-01-01') where level = 1$$,
    $$values ('SUB'), ('BOLT'), ('NUT'), ('NEW-1')$$, 'plans for that day see it'
);
select is((select count(*) from artery_erp.bom_explosion('TOP', 1, '2030-12-31') where level = 1), 3::bigint, 'those before do not');
select throws_ok($$select artery_plm.set_eco_status('ECN-1', 'implemented')$$, 'IN252', null, 'it is not implemented before its day');
select is(artery_plm.implement_ecos('infinity'), 0::bigint, 'nor by the sweep');
update artery_erp.engineering_change_order set effective_at = now();
select is(artery_plm.implement_ecos('infinity'), 1::bigint, 'on it, by the sweep');
select throws_ok($$select artery_plm.set_eco_status('ECN-1', 'cancelled', 'why')$$, 'IN103', null, 'what is implemented is not cancelled');

-- cancelled while scheduled
select artery_plm.create_eco(pg_temp.ecn('ECN-2', '[{"action": "remove", "line_no": 40}]',
    '{"effectivity": {"kind": "date", "at": "2032-01-01T00:00:00Z"}}', p_base => 'B'));
select artery_plm.set_eco_status('ECN-2', s) from unnest(array['approved', 'scheduled']) with ordinality as s (s, n) order by n;
select is(artery_plm.set_eco_status('ECN-2', 'cancelled', 'a mistake'), 'cancelled', 'a scheduled one can be cancelled');
select results_eq(
    $$select revision collate "default", status, effectivity from artery_erp.bom where revision in ('B', 'C') order by 1$$,
    $$values ('B', 'released', '[2031-01-01 00:00+00,)'::tstzrange), ('C', 'obsolete', '[2032-01-01 00:00+00,)')$$,
    'its revision is withdrawn, the base has its time back'
);
select results_eq($$select status_reason from artery_erp.engineering_change_order where eco_no = 'ECN-2'$$, $$values ('a mistake')$$, 'with the reason');
select throws_ok($$select artery_plm.set_eco_status('ECN-2', 'draft')$$, 'IN103', null, 'cancelled is the end');
select throws_ok($$select artery_plm.set_eco_status('NOPE', 'approved')$$, 'IN256', null, 'no such ECO');

-- drafts, at once, from an order
select is(
    artery_plm.create_eco(pg_temp.ecn('ECN-3', '[{"action": "remove", "line_no": 10}]', '{"status": "draft"}', 'SUB', '1')) ->> 'status',
    'draft', 'a draft'
);
select is(
    artery_plm.create_eco(pg_temp.ecn('ECN-3', '[{"action": "change", "line_no": 10, "quantity": 5}]', '{"status": "draft"}', 'SUB', '1')) ->> 'status',
    'draft', 'can be sent again'
);
select artery_plm.set_eco_status('ECN-3', s) from unnest(array['submitted', 'approved']) with ordinality as s (s, n) order by n;
select is(artery_plm.set_eco_status('ECN-3', 'scheduled'), 'implemented', 'what takes effect now is implemented with it');
select results_eq(
    $$select required from artery_erp.bom_explosion('SUB', 1, now())$$, $$values (5::numeric)$$, 'and built'
);
insert into artery_erp.manufacturing_order (mo_no, item_code, quantity, unit, planned_start)
values ('MO-1', 'SUB', 3, 'EA', '2033-01-01');
select artery_plm.create_eco(pg_temp.ecn('ECN-4', '[{"action": "change", "line_no": 10, "component": "PIN"}]',
    '{"effectivity": {"kind": "mo", "mo_no": "MO-1"}}', 'SUB', '2'));
select artery_plm.set_eco_status('ECN-4', s) from unnest(array['approved', 'scheduled']) with ordinality as s (s, n) order by n;
select is(
    (select effective_at from artery_erp.engineering_change_order where eco_no = 'ECN-4'), '2033-01-01'::timestamptz,
    'from an order: from its planned start'
);
create function pg_temp.meeting(p_start timestamptz) returns tstzrange[] language sql as $$
    update artery_erp.manufacturing_order set planned_start = p_start where mo_no = 'MO-1';
    select array_agg(b.effectivity order by b.revision) from artery_erp.bom as b where b.item_code = 'SUB' and b.revision in ('2', '3')
$$;
select is(upper(m[1]), '2034-05-01'::timestamptz, 'and with the order it moves: later') from pg_temp.meeting('2034-05-01') as m;
select is(lower(m[2]), '2032-05-01'::timestamptz, 'or earlier') from pg_temp.meeting('2032-05-01') as m;
select throws_ok($$select pg_temp.meeting('2001-01-01')$$, 'IN252', null, 'but not before its base begins');
select is(lower(m[2]), '2033-01-01'::timestamptz, 'and back') from pg_temp.meeting('2033-01-01') as m;
select is(
    artery_plm.create_eco(pg_temp.ecn('ECN-9', '[{"action": "remove", "line_no": 10}]', '{}', 'SUB', '3')) #>> '{reasons,0,code}',
    'IN252', 'nothing takes effect before its base does'
);

-- stale bases
select is(pg_temp.codes(pg_temp.ecn('ECN-5', '[{"action": "remove", "line_no": 10}]')), array['IN251 /boms/0/base_revision'], 'an old base is stale');
select is(
    artery_plm.create_eco(pg_temp.ecn('ECN-5', '[{"action": "remove", "line_no": 10}]',
        '{"effectivity": {"kind": "date", "at": "2034-01-01T00:00:00Z"}}', p_base => 'B')) ->> 'status', 'submitted', 'the newest is not'
);
update artery_erp.bom_line set quantity = 7 where component_code = 'NUT';
select throws_ok(
    $$select artery_plm.set_eco_status('ECN-5', 'approved')$$, 'IN251', 'ECO ECN-5 cannot be approved',
    'a base that was changed meanwhile is'
);
select artery_plm.set_eco_status('ECN-5', 'rejected', 'stale');

-- what is wrong, all of it
select is(pg_temp.codes('{}'), array['IN253 /boms', 'IN253 /ecn_no', 'IN253 /status', 'IN253 /title'], 'an empty one');
select is(pg_temp.codes(pg_temp.ecn('E 6', '[]', '{"status": "open", "effectivity": {"kind": "soon"}}')),
    array['IN253 /ecn_no', 'IN252 /effectivity/kind', 'IN253 /status'], 'a bad head');
select is(pg_temp.codes(pg_temp.ecn('E6', '[]', '{"effectivity": {"kind": "date", "at": "31.12.2026"}}')), array['IN252 /effectivity/at'], 'a bad date');
select is(pg_temp.codes(pg_temp.ecn('E6', '[]', '{"effectivity": {"kind": "mo", "mo_no": "X"}}')), array['IN252 /effectivity/mo_no'], 'no such order');
select is(pg_temp.codes(pg_temp.ecn('E6', '[]', '{}', 'NOPE')), array['IN120 /boms/0/item', 'IN253 /boms/0/lines'], 'no such item, no lines');
select is(pg_temp.codes(pg_temp.ecn('E6', '[{"action": "remove", "line_no": 10}]', '{}', 'TOP', 'Z')), array['IN121 /boms/0/base_revision'], 'no such revision');
select is(pg_temp.codes(pg_temp.ecn('ECN-1', '[{"action": "remove", "line_no": 10}]',
    '{"effectivity": {"kind": "date", "at": "2034-01-01T00:00:00Z"}}', p_base => 'B')), array['IN255 /ecn_no'], 'a number that is taken');
create function pg_temp.line_codes(p_lines text) returns text[] language sql as $$
    select pg_temp.codes(pg_temp.ecn('E6', p_lines, '{"effectivity": {"kind": "date", "at": "2034-01-01T00:00:00Z"}}', p_base => 'B'))
$$;
select is(pg_temp.line_codes('[{"action": "remove", "line_no": 99}, {"action": "add", "line_no": 10, "component": "PIN", "quantity": 1, "unit": "EA"}]'),
    array['IN254 /boms/0/lines/0/line_no', 'IN254 /boms/0/lines/1/line_no'], 'a line missing, a line already there');
select is(pg_temp.line_codes('[{"action": "add", "line_no": 60}]'),
    array['IN253 /boms/0/lines/0', 'IN253 /boms/0/lines/0', 'IN253 /boms/0/lines/0'], 'component, quantity, unit missing');
select is(pg_temp.line_codes(format('[{"action": "change", "line_no": 20, "quantity": %s}]', q)), array['IN253 /boms/0/lines/0'], 'a quantity of ' || q)
from unnest(array['0', '-1', '"NaN"', '1e131071', 'null', '"١"']) as q;
select is(pg_temp.line_codes(l), array['IN253 /boms/0/lines'], 'no line: ' || l) from unnest(array['7', '[7]', '[]', '{}']) as l;
select is(pg_temp.line_codes('[{"action": "change", "line_no": 20}]'), array['IN253 /boms/0/lines/0'], 'a change of nothing');
select is(pg_temp.line_codes('[{"action": "change", "line_no": 20, "colour": "red", "operation_no": 99, "warehouse": "X", "unit": "KG"}]'),
    array['IN253 /boms/0/lines/0', 'IN253 /boms/0/lines/0/operation_no', 'IN253 /boms/0/lines/0/unit', 'IN253 /boms/0/lines/0/warehouse'],
    'names of nothing, all at once');
select is(pg_temp.line_codes('[{"action": "change", "line_no": 20, "unit": "M"}]'), array['IN102 /boms/0/lines/0/unit'], 'no conversion');
select is(pg_temp.line_codes('[{"action": "change", "line_no": 20, "quantity": 1}, {"action": "remove", "line_no": 20}]'), array['IN253 /boms/0/lines/0'], 'a line twice');
select is(pg_temp.line_codes(format('[{"action": "change", "line_no": 20, %s}]', l)), array['IN253 /boms/0/lines/0'], 'a bad list: ' || l)
from unnest(array['"designators": ["R1", "R1"]', '"designators": [1]', '"designators": "R1"', '"substitutes": [{"component": "X"}]',
    '"substitutes": [{"component": "PIN", "ratio": 0}]', '"substitutes": [{"component": "PIN"}, {"component": "PIN"}]']) as l;
select is(
    artery_plm.create_eco(pg_temp.ecn('E6', '[{"action": "add", "line_no": 20, "component": "TOP", "quantity": 1, "unit": "EA"}]',
        '{"effectivity": {"kind": "date", "at": "2034-01-01T00:00:00Z"}}', 'SUB', '3')) #>> '{reasons,0,message}',
    'item SUB would contain itself: SUB > TOP > SUB', 'a cycle, with its way'
);
-- two BOMs in one ECN: what neither closes alone, and what is turned round
insert into artery_erp.item (code, name, status, source, stock_unit)
select c, c, 'released', 'make', 'EA' from unnest(array['UP', 'DOWN', 'X']) as c;
insert into artery_erp.bom (item_code, revision, status, unit) values ('UP', 'A', 'released', 'EA'), ('DOWN', 'A', 'released', 'EA');
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit)
select b.id, 10, 'X', 1, 'EA' from artery_erp.bom as b where b.item_code in ('UP', 'DOWN');
create function pg_temp.two(p_no text, p_up text, p_down text) returns jsonb language sql as $$
    select artery_plm.create_eco(jsonb_build_object('ecn_no', p_no, 'status', 'approved', 'title', 't', 'boms', jsonb_build_array(
        jsonb_build_object('item', 'UP', 'base_revision', 'A', 'lines', p_up::jsonb),
        jsonb_build_object('item', 'DOWN', 'base_revision', 'A', 'lines', p_down::jsonb)
    )))
$$;
select is(
    pg_temp.two('E7', '[{"action": "add", "line_no": 20, "component": "DOWN", "quantity": 1, "unit": "EA"}]',
        '[{"action": "add", "line_no": 20, "component": "UP", "quantity": 1, "unit": "EA"}]') #>> '{reasons,0,code}',
    'IN105', 'two changes of one ECN close no cycle together'
);
update artery_erp.bom_line as l set component_code = 'DOWN' from artery_erp.bom as b where b.id = l.bom_id and b.item_code = 'UP';
select is(
    pg_temp.two('E7', '[{"action": "change", "line_no": 10, "component": "X"}]',
        '[{"action": "add", "line_no": 20, "component": "UP", "quantity": 1, "unit": "EA"}]') ->> 'status',
    'submitted', 'a structure can be turned round in one'
);
insert into artery_erp.bom (item_code, revision, status, unit) values ('X', 'A', 'released', 'EA');
select artery_plm.set_eco_status('E7', 'approved');
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit)
select b.id, 10, 'DOWN', 1, 'EA' from artery_erp.bom as b where b.item_code = 'X';
delete from artery_erp.bom_line as l using artery_erp.bom as b where b.id = l.bom_id and b.item_code = 'DOWN';
update artery_erp.engineering_change_bom set base_content = artery_plm._bom_content(base_bom_id) where eco_no = 'E7';
select throws_ok(
    $$select artery_plm.set_eco_status('E7', 'scheduled')$$, 'IN105', 'ECO E7 cannot be scheduled: an item would contain itself',
    'nor with what came in between'
);
-- a batch: the bad keep their bodies and have their reasons, their neighbours go on
insert into artery_staging.plm_ecn (source, message_id, body) values
('plm', 'b1', '7'), ('plm', 'b2', '[]'), ('plm', 'b3', '{"ecn_no": {"a": 1}, "status": "approved", "title": 7, "boms": [{"item": 1}]}'),
('plm', 'b4', pg_temp.ecn('E8', '[{"action": "change", "line_no": 10, "quantity": 2}]', '{}', 'DOWN', 'A')),
('plm', 'b5', '{"ecn_no": "E9", "status": "approved", "title": "t", "boms": [7]}'),
('plm', 'b6', pg_temp.ecn('E9', '[{"action": "change", "line_no": 10, "quantity": 1e400}]', '{}', 'DOWN', 'A')),
('plm', 'b7', pg_temp.ecn('E9', '[{"action": {}, "line_no": [], "component": "ＢＯＬＴ", "quantity": "½", "phantom": "yes"}]', '{}', 'DOWN', 'A'));
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit)
select b.id, 10, 'X', 1, 'EA' from artery_erp.bom as b where b.item_code = 'DOWN' and b.revision = 'A';
select is(artery_staging.process('artery_staging.plm_ecn'), 7, 'a batch is processed');
select results_eq(
    $$select message_id, status, jsonb_array_length(reasons) > 0, body is not null
    from artery_staging.plm_ecn where message_id like 'b_' order by 1$$,
    $$values ('b1', 'rejected', true, true), ('b2', 'rejected', true, true), ('b3', 'rejected', true, true),
    ('b4', 'processed', null, true), ('b5', 'rejected', true, true), ('b6', 'rejected', true, true), ('b7', 'rejected', true, true)$$,
    'each to its end'
);
select is((select count(*) from artery_erp.engineering_change_order where eco_no = 'E6'), 0::bigint, 'of none of these anything was made');

select * from finish();
rollback;
