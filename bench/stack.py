"""What every workload stands on: one durable PostgreSQL, one nginx, one build folder."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bench.nginx import Nginx
from pg_artery.cluster import Cluster
from pg_artery.servers import pick_server

BUILD = Path(__file__).parent.parent / "build" / "bench"

# The same for everybody. Durability stays PostgreSQL's own default: fsync, synchronous_commit and
# full_page_writes on. No checkpoint by volume falls into a run.
POSTGRES = {
    "shared_buffers": "1GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
    "wal_buffers": "16MB",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """The servers of a session; all of them end with it."""

    cluster: Cluster
    nginx: Nginx
    build: Path

    @property
    def postmaster(self) -> int:
        """Process id of PostgreSQL's first process."""
        return self.cluster.postmaster_pid

    @property
    def url(self) -> str:
        """Where tasks are delivered to; the segment is one that pg_artery asks of a base URL."""
        return f"{self.nginx.origin}/v1/hook"

    def database(self, name: str) -> str:
        """Create a database unless it is there; its URL, for libpq and node-postgres."""
        name = name.replace("-", "_")
        query = f"select 1 from pg_database where datname = '{name}'"
        present = self.cluster.run("psql", "-XAt", "-d", self.cluster.dsn(), "-c", query)
        if not present.strip():
            self.cluster.create_database(name)
        host = quote(str(self.cluster.path), safe="")
        return f"postgresql://postgres@localhost/{name}?host={host}&port={self.cluster.port}"


@contextlib.contextmanager
def stack() -> Iterator[Stack]:
    """Start the servers; they stop when the block ends, however it ends."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (
        Cluster(pick_server(), settings=POSTGRES, cron_database=None) as cluster,
        tempfile.TemporaryDirectory(prefix="pg_artery-bench-") as home,
        Nginx(Path(home) / "nginx") as nginx,
    ):
        Path(home).chmod(0o755)
        yield Stack(cluster, nginx, BUILD)
