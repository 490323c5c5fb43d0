"""`artery demo`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from pg_artery import cluster_dir
from pg_artery.commands import json_option
from pg_artery.errors import EXIT_FAILED, ArteryError
from pg_artery.servers import ClusterError


@click.command(
    epilog="Exit codes: 0 the proof holds, 1 it does not or the demo could not go on. "
    "ARTERY_SERVER=system or embedded chooses the PostgreSQL."
)
@json_option
@click.option(
    "--keep", is_flag=True, help="Leave the database up at the end, and say how to connect."
)
@click.option(
    "--remove",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    help="Remove a database that --keep left up, and nothing else.",
)
@click.option(
    "--lease",
    type=click.FloatRange(2, 60),
    default=3.0,
    show_default=True,
    help="Lease of the demo's runners, in seconds.",
)
def command(as_json: bool, keep: bool, remove: Path | None, lease: float) -> None:
    r"""Deliver orders to a demo MES, break things, prove that nothing is lost.

    \b
      artery demo                              and it is gone again
      artery demo --keep                       leaves the database up: look at it with artery status
      artery demo --json | jq .                its proof, for a program

    All of it is real: a PostgreSQL of its own in a directory of its own, artery run as a child
    process, HTTP over the loopback, kill -9. Takes 15 seconds or so; touches no other
    database. Ctrl-C ends and removes everything.
    """
    if remove is not None:
        if not cluster_dir.remove(remove):
            raise ArteryError(
                "58P01", f"{remove} is no database that a demo left up", None,
                f"They are in {cluster_dir.parent_dir()}.",
            )  # fmt: skip
        click.echo(f"removed {remove}")
        return

    from pg_artery.demo import DemoError, ending, story
    from pg_artery.demo.report import Report
    from pg_artery.demo.stage import Stage

    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    out = Report(as_json)
    try:
        with Stage(lease) as stage:
            for act in story.ACTS:
                act(stage, out)
            holds = ending.prove(stage, out)
            if keep:
                ending.keep(stage, out)
    except (DemoError, ClusterError) as error:
        raise ArteryError(
            "58000", f"the demo could not go on: {error}", None,
            "artery demo needs PostgreSQL 15 to 18 and free loopback ports, and nothing else.",
        ) from error  # fmt: skip
    if as_json:
        click.echo(out.finish())
    sys.exit(0 if holds else EXIT_FAILED)
