"""The examples of docs/authentication.md are taken as they stand, one for each kind."""

from __future__ import annotations

from pathlib import Path

from documents import read_blocks

DOCUMENT = (Path(__file__).parents[2] / "docs/authentication.md").read_text()


def test_each_example_is_taken(connect) -> None:
    conn = connect()
    conn.execute("set role artery_admin")
    for block in read_blocks(DOCUMENT):
        conn.execute(block.text)
    rows = conn.execute(
        "select auth_kind, client_cert_ref is not null, proxy_ref is not null from artery.endpoint"
    ).fetchall()
    constraint = conn.execute(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = %s",
        ("endpoint_auth_kind_check",),
    ).fetchone()[0]
    kinds = {kind for kind, _, _ in rows}
    assert {kind for kind in kinds if f"'{kind}'" not in constraint} == set()
    assert constraint.count("::text,") + 1 == len(kinds), "one of each kind, and no other"
    assert any(certificate for _, certificate, _ in rows)
    assert any(proxy for _, _, proxy in rows)
