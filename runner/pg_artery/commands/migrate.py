"""`artery migrate`, `artery migrate status`, `artery migrate rollback`."""

from __future__ import annotations

import json
import sys

import click
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from pg_artery import migrate as work
from pg_artery.commands import dsn_option, json_option
from pg_artery.losses import Loss
from pg_artery.plan import Plan, plan
from pg_artery.script import script
from pg_artery.session import Say

_lock_timeout = click.option(
    "--lock-timeout",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0.001),
    help="Longest wait for a table's lock, in seconds.",
)


def _progress(as_json: bool) -> Say:
    out = Console(stderr=True, highlight=False, markup=False)
    return lambda line: None if as_json else out.print(line, style="dim")


@click.group(invoke_without_command=True)
@dsn_option
@json_option
@_lock_timeout
@click.option(
    "--sql", "as_sql", is_flag=True, help="Change nothing: print the script for psql instead."
)
@click.option(
    "--from",
    "since",
    metavar="STATE",
    help="With --sql: not for this database, but from `empty`, a version or a migration on.",
)
@click.option(
    "--plan",
    "as_plan",
    is_flag=True,
    help="Change nothing: show the locks that each step takes, and what it reads or rewrites.",
)
@click.option(
    "--scratch",
    metavar="DSN",
    help="With --plan: an empty database to try it in; else one is made on the server and dropped.",
)
@click.pass_context
def command(
    ctx: click.Context,
    dsn: str,
    as_json: bool,
    lock_timeout: float,
    as_sql: bool,
    since: str | None,
    as_plan: bool,
    scratch: str | None,
) -> None:
    r"""Install pg_artery in a database, or bring it up to date.

    \b
      artery migrate --dsn 'dbname=erp user=postgres'
      artery migrate status                what is applied, pending or changed
      artery migrate --plan                which locks it would take, how large those tables are
      artery migrate --sql > review.sql    what it would execute; psql -X -f runs it instead
      artery migrate rollback --to 0.1.0  back to a version; --all removes everything

    Applies the pending migrations, each in a transaction, then loads all functions, views and
    triggers in one. Run again it finds nothing to do; killed half-way, the next run takes it up.
    Connect to the server itself, not through a pooler in transaction mode, as the database's owner
    or another role that may create schemas. Roles artery_* are created if they are missing.
    """
    if ctx.invoked_subcommand:
        ctx.obj = {"dsn": dsn, "json": as_json}
        return
    if since and not as_sql:
        raise click.UsageError("--from goes with --sql")
    if as_sql:
        for piece in script(dsn, since=since, lock_timeout=lock_timeout):
            click.echo(piece.encode(), nl=False)
        return
    if scratch and not as_plan:
        raise click.UsageError("--scratch goes with --plan")
    if as_plan:
        found = plan(dsn, scratch=scratch, lock_timeout=lock_timeout, say=_progress(as_json))
        if as_json:
            click.echo(json.dumps(found.as_dict()))
        else:
            _show_plan(found)
        return
    result = work.migrate(dsn, lock_timeout=lock_timeout, say=_progress(as_json))
    if as_json:
        click.echo(json.dumps(result.as_dict()))
        return
    for notice in result.notices:
        click.secho(f"warning: {notice}", fg="yellow", err=True)
    if result.applied or result.code == "loaded":
        click.echo(
            f"{len(result.applied)} migrations applied, code {result.code} ({result.files} files), "
            f"{result.seconds:.1f} s. Schema at {result.head}."
        )
    else:
        click.echo(f"Nothing to do: schema at {result.head}, code up to date.")


