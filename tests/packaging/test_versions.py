"""PostgreSQL 16 and 17, which no package of the machine brings: the shortest look at each.

The whole suite runs on them by `make versions`; here the catalog and one delivery do.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = [sys.executable, str(ROOT / "tools/versions.py")]
EVERY = "system,embedded"
LOOK = (
    "tests/packaging/test_catalog.py",
    "tests/runner/test_runner.py::test_each_task_arrives_once_and_is_recorded",
)


@pytest.mark.parametrize("kind", ["npm-16", "npm-17"])
def test_between_the_oldest_and_the_newest(kind: str, pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--pg") != EVERY:
        pytest.skip("--pg chose the servers to test on")
    installed = subprocess.run([*TOOL, "install", kind], capture_output=True, text=True)
    if installed.returncode == 3:
        pytest.skip(f"PostgreSQL {kind}: {installed.stderr.strip()}")
    assert installed.returncode == 0, installed.stderr
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--pg={kind}"]
    looked = subprocess.run(
        [*command, *LOOK],
        cwd=ROOT,
        env=environment | {"ARTERY_SERVER": kind},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert " skipped" not in looked.stdout
