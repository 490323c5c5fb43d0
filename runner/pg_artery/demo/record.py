"""The demo MES's own record: one line of JSON a receipt, written before the answer goes out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Receipt:
    """One request that reached the MES.

    at: when its last byte had been read, seconds since 1970. effect: it changed what the MES knows.
    replayed: its Request-ID was known, the first answer was given again.
    """

    at: float
    request_id: str
    path: str
    sha256: str
    mo_no: str
    version: int
    quantity: str
    effect: bool
    replayed: bool
    status_code: int
    answer: dict[str, Any]

    def line(self) -> str:
        """Give the receipt as a line of the record."""
        return json.dumps(asdict(self)) + "\n"


def read_record(file: Path) -> list[Receipt]:
    """Give all receipts, oldest first; a line being written just now is left out."""
    if not file.exists():
        return []
    text = file.read_text()
    whole = text[: text.rfind("\n") + 1]
    return [Receipt(**json.loads(line)) for line in whole.splitlines()]
