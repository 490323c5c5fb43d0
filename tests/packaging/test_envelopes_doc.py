"""The statements of docs/envelopes-and-attachments.md run as they stand, and do what it says."""

from __future__ import annotations

from pathlib import Path

from documents import read_blocks

DOCUMENT = (Path(__file__).parents[2] / "docs/envelopes-and-attachments.md").read_text()


def test_each_statement_runs(connect) -> None:
    conn = connect()
    conn.execute(
        "insert into artery.endpoint (name, base_url) values ('carrier', 'https://c.example/v1')"
    )
    conn.execute(
        "insert into artery.attachment (id, task_id, request_id, topic, document_id, kind, "
        "file_name, bytes, sha256, chunks) values "
        "(17, 1, gen_random_uuid(), 'x', 'S-1001', 'any', 'a', 1, '', 1)"
    )
    conn.execute("insert into artery.attachment_chunk values (17, 0, 'x')")
    blocks = list(read_blocks(DOCUMENT))
    assert len(blocks) == 5
    for block in blocks:
        conn.execute(block.text)
    keep, outcomes = conn.execute(
        "select log_keep is not null and task_keep is not null, problem_outcomes "
        "from artery.endpoint"
    ).fetchone()
    assert keep
    assert len(outcomes) == 2
    task = conn.execute("select path, download_bytes from artery.integration_task").fetchone()
    assert task == ("/shipments/S-1001/label", 10485760)
