"""`artery staging`: list, reprocess."""

from __future__ import annotations

import click

from pg_artery import queries
from pg_artery.commands import dsn_option, json_option, reason_option
from pg_artery.commands.listing import cell, console, filled, query, show, tell

_NAME = "artery staging"


@click.group()
def command() -> None:
    r"""Look at what came in, and have rejected messages processed again.

    \b
      artery staging list                                     each inbox, counted
      artery staging list artery_staging.plm_bom --status rejected
      artery staging reprocess artery_staging.plm_bom 17 18 --reason 'conversion KG to PCE added'
    """


@command.command("list")
@click.argument("inbox", required=False)
@click.option("--status", type=click.Choice(("new", "processed", "parked", "rejected")))
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="At most.")
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
        for row in rows:
            for reason in row["reasons"] or ():
                parts = (reason.get(name) for name in ("code", "path", "message", "hint"))
                console().print(f"{row['id']}: " + "  ".join(cell(p) for p in parts if p))


@command.command("reprocess")
@click.argument("inbox")
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
