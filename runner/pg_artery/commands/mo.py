"""`artery mo`: what an order needs, took and made."""

from __future__ import annotations

import click

from pg_artery import queries
from pg_artery.commands import dsn_option, json_option
from pg_artery.commands.listing import filled, query, show, tell

_TITLES = {"line_no": "line", "component_code": "component", "operation_no": "op"}


@click.group(epilog="The database's user needs the role artery_reader.")
def command() -> None:
    r"""Look at manufacturing orders.

    \b
      artery mo show MO-1001       progress, components, reports, what waits and why
    """


@command.command("show")
@click.argument("mo_no", metavar="NUMBER")
@click.option("--reports", default=20, show_default=True, help="How many of the last ones.")
@dsn_option
@json_option
def mo_show(mo_no: str, reports: int, dsn: str, as_json: bool) -> None:
    """Show how far an order is: counts, components, its reports, and those that are not posted.

    Quantities of components are in their stock units, those made in the order's.
    """
    lines = query(dsn, "artery mo", queries.MO_LINES, (mo_no,))
    order = query(dsn, "artery mo", queries.MO, (mo_no,))[0]
    posted = query(dsn, "artery mo", queries.MO_REPORTS, (mo_no, reports))
    waiting = query(dsn, "artery mo", queries.MO_WAITING, (mo_no, reports))
    if as_json:
        tell({"order": order, "lines": lines, "reports": posted, "not_posted": waiting})
        return
    made = min(1.0, float(order["good"] / order["quantity"]))
    bar = "█" * round(20 * made) + "░" * (20 - round(20 * made))
    click.echo(
        f"{mo_no}  {order['item_code']}  {order['status']}  {bar} "
        f"{order['good']:f} of {order['quantity']:f} {order['unit']}"
        f", scrap {order['scrap']:f}, rework {order['rework']:f}"
    )
    for title, rows in (("Components", lines), ("Reports", posted), ("Not posted", waiting)):
        if rows:
            click.echo(f"\n{title}")
            show(rows, filled(rows), _TITLES)
