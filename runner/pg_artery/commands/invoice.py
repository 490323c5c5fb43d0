"""`artery invoice`: what was asked of the tax gateway, and what it answered."""

from __future__ import annotations

import click

from pg_artery import queries
from pg_artery.commands import dsn_option, json_option
from pg_artery.commands.listing import filled, query, show, tell
from pg_artery.errors import ArteryError


@click.group(epilog="The database's user needs the role artery_reader.")
def command() -> None:
    r"""Look at invoices.

    \b
      artery invoice list                       the last ones
      artery invoice list --status refused      those that somebody has to mend
      artery invoice show AR0000000017          lines, history, alarms
    """


@command.command("list")
@click.option("--status", help="Only these: draft, requested, issued, refused, undelivered, ….")
@click.option("--limit", default=50, show_default=True, help="How many of the last ones.")
@dsn_option
@json_option
def invoice_list(status: str | None, limit: int, dsn: str, as_json: bool) -> None:
    """List invoices, the last one first."""
    rows = query(dsn, "artery invoice", queries.INVOICES, {"status": status, "limit": limit})
    if as_json:
        tell({"invoices": rows})
    elif rows:
        show(rows, filled(rows), {"order_no": "order", "source_id": "for", "task_status": "task"})
    else:
        click.echo(f"No invoice is {status}." if status else "There are no invoices.")


@command.command("show")
@click.argument("number")
@dsn_option
@json_option
def invoice_show(number: str, dsn: str, as_json: bool) -> None:
    """Show an invoice whole: by our order number, the tax office's, or its document's."""
    found = query(dsn, "artery invoice", queries.INVOICE, {"no": number})
    if not found:
        raise ArteryError(
            "IN503",
            f"there is no invoice {number}",
            "It is neither an order number of ours, nor an invoice's number, nor a document's.",
            "artery invoice list",
        )
    parts = {
        "lines": queries.INVOICE_LINES,
        "history": queries.INVOICE_EVENTS,
        "alarms": queries.INVOICE_ALARMS,
    }
    told = [
        (
            row,
            {
                name: query(dsn, "artery invoice", of, (row["order_no"],))
                for name, of in parts.items()
            },
        )
        for row in found
    ]
    if as_json:
        tell({"invoices": [{"invoice": row, **more} for row, more in told]})
        return
    for row, more in told:
        click.echo(
            f"{row['order_no']}  {row['status']}  {row['invoice_no'] or '(no number yet)'}  "
            f"{row['buyer_name']}  {row['amount']:f} + {row['tax']:f} = {row['total']:f} "
            f"{row['currency']}, for {row['source_type']} {row['source_id']}"
        )
        if row["reason"]:
            click.echo(f"  {row['reason']}")
        for name, rows in more.items():
            if rows:
                click.echo(f"\n{name.capitalize()}")
                show(rows, filled(rows), {"line_no": "line", "at": "when"})
        click.echo()
