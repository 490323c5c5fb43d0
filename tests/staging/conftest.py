"""The tests' own inbox, registered, and what fills it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from inbox_world import TABLE, WORLD


@pytest.fixture
def inbox(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(WORLD.encode())
    conn.execute(TABLE.format(schema="w", name="message", body="text").encode())
    conn.execute(
        "insert into artery_staging.inbox (table_name, processor, batch_size)"
        " values ('w.message', 'w.settle(bigint[])', 1000)"
    )
    return conn


@pytest.fixture
def send(inbox: psycopg.Connection) -> Callable[..., None]:
    def put(*bodies: str, first: int = 1, source: str = "plm") -> None:
        inbox.cursor().executemany(
            "insert into w.message (source, message_id, body) values (%s, %s, %s)"
            " on conflict do nothing",
            [(source, f"m{number}", body) for number, body in enumerate(bodies, first)],
        )

    return put
