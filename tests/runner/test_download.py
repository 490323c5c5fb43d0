"""Files arrive whole, checked and once, or not at all; and no file is ever held in memory."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from file_server import MIB, FileServer, ofd, pdf
from runner_harness import Outbox

from pg_artery.migrate import migrate

pytestmark = pytest.mark.one_server


@pytest.fixture
def files() -> Iterator[FileServer]:
    server = FileServer()
    yield server
    server.close()


def enqueue(
    outbox: Outbox,
    files: FileServer,
    path: str,
    kind: str = "pdf",
    most: int | None = None,
    **columns: object,
) -> int:
    """Make an endpoint and a route for a path and enqueue its download; gives the task's id."""
    topic = f"{kind}.{path.replace('/', '.')}"
    outbox.add(topic, files.url, f"/{path}", **({"max_attempts": 1} | columns))
    outbox.conn.execute(
        "update artery.route set method = 'GET', download = %s, download_bytes = %s "
        "where topic = %s",
        (kind, most, topic),
    )
    return outbox.conn.execute(
        "select artery.enqueue_task(%s, p_document_type => 'inv', p_document_id => 'INV/1')",
        (topic,),
    ).fetchone()[0]


@pytest.fixture
def fetch(outbox: Outbox, files: FileServer) -> Callable[..., int]:
    """Enqueue a download: fetch("pdf/100", kind="pdf", most=…, **columns of the endpoint)."""
    return partial(enqueue, outbox, files)


def attached(outbox: Outbox) -> dict[int, tuple]:
    return {
        row[0]: row[1:]
        for row in outbox.conn.execute(
            "select task_id, bytes, sha256, file_name, id from artery.attachment"
        )
    }


def left_over(outbox: Outbox) -> int:
    """Chunks that belong to no attachment, once the sweep has been."""
    outbox.conn.execute("select artery.discard_downloads(clock_timestamp() + interval '1 minute')")
    return outbox.value(
        "select count(*) from artery.attachment_chunk as c where not exists "
        "(select from artery.attachment as a where a.id = c.attachment_id)"
    )


def content(outbox: Outbox, number: int) -> bytes:
    return outbox.conn.execute("select artery.attachment_content(%s)", (number,)).fetchone()[0]


def test_good_files_are_attached_with_length_and_digest(outbox, fetch, artery_run, dsn):
    size = 5 * MIB + 3
    whole = b"".join(pdf(size))
    outbox.conn.execute(
        "create table heard (reply jsonb); create function hear(p_reply jsonb) returns void "
        "language sql as 'insert into public.heard values (p_reply)'; "
        "grant all on heard to artery_owner; grant execute on function hear to artery_owner"
    )
    expected = {
        fetch(f"pdf/{size}"): whole,
        fetch(f"chunked/{size}"): whole,
        fetch("pdf/64"): b"".join(pdf(64)),
        fetch("ofd", "ofd"): ofd(),
        fetch("xml", "xml"): None,
        fetch("html", "any"): b"<!DOCTYPE html><html>try again later</html>",
        fetch("digest/right"): None,
    }
    outbox.conn.execute("update artery.route set reply_handler = 'public.hear(jsonb)'")
    artery_run(dsn).wait_started()
    outbox.wait({"sent": len(expected)})
    found = attached(outbox)
    assert found.keys() == expected.keys()
    for task, (length, digest, name, number) in found.items():
        stored = content(outbox, number)
        assert len(stored) == length
        assert hashlib.sha256(stored).digest() == digest
        assert expected[task] in (None, stored)
        assert "/" not in name
        heard = outbox.value(f"select reply from heard where reply ->> 'task_id' = '{task}'")
        assert heard["body"]["attachment_id"] == number
        assert heard["body"]["sha256"] == digest.hex()
    names = {name for _, _, name, _ in found.values()}
    assert {"INV_1.pdf", "发票 1.ofd"} <= names
    assert left_over(outbox) == 0
    logged = outbox.value(
        f"select response_bytes from artery.cloud_log where url like '%/pdf/{size}'"
    )
    assert logged == size


