"""Every command and statement of README.md and docs/attach-your-erp.md does what the text says.

They are run in a copy of the tree, with virtual environments of their own, against a cluster that
knows nothing of us: as by somebody who has just cloned the repository.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from documents import Block, Reader, missing_lines, read_blocks

from pg_artery.cluster import Cluster
from pg_artery.servers import Server

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ATTACH = (ROOT / "docs/attach-your-erp.md").read_text()
#: ports that the documents use, replaced by free ones
PORTS = ("8080", "8081")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("no git work tree to copy")
    target = tmp_path / "pg_artery"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@pytest.fixture
def customer(server: Server) -> Iterator[Cluster]:
    """Somebody's cluster: a database with an owner who is no superuser, and nothing of ours."""
    with Cluster(server, cron_database="erp") as cluster:
        cluster.execute("create role erp_owner login")
        cluster.execute("create database erp owner erp_owner")
        yield cluster


def _free_ports() -> dict[str, str]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in PORTS]
    free = {port: str(probe.getsockname()[1]) for port, probe in zip(PORTS, probes, strict=True)}
    for probe in probes:
        probe.close()
    return free


def _documents() -> list[Block]:
    """Give the README's blocks, those of the page it links to at the link."""
    ports = _free_ports()

    def own(text: str) -> list[Block]:
        return read_blocks(re.sub("|".join(PORTS), lambda match: ports[match[0]], text))

    before, link, after = README.partition("[docs/attach-your-erp.md]")
    assert link
    return own(before) + own(ATTACH) + own(after)


@pytest.mark.one_server
@pytest.mark.timeout(600)
def test_a_reader_who_does_what_it_says_sees_what_it_shows(
    server: Server, own_dump: None, customer: Cluster, clone: Path, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    # what `make test ARGS=… WORKERS=…` hands down is meant for that one
    handed = {"ARGS", "WORKERS", "ONLY"}
    kept = {n: v for n, v in os.environ.items() if "MAKE" not in n and n not in handed}
    env = kept | {
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": cache,
        "PATH": f"{server.bindir}:/usr/local/bin:/usr/bin:/bin",
        "PGHOST": str(customer.path),
        "PGPORT": str(customer.port),
    }
    env.pop("VIRTUAL_ENV", None)
    reader = Reader(clone, env, "erp")
    try:
        for block in _documents():
            needs = block.notes.get("needs")
            if needs and not server.has_extension(needs):
                continue
            reader.follow(block)
    finally:
        reader.close()


def test_blocks_left_out_are_few_and_say_why() -> None:
    blocks = read_blocks(README) + read_blocks(ATTACH)
    assert [block for block in blocks if "not run" in block.notes] == []
    assert {block.kind for block in blocks} <= {"sh", "sql", "text"}


def test_both_languages_have_the_same_commands_and_show_the_same() -> None:
    def typed(text: str) -> list[tuple[str, str, str, dict[str, str]]]:
        return [(b.kind, b.text, b.shows, b.notes) for b in read_blocks(text)]

    chinese = (ROOT / "README.zh-CN.md").read_text()
    assert typed(README) == typed(chinese)

    headings = [re.findall(r"^(#+) ", text, re.M) for text in (README, chinese)]
    assert headings[0] == headings[1]


def test_the_promise_stands_word_for_word_where_it_was_given() -> None:
    promise = (
        "Committed work is never lost, and every send carries a stable Request-ID: at least once "
        "on the wire, exactly once in our tables, at most one effect wherever the receiver honours "
        "the ID."
    )
    assert promise in " ".join(README.split())


def test_what_is_not_shown_is_noticed() -> None:
    assert missing_lines("a … c\nd", "x\n a  b c\ny\nd\n") == []
    assert missing_lines("a\nb", "b\na") == ["b"]
    assert missing_lines("sent 26", "sent 260") == ["sent 26"]
