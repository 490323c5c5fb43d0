"""What the demo shows: tables for people as it goes, or one object for programs at the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

COLOURS = {
    "sent": "green", "acknowledged": "green", "held": "magenta", "failed": "yellow",
    "refused": "red", "dead": "red", "cancelled": "dim", "yes": "green", "NO": "bold red",
}  # fmt: skip


class Report:
    """Collects all that is shown; prints it too unless it is for programs.

    :param as_json: print nothing until `finish`
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.data: dict[str, Any] = {"acts": []}
        self._act: dict[str, Any] = {}
        width = None if sys.stdout.isatty() else 110
        self._out = Console(quiet=as_json, highlight=False, width=width)

    def act(self, title: str) -> None:
        """Begin an act."""
        self._act = {"act": title}
        self.data["acts"].append(self._act)
        number = len(self.data["acts"]) - 1
        self._out.print()
        self._out.rule(f"[bold]{number}  {title}" if number else f"[bold]{title}", align="left")

    def say(self, text: str) -> None:
        """Say what is being done."""
        self._out.print(text, markup=False)

    def note(self, text: str) -> None:
        """Say what the reader may want to know beside it."""
        self._out.print(text, style="dim", markup=False)

    def fact(self, name: str, value: Any) -> None:
        """Keep a figure of the act for programs."""
        self._act[name] = value

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show rows under their own column names, as psql would."""
        self._act[name] = [dict(row) for row in rows]
        table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold cyan")
        for column, value in rows[0].items():
            numeric = isinstance(value, int | float) and not isinstance(value, bool)
            table.add_column(column, justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*(_cell(value) for value in row.values()))
        self._out.print(table)

    def verdict(self, holds: bool, text: str) -> None:
        """Show the last line."""
        self._out.print(text, style="bold green" if holds else "bold red", markup=False)

    def finish(self) -> str:
        """Give everything as one JSON object."""
        return json.dumps(self.data, default=str)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        value = "yes" if value else "NO"
    text = f"{value:,.1f}" if isinstance(value, float) else str(value)
    colour = COLOURS.get(text)
    text = text.replace("[", r"\[")
    return f"[{colour}]{text}[/]" if colour else text
