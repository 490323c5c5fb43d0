"""`artery runner list`."""

from __future__ import annotations

import click

from pg_artery import queries
from pg_artery.commands import dsn_option, json_option
from pg_artery.commands.listing import filled, query, show, tell


@click.group()
def command() -> None:
    r"""Look at the runners, on whatever host.

    \b
      artery runner list           who delivers now
      artery runner list --all     who has stopped, too
    """


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that have stopped, too.")
@dsn_option
@json_option
def list_(everything: bool, dsn: str, as_json: bool) -> None:
    """List the runner processes: working, idle, or silent for a minute (dead or cut off)."""
    rows = query(dsn, "artery runner", queries.RUNNERS)
    rows = [row for row in rows if everything or row["state"] != "stopped"]
    if as_json:
        tell({"runners": rows})
    elif not rows:
        click.echo("No runner. Start one: artery run")
    else:
        show(rows, filled(rows, leave_out=("stats",)))
