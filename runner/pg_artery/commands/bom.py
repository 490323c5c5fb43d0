"""`artery bom`: import, tree, diff."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation

import click

from pg_artery import db
from pg_artery.commands import bom_import, dsn_option, json_option
from pg_artery.commands.listing import filled, query, show

_TITLES = {"line_no": "line", "revision": "rev", "issue_method": "issue", "operation_no": "op"}


def _quantity(_ctx: click.Context, _option: click.Parameter, value: str) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number <= 0:
        raise click.BadParameter(f"{value!r} is no quantity above 0")
    return number


def _moment(_ctx: click.Context, _option: click.Parameter, value: str | None) -> datetime:
    try:
        return datetime.fromisoformat(value).astimezone() if value else datetime.now().astimezone()
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is neither 2026-03-31 nor 2026-03-31T06:00+02:00"
        ) from None


@click.group(epilog="The database's user needs the role artery_reader or artery_app.")
def command() -> None:
    r"""Import bills of material, look at them.

    \b
      artery bom import pump.json parts.xml   what the PLM sent, a message a file
      artery bom tree CP40                    what it is made of, all levels
      artery bom tree BOLT-M10 --where-used   what it goes into
      artery bom diff CP40 A B                what revision B changes
    """


@command.command("tree")
@click.argument("item")
@click.option("--quantity", callback=_quantity, default="1", show_default=True, help="To be made.")
@click.option("--at", callback=_moment, help="As of this day or time.  [default: now]")
@click.option("--revision", help="Of ITEM itself, whatever its dates.")
@click.option("--where-used", is_flag=True, help="Upwards: the assemblies that ITEM goes into.")
@dsn_option
@json_option
def tree(
    item: str,
    quantity: Decimal,
    at: datetime,
    revision: str | None,
    where_used: bool,
    dsn: str,
    as_json: bool,
) -> None:
    """Show what a quantity of ITEM requires, level by level.

    Requirements hold the scrap and are rounded up, each once: whole pieces, else 8 places. A day
    without a time is its beginning, in the time zone of this machine.
    """
    if where_used and revision:
        raise click.UsageError("--revision and --where-used exclude each other")
    if where_used:
        rows = query(dsn, "artery bom", db.BOM_WHERE_USED, (item, quantity, at))
    else:
        rows = query(dsn, "artery bom", db.BOM_TREE, (item, quantity, at, revision))
    if as_json:
        told = {"item": item, "quantity": quantity, "at": at.isoformat(), "rows": rows}
        click.echo(json.dumps(told, default=str))
        return
    if where_used and not rows:
        click.echo(f"{item} goes into nothing that is built on {at:%Y-%m-%d}.")
        return
    show(rows, filled(rows, leave_out=("level", "item_code")), _TITLES)


@command.command("diff")
@click.argument("item")
@click.argument("from_revision", metavar="FROM")
@click.argument("to_revision", metavar="TO")
@dsn_option
@json_option
@click.pass_context
def diff(
    ctx: click.Context, item: str, from_revision: str, to_revision: str, dsn: str, as_json: bool
) -> None:
    """Compare two revisions of ITEM's BOM, line by line.

    Lines are matched by their number. Exit code 0 if the two are the same, 1 if they differ.
    """
    rows = query(dsn, "artery bom", db.BOM_DIFF, (item, from_revision, to_revision))
    if as_json:
        told = {"item": item, "from": from_revision, "to": to_revision, "changes": rows}
        click.echo(json.dumps(told, default=str))
    elif not rows:
        click.echo(f"{item}: revisions {from_revision} and {to_revision} have the same lines.")
    else:
        columns = ["line_no", "change", "component_code", "property", "from_value", "to_value"]
        show(rows, columns, {"from_value": from_revision, "to_value": to_revision})
    ctx.exit(1 if rows else 0)


command.add_command(bom_import.command)
