"""The settings of a runner."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from typing import Literal

Until = Literal["stopped", "idle", "empty"]


@dataclass(frozen=True)
class RunnerConfig:
    """Settings of one runner process; times in seconds.

    until: `stopped` runs for ever; `idle` ends when nothing is due; `empty` when nothing waits at
    all, retries included.
    """

    dsn: str = ""
    listen_dsn: str | None = None
    listen: bool = True
    name: str = field(default_factory=socket.gethostname)
    concurrency: int = 128
    per_endpoint: int = 64
    batch: int = 1000
    lease: float = 30.0
    tick_every: float | None = 1.0
    drain_timeout: float = 30.0
    connect_wait: float = 0.0
    until: Until = "stopped"
    vault_key_file: str | None = None
    unreported_bytes: int = 64 * 1024 * 1024

    @property
    def margin(self) -> float:
        """Seconds of its lease that a task must have left to be sent."""
        return self.lease / 3

    @property
    def renew_after(self) -> float:
        """Age at which a lease is renewed."""
        return self.lease / 3

    @property
    def application_name(self) -> str:
        """What the runner's connections are called in pg_stat_activity."""
        return f"artery run {self.name}:{os.getpid()}"
