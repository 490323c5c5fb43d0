from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pg_artery.cluster import Cluster
from pg_artery.migrate import Source
from pg_artery.resources import migrations_dir

MakeSource = Callable[..., Source]

_numbers = itertools.count(1)


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    """Connection string of an empty database."""
    with cluster.database(f"empty{next(_numbers)}") as dsn:
        yield dsn


@pytest.fixture
def short_directory() -> Iterator[Path]:
    # pytest's own are too long for a socket; PostgreSQL's user has to get through it
    directory = Path(tempfile.mkdtemp(dir="/tmp"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def make_source(tmp_path: Path) -> MakeSource:
    """Make a small package: our first migration, then migrations and code that the test gives.

    make_source({"0002_a": ("create …", "drop …")}, {"functions/artery/f.sql": "create …"})
    """
    numbers = itertools.count(1)

    def make(migrations: dict[str, tuple[str, str]], code: dict[str, str]) -> Source:
        root = tmp_path / f"source{next(numbers)}"
        (root / "migrations").mkdir(parents=True)
        for file in migrations_dir().glob("0001_*"):
            shutil.copy(file, root / "migrations")
        for name, (up, down) in migrations.items():
            up = f"set local role artery_owner;\n{up}\n"
            (root / "migrations" / f"{name}.sql").write_text(up)
            (root / "migrations" / f"{name}.rollback.sql").write_text(down)
        for path, text in code.items():
            file = root / "sql" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (root / "sql").mkdir(exist_ok=True)
        (root / "sql" / "manifest.txt").write_text("# order\n" + "\n".join(code))
        return Source(root / "migrations", root / "sql")

    return make
