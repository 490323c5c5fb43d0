"""Two suppliers with orders, notices, replies and messages, each of them with a role."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

MASTER = """
insert into artery_erp.unit (code, name, dimension, whole_number) values
('EA', 'piece', 'count', true), ('KG', 'kilogram', 'mass', false);
insert into artery_erp.item (code, name, status, source, stock_unit, lot_tracked) values
('BOLT', 'bolt', 'released', 'buy', 'EA', false), ('RESIN', 'resin', 'released', 'buy', 'KG', true);
insert into artery_erp.warehouse (code, name) values ('RAW', 'raw material');
insert into artery_erp.supplier (code, name)
values ('ACME', 'name of ACME'), ('BETA', 'name of BETA');
"""
ORDERS = """
insert into artery_erp.purchase_order (supplier_code, po_no, warehouse_code, note)
select s, n || s, 'RAW', 'note for ' || s
from unnest(array['ACME', 'BETA']) as s
cross join unnest(array['PO-', 'DRAFT-', 'DRAFT-CANCELLED-']) as n;
insert into artery_erp.purchase_order_line
    (supplier_code, po_no, line_no, item_code, quantity, unit, unit_price)
select o.supplier_code, o.po_no, 10, 'RESIN', 100, 'KG', 9.4 from artery_erp.purchase_order as o;
update artery_erp.purchase_order set status = 'approved' where po_no like 'PO-%';
update artery_erp.purchase_order set status = 'cancelled' where po_no like '%CANCELLED%';
"""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class World:
    """The names of the roles: each supplier's, and a portal's that may become either."""

    acme: str
    beta: str
    portal: str


def asn(supplier: str, number: str, **more: Any) -> Jsonb:
    """A shipping notice of one line."""
    line = {
        "line_no": 1, "po_no": f"PO-{supplier}", "po_line_no": 10, "item": "RESIN",
        "quantity": "5", "lot": f"LOT-{supplier}",
    }  # fmt: skip
    return Jsonb({
        "supplier": supplier, "asn_no": number, "message_id": number,
        "shipped_at": "2030-01-01T00:00:00Z", "carrier": f"carrier of {supplier}", "lines": [line],
    } | more)  # fmt: skip


def reply(supplier: str, number: str) -> Jsonb:
    """A counter-proposal."""
    return Jsonb({
        "supplier": supplier, "message_id": number, "po_no": f"PO-{supplier}", "version": 1,
        "reply": "counter", "reason": f"says {supplier}", "replied_at": "2030-01-01T00:00:00Z",
        "lines": [{"line_no": 10, "quantity": "90"}],
    })  # fmt: skip


def build(conn: psycopg.Connection, password: str | None) -> World:
    """Write all of it as the superuser; the roles log in with that password."""
    n = next(_numbers)
    world = World(f"s_acme_{n}", f"s_beta_{n}", f"s_portal_{n}")
    secret = f"'{password}'" if password else "null"
    conn.execute(MASTER)
    with conn.transaction():
        conn.execute(ORDERS)
    for role, supplier in ((world.acme, "ACME"), (world.beta, "BETA")):
        conn.execute(f"create role {role} login password {secret}".encode())
        conn.execute("select artery_procurement.grant_supplier(%s, %s)", (role, supplier))
        for function, body in (
            ("submit_asn", asn(supplier, f"ASN-{supplier}")),
            ("submit_po_reply", reply(supplier, f"R-{supplier}")),
        ):
            answer = conn.execute(f"select artery_api_v1.{function}(%s)".encode(), (body,))
            assert answer.fetchone()[0]["status"] == "processed"  # type: ignore[index]
    conn.execute(f"create role {world.portal} login noinherit password {secret}".encode())
    conn.execute(f"grant {world.acme}, {world.beta} to {world.portal}".encode())
    return world


def remove(conn: psycopg.Connection, world: World) -> None:
    """Drop the roles, which outlive the database."""
    for role in (world.portal, world.acme, world.beta):
        conn.execute(f"drop owned by {role}".encode())
        conn.execute(f"drop role {role}".encode())
