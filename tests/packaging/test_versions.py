"""PostgreSQL 16 and 17, which no package of the machine brings: the shortest look at each.

The whole suite runs on them by `make versions`; here migration, catalog, extension, the engine's
pgTAP and two deliveries do.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL = [sys.executable, str(ROOT / "tools/versions.py")]
EVERY = "system,embedded"
LOOK = (
    "tests/packaging/test_catalog.py",
    "tests/packaging/test_extension.py",
    "tests/packaging/test_migrate.py::test_a_second_run_changes_nothing",
    "tests/packaging/test_migrate.py::test_up_down_up_gives_the_same_catalog",
    "tests/pgtap/test_pgtap.py",
    "tests/runner/test_runner.py::test_each_task_arrives_once_and_is_recorded",
    "tests/runner/test_runner.py::test_a_killed_runner_s_work_is_done_by_another",
)
#: of pgTAP, the engine
ENGINE = ("-k", "not test_pgtap or artery/")


@pytest.mark.parametrize("kind", ["npm-16", "npm-17"])
def test_between_the_oldest_and_the_newest(
    kind: str, pytestconfig: pytest.Config, record_property: Callable[[str, str], None]
) -> None:
    if pytestconfig.getoption("--pg") != EVERY:
        pytest.skip("--pg chose the servers to test on")
    installed = subprocess.run([*TOOL, "install", kind], capture_output=True, text=True)
    if installed.returncode == 3:
        pytest.skip(f"PostgreSQL {kind}: {installed.stderr.strip()}")
    assert installed.returncode == 0, installed.stderr
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--pg={kind}"]
    looked = subprocess.run(
        [*command, *LOOK, *ENGINE],
        cwd=ROOT,
        env=environment | {"ARTERY_SERVER": kind},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert looked.returncode == 0, looked.stdout + looked.stderr
    (counted,) = re.findall(rf"^{kind} .*$", looked.stdout, re.M)
    record_property("look", f"{counted}; a short look: `make versions` runs all")
    assert int(re.findall(r"(\d+) passed", counted)[0]) > 40
    assert " skipped" not in counted
