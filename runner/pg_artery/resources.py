"""What ships with the package and is no Python: found in a wheel and an editable install alike."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pg_artery.errors import ArteryError


def _folder(name: str) -> Path:
    package = Path(__file__).resolve().parent
    for candidate in (package / "_sql" / name, package.parents[1] / name):
        if candidate.is_dir():
            return candidate
    raise ArteryError(
        "IN911",
        f"the folder {name}/ of pg_artery is missing",
        f"Looked in {package / '_sql'} and {package.parents[1]}.",
        "Install the package again: pip install --force-reinstall pg-artery",
    )


def migrations_dir() -> Path:
    """Give the folder of the versioned migrations."""
    return _folder("migrations")


def sql_dir() -> Path:
    """Give the folder of the code that is loaded anew each time."""
    return _folder("sql")


def monitoring_dir() -> Path:
    """Give the folder of the collector file, the dashboard and the alert rules."""
    return _folder("monitoring")


def read_text(path: Path) -> str:
    """Read a file as UTF-8 with LF line ends, so that a checkout on another system is the same."""
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")


def checksum(text: str) -> str:
    """Give the SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Code:
    """All of sql/ in load order: (path below sql/, text) pairs."""

    files: tuple[tuple[str, str], ...]

    @property
    def checksum(self) -> str:
        """SHA-256 over the paths and texts, in order."""
        return checksum("\0".join(part for file in self.files for part in file))


def read_code(folder: Path | None = None) -> Code:
    """Read sql/ by its manifest.

    A line of manifest.txt is a path below sql/, or empty, or a comment that begins with #.

    :param folder: the folder of the manifest; None = the one that ships with the package
    :raises ArteryError: IN904 naming every file that is listed but missing, there but not listed,
        or listed twice
    """
    root = folder or sql_dir()
    manifest = root / "manifest.txt"
    lines = read_text(manifest).splitlines() if manifest.exists() else []
    listed = [line.split("#")[0].strip() for line in lines]
    listed = [line for line in listed if line]
    there = {path.relative_to(root).as_posix() for path in root.rglob("*.sql")}
    faults = [
        *(f"listed but missing: {path}" for path in listed if path not in there),
        *(f"not listed: {path}" for path in sorted(there - set(listed))),
        *(f"listed twice: {path}" for path in sorted({p for p in listed if listed.count(p) > 1})),
    ]
    if faults:
        raise ArteryError(
            "IN904",
            f"{manifest} does not match the files beside it",
            "; ".join(faults),
            "One line a file, in load order.",
        )
    return Code(tuple((path, read_text(root / path)) for path in listed))