BAD = {
    "html": ("pdf", "bad_content"),
    "empty": ("pdf", "bad_content"),
    "cut": ("pdf", "reset"),
    "cut-chunked": ("pdf", "bad_content"),
    "digest/wrong": ("pdf", "bad_content"),
    "zip": ("ofd", "bad_content"),
    "ofd": ("pdf", "bad_content"),
    "html ": ("xml", "bad_content"),
    "endless": ("pdf", "too_large"),
    f"pdf/{3 * MIB}": ("pdf", "too_large"),
    f"chunked/{3 * MIB}": ("pdf", "too_large"),
    "gone": ("pdf", None),
    "later": ("pdf", "bad_content"),
}


def test_wrong_cut_and_huge_files_are_never_attached(outbox, fetch, artery_run, dsn):
    tasks = {fetch(path.strip(), kind, 2 * MIB): error for path, (kind, error) in BAD.items()}
    artery_run(dsn).wait_started()
    outbox.wait({"dead": len(BAD)})
    assert attached(outbox) == {}
    ended = dict(outbox.conn.execute("select id, error ->> 'kind' from artery.integration_task"))
    assert ended == tasks
    assert (
        outbox.value(
            "select error #>> '{problem,title}' from artery.integration_task where path = '/gone'"
        )
        == "Expired"
    )
    assert left_over(outbox) == 0


def test_a_failed_fetch_is_made_again_and_leaves_nothing_behind(
    outbox, fetch, artery_run, dsn, files
):
    tasks = {fetch("cut-once", max_attempts=5), fetch("later", max_attempts=5)}
    artery_run(dsn).wait_started()
    outbox.wait({"sent": 2})
    assert attached(outbox).keys() == tasks
    assert files.asked["/v1/cut-once"] == 2
    assert left_over(outbox) == 0


def test_a_runner_killed_in_the_middle_leaves_no_half_attachment(
    outbox, fetch, artery_run, dsn, files
):
    task = fetch("held", max_attempts=5)
    first = artery_run(dsn, "--lease", "2").wait_started()
    wait_for_pieces(outbox)
    assert attached(outbox) == {}
    first.end(signal.SIGKILL)
    assert attached(outbox) == {}
    files.hold.set()
    artery_run(dsn, "--lease", "2").wait_started()
    outbox.wait({"sent": 1})
    ((_, digest, _, number),) = attached(outbox).values()
    assert hashlib.sha256(content(outbox, number)).digest() == digest
    assert attached(outbox).keys() == {task}
    assert left_over(outbox) == 0


def test_a_second_fetch_after_a_lost_report_attaches_nothing_new(outbox, fetch, artery_run, dsn):
    fetch("changing", max_attempts=5)
    killed = artery_run(dsn, "--lease", "2", ARTERY_FAILPOINT="before_report").wait_started()
    assert killed.wait() == -signal.SIGKILL
    before = attached(outbox)
    assert len(before) == 1
    assert outbox.statuses() == {"processing": 1}
    artery_run(dsn, "--lease", "2").wait_started()
    outbox.wait({"sent": 1})
    assert attached(outbox) == before
    assert left_over(outbox) == 0


