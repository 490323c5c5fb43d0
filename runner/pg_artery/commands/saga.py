"""`artery saga`: list, show, resume, compensate, resolve."""

from __future__ import annotations

import click

from pg_artery import queries
from pg_artery.commands import dsn_option, json_option, reason_option
from pg_artery.commands.listing import filled, query, show, tell

_NAME = "artery saga"


@click.group()
def command() -> None:
    r"""Look at sagas, and decide where they wait for a person.

    \b
      artery saga list                       those that wait, with what can be done
      artery saga list --all                 how far each is
      artery saga show 12                    the whole history of one
      artery saga resolve 12 invoice done --reason 'issued, seen in the portal'
    """


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="The others too, the newest first.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1), help="At most so many."
)
@dsn_option
@json_option
def list_(everything: bool, limit: int, dsn: str, as_json: bool) -> None:
    """List the sagas that wait for a person, with what can be done; or all."""
    if everything:
        rows = query(dsn, _NAME, queries.SAGAS_NEWEST, (limit,))
    else:
        rows = query(dsn, _NAME, queries.SAGAS_WAITING)[:limit]
    if as_json:
        tell({"sagas": rows})
    elif not rows:
        click.echo("There is no saga." if everything else "No saga waits for anybody.")
    else:
        show(rows, filled(rows))


@command.command("show")
@click.argument("saga", type=int)
@dsn_option
@json_option
def show_(saga: int, dsn: str, as_json: bool) -> None:
    """Tell the whole history of SAGA."""
    rows = query(dsn, _NAME, queries.SAGA_HISTORY, (saga,))
    if as_json:
        tell({"saga": saga, "history": rows})
    elif not rows:
        click.echo(f"There is no saga {saga}.")
    else:
        show(rows, filled(rows, leave_out=("saga_id",)))


@command.command("resume")
@click.argument("saga", type=int)
@reason_option
@dsn_option
@json_option
def resume(saga: int, reason: str, dsn: str, as_json: bool) -> None:
    """Ask or try again, where SAGA stands."""
    query(dsn, _NAME, queries.SAGA_RESUME, (saga, reason))
    _told(as_json, saga, "resumed", {"resumed": True})


@command.command("compensate")
@click.argument("saga", type=int)
@reason_option
@dsn_option
@json_option
def compensate(saga: int, reason: str, dsn: str, as_json: bool) -> None:
    """Undo what SAGA has done, last step first."""
    query(dsn, _NAME, queries.SAGA_COMPENSATE, (saga, reason))
    _told(as_json, saga, "being undone", {"compensating": True})


@command.command("resolve")
@click.argument("saga", type=int)
@click.argument("step")
@click.argument("outcome", type=click.Choice(("done", "not_done")))
@reason_option
@dsn_option
@json_option
def resolve(saga: int, step: str, outcome: str, reason: str, dsn: str, as_json: bool) -> None:
    """Say what became of STEP of SAGA, having found out: it took effect (done), or did not."""
    query(dsn, _NAME, queries.SAGA_RESOLVE, (saga, step, outcome, reason))
    _told(as_json, saga, f"decided: {step} is {outcome}", {"step": step, "outcome": outcome})


def _told(as_json: bool, saga: int, what: str, told: dict[str, object]) -> None:
    if as_json:
        tell({"saga": saga, **told})
    else:
        click.echo(f"Saga {saga} is {what}.")
