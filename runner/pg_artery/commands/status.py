"""`artery status`: everything at one glance."""

from __future__ import annotations

import threading
from datetime import datetime

import click
import psycopg
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from pg_artery import queries
from pg_artery.commands import dsn_option, json_option
from pg_artery.commands.listing import (
    Connection,
    Row,
    console,
    filled,
    table,
    tell,
    told_to_stop,
)

_STYLES = {"critical": "bold red", "warning": "yellow", "info": "dim", "ok": "green"}
_PARTS = {
    "attention": queries.ATTENTION,
    "integrations": queries.OVERVIEW,
    "inboxes": queries.INBOXES,
    "runners": queries.RUNNERS,
}
_HIDDEN = ("stats", "stopped_at", "last_error", "last_error_at", "last_status_code", "armed")


@click.command(
    epilog="Exit codes: 0 nothing critical, 1 something is. The database's user needs the role "
    "artery_reader."
)
@click.option("--watch", is_flag=True, help="Stay, and show it anew until Ctrl-C.")
@click.option(
    "--every",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0.2),
    help="Seconds from one look to the next, with --watch.",
)
@dsn_option
@json_option
@click.pass_context
def command(ctx: click.Context, watch: bool, every: float, dsn: str, as_json: bool) -> None:
    r"""Show what needs attention, then each integration, inbox and runner.

    \b
      artery status                            what is wrong, and what to do about it
      artery status --watch --every 5          stays, on a screen of its own
      artery status --json | jq -e '.attention | length == 0'      for a check of yours

    Waiting and in flight are tasks now; calls and their milliseconds (p50, p95, p99) are of the
    last hour.
    """
    stop = told_to_stop() if watch else threading.Event()
    with Connection(dsn, "artery status") as conn:
        found = _look(conn)
        if as_json:
            tell(found)
        elif not watch:
            console().print(_page(found))
        else:
            _watch(conn, found, every, stop)
    ctx.exit(1 if any(line["severity"] == "critical" for line in found["attention"]) else 0)


def _look(conn: Connection) -> dict[str, list[Row]]:
    return {name: conn.rows(statement) for name, statement in _PARTS.items()}


def _watch(
    conn: Connection, found: dict[str, list[Row]], every: float, stop: threading.Event
) -> None:
    """Show it anew; while PostgreSQL is away, what it said last."""
    said = datetime.now()
    with Live(_page(found), console=console(), screen=True, auto_refresh=False) as live:
        while not stop.wait(every):
            parts: list[RenderableType] = []
            try:
                found, said = _look(conn), datetime.now()
            except psycopg.OperationalError as error:
                why = f"{str(error).strip().splitlines()[0]}. Said at {said:%H:%M:%S}:"
                parts = [Text(f"PostgreSQL does not answer: {why}", _STYLES["critical"]), ""]
            live.update(Group(*parts, _page(found)), refresh=True)


def _page(found: dict[str, list[Row]]) -> Group:
    parts: list[RenderableType] = []
    if not found["attention"]:
        parts.append(Text("Nothing needs attention.", style=_STYLES["ok"]))
    for line in found["attention"]:
        parts.append(
            Text.assemble(
                (line["severity"], _STYLES[line["severity"]]),
                f" {line['subject']}: {line['found']}",
            )
        )
        parts.append(Text(f"  {line['mend']}", style="dim"))
    for name in ("integrations", "inboxes", "runners"):
        rows = [row for row in found[name] if row.get("state") != "stopped"]
        if rows:
            parts += ["", table(rows, filled(rows, leave_out=_HIDDEN))]
    return Group(*parts)
