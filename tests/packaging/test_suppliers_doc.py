"""The statements of docs/suppliers.md run as they stand, each as the role that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from psycopg import sql

DOCUMENT = (Path(__file__).parents[2] / "docs/suppliers.md").read_text()
BLOCK = re.compile(r"<!-- as: (\w+) -->\n```sql\n(.*?)```", re.DOTALL)
MASTER = """
insert into artery_erp.unit (code, name, dimension, whole_number)
values ('PC', 'piece', 'count', true);
insert into artery_erp.item (code, name, status, source, stock_unit, lot_tracked)
values ('SEAL', 'seal', 'released', 'buy', 'PC', true);
insert into artery_erp.warehouse (code, name) values ('RAW', 'raw material');
insert into artery_erp.supplier (code, name) values ('ACME', 'Acme');
"""


@pytest.mark.one_server
def test_each_statement_runs_and_gives_something(conn) -> None:
    blocks = BLOCK.findall(DOCUMENT)
    assert len(blocks) == DOCUMENT.count("```sql")
    conn.execute(MASTER)
    conn.execute("create role acme login nosuperuser")
    try:
        # the last section comes first in life
        for role, statements in [blocks[-1], *blocks[:-1]]:
            conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
            for statement in filter(str.strip, re.split(r";\n", statements)):
                cursor = conn.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else [cursor.rowcount]
                assert rows, statement
                assert "rejected" not in str(rows)
            conn.execute("reset role")
        end = conn.execute("select shipped, received, short from artery_procurement.po_line_status")
        assert end.fetchall() == [(39, 39, 6)]
    finally:
        conn.execute("reset role; drop owned by acme; drop role acme")
