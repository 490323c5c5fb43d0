"""`artery task`: list, show, retry, hold, release, cancel, resolve."""

from __future__ import annotations

import json
from typing import Any, LiteralString

import click

from pg_artery import queries
from pg_artery.commands import dsn_option, json_option, reason_option
from pg_artery.commands.listing import Row, filled, query, show, tell
from pg_artery.errors import ArteryError

_NAME = "artery task"
STATUSES = (
    "pending", "processing", "sent", "failed", "dead", "held", "compensating", "compensated",
    "cancelled",
)  # fmt: skip
WAITING = ("pending", "failed")
_FILTERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--topic", {"help": "Of this topic."}),
    ("--endpoint", {"help": "To this endpoint."}),
    ("--document-type", {"help": "Of documents of this kind."}),
    ("--document-id", {"help": "Of this document."}),
    ("--error-class", {"help": "Failed in this way: retryable, rejected, unknown_outcome, …"}),
    ("--created-after", {"help": "Enqueued at or after this time: '2026-03-01 06:00'."}),
    ("--created-before", {"help": "Enqueued before this time."}),
)


def _filters(command: Any) -> Any:
    for name, settings in reversed(_FILTERS):
        command = click.option(name, **settings)(command)
    return command


def _many(command: Any) -> Any:
    """Give the options of what is done to one task or to all that match."""
    for option in (
        json_option,
        dsn_option,
        click.option("--yes", is_flag=True, help="Do not ask before it is done to many."),
        reason_option,
        click.option("--limit", type=click.IntRange(1), help="At most so many, oldest first."),
        _filters,
    ):
        command = option(command)
    return command


@click.group()
def command() -> None:
    r"""Look at tasks, and put right what failed.

    \b
      artery task list --status dead          what was given up
      artery task show 4711                   its story: each call, each answer
      artery task retry 4711 --reason 'certificate renewed'
      artery task retry --topic tax.invoice --status dead --reason 'gateway is back'
      artery task hold --topic mes.mo --document-id MO-17 --reason 'drawing is being changed'
      artery task release 4711 --reason 'drawing is out'
      artery task resolve 4711 sent --reason 'they have it, as SF-77'

    held, as a status, is another thing than on hold: nobody knows whether a held task took effect.
    """


@command.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="In this status.")
@click.option("--on-hold", is_flag=True, default=None, help="Put on hold by hand.")
@click.option("--error", help="With this text in its error.")
@click.option("--request-id", help="With this Request-ID.")
@_filters
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1), help="At most so many."
)
@dsn_option
@json_option
def list_(dsn: str, as_json: bool, limit: int, **given: Any) -> None:
    """List tasks, newest first."""
    rows = query(dsn, _NAME, queries.FIND_TASKS, (_filter(given), limit))
    if as_json:
        tell({"tasks": rows})
    elif not rows:
        click.echo("No task matches.")
    else:
        for row in rows:
            if row["status"] in WAITING and row["due_at"] is None:
                row["status"] += ", on hold"
        show(rows, filled(rows, leave_out=("request_id", "created_at")))
        if len(rows) == limit:
            click.echo(f"The newest {limit}; --limit gives more.")


@command.command("show")
@click.argument("task", type=int)
@dsn_option
@json_option
def show_(task: int, dsn: str, as_json: bool) -> None:
    """Tell the story of TASK: each call with its answer, what people did, what comes next."""
    rows = query(dsn, _NAME, queries.TASK_TIMELINE, (task,))
    if not rows:
        raise ArteryError(
            "IN005",
            f"there is no task {task}",
            "It never was, or it ended so long ago that it was deleted.",
            "artery task list --document-id … finds a document's tasks.",
        )
    if as_json:
        tell({"task": task, "timeline": rows})
    else:
        show(rows, filled(rows, leave_out=("span_id",)))


@command.command("retry")
@click.argument("task", type=int, required=False)
@click.option("--status", type=click.Choice(("failed", "dead", "held")), help="All in this status.")
@_many
def retry(task: int | None, **given: Any) -> None:
    """Send TASK again, now, with its first Request-ID; or all failed, dead or held that match.

    Of a held task nobody knows whether it took effect: ask the receiver first.
    """
    _do("retry", "retried", task, queries.TASK_RETRY, queries.TASKS_RETRY, **given)


@command.command("hold")
@click.argument("task", type=int, required=False)
@click.option("--status", type=click.Choice(WAITING), help="All in this status.")
@_many
def hold(task: int | None, **given: Any) -> None:
    """Put TASK on hold, or all that match and wait to be sent: they go after artery task release.

    Later tasks of its ordering key wait behind it. What is enqueued afterwards is not on hold: to
    stop all calls to an endpoint, artery endpoint open.
    """
    _do("hold", "put on hold", task, queries.TASK_HOLD, queries.TASKS_HOLD, **given)


@command.command("release")
@click.argument("task", type=int, required=False)
@click.option("--status", type=click.Choice(WAITING), help="All in this status.")
@_many
def release(task: int | None, **given: Any) -> None:
    """Let TASK go, or all that match and are on hold: due when they were, or now."""
    _do("release", "released", task, queries.TASK_RELEASE, queries.TASKS_RELEASE, **given)


@command.command("cancel")
@click.argument("task", type=int)
@reason_option
@dsn_option
@json_option
def cancel(task: int, reason: str, dsn: str, as_json: bool) -> None:
    """End TASK without sending it; the next one of its ordering key may go."""
    query(dsn, _NAME, queries.TASK_CANCEL, (task, reason))
    _told(as_json, "cancelled", 1)


@command.command("resolve")
@click.argument("task", type=int)
@click.argument("outcome", type=click.Choice(("sent", "dead", "ask")))
@reason_option
@click.option("--answer", help="What the receiver answered, as JSON: its reply handler gets it.")
@dsn_option
@json_option
def resolve(
    task: int, outcome: str, reason: str, answer: str | None, dsn: str, as_json: bool
) -> None:
    """Say what became of the held TASK: it took effect (sent), or did not and shall not (dead).

    ask has the receiver asked once more, where the route has a status path. To send it again:
    artery task retry.
    """
    query(dsn, _NAME, queries.TASK_RESOLVE, (task, outcome, reason, answer))
    _told(as_json, "resolved", 1)


def _do(
    verb: str, done: str, task: int | None, one: LiteralString, many: LiteralString,
    *, dsn: str, as_json: bool, reason: str, yes: bool, **given: Any,
) -> None:  # fmt: skip
    wanted = _filter(given)
    if (task is None) == (wanted == "{}"):
        raise click.UsageError("give either a task's number or what the tasks have in common")
    count = 1
    if task is not None:
        query(dsn, _NAME, one, (task, reason))
    else:
        if not (yes or as_json):
            click.confirm(
                f"{verb.capitalize()} all tasks that match {wanted}?", abort=True, err=True
            )
        count = query(dsn, _NAME, many, (wanted, reason))[0]["tasks"]
    _told(as_json, done, count)


def _filter(given: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in given.items() if value is not None})


def _told(as_json: bool, what: str, count: int) -> None:
    told: Row = {what.replace(" ", "_"): count}
    if as_json:
        tell(told)
    else:
        click.echo(f"{count} {'task' if count == 1 else 'tasks'} {what}.")
