/* The demo's company makes centrifugal pump sets: CP40 in three levels below the pump set, with a
   second revision that comes into force in ten days. Authored for the demo. */
insert into artery_erp.unit (code, name, dimension, whole_number) values
('PC', 'piece', 'count', true),
('KG', 'kilogram', 'mass', false),
('M', 'metre', 'length', false),
('MM', 'millimetre', 'length', false),
('L', 'litre', 'volume', false);

insert into artery_erp.warehouse (code, name, kind) values
('RAW', 'Raw material store', 'stock'),
('LINE-M', 'Motor shop, at the machines', 'line_side'),
('LINE-P', 'Pump assembly line', 'line_side'),
('FG', 'Finished pumps', 'finished');

insert into artery_erp.item (code, name, status, source, stock_unit, lot_tracked, standard_cost) values
('CP40', 'Pump set CP40, 1.5 kW', 'released', 'make', 'PC', true, 412.50),
('CP40-HYD', 'Hydraulic end CP40', 'released', 'make', 'PC', false, 148.20),
('CP40-MOT', 'Motor 1.5 kW, IE3', 'released', 'make', 'PC', true, 171.90),
('CP40-STA', 'Stator, wound', 'released', 'make', 'PC', true, 62.40),
('CP40-ROT', 'Rotor with shaft', 'released', 'make', 'PC', false, 38.75),
('CP40-IMP', 'Impeller 125 mm, bronze', 'released', 'make', 'PC', false, 41.10),
('CP40-FIX', 'Fastener kit (phantom)', 'released', 'make', 'PC', false, 3.36),
('CP40-CAS', 'Pump casing, EN-GJL-250', 'released', 'buy', 'PC', true, 58.00),
('CP40-BASE', 'Base plate, welded', 'released', 'buy', 'PC', false, 33.50),
('CPL-28', 'Coupling 28 mm, rigid', 'released', 'buy', 'PC', false, 11.80),
('CPL-28F', 'Coupling 28 mm, flexible', 'released', 'buy', 'PC', false, 14.60),
('SEAL-MG1', 'Mechanical seal 28 mm', 'released', 'buy', 'PC', true, 17.25),
('ORING-120', 'O-ring 120 x 3, EPDM', 'released', 'buy', 'PC', false, 0.42),
('BRG-6205', 'Ball bearing 6205-2RS', 'released', 'buy', 'PC', true, 4.10),
('TB-4', 'Terminal box, 4 poles', 'released', 'buy', 'PC', false, 6.90),
('BOLT-M10', 'Hexagon bolt M10 x 35', 'released', 'buy', 'PC', false, 0.21),
('NUT-M10', 'Hexagon nut M10', 'released', 'buy', 'PC', false, 0.08),
('PAINT-5010', 'Enamel paint RAL 5010', 'released', 'buy', 'KG', true, 9.40),
('STEEL-M400', 'Electrical steel M400-50A', 'released', 'buy', 'KG', true, 2.15),
('CU-08', 'Enamelled copper wire 0.8 mm', 'released', 'buy', 'KG', true, 10.90),
('SHAFT-C45', 'Round bar C45, 28 mm', 'released', 'buy', 'M', false, 7.30),
('BRONZE-RG7', 'Bronze ingot RG7', 'released', 'buy', 'KG', true, 9.85),
('CP40-X', 'Pump set CP40, prototype', 'draft', null, null, false, null);

insert into artery_erp.unit_conversion (item_code, from_quantity, from_unit, to_quantity, to_unit) values
(null, 1, 'M', 1000, 'MM'),
('CU-08', 1000, 'M', 4.48, 'KG'),
('PAINT-5010', 1, 'L', 1.25, 'KG');

insert into artery_erp.bom (item_code, revision, status, base_quantity, unit, effectivity)
select
    b.item_code,
    b.revision,
    'released',
    b.base_quantity,
    'PC',
    tstzrange(date_trunc('day', now()) + b.from_day, date_trunc('day', now()) + b.until_day)
