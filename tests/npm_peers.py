"""npm's packages that tests need, installed into build/test-peers once for the same package.json.

Where the machine has no Node.js that is new enough, PyPI's wheel of it is installed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "peers"
BUILD = HERE.parent.parent / "build" / "test-peers"
OLDEST_NODE = 20


def _node() -> str:
    """A Node.js that is new enough, with npm beside it: the machine's, else the one from PyPI."""
    for node in (shutil.which("node"), str(Path(sys.executable).with_name("node"))):
        if node and shutil.which("npm", path=str(Path(node).parent)):
            version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
            if int(version.strip("v\n").split(".")[0]) >= OLDEST_NODE:
                return node
    return ""


def installed() -> str:
    """Node.js, once the packages of tests/peers/package.json are in BUILD; skips without npm."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with BUILD.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side; two npm in one folder spoil it
        if not (node := _node()):
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--group", "node"]
            subprocess.run(pip, cwd=HERE.parent.parent, capture_output=True, timeout=240)
            if not (node := _node()):
                pytest.skip(f"Node.js {OLDEST_NODE} or newer is missing, and PyPI's did not come")
        _install(node)
    return node


def _install(node: str) -> None:
    wanted, present = HERE / "package.json", BUILD / "package.json"
    done = BUILD / "installed"
    if done.exists() and present.read_bytes() == wanted.read_bytes():
        return
    done.unlink(missing_ok=True)
    shutil.rmtree(BUILD / "node_modules", ignore_errors=True)
    shutil.copy(wanted, present)
    quiet = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    install = [str(Path(node).with_name("npm")), "install", *quiet]
    path = {"PATH": f"{Path(node).parent}:{os.environ['PATH']}"}
    result = subprocess.run(
        install, cwd=BUILD, capture_output=True, text=True, timeout=240, env=os.environ | path
    )
    if result.returncode:
        pytest.skip("npm could not install the test peers (tests/peers/package.json)")
    done.touch()
