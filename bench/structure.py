"""A product structure of any size, and open work on it, written into an empty database."""

from __future__ import annotations

import psycopg

LEVELS = 10

# A tenth of the items is bought; the rest stands in nine levels above, five lines each: three from
# the level below, two from any.
_STRUCTURE = """
insert into artery_erp.unit (code, name, dimension, whole_number) values
('EA', 'piece', 'count', true), ('KG', 'kilogram', 'mass', false), ('G', 'gram', 'mass', false);
insert into artery_erp.unit_conversion (from_unit, to_quantity, to_unit) values ('KG', 1000, 'G');
insert into artery_erp.item (code, name, status, source, stock_unit, standard_cost)
select
    'I' || lpad(n::text, 7, '0'), 'item ' || n, 'released',
    case when n < {width} then 'buy' else 'make' end,
    case when n % 10 = 0 then 'KG' else 'EA' end,
    case when n < {width} then 1 + n % 97 end
from generate_series(0, {width} * 10 - 1) as n;
insert into artery_erp.bom (item_code, revision, status, base_quantity, unit)
select i.code, 'A', 'released', 1 + (hashtext(i.code) & 3), i.stock_unit
from artery_erp.item as i where i.source = 'make';
insert into artery_erp.bom_line (bom_id, line_no, component_code, quantity, unit, scrap_rate)
select
    b.id, 10 * k, c.code, 1 + (hashtext(b.item_code || k) & 7),
    case c.stock_unit when 'KG' then 'G' else 'EA' end, 0.01 * k
from (
    select x.id, x.item_code, substr(x.item_code, 2)::integer / {width} as level
    from artery_erp.bom as x
) as b
cross join generate_series(1, 5) as k
cross join lateral (
    select b.level - 1 - case
        when k > 3 then (hashtext(b.item_code || 'l' || k) & 7) % b.level else 0
    end
) as d (level)
inner join artery_erp.item as c on c.code = 'I' || lpad((
    d.level * {width} + (hashtext(b.item_code || 'c' || k) & 2147483647) % {width}
)::text, 7, '0');
"""

# As released orders look, without releasing them one by one; a tenth of them for one item.
_ORDERS = """
insert into artery_erp.warehouse (code, name)
select 'W' || n, 'warehouse' from generate_series(1, 5) as n;
insert into artery_erp.manufacturing_order (
    mo_no, item_code, bom_revision, bom_id, quantity, unit, status, version, released_at, started_at
)
select
    'MO-' || n, b.item_code, 'A', b.id, 10 + n % 90, b.unit,
    case when n % 3 = 0 then 'in_progress' else 'released' end, 1, now(),
    case when n % 3 = 0 then now() end
from generate_series(1, {orders}) as n
inner join (
    select x.*, row_number() over (order by x.item_code desc) - 1 as rank from artery_erp.bom as x
) as b on b.rank = case when n % 10 = 0 then 0 else n % 1000 end;
insert into artery_erp.manufacturing_order_line (
    mo_no, line_no, bom_id, bom_line_no, bom_path, component_code, quantity, base_quantity,
    required, unit, scrap_rate, issue_method, issued
)
select
    mo.mo_no, l.line_no, l.bom_id, l.line_no, array[l.line_no], l.component_code,
    l.quantity * (1 + l.scrap_rate), b.base_quantity, mo.quantity * l.quantity,
    i.stock_unit, l.scrap_rate, 'backflush', case mo.status when 'in_progress' then 5 else 0 end
from artery_erp.manufacturing_order as mo
inner join artery_erp.bom as b on b.id = mo.bom_id
inner join artery_erp.bom_line as l on l.bom_id = b.id
inner join artery_erp.item as i on i.code = l.component_code;
insert into artery_erp.stock_balance (item_code, warehouse_code, quantity)
select i.code, 'W' || n, 100 from artery_erp.item as i cross join generate_series(1, 5) as n
where right(i.code, 1) <> '9';
insert into artery_erp.supplier (code, name) values ('S1', 'supplier');
insert into artery_erp.purchase_order (supplier_code, po_no, status)
select 'S1', 'PO-' || n, 'approved' from generate_series(1, 2000) as n;
insert into artery_erp.purchase_order_line (
    supplier_code, po_no, line_no, item_code, quantity, unit
)
select 'S1', 'PO-' || (1 + i.rank % 2000), 1 + i.rank / 2000, i.code, 500, i.stock_unit
from (
    select x.*, row_number() over (order by x.code)::integer - 1 as rank
    from artery_erp.item as x where x.source = 'buy'
) as i;
"""

# The item with the most orders, and others at every level: a component replaced, one quantity
# changed, a line more.
_CHANGES = """
select artery_plm.create_eco(jsonb_build_object(
    'ecn_no', 'ECO-' || b.rank, 'status', 'approved', 'title', 'bench',
    'effectivity', '{{"kind": "date", "at": "2099-01-01T00:00:00Z"}}'::jsonb,
    'boms', jsonb_build_array(jsonb_build_object(
        'item', b.item_code, 'base_revision', 'A', 'lines', jsonb_build_array(
            jsonb_build_object(
                'action', 'change', 'line_no', 10, 'component', 'I0000001', 'unit', 'EA',
                'quantity', 2
            ),
            jsonb_build_object('action', 'change', 'line_no', 20, 'quantity', 9),
            jsonb_build_object(
                'action', 'add', 'line_no', 60, 'component', 'I0000003', 'unit', 'EA', 'quantity', 1
            )
        )
    ))
))
from (
    select x.item_code, row_number() over (order by x.item_code desc) - 1 as rank
    from artery_erp.bom as x
) as b
where b.rank < {changes}
"""


def write_structure(connection: psycopg.Connection, items: int) -> None:
    """Write `items` items (a multiple of ten) and their BOMs, with statistics."""
    with connection.transaction():
        connection.execute(_STRUCTURE.format(width=items // LEVELS).encode())
    connection.execute("analyze")


def write_open_work(connection: psycopg.Connection, orders: int, changes: int) -> None:
    """Write released orders, stock, purchase orders, and ECOs on the items that are made."""
    with connection.transaction():
        connection.execute("set local session_replication_role = replica")
        connection.execute(_ORDERS.format(orders=orders).encode())
    connection.execute("analyze")
    connection.execute(_CHANGES.format(changes=changes).encode())
    connection.execute("analyze")
