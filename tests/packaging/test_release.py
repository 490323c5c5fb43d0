"""`make release`: what keeps a version from going out is named, with its mend."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pg_artery.backend import load_migrations
from pg_artery.releases import releases, version_key
from pg_artery.resources import migrations_dir

ROOT = migrations_dir().parent
sys.path.insert(0, str(ROOT / "tools"))

import release  # noqa: E402

CHANGES = "# Changelog\n\n## 0.2.0 — 2026-12-01\n\n- Better.\n\n## 0.1.0 — 2026-11-21\n\n- First.\n"


class Repository:
    """A small one, ready to release 0.2.0."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def fill(self) -> Repository:
        self.git("init", "-q", "-b", "main")
        self.write("runner/pg_artery/__init__.py", '__version__ = "0.1.0"\n')
        self.write("CHANGELOG.md", "# Changelog\n\n## 0.1.0 — 2026-11-21\n\n- First.\n")
        for name in ("0001_a", "0001_a.rollback", "0002_b", "0002_b.rollback"):
            self.write(f"migrations/{name}.sql", f"select '{name}';\n")
        self.commit()
        first = self.git("rev-parse", "HEAD").strip()
        self.write(
            "migrations/releases.toml",
            f'["0.1.0"]\nlast_migration = "0002_b"\ncommit = "{first}"\n',
        )
        self.write("runner/pg_artery/__init__.py", '__version__ = "0.2.0"\n')
        self.write("CHANGELOG.md", CHANGES)
        self.write("pg_artery.control", "default_version = '0.2.0'\n")
        self.write("META.json", json.dumps({"version": "0.2.0", "name": "x"}, indent=4))
        self.write("migrations/0003_c.sql", "select 3;\n")
        self.commit()
        return self

    def git(self, *args: str) -> str:
        command = ("git", "-C", self.root, "-c", "user.name=t", "-c", "user.email=t@t", *args)
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    if not shutil.which("git"):
        pytest.skip("no git")
    return Repository(tmp_path_factory.mktemp("original")).fill()


@pytest.fixture
def repository(original: Repository, tmp_path: Path) -> Repository:
    """A copy of it, to break."""
    return Repository(shutil.copytree(original.root, tmp_path / "copy"))


def test_what_is_in_order_has_no_fault(repository: Repository) -> None:
    assert release.faults(repository.root) == []


Break = Callable[[Repository], object]
BROKEN: dict[str, tuple[Break, list[str]]] = {
    "no number": (
        lambda r: r.write("runner/pg_artery/__init__.py", '__version__ = "0.2"\n'),
        ["version '0.2'", "not that of 0.2"],
    ),
    "released already": (
        lambda r: r.write("runner/pg_artery/__init__.py", '__version__ = "0.1.0"\n'),
        ["control says 0.2.0", "META.json says 0.2.0", "not above 0.1.0", "not that of 0.1.0"],
    ),
    "another version in the control file": (
        lambda r: r.write("pg_artery.control", "default_version = '0.3.0'\n"),
        ["pg_artery.control says 0.3.0, the package 0.2.0"],
    ),
    "no version in META.json": (
        lambda r: r.write("META.json", "{}"),
        ["META.json says no version"],
    ),
    "a tag": (lambda r: r.git("tag", "v0.2.0"), ["a tag v0.2.0 already"]),
    "no date": (
        lambda r: r.write("CHANGELOG.md", CHANGES.replace("2026-12-01", "unreleased")),
        ["0.2.0 has no date but 'unreleased'"],
    ),
    "no section": (
        lambda r: r.write("CHANGELOG.md", CHANGES.replace("0.2.0", "0.3.0")),
        ["not that of 0.2.0"],
    ),
    "an empty section": (
        lambda r: r.write("CHANGELOG.md", CHANGES.replace("- Better.", "")),
        ["says nothing about 0.2.0"],
    ),
    "a section gone": (
        lambda r: r.write("CHANGELOG.md", CHANGES.split("## 0.1.0")[0]),
        ["no section for 0.1.0"],
    ),
    "a late line in a section": (
        lambda r: r.write("CHANGELOG.md", f"{CHANGES}- Late.\n"),
        ["says of 0.1.0 what that release did not: - Late."],
    ),
    "an edited migration": (
        lambda r: r.write("migrations/0001_a.sql", "select 1; -- better\n"),
        ["0001_a.sql, part of 0.1.0, was edited"],
    ),
    "an edited way back": (
        lambda r: r.write("migrations/0002_b.rollback.sql", "select 1;\n"),
        ["0002_b.rollback.sql, part of 0.1.0, was edited"],
    ),
    "a migration gone": (
        lambda r: (r.root / "migrations/0001_a.sql").unlink(),
        ["0001_a.sql, part of 0.1.0, is gone"],
    ),
    "a low number": (
        lambda r: r.write("migrations/0001_z.sql", "select 1;\n"),
        ["0001_z.sql is new since 0.1.0 and sorts before its last, 0002_b"],
    ),
    "another last migration": (
        lambda r: r.write(
            "migrations/releases.toml",
            (r.root / "migrations/releases.toml").read_text().replace("0002_b", "0001_a"),
        ),
        ["last migration of 0.1.0 is 0001_a, in its commit 0002_b"],
    ),
    "a commit that is not there": (
        lambda r: r.write(
            "migrations/releases.toml",
            f'["0.1.0"]\nlast_migration = "0002_b"\ncommit = "{"0" * 40}"\n',
        ),
        ["the commit of 0.1.0, 0000000, is not in this repository"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_is_named_with_its_mend(repository: Repository, name: str) -> None:
    broken, expected = BROKEN[name]
    broken(repository)
    if repository.git("status", "--porcelain"):
        repository.commit()
    found = release.faults(repository.root)
    assert len(found) == len(expected), found
    for fault, part in zip(found, expected, strict=True):
        assert part in fault.what
        assert fault.mend, "each says how it is mended"


def test_what_is_not_committed_is_not_released(repository: Repository) -> None:
    repository.write("new.txt", "x")
    (fault,) = release.faults(repository.root)
    assert "not committed: new.txt" in fault.what
    shutil.rmtree(repository.root / ".git")
    assert any("no git repository" in fault.what for fault in release.faults(repository.root))


def test_what_the_databases_show_is_a_fault_each_and_so_is_what_is_not_tried(
    tmp_path: Path,
) -> None:
    file = tmp_path / "test_one.py"
    file.write_text(
        "import pytest\ndef test_same():\n    pass\ndef test_other():\n    assert 1 == 2\n"
        "@pytest.mark.skip('no server')\ndef test_none():\n    pass\n"
    )
    found = release.try_databases([str(file)], tmp_path)
    assert [fault.what.split()[0] for fault in found] == ["FAILED", "SKIPPED"]
    assert all("test_one.py" in fault.mend for fault in found)


def test_versions_are_ordered_by_their_numbers() -> None:
    assert sorted(("0.10.0", "0.9.0", "1.0.0"), key=version_key) == ["0.9.0", "0.10.0", "1.0.0"]


def test_the_files_of_every_release_are_as_they_were() -> None:
    tree = release.Tree(ROOT)
    known = [r for r in releases() if tree.migrations_at(r.commit) is not None]
    if len(known) < len(releases()):
        pytest.skip("this copy of the repository lacks the commits of releases")
    assert list(release.migrations(tree)) == []
    names = {migration.id for migration in load_migrations(migrations_dir())}
    assert {r.last_migration for r in releases()} <= names
