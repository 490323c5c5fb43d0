"""`artery arm` and `artery disarm`: which database on which server may send."""

from __future__ import annotations

import click

from pg_artery import queries
from pg_artery.commands import dsn_option, json_option, reason_option
from pg_artery.commands.listing import Row, query, show, tell

_NAME = "artery arm"
_WAITING = ("topic", "endpoint", "waiting", "in_flight", "oldest_due")


@click.command(
    epilog="Exit codes: 0 armed, 1 --status: it is not, 5 refused. The database's user needs "
    "artery_admin, for --status artery_reader."
)
@click.option("--status", "only_look", is_flag=True, help="Only say whether it may send.")
@click.option("--reason", help="Why; kept in artery.arming_event, with who and when.")
@click.option(
    "--follow-promotion",
    is_flag=True,
    help="A standby that is promoted goes on by itself. You see to it that the old server is "
    "fenced, and that no copy is promoted that could reach the receivers.",
)
@click.option(
    "--cancel-waiting",
    is_flag=True,
    help="For a copy: cancel what waited in the original, have its open sagas wait for a person.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@dsn_option
@json_option
@click.pass_context
def arm(
    ctx: click.Context,
    only_look: bool,
    reason: str | None,
    follow_promotion: bool,
    cancel_waiting: bool,
    yes: bool,
    dsn: str,
    as_json: bool,
) -> None:
    r"""Let this database send, on this server. A copy, or a promoted one, does not.

    \b
      artery arm --status
      artery arm --reason 'restored after the disk failed; the old server is gone'
      artery arm --reason 'test system' --cancel-waiting
      artery arm --reason 'Patroni fences' --follow-promotion

    Before you arm: does the original still run? Then both would send. docs/backup.md.
    """
    status = query(dsn, _NAME, queries.ARMING)[0]
    waiting = [row for row in query(dsn, _NAME, queries.OVERVIEW) if row["waiting"]]
    due = sum(row["waiting"] for row in waiting)
    if only_look:
        if as_json:
            tell({**status, "waiting": due})
        else:
            _describe(status, waiting)
        ctx.exit(0 if status["armed"] else 1)
    if not reason:
        raise click.UsageError("give --reason, or --status to look")
    if not yes:
        if as_json:
            raise click.UsageError("with --json, --yes must say that it is meant")
        _describe(status, waiting)
        fate = "are cancelled" if cancel_waiting else "go out"
        click.confirm(f"Arm this database? {due} tasks that wait {fate}.", abort=True, err=True)
    bound = query(dsn, _NAME, queries.ARM, (reason, follow_promotion, cancel_waiting))[0]["bound"]
    if as_json:
        tell(bound)
        return
    if cancel_waiting:
        click.echo(
            f"{bound['cancelled']} tasks cancelled, "
            f"{bound['sagas_stopped']} sagas wait for a person."
        )
    server = "this server and its standbys, once promoted" if follow_promotion else "this server"
    click.echo(f"Armed for {server}: it sends. It was: {bound['was']}.")


@click.command(epilog="The database's user needs artery_admin.")
@reason_option
@dsn_option
@json_option
def disarm(reason: str, dsn: str, as_json: bool) -> None:
    r"""Stop all sending from this database until `artery arm`: for drills, and before a move.

    \b
      artery disarm --reason 'moving to db2 at 22:00'

    Calls under way end; what was not begun waits. Enqueueing, inboxes and sweeps go on.
    """
    query(dsn, "artery disarm", queries.DISARM, (reason,))
    if as_json:
        tell({"armed": False})
    else:
        click.echo("Disarmed: nothing is sent until artery arm.")


def _describe(status: Row, waiting: list[Row]) -> None:
    if status["armed"]:
        follows = ", and its standbys once promoted" if status["follows_promotion"] else ""
        click.echo(f"Armed for this server{follows}: {status['reason']}")
    else:
        click.echo(f"Nothing is sent: {status['why']}.")
        if status["mend"]:
            click.echo(status["mend"])
    click.echo(f"  may send  {status['bound_to'] or 'nobody'}")
    click.echo(f"  this is   {status['here'] or 'a standby'}")
    if waiting:
        click.echo()
        show(waiting, _WAITING, title="waiting")
