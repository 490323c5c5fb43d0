"""How values are laid out on the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from pg_artery.commands.listing import Row, cell

TREND_MINUTES = 60
SHOWN_CHARACTERS = 200_000
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def pretty(value: Any) -> str:
    """Lay out JSON, text as it came: numbers keep their digits.

    What is none is left as it is; what nobody would read is cut.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if len(text) > SHOWN_CHARACTERS:
        return f"{text[:SHOWN_CHARACTERS]}\n…"
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return "".join(_laid_out(text))


def _laid_out(text: str) -> Iterator[str]:
    depth, last = 0, ""
    for part in _TOKENS.findall(text):
        if part in "]}":
            depth -= 1
        if last and ((last in "[{" and part not in "]}") or last == "," or part in "]}"):
            yield "" if last in "[{" and part in "]}" else "\n" + "  " * depth
        if part in "[{":
            depth += 1
        yield part + (" " if part == ":" else "")
        last = part


def ago(value: datetime | None) -> str:
    """Say how long ago it was; nothing for what is still to come."""
    past = value is not None and datetime.now(UTC) - value
    return cell(past) if past and past > timedelta() else ""


def when(value: Any) -> str:
    """Put a value as people read it; the page says once which zone its times are in."""
    return cell(value)[:19] if isinstance(value, datetime) else cell(value)


def zone() -> str:
    """Name this machine's zone, as it is now."""
    return datetime.now().astimezone().strftime("%Z (%z)")


def place(line: Row) -> str:
    """Give the page where a line of what needs attention is put right."""
    kind, _, name = line["subject"].partition(" ")
    if kind == "saga" and name.isdecimal():
        return f"/sagas/{name}"
    if kind == "endpoint" and name:
        return f"/endpoints/{quote(name)}"
    if kind in ("sweeps", "sweep", "runners", "runner", "artery.cloud_log", "reply"):
        return "/system" if kind != "reply" else "/tasks"
    if kind.startswith("artery_staging."):
        return f"/inboxes/{quote(kind)}?status=rejected"
    status = next((s for s in ("held", "dead") if f" {s}" in line["found"]), "")
    return f"/tasks?topic={quote(kind)}&status={status}"


def trends(rows: list[Row]) -> dict[str, dict[str, Any]]:
    """Make two polylines of 60 points for each endpoint, in a box of 120 by 24: calls, failures."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    minutes = [now - timedelta(minutes=n) for n in range(TREND_MINUTES - 1, -1, -1)]
    made: dict[str, dict[str, Any]] = {}
    for endpoint in {row["endpoint"] for row in rows}:
        mine = {row["minute"]: row for row in rows if row["endpoint"] == endpoint}
        top = max(row["calls"] for row in mine.values())
        lines = {
            name: " ".join(
                f"{n * 120 / (TREND_MINUTES - 1):.1f},{23 - 22 * _at(mine, at, name) / top:.1f}"
                for n, at in enumerate(minutes)
            )
            for name in ("calls", "failed")
        }
        made[endpoint] = {**lines, "top": top}
    return made


def _at(mine: dict[datetime, Row], minute: datetime, name: str) -> int:
    row = mine.get(minute)
    return int(row[name]) if row else 0
