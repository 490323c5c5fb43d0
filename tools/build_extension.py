"""Builds the extension pg_artery from migrations/ and sql/: the same objects as `artery migrate`.

Needs no server and no package. Into the folder it is given it writes

    pg_artery.control, META.json         with the version of runner/pg_artery/__init__.py
    pg_artery--X.sql                     the migrations in order, then sql/ by its manifest
    pg_artery--A--X.sql                  for each release A of migrations/releases.toml: the
                                         migrations since, then all of sql/
    pg_artery--unpackaged.sql            nothing but a check, and
    pg_artery--unpackaged--X.sql         the adoption of what artery migrate installed

With --pg-tle it writes one script instead, that brings the same into pg_tle.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = Path(__file__).resolve().parent / "extension"
CHECK = ROOT / "tests/installcheck"

#: each migration begins as whoever installs
_INSTALLER = (
    "select pg_catalog.set_config('role', "
    "pg_catalog.current_setting('pg_artery.installer'), true);\n"
    "set local search_path = pg_catalog, pg_temp;"
)


_RELATION = re.compile(
    r"^create (?:unlogged )?(?:table|type|sequence|materialized view) (artery\w*\.\w+)", re.M
)

_SCHEMA = re.compile(r"^create schema if not exists (artery\w*)", re.M)


@dataclass(frozen=True)
class Sources:
    """What an extension is built from; the texts by name, in load order."""

    version: str
    migrations: dict[str, str]
    code: dict[str, str]
    releases: dict[str, str]  # version -> last migration


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")


def read_sources(root: Path = ROOT, version: str | None = None) -> Sources:
    """Read a tree.

    :param root: folder of runner/, migrations/ and sql/
    :param version: None = that of the package
    """
    if version is None:
        text = _read(root / "runner/pg_artery/__init__.py")
        version = text.partition('__version__ = "')[2].partition('"')[0]
    files = sorted((root / "migrations").glob("*.sql"))
    names = [line.split("#")[0].strip() for line in _read(root / "sql/manifest.txt").splitlines()]
    released = root / "migrations/releases.toml"
    known = tomllib.loads(_read(released)) if released.exists() else {}
    return Sources(
        version,
        {f.stem: _read(f) for f in files if not f.stem.endswith(".rollback")},
        {name: _read(root / "sql" / name) for name in names if name},
        {v: release["last_migration"] for v, release in known.items() if v != version},
    )


def _part(name: str) -> str:
    return _read(PARTS / f"{name}.sql")


def _in_transaction(text: str) -> str:
    """Give what can run in a transaction: an extension has no other way to make an index."""
    if not re.match(r"(?:\s*--.*\n)*?\s*-- *transactional *: *false", text):
        return text
    plain = re.sub(r"\bindex\s+concurrently\b", "index", text)
    return f"set local role artery_owner;\n{plain}"


def _named(part: str, sources: Sources) -> str:
    """Give a part with the names of all schemas and relations of the migrations."""
    text, state = _part(part), "\n".join(sources.migrations.values())
    for mark, named in (("@SCHEMAS@", _SCHEMA), ("@RELATIONS@", _RELATION)):
        text = text.replace(mark, "{" + ",".join(named.findall(state)) + "}")
    return text


def _state(sources: Sources, after: str = "") -> Iterator[str]:
    for name, text in sources.migrations.items():
        if name > after:
            yield f"-- migrations/{name}.sql\n{_INSTALLER}\n{_in_transaction(text)}"


def _code(sources: Sources) -> Iterator[str]:
    yield f"{_INSTALLER}\nset local role artery_owner;"
    for name, text in sources.code.items():
        yield f"-- sql/{name}\n{text}"


def install_script(sources: Sources) -> str:
    """Give the script of `create extension pg_artery`."""
    parts = [_part("head"), _named("guard", sources), *_state(sources), *_code(sources)]
    return "\n".join([*parts, _part("tail"), _part("empty")])


def upgrade_script(sources: Sources, last_migration: str) -> str:
    """Give the script that brings a release with that last migration to this version."""
    parts = [_part("head"), *_state(sources, last_migration), *_code(sources)]
    return "\n".join([*parts, _part("tail"), _part("rights")])


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _migrated(sources: Sources) -> str:
    state = {name: _checksum(text) for name, text in sources.migrations.items()}
    return (
        _part("migrated")
        .replace("@STATE@", json.dumps(state))
        .replace("@CODE@", _checksum("\0".join(part for f in sources.code.items() for part in f)))
        .replace("@VERSION@", sources.version)
    )


def unpackaged_script(sources: Sources) -> str:
    """Give the script of version `unpackaged`: it looks whether there is something to adopt."""
    return _part("head") + _migrated(sources)


def adoption_script(sources: Sources) -> str:
    """Give the script that makes of a migrated database one with the extension."""
    parts = [_part("head"), _migrated(sources), _named("adopt", sources), *_code(sources)]
    return "\n".join([*parts, _part("tail"), _part("rights")])


def scripts(sources: Sources) -> dict[str, str]:
    """Map the names of all scripts to their texts."""
    version = sources.version
    return {
        f"pg_artery--{version}.sql": install_script(sources),
        "pg_artery--unpackaged.sql": unpackaged_script(sources),
        f"pg_artery--unpackaged--{version}.sql": adoption_script(sources),
        **{
            f"pg_artery--{old}--{version}.sql": upgrade_script(sources, last)
            for old, last in sources.releases.items()
        },
    }


def pgtle_script(sources: Sources) -> str:
    """Give one script that registers all of these with pg_tle, this version as the default."""
    described = re.search("^comment = '(.*)'", _read(ROOT / "pg_artery.control"), re.M)
    calls = []
    for name, text in scripts(sources).items():
        versions = name.removesuffix(".sql").split("--")[1:]
        function, more = "install_extension_version_sql", ""
        if len(versions) == 2:
            function = "install_update_path"
        elif versions == [sources.version]:
            function, more = "install_extension", ", null, 'pg_catalog'"
            versions.append(described[1] if described else "")
        given = ", ".join(f"'{value}'" for value in ("pg_artery", *versions))
        call = f"select pgtle.{function}({given}, $pgtle_text$\n{text}$pgtle_text${more})"
        if "unpackaged" in versions:
            call += (
                "\nwhere not exists "
                "(select from pg_catalog.pg_extension as e where e.extname = 'pg_artery')"
            )
        calls.append(f"{call};")
    # the first makes the control file
    return _part("pgtle").replace("@VERSION@", sources.version) + "\n".join([*calls, "commit;\n"])


def build(out: Path, sources: Sources) -> list[Path]:
    """Write all files into a folder, from which `make install` works, and give their paths."""
    version = sources.version
    texts = {
        "pg_artery.control": _read(ROOT / "pg_artery.control").replace("@VERSION@", version),
        "META.json": _read(ROOT / "META.json").replace("@VERSION@", version),
        "docs/extension.md": _read(ROOT / "docs/extension.md"),
        "Makefile": _read(PARTS / "Makefile"),
        "sql/smoke.sql": _read(CHECK / "smoke.sql"),
        "expected/smoke.out": _read(CHECK / "smoke.out"),
        **scripts(sources),
    }
    for old in out.glob("pg_artery--*.sql"):
        old.unlink()
    for name, text in texts.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, encoding="utf-8")
    return [out / name for name in texts]


def main() -> None:
    """Build into the folder that --out names, or the script that --pg-tle names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build/extension")
    parser.add_argument("--pg-tle", type=Path, metavar="FILE", help="one script for pg_tle instead")
    given = parser.parse_args()
    if given.pg_tle:
        given.pg_tle.parent.mkdir(parents=True, exist_ok=True)
        given.pg_tle.write_text(pgtle_script(read_sources()), encoding="utf-8")
        print(given.pg_tle)
    else:
        print(*build(given.out, read_sources()), sep="\n")


if __name__ == "__main__":
    main()