def wait_for_pieces(outbox: Outbox) -> None:
    deadline = time.monotonic() + 20
    while not outbox.value("select coalesce(sum(chunks), 0) from artery.download"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_server_that_crashes_in_the_middle_costs_no_piece(own_cluster, files, artery_run):
    dsn = own_cluster.create_database("crash")
    migrate(dsn)
    outbox = Outbox(psycopg.connect(dsn, autocommit=True), files.url)
    enqueue(outbox, files, "held", total_timeout="1 minute")
    artery_run(dsn).wait_started()
    wait_for_pieces(outbox)
    own_cluster.restart("immediate")
    outbox.conn = psycopg.connect(dsn, autocommit=True)
    files.hold.set()
    outbox.wait({"sent": 1})
    assert outbox.value("select attempt from artery.integration_task") == 1
    ((length, digest, _, number),) = attached(outbox).values()
    stored = content(outbox, number)
    assert (len(stored), hashlib.sha256(stored).digest()) == (length, digest)
    assert left_over(outbox) == 0


def memory(pid: int, what: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(what)


def test_200_megabytes_pass_in_bounded_memory_and_others_are_not_held_up(
    outbox, fetch, artery_run, dsn, receiver
):
    outbox.conn.execute("select artery.enqueue_task('to', '{}')")
    running = artery_run(dsn).wait_started()
    outbox.wait({"sent": 1})
    before = memory(running.process.pid, "VmHWM")
    size = 200 * MIB
    fetch(f"pdf/{size}", total_timeout="5 minutes")
    outbox.enqueue(50)
    deadline = time.monotonic() + 120
    while outbox.statuses() != {"sent": 52}:
        assert time.monotonic() < deadline, outbox.statuses()
        time.sleep(0.1)
    grown = memory(running.process.pid, "VmHWM") - before
    print(f"200 MiB: the runner grew by {grown / MIB:.1f} MiB")
    assert grown <= 32 * MIB
    ((length, digest, _, number),) = attached(outbox).values()
    assert length == size
    whole = hashlib.sha256()
    for part in pdf(size):
        whole.update(part)
    assert digest == whole.digest()
    chunks = outbox.conn.execute(
        "select count(*), sum(octet_length(data)) from artery.attachment_chunk "
        "where attachment_id = %s",
        (number,),
    ).fetchone()
    assert chunks == (800, size)


def artery(dsn: str, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "pg_artery", "attachment", *arguments],
        capture_output=True,
        timeout=60,
        env={**os.environ, "ARTERY_DSN": dsn},
    )
    assert done.returncode == expect, done.stderr
    return done


def test_the_command_lists_and_takes_out(outbox, fetch, artery_run, dsn, tmp_path):
    size = 3 * MIB // 2
    fetch(f"pdf/{size}")
    artery_run(dsn).wait_started()
    outbox.wait({"sent": 1})
    ((_, digest, name, number),) = attached(outbox).values()
    outbox.conn.execute("create role shows login; grant artery_reader to shows")
    reader = psycopg.conninfo.make_conninfo(dsn, user="shows")
    try:
        (row,) = json.loads(artery(reader, "list", "--document-id", "INV/1", "--json").stdout)[
            "attachments"
        ]
        assert (row["id"], row["bytes"], row["sha256"]) == (number, size, digest.hex())
        assert name in artery(reader, "list").stdout.decode()
        assert b"No attachments" in artery(reader, "list", "--document-type", "other").stdout
        target = tmp_path / "out.pdf"
        artery(reader, "get", str(number), "-o", str(target))
        assert target.read_bytes() == b"".join(pdf(size))
        assert b"exists" in artery(reader, "get", str(number), "-o", str(target), expect=1).stderr
        artery(reader, "get", str(number), "-o", str(target), "--force")
        assert artery(reader, "get", str(number), "-o", "-").stdout == b"".join(pdf(size))
        assert b"IN027" in artery(reader, "get", "999", expect=2).stderr
        outbox.conn.execute("update artery.attachment_chunk set data = 'x' where position = 0")
        other = tmp_path / "bad.pdf"
        assert b"XX001" in artery(reader, "get", str(number), "-o", str(other), expect=1).stderr
        assert sorted(tmp_path.glob("*.pdf*")) == [target]
        outbox.conn.execute("delete from artery.attachment")
        assert left_over(outbox) == 0
        assert outbox.value("select count(*) from artery.attachment_chunk") == 0
    finally:
        outbox.conn.execute("drop owned by shows; drop role shows")
