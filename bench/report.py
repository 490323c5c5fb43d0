"""What a workload hands back, and how it is written and shown."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Result:
    """One workload's outcome.

    `ratio` is ours over the reference, more is better; `target` the least it should be.
    `rows` are for the table: what, figure, remark. `figures` keeps every raw run.
    """

    name: str
    ratio: float
    target: float
    rows: list[tuple[str, str, str]]
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Whether the target was reached."""
        return self.ratio >= self.target


def write(result: Result, environment: dict[str, Any], folder: Path) -> Path:
    """Write `<folder>/<name>.json` and give its path."""
    record = asdict(result)
    del record["rows"]
    record["ratio"] = round(result.ratio, 4)
    path = folder / f"{result.name}.json"
    path.write_text(json.dumps({**record, "environment": environment}, indent=1) + "\n")
    return path


def show(results: Iterable[Result], console: Console) -> None:
    """Print all results as one table."""
    table = Table(title="pg_artery, measured", title_justify="left")
    for heading in ("workload", "what", "figure", "remark"):
        table.add_column(heading, justify="right" if heading == "figure" else "left")
    for result in results:
        for number, (what, figure, remark) in enumerate(result.rows):
            table.add_row(result.name if number == 0 else "", what, figure, remark)
        colour = "green" if result.held else "red"
        table.add_row(
            "",
            "[bold]ratio",
            f"[bold {colour}]{result.ratio:.2f}",
            f"target {result.target:g}: {'held' if result.held else 'missed'}",
            end_section=True,
        )
    console.print(table)