from (values
    ('CP40', 'A', 1, interval '-900 days', interval '10 days'),
    ('CP40', 'B', 1, interval '10 days', null),
    ('CP40-HYD', 'A', 1, interval '-900 days', null),
    ('CP40-MOT', 'A', 1, interval '-900 days', interval '-200 days'),
    ('CP40-MOT', 'B', 1, interval '-200 days', null),
    ('CP40-STA', 'A', 10, interval '-900 days', null),
    ('CP40-ROT', 'A', 1, interval '-900 days', null),
    ('CP40-IMP', 'A', 1, interval '-900 days', null),
    ('CP40-FIX', 'A', 1, interval '-900 days', null)
) as b (item_code, revision, base_quantity, from_day, until_day);

insert into artery_erp.bom_operation (
    bom_id, operation_no, name, work_center, setup_minutes, run_minutes
)
select
    b.id,
    o.operation_no,
    o.name,
    o.work_center,
    o.setup_minutes,
    o.run_minutes
from (values
    ('CP40', 10, 'Assemble', 'ASSY-1', 15, 24),
    ('CP40', 20, 'Test at 6 bar', 'TEST-1', 5, 6),
    ('CP40', 30, 'Paint and pack', 'PAINT', 20, 9),
    ('CP40-HYD', 10, 'Assemble hydraulic end', 'ASSY-1', 10, 14),
    ('CP40-MOT', 10, 'Assemble motor', 'MOT-2', 10, 17),
    ('CP40-STA', 10, 'Stamp and stack', 'PRESS-4', 45, 30),
    ('CP40-STA', 20, 'Wind and impregnate', 'WIND-1', 20, 110),
    ('CP40-ROT', 10, 'Turn and balance', 'LATHE-3', 25, 12),
    ('CP40-IMP', 10, 'Cast and turn', 'LATHE-3', 30, 11)
) as o (item_code, operation_no, name, work_center, setup_minutes, run_minutes)
inner join artery_erp.bom as b on b.item_code = o.item_code;

insert into artery_erp.bom_line (
    bom_id, line_no, component_code, quantity, unit, scrap_rate, operation_no, phantom, warehouse_code
)
select
    b.id,
    l.line_no,
    l.component_code,
    l.quantity,
    l.unit,
    l.scrap_rate,
    l.operation_no,
    l.component_code = 'CP40-FIX',
    l.warehouse_code
from (values
    ('CP40', 'A', 10, 'CP40-HYD', 1, 'PC', 0, 10, 'LINE-P'),
    ('CP40', 'A', 20, 'CP40-MOT', 1, 'PC', 0, 10, 'LINE-P'),
    ('CP40', 'A', 30, 'CP40-BASE', 1, 'PC', 0, 10, 'LINE-P'),
    ('CP40', 'A', 40, 'CPL-28', 1, 'PC', 0, 10, 'LINE-P'),
    ('CP40', 'A', 50, 'CP40-FIX', 1, 'PC', 0, 10, 'LINE-P'),
    ('CP40', 'A', 60, 'PAINT-5010', 0.18, 'L', 0.1, 30, 'LINE-P'),
    ('CP40', 'B', 10, 'CP40-HYD', 1, 'PC', 0, 10, 'LINE-P'),
    ('CP40', 'B', 20, 'CP40-MOT', 1, 'PC', 0, 10, 'LINE-P'),
    ('CP40', 'B', 30, 'CP40-BASE', 1, 'PC', 0, 10, 'LINE-P'),
    ('CP40', 'B', 40, 'CPL-28F', 1, 'PC', 0, 10, 'LINE-P'),
    ('CP40', 'B', 50, 'CP40-FIX', 1, 'PC', 0, 10, 'LINE-P'),
    ('CP40', 'B', 60, 'PAINT-5010', 0.18, 'L', 0.1, 30, 'LINE-P'),
    ('CP40-FIX', 'A', 10, 'BOLT-M10', 8, 'PC', 0.02, null, null),
    ('CP40-FIX', 'A', 20, 'NUT-M10', 8, 'PC', 0.02, null, null),
    ('CP40-HYD', 'A', 10, 'CP40-CAS', 1, 'PC', 0, 10, 'LINE-P'),
    ('CP40-HYD', 'A', 20, 'CP40-IMP', 1, 'PC', 0, 10, 'LINE-P'),
    ('CP40-HYD', 'A', 30, 'SEAL-MG1', 1, 'PC', 0.01, 10, 'LINE-P'),
    ('CP40-HYD', 'A', 40, 'ORING-120', 2, 'PC', 0.05, 10, 'LINE-P'),
    ('CP40-MOT', 'A', 10, 'CP40-STA', 1, 'PC', 0, 10, 'LINE-M'),
    ('CP40-MOT', 'A', 20, 'CP40-ROT', 1, 'PC', 0, 10, 'LINE-M'),
    ('CP40-MOT', 'A', 30, 'TB-4', 1, 'PC', 0, 10, 'LINE-M'),
    ('CP40-MOT', 'B', 10, 'CP40-STA', 1, 'PC', 0, 10, 'LINE-M'),
    ('CP40-MOT', 'B', 20, 'CP40-ROT', 1, 'PC', 0, 10, 'LINE-M'),
    ('CP40-MOT', 'B', 30, 'TB-4', 1, 'PC', 0, 10, 'LINE-M'),
    ('CP40-MOT', 'B', 40, 'BRG-6205', 2, 'PC', 0, 10, 'LINE-M'),
    ('CP40-STA', 'A', 10, 'STEEL-M400', 68.5, 'KG', 0.28, 10, 'RAW'),
    ('CP40-STA', 'A', 20, 'CU-08', 3150, 'M', 0.03, 20, 'RAW'),
    ('CP40-ROT', 'A', 10, 'SHAFT-C45', 342, 'MM', 0.04, 10, 'RAW'),
    ('CP40-ROT', 'A', 20, 'STEEL-M400', 2.9, 'KG', 0.28, 10, 'RAW'),
    ('CP40-IMP', 'A', 10, 'BRONZE-RG7', 1.35, 'KG', 0.12, 10, 'RAW')
) as l (
    item_code, revision, line_no, component_code, quantity, unit, scrap_rate, operation_no,
    warehouse_code
)
inner join artery_erp.bom as b on b.item_code = l.item_code and b.revision = l.revision;

