"""`artery migrate`, `artery migrate status`, `artery migrate rollback`."""

from __future__ import annotations

import json

import click
from rich.console import Console

from pg_artery import migrate as work
from pg_artery.commands import dsn_option, json_option

_LOCK_TIMEOUT = click.option(
    "--lock-timeout",
    default=10.0,
    show_default=True,
    help="Longest wait for a table's lock, in seconds.",
)


@click.group(invoke_without_command=True)
@dsn_option
@json_option
@_LOCK_TIMEOUT
@click.pass_context
def command(ctx: click.Context, dsn: str, as_json: bool, lock_timeout: float) -> None:
    """Install pg_artery in a database, or bring it up to date.

    Applies the pending migrations, each in a transaction, then loads all functions, views and triggers
    in one. Run again it finds nothing to do; killed half-way, the next run goes on where it stopped.
    """
    if ctx.invoked_subcommand:
        ctx.obj = {"dsn": dsn, "json": as_json}
        return
    out = Console(stderr=True, highlight=False)
    result = work.migrate(
        dsn,
        lock_timeout_ms=int(lock_timeout * 1000),
        say=lambda line: None if as_json else out.print(line),
    )
    if as_json:
        click.echo(json.dumps(result.as_dict()))
        return
    for notice in result.notices:
        out.print(f"[yellow]warning:[/] {notice}")
    if result.applied or result.code == "loaded":
        click.echo(
            f"{len(result.applied)} migrations applied, code {result.code} ({result.files} files), "
            f"{result.seconds:.1f} s. Schema at {result.head}."
        )
    else:
        click.echo(f"Nothing to do: schema at {result.head}, code up to date.")


@command.command("status")
@dsn_option
@json_option
@click.pass_context
def status_command(ctx: click.Context, dsn: str, as_json: bool) -> None:
    """Show what is applied, pending or changed. Exit code 0 only if the database is up to date."""
    result = work.status(dsn or ctx.obj["dsn"])
    if as_json or ctx.obj["json"]:
        click.echo(json.dumps(result.as_dict()))
    else:
        for name in sorted({*result.applied, *result.pending}):
            state = (
                "unknown here"
                if name in result.unknown
                else "edited since"
                if name in result.edited
                else "applied"
                if name in result.applied
                else "pending"
            )
            click.echo(f"{name:<40} {state}")
        click.echo(
            f"{'code':<40} {result.code}"
            + (f" (version {result.version})" if result.version else "")
        )
    ctx.exit(0 if result.up_to_date else 1)
