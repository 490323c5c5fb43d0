"""`artery stock`: what lies where, now or at any past moment."""

from __future__ import annotations

from datetime import datetime

import click

from pg_artery import queries
from pg_artery.commands import dsn_option, json_option
from pg_artery.commands.listing import filled, query, show, tell


def _moment(_ctx: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(value).astimezone() if value else None
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is neither 2026-03-31 nor 2026-03-31T06:00+02:00"
        ) from None


@click.command(epilog="Exit codes: 0 done, 1 --check found a difference. Needs artery_reader.")
@click.argument("item", required=False)
@click.option("--warehouse", help="In this one alone.")
@click.option("--at", callback=_moment, help="At this day's beginning or time.  [default: now]")
@click.option("--short", is_flag=True, help="Instead: what parked reports wait for.")
@click.option("--check", is_flag=True, help="Instead: balances that their moves do not add up to.")
@dsn_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    item: str | None,
    warehouse: str | None,
    at: datetime | None,
    short: bool,
    check: bool,
    dsn: str,
    as_json: bool,
) -> None:
    r"""Show stock by item, warehouse and lot, in stock units; of ITEM alone if it is given.

    \b
      artery stock BOLT-M10                    where it lies, lot by lot
      artery stock --at 2026-03-01 --warehouse MAIN
      artery stock --short                     what reports of the shop floor wait for
    """
    if short and check:
        raise click.UsageError("--short and --check exclude each other")
    if short:
        rows = query(dsn, "artery stock", queries.SHORTAGES)
        nothing = "No report waits for stock."
    elif check:
        rows = query(dsn, "artery stock", queries.STOCK_CHECK)
        nothing = "Every balance is the sum of its moves."
    else:
        rows = query(dsn, "artery stock", queries.STOCK, (at, item))
        nothing = f"Nothing of {item} lies anywhere." if item else "Nothing lies anywhere."
    if warehouse:
        rows = [row for row in rows if row["warehouse_code"] == warehouse]
    if as_json:
        tell({"rows": rows})
    elif rows:
        show(rows, filled(rows), {"item_code": "item", "warehouse_code": "warehouse"})
    else:
        click.echo(nothing)
    ctx.exit(1 if check and rows else 0)
