"""`artery logs`: the calls that were made."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import click
import psycopg

from pg_artery import queries
from pg_artery.commands import dsn_option, json_option, names_of
from pg_artery.commands.listing import Connection, Row, cell, tell, told_to_stop

# calls are logged when their results are reported: later calls may be logged before earlier ones
_LATE = timedelta(minutes=2)


@click.command(
    epilog="Exit codes: 0 done, 3 no connection. The database's user needs the role artery_reader. "
    "This is the log of calls, artery.cloud_log; the runner's own log is on its standard error "
    "(journalctl -u artery-run)."
)
@click.option("--topic", help="Of this topic.", shell_complete=names_of(queries.ROUTES, "topic"))
@click.option(
    "--endpoint",
    help="To this endpoint.",
    shell_complete=names_of(queries.ENDPOINTS, "endpoint"),
)
@click.option("--task", type=int, help="Of this task.")
@click.option("--status-code", type=int, help="Answered with this HTTP status.")
@click.option("--failed", is_flag=True, help="Only calls that did not succeed.")
@click.option("--since", help="At or after this time: '2026-03-01 06:00', '10 minutes ago'.")
@click.option("--before", help="Before this time.")
@click.option(
    "--limit", "-n", default=50, show_default=True, type=click.IntRange(1), help="Newest."
)
@click.option("--follow", "-f", is_flag=True, help="Stay, and show calls as they come, to Ctrl-C.")
@dsn_option
@json_option
def command(
    failed: bool, limit: int, follow: bool, dsn: str, as_json: bool, **given: int | str | None
) -> None:
    r"""Show the calls that were made and what came of each, the newest last.

    \b
      artery logs --follow                              as they come
      artery logs --failed --since '1 hour ago'         what went wrong lately
      artery logs --endpoint mes --status-code 503

    Each line: when, HTTP status, what became of the task, time taken, task/attempt, topic, call.
    The whole of one, with request and answer: artery task show TASK.
    With --follow, --json gives an object a line.
    """
    wanted = {name: value for name, value in given.items() if value is not None}
    if failed:
        wanted["unsuccessful"] = True
    stop = told_to_stop() if follow else threading.Event()
    with Connection(dsn, "artery logs") as conn:
        rows = _find(conn, wanted, limit)
        if as_json and not follow:
            tell({"calls": rows})
            return
        for row in rows:
            _say(row, as_json)
        if follow:
            _follow(conn, wanted, rows, as_json, stop)
        elif not rows:
            click.echo("No call matches.")


def _find(conn: Connection, wanted: dict[str, Any], limit: int) -> list[Row]:
    # the server reads times as people write them; "10 minutes ago" is an interval to it
    values = {name: _moment(conn, value) for name, value in wanted.items()}
    return conn.rows(queries.FIND_CALLS, (json.dumps(values, default=str), limit))[::-1]


def _moment(conn: Connection, value: Any) -> Any:
    if not isinstance(value, str) or not value.endswith(" ago"):
        return value
    return conn.rows(queries.AGO, (value.removesuffix(" ago"),))[0]["at"].isoformat()


def _follow(
    conn: Connection,
    wanted: dict[str, Any],
    rows: list[Row],
    as_json: bool,
    stop: threading.Event,
) -> None:
    seen = {_key(row): row["called_at"] for row in rows}
    since = conn.rows(queries.CLOCK)[0]["at"] if not rows else rows[-1]["called_at"]
    started = rows[0]["called_at"] if rows else since
    away = False
    while not stop.wait(1):
        after = max(since - _LATE, started)
        try:
            found = _find(conn, wanted | {"since": after.isoformat()}, 10_000)
            away = False
        except psycopg.OperationalError as error:
            if not away:
                click.echo(f"PostgreSQL does not answer, trying on: {str(error).strip()}", err=True)
            away = True
            continue
        for row in found:
            if _key(row) not in seen:
                seen[_key(row)] = row["called_at"]
                since = max(since, row["called_at"])
                _say(row, as_json)
        seen = {key: at for key, at in seen.items() if at >= since - _LATE}


def _key(row: Row) -> tuple[Any, ...]:
    return row["task_id"], row["attempt"], row["called_at"], row["url"]


def _say(row: Row, as_json: bool) -> None:
    if as_json:
        tell(row)
        return
    parts = (
        cell(row["called_at"]),
        cell(row["status_code"]) or "---",
        row["outcome"] + (" (stale)" if row["stale"] else ""),
        "" if row["total_ms"] is None else f"{row['total_ms']:.0f} ms",
        f"#{row['task_id']}/{row['attempt']}",
        row["topic"],
        f"{row['method']} {row['url']}",
    )
    error = f"  {row['error_class']}: {row['error']}" if row["error"] else ""
    click.echo("  ".join(part for part in parts if part) + error)