def _show_plan(found: Plan) -> None:
    out = Console(highlight=False)
    if not found.steps:
        out.print(f"Nothing to do: schema at {found.head}, code up to date.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("step", "took", "lock", "on", "keeps out", "rows", "size", ""):
        right = name in ("took", "rows", "size")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for step in found.steps:
        name = step.name if step.transaction else f"{step.name} (no transaction)"
        took = f"{step.seconds:.2f} s" if found.measured else ""
        shown = [lock for lock in step.locks if not lock.view]
        views = len(step.locks) - len(shown)
        for lock in shown:
            done = "rewritten" if lock.rewritten else "read" if lock.read else ""
            rows = "?" if lock.rows is None else f"{lock.rows:,}"
            size = decimal(lock.bytes)
            table.add_row(name, took, lock.mode, lock.relation, lock.keeps_out, rows, size, done)
            name = took = ""
        if views:
            table.add_row(name, took, "access exclusive", f"{views} views", "reads")
        if not step.locks:
            table.add_row(name, took, "none on what is there")
    out.print(table)
    wait = next((step.lock_wait_s for step in found.steps if step.transaction), None)
    if not found.measured:
        out.print("Nothing of pg_artery is there yet: every step makes new objects alone.")
        return
    if wait is not None:
        out.print(
            f"A step that does not get a lock within {wait:g} s is rolled back, and the run ends; "
            "until then others queue behind it. Locks are held to the end of their step; times are "
            "those on empty tables."
        )
    out.print("Measured in a scratch database with this schema; here nothing was locked.")


@command.command("status")
@dsn_option
@json_option
@click.pass_context
def status_command(ctx: click.Context, dsn: str, as_json: bool) -> None:
    """Show what is applied, pending or changed.

    Exit code 0 only if the database is up to date, 1 otherwise. Changes nothing, takes no lock.
    """
    result = work.status(dsn or ctx.obj["dsn"])
    if as_json or ctx.obj["json"]:
        click.echo(json.dumps(result.as_dict()))
        ctx.exit(0 if result.up_to_date else 1)
    table = Table(box=None, pad_edge=False)
    table.add_column("migration")
    table.add_column("state")
    states = (
        ("unknown to this version", result.unknown),
        ("edited since it was applied", result.edited),
        ("applied", result.applied),
        ("pending", result.pending),
    )
    for name in sorted({*result.applied, *result.pending}):
        table.add_row(name, next(state for state, names in states if name in names))
    code = f"{result.code} (version {result.version})" if result.version else result.code
    table.add_row("functions, views, triggers", code)
    Console(highlight=False).print(table)
    ctx.exit(0 if result.up_to_date else 1)


@command.command("rollback")
@dsn_option
@json_option
@_lock_timeout
@click.option(
    "--to", metavar="STATE", help="Roll back what came after this version, or after this migration."
)
@click.option("--all", "everything", is_flag=True, help="Roll back all: nothing of ours remains.")
@click.option("--yes", is_flag=True, help="Lose the rows of the tables that go, without asking.")
@click.pass_context
def rollback_command(
    ctx: click.Context,
    dsn: str,
    as_json: bool,
    lock_timeout: float,
    to: str | None,
    everything: bool,
    yes: bool,
) -> None:
    """Roll back the newest migration; with --to or --all, several. All or nothing.

    Drops the functions, views and triggers first, and loads those again that went with the state
    gone back to, if this database ever had them. Roles stay: they belong to the whole server.
    """
    if to and everything:
        raise click.UsageError("--to and --all exclude each other")
    as_json = as_json or ctx.obj["json"]

    def confirm(lost: list[Loss]) -> bool:
        if yes or as_json or not sys.stdin.isatty():
            return yes
        click.echo("This would lose:\n  " + "\n  ".join(str(loss) for loss in lost), err=True)
        return click.confirm("Go on?", err=True)

    result = work.rollback(
        dsn or ctx.obj["dsn"],
        to=to,
        everything=everything,
        confirm=confirm,
        lock_timeout=lock_timeout,
        say=_progress(as_json),
    )
    if as_json:
        click.echo(json.dumps(result.as_dict()))
        return
    click.echo(
        f"{len(result.rolled_back)} migrations rolled back; "
        + (f"schema at {result.head}, " if result.head else "nothing of pg_artery remains, ")
        + ("with the code it had." if result.code == "loaded" else "no code loaded.")
    )
    if result.head and result.code == "none":
        click.echo("The code of that state was never loaded here: run artery migrate.", err=True)
