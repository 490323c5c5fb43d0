"""Fixtures: an ERP of somebody else's, bare and adopted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from toy_world import LINK, TOY, Toy


@pytest.fixture
def bare(conn: psycopg.Connection, connect: Any) -> Iterator[Toy]:
    """The ERP alone: no view, no function, nothing bound."""
    conn.execute("create role toy_owner login nosuperuser in role artery_admin")
    try:
        conn.execute("create schema toy authorization toy_owner")
        owner = connect(user="toy_owner")
        owner.execute(TOY)
        yield Toy(conn, owner)
    finally:
        conn.execute("drop owned by toy_owner cascade; drop role toy_owner")


@pytest.fixture
def toy(bare: Toy) -> Toy:
    """The ERP, adopted."""
    bare.owner.execute(LINK)
    bare.adopt()
    return bare
