"""No way leads where it must not: seen from the far end, where all addresses answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from escape_cases import Case, cases

HERE = Path(__file__).parent
CASES = list(cases())


@pytest.fixture(scope="module")
def world() -> dict[str, Any]:
    apart = ["unshare", "--map-root-user", "--mount", "--net"]
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("unshare or ip is missing (Debian: util-linux, iproute2)")
    if subprocess.run([*apart, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine allows no network namespaces of one's own")
    done = subprocess.run(
        [*apart, sys.executable, "escape_world.py"], cwd=HERE, capture_output=True, text=True,
        timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_there_are_enough_of_them():
    assert len({case.name for case in CASES}) == len(CASES) >= 150


def test_this_world_would_show_an_escape(world):
    assert world["unguarded"] == ["169.254.169.254", "127.0.0.1", "fd00:ec2::254"]


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: case.name.encode("ascii", "replace").decode()
)
def test_no_way_out(world, case: Case):
    found = world["cases"][case.name]
    allowed = {ip_address(case.reaches)} if case.reaches else set()
    assert {ip_address(peer) for peer in found["arrived"]} == allowed, found
    if case.reaches is None:
        assert all(found["kinds"]), found
        assert case.kind is None or set(found["kinds"]) == {case.kind}, found
        assert found["statuses"] == [None, None]
    else:
        assert found["kinds"] == [None, None], found
        assert len(found["arrived"]) == 2, "one connection a call, redirects are not followed"


def test_a_resolver_that_says_nothing_costs_its_deadline_and_nobody_else(world):
    found = world["unresolved"]
    assert found["kind"] == "dns"
    assert 0.45 <= found["seconds"] <= 1.5
    assert found["other"] < 0.4
