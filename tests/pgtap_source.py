"""pgTAP for a server that does not bring it: it is plain SQL, and loads from any copy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pg_artery.servers import Server


def _newest() -> Path | None:
    found = Path("/usr/share/postgresql").glob("*/extension/pgtap--*.sql")
    whole = [path for path in found if re.fullmatch(r"pgtap--\d+(\.\d+)*", path.stem)]
    return max(
        whole, key=lambda path: [int(n) for n in re.findall(r"\d+", path.stem)], default=None
    )


def statements(server: Server) -> bytes:
    """Give what makes pgTAP in a database of this server; skips where there is none."""
    if server.has_extension("pgtap"):
        return b"create extension pgtap"
    source = _newest()
    if source is None:
        pytest.skip("pgTAP is missing (Debian: postgresql-15-pgtap)")
    lines = source.read_bytes().splitlines()
    return b"\n".join(line for line in lines if not line.startswith(b"\\"))