insert into artery_erp.manufacturing_order (
    mo_no, item_code, quantity, unit, planned_start, planned_end, priority,
    receive_warehouse, line_warehouse
)
select
    o.mo_no,
    o.item_code,
    o.quantity,
    'PC',
    now() + o.start_in,
    now() + o.start_in + interval '2 days',
    5,
    case
        when o.item_code = 'CP40' then 'FG'
        when o.item_code in ('CP40-STA', 'CP40-ROT') then 'LINE-M'
        else 'LINE-P'
    end,
    case when o.item_code in ('CP40', 'CP40-HYD') then 'LINE-P' else 'LINE-M' end
from (values
    ('MO-1001', 'CP40-STA', 40, interval '1 day'),
    ('MO-1002', 'CP40-ROT', 40, interval '1 day'),
    ('MO-1003', 'CP40-IMP', 40, interval '2 days'),
    ('MO-1004', 'CP40-MOT', 40, interval '3 days'),
    ('MO-1005', 'CP40-HYD', 40, interval '4 days'),
    ('MO-1006', 'CP40', 40, interval '5 days'),
    ('MO-1007', 'CP40', 25, interval '21 days'),
    ('MO-1008', 'CP40-X', 1, interval '1 day'),
    ('MO-2001', 'CP40-STA', 120, interval '8 days'),
    ('MO-2002', 'CP40-ROT', 120, interval '8 days'),
    ('MO-2003', 'CP40-IMP', 120, interval '9 days'),
    ('MO-2004', 'CP40-MOT', 120, interval '12 days'),
    ('MO-2005', 'CP40-HYD', 120, interval '13 days'),
    ('MO-2006', 'CP40', 120, interval '14 days'),
    ('MO-3001', 'CP40-STA', 60, interval '15 days'),
    ('MO-3002', 'CP40-ROT', 60, interval '15 days'),
    ('MO-3003', 'CP40-IMP', 60, interval '16 days'),
    ('MO-3004', 'CP40-MOT', 60, interval '17 days'),
    ('MO-3005', 'CP40-HYD', 60, interval '18 days'),
    ('MO-3006', 'CP40', 60, interval '19 days'),
    ('MO-4001', 'CP40', 30, interval '22 days'),
    ('MO-4002', 'CP40-IMP', 80, interval '23 days'),
    ('MO-4003', 'CP40', 900, interval '25 days')
) as o (mo_no, item_code, quantity, start_in);
