"""The releases so far, from migrations/releases.toml: which migrations belong to which version."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from pg_artery.resources import migrations_dir, read_text


@dataclass(frozen=True)
class Release:
    """A version that is out, and never changes again."""

    version: str
    last_migration: str  # its id: the file's name without .sql
    commit: str  # of the repository, 40 hexadecimal digits


def version_key(version: str) -> tuple[int, ...]:
    """Order versions: 0.10.0 comes after 0.9.0."""
    return tuple(int(part) for part in version.split("."))


def releases(folder: Path | None = None) -> list[Release]:
    """List the releases, oldest first.

    :param folder: the folder of the migrations; None = the one that ships with the package
    """
    file = (folder or migrations_dir()) / "releases.toml"
    table = tomllib.loads(read_text(file)) if file.exists() else {}
    return [Release(version, **table[version]) for version in sorted(table, key=version_key)]
