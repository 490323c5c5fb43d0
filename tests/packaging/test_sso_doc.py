"""The statements of docs/sso.md are taken as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from documents import read_blocks

DOCUMENT = (Path(__file__).parents[2] / "docs/sso.md").read_text()


@pytest.mark.one_server
def test_the_statements_of_the_document(connect) -> None:
    conn = connect()
    blocks = [b for b in read_blocks(DOCUMENT) if b.kind == "sql" and "not run" not in b.notes]
    button, *rest = blocks
    conn.execute("set role artery_admin")
    for block in rest:
        conn.execute(block.text)
    conn.execute("set role artery_app")
    (answer,) = conn.execute(button.text).fetchone()
    beginning = button.shows.partition("target_link_uri")[0]
    assert beginning in f'{{"url": "{answer["url"]}"'
    conn.execute("select artery_api_v1.sso_launch('portal', 'alice')")
    conn.execute("set role artery_admin")
    assert len(conn.execute(rest[-1].text).fetchall()) == 2
