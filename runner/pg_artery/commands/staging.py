"""`artery staging`: list, show, reprocess, correct."""

from __future__ import annotations

from typing import TextIO

import click

from pg_artery import queries
from pg_artery.commands import dsn_option, json_option, names_of, reason_option
from pg_artery.commands.listing import Row, cell, console, filled, query, show, tell
from pg_artery.errors import ArteryError

_NAME = "artery staging"
_inboxes = names_of(queries.INBOXES, "table_name")
_inbox = click.argument("inbox", shell_complete=_inboxes)


@click.group()
def command() -> None:
    r"""Look at what came in, and have rejected messages processed again.

    \b
      artery staging list                                     each inbox, counted
      artery staging list artery_staging.plm_bom --status rejected
      artery staging show artery_staging.plm_bom 17           its content, its reasons
      artery staging reprocess artery_staging.plm_bom 17 18 --reason 'conversion KG to PCE added'
      artery staging correct artery_staging.plm_bom 17 mended.json --reason 'KGS is KG, by phone'
    """


@command.command("list")
@click.argument("inbox", required=False, shell_complete=_inboxes)
@click.option(
    "--status",
    type=click.Choice(("new", "processed", "parked", "rejected")),
    help="In this status.",
)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1), help="At most so many."
)
@dsn_option
@json_option
def list_(inbox: str | None, status: str | None, limit: int, dsn: str, as_json: bool) -> None:
    """List the messages of INBOX, newest first, with all reasons; or the inboxes themselves."""
    if inbox is None:
        rows = query(dsn, _NAME, queries.INBOXES)
        if as_json:
            tell({"inboxes": rows})
        else:
            show(rows, filled(rows))
        return
    rows = query(dsn, _NAME, queries.FIND_MESSAGES, (inbox, status, limit))
    if as_json:
        tell({"inbox": inbox, "messages": rows})
    elif not rows:
        click.echo("No message matches.")
    else:
        show(rows, filled(rows, leave_out=("reasons",)))
        _say_reasons(rows)


def _say_reasons(rows: list[Row]) -> None:
    for row in rows:
        for reason in row["reasons"] or ():
            parts = (reason.get(name) for name in ("code", "path", "message", "hint"))
            console().print(f"{row['id']}: " + "  ".join(cell(p) for p in parts if p))


@command.command("show")
@_inbox
@click.argument("message", type=int)
@dsn_option
@json_option
def show_(inbox: str, message: int, dsn: str, as_json: bool) -> None:
    """Show MESSAGE (its id) of INBOX whole: what came, what became of it, who processed it again.

    The database's user needs the role artery_operator.
    """
    rows = query(dsn, _NAME, queries.MESSAGE, (inbox, message))
    if not rows:
        raise ArteryError(
            "02000",
            f"{inbox} has no message {message}",
            None,
            f"artery staging list {inbox} shows those that there are.",
        )
    (found,) = rows
    if as_json:
        tell({"inbox": inbox, "message": found})
        return
    for name, value in found.items():
        if name in ("body", "reasons", "history") or value in (None, ""):
            continue
        click.echo(f"{name.replace('_', ' '):13} {cell(value)}")
    _say_reasons([found])
    for entry in found["history"] or ():
        console().print("history: " + "  ".join(f"{k} {cell(v)}" for k, v in entry.items()))
    click.echo(f"\n{found['body']}")


@command.command("reprocess")
@_inbox
@click.argument("ids", nargs=-1, type=int, required=True)
@reason_option
@dsn_option
@json_option
def reprocess(inbox: str, ids: tuple[int, ...], reason: str, dsn: str, as_json: bool) -> None:
    """Process rejected messages again, after what stood in their way was mended."""
    count = query(dsn, _NAME, queries.REPROCESS, (inbox, list(ids), reason))[0]["messages"]
    if as_json:
        tell({"reprocessed": count})
    else:
        click.echo(f"{count} to be processed again.")


@command.command("correct")
@_inbox
@click.argument("message", type=int)
@click.argument("file", type=click.File(encoding="utf-8"))
@reason_option
@dsn_option
@json_option
def correct(inbox: str, message: int, file: TextIO, reason: str, dsn: str, as_json: bool) -> None:
    """Put FILE (- = standard input) in the place of a rejected message, and process it again.

    The message keeps its id and its original, in its history. Needs the role artery_operator.
    """
    query(dsn, _NAME, queries.CORRECT, (inbox, message, file.read(), reason, None))
    if as_json:
        tell({"inbox": inbox, "corrected": message})
    else:
        click.echo(f"Message {message} of {inbox} is corrected, to be processed again.")
