"""Says whether this version can be released, and what to do next; changes and pushes nothing.

    make release            all of it
    python tools/release.py --quick    without the databases

Every fault is shown, each with its mend; exit code 1 if there is one.
"""

from __future__ import annotations

import argparse
import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pg_artery.releases import Release, releases, version_key

ROOT = Path(__file__).parents[1]
DATED = re.compile(r"^## (\d+\.\d+\.\d+) — (\S+)$", re.M)
#: where the version stands besides the package: in files that another tool reads
PLACES = {
    "pg_artery.control": r"^default_version = '(.+)'$",
    "META.json": r'^ +"version": "(.+)"',
}
TESTS = (
    "tests/packaging/test_migrate_review.py",  # fresh = upgraded, by artery migrate and by psql
    "tests/packaging/test_migrate_plan.py",  # migrations since then keep nobody waiting
    "tests/packaging/test_extension.py",  # extension = migrated
    "tests/packaging/test_extension_upgrade.py",  # fresh = updated
    "tests/runner/test_upgrade.py",  # the old runner beside the new one
)


@dataclass(frozen=True)
class Fault:
    """What keeps the version from going out."""

    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what}\n    mend: {self.mend}"


@dataclass(frozen=True)
class Tree:
    """The repository, as it is on disk and as it was."""

    root: Path

    @property
    def version(self) -> str:
        """The version that the package says."""
        text = (self.root / "runner/pg_artery/__init__.py").read_text()
        found = re.search(r'^__version__ = "(.+)"$', text, re.M)
        return found[1] if found else ""

    @property
    def releases(self) -> list[Release]:
        """The releases so far, oldest first."""
        return releases(self.root / "migrations")

    def git(self, *args: str) -> str | None:
        """Ask git; None if it fails."""
        done = subprocess.run(("git", "-C", self.root, *args), capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None

    def migrations_at(self, commit: str) -> dict[str, str] | None:
        """Map each migration file of a commit to the hash of its text."""
        listed = self.git("ls-tree", commit, "migrations/")
        if listed is None:
            return None
        entries = [line.split(maxsplit=3) for line in listed.splitlines()]
        return {Path(path).name: blob for _, _, blob, path in entries if path.endswith(".sql")}

    def migrations(self) -> dict[str, str]:
        """Map each migration file on disk to the hash of its text."""
        files = sorted((self.root / "migrations").glob("*.sql"))
        hashes = self.git("hash-object", *map(str, files)) if files else ""
        return dict(zip((f.name for f in files), (hashes or "").split(), strict=True))


def versions(tree: Tree) -> Iterator[Fault]:
    """Check that one version stands everywhere, and that it is a new one."""
    version = tree.version
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield Fault(
            f"runner/pg_artery/__init__.py says version {version!r}",
            '__version__ = "X.Y.Z", three numbers.',
        )
        return
    for name, pattern in PLACES.items():
        file = tree.root / name
        found = re.findall(pattern, file.read_text(), re.M) if file.exists() else [version]
        if set(found) != {version} and set(found) != {"@VERSION@"}:  # filled in when it is built
            said = ", ".join(sorted(set(found))) or "no version"
            yield Fault(f"{name} says {said}, the package {version}", f"Write {version} there.")
    newest = tree.releases[-1].version if tree.releases else "0.0.0"
    if version_key(version) <= version_key(newest):
        yield Fault(
            f"version {version} is not above {newest}, which is released",
            "Raise it in runner/pg_artery/__init__.py, by what has changed: docs/upgrade.md.",
        )
    if tree.git("rev-parse", "--verify", "--quiet", f"refs/tags/v{version}"):
        yield Fault(f"there is a tag v{version} already", "Release the next version instead.")


def changelog(tree: Tree) -> Iterator[Fault]:
    """Check that CHANGELOG.md has a dated section for this version on top, and all before it."""
    text = (tree.root / "CHANGELOG.md").read_text()
    sections = DATED.findall(text)
    version = tree.version
    if not sections or sections[0][0] != version:
        yield Fault(
            f"the first section of CHANGELOG.md is not that of {version}",
            f"Begin it with: ## {version} — YYYY-MM-DD, and say what a user notices.",
        )
    for number, (name, date) in enumerate(sections):
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
            yield Fault(
                f"CHANGELOG.md: {name} has no date but {date!r}",
                f"Write the day of the release: ## {name} — YYYY-MM-DD",
            )
        if number == 0 and not re.search(r"^- ", text.split("\n## ")[1], re.M):
            yield Fault(f"CHANGELOG.md says nothing about {name}", "A line a change, with `- `.")
    for release in tree.releases:
        if release.version not in dict(sections):
            yield Fault(
                f"CHANGELOG.md has no section for {release.version}, which is released",
                f"Restore it: git show {release.commit[:7]}:CHANGELOG.md",
            )
            continue
        then = tree.git("show", f"{release.commit}:CHANGELOG.md")
        said = _section(then or "", release.version)
        late = [line for line in _section(text, release.version) if line not in said]
        if then and late:
            yield Fault(
                f"CHANGELOG.md says of {release.version} what that release did not: {late[0]}",
                f"Move it up to {version}: {len(late)} lines that were not there.",
            )


def _section(text: str, version: str) -> list[str]:
    """Give the lines of a version's section."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"## {version} "):
            return list(itertools.takewhile(lambda line: not line.startswith("## "), lines))
    return []


def migrations(tree: Tree) -> Iterator[Fault]:
    """Check that what was released is unchanged, and that what came later has higher numbers."""
    now = tree.migrations()
    for release in tree.releases:
        then = tree.migrations_at(release.commit)
        if then is None:
            yield Fault(
                f"the commit of {release.version}, {release.commit[:7]}, is not in this repository",
                "git fetch --unshallow --tags; or correct migrations/releases.toml.",
            )
            continue
        for name, blob in then.items():
            if now.get(name) != blob:
                what = "was edited" if name in now else "is gone"
                yield Fault(
                    f"migrations/{name}, part of {release.version}, {what}",
                    f"git checkout {release.commit[:7]} -- migrations/{name}; "
                    "the change goes into a new migration.",
                )
        last = max((n for n in then if not n.endswith(".rollback.sql")), default="")
        if last != f"{release.last_migration}.sql":
            yield Fault(
                f"releases.toml: the last migration of {release.version} is "
                f"{release.last_migration}, in its commit {last.removesuffix('.sql')}",
                "Write what the commit has.",
            )
        for name in sorted(now.keys() - then.keys()):
            if name < last:
                yield Fault(
                    f"migrations/{name} is new since {release.version} and sorts before its last, "
                    f"{last.removesuffix('.sql')}",
                    f"Give it a number above {last[:4]}: it would run in another order on a fresh "
                    "database than on an upgraded one.",
                )


def tidy(tree: Tree) -> Iterator[Fault]:
    """Check that what would be released is what is committed."""
    status = tree.git("status", "--porcelain")
    if status is None:
        yield Fault("this is no git repository", "Work in a clone.")
    elif status:
        files = ", ".join(line[3:] for line in status.splitlines())
        yield Fault(f"not committed: {files}", "git commit, or git stash.")


CHECKS: tuple[Callable[[Tree], Iterable[Fault]], ...] = (versions, changelog, migrations, tidy)


def faults(root: Path) -> list[Fault]:
    """List everything that keeps the tree at `root` from being released, databases left out."""
    return [fault for check in CHECKS for fault in check(Tree(root))]


def try_databases(tests: Iterable[str] = TESTS, root: Path = ROOT) -> list[Fault]:
    """Run the tests that compare fresh and upgraded; a skipped one has shown nothing."""
    print("fresh install = upgraded install; old and new runners together: a few minutes")
    command = (sys.executable, "-m", "pytest", "-q", "-rfEs", "-p", "no:cacheprovider", *tests)
    done = subprocess.run(command, cwd=root, text=True, capture_output=True)
    lines = done.stdout.strip().splitlines() or [done.stderr.strip()]
    print(f"  {lines[-1]}")
    shown = (re.match(r"(?:FAILED|ERROR|SKIPPED) (?:\[\d+\] )?([^:\s]+)", line) for line in lines)
    found = [
        Fault(match.string, f"Mend it, or bring what it lacks; then pytest {match[1]}")
        for match in shown
        if match
    ]
    if done.returncode and not found:
        found.append(Fault(f"the tests did not run: {lines[-1]}", "make test shows more."))
    return found


def main() -> int:
    """Check, show, advise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the databases")
    options = parser.parse_args()
    found = faults(ROOT)
    if not options.quick:
        found += try_databases()
    tree = Tree(ROOT)
    version = tree.version
    if found:
        print(f"{version} is not ready:\n" + "\n".join(f"- {fault}" for fault in found))
        return 1
    last = max(n for n in tree.migrations() if not n.endswith(".rollback.sql")).removesuffix(".sql")
    commit = (tree.git("rev-parse", "HEAD") or "").strip()
    print(
        f"{version} is ready. Next:\n"
        f"1. git tag -a v{version} -m 'pg_artery {version}'\n"
        f"2. git push origin v{version}; build and publish wheel and extension from the tag\n"
        f"3. in the first commit after it: the next version, its section in CHANGELOG.md, and in "
        f'migrations/releases.toml\n\n["{version}"]\nlast_migration = "{last}"\ncommit = "{commit}"'
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
