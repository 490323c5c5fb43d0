"""`artery adopt`: an ERP of the site's own in the place of artery_erp."""

from __future__ import annotations

import sys

import click

from pg_artery import queries
from pg_artery.commands import dsn_option, json_option
from pg_artery.commands.listing import filled, query, show, tell
from pg_artery.errors import EXIT_FAILED

APPLICATION = "artery adopt"


@click.command(
    epilog="Exit codes: 0 nothing is missing or wrong, 1 something is. The database's user needs "
    "the role artery_admin. docs/attach-your-erp.md tells it step by step."
)
@click.argument("parts", nargs=-1, metavar="[PART=SCHEMA.NAME]...")
@click.option("--check", is_flag=True, help="Only look. So does it without PART.")
@click.option("--print", "skeleton", is_flag=True, help="Print SQL to fill in: view and function.")
@dsn_option
@json_option
def command(parts: tuple[str, ...], check: bool, skeleton: bool, dsn: str, as_json: bool) -> None:
    r"""Put views and functions over your own ERP's tables in the place of artery_erp.

    \b
      artery adopt --print > erp_link.sql      what to write
      artery adopt production_order=erp_link.production_order \
                   production_report=erp_link.post_report
      artery adopt --check                     what is missing, all of it

    PART is production_order (a view: what the MES is told of) or production_report (a function:
    what posts the MES's reports). The check reads every row of the view. Where nothing is wrong, it
    sends one order and one report all the way, and undoes it.
    """
    if skeleton:
        click.echo(query(dsn, APPLICATION, queries.ADOPTION_SKELETON)[0]["skeleton"], nl=False)
        return
    if check and parts:
        raise click.UsageError("--check only looks: leave PART out, or --check.")
    for part in parts:
        name, equals, target = part.partition("=")
        if not (name and equals and target):
            raise click.UsageError(f"{part} is not PART=SCHEMA.NAME")
        query(dsn, APPLICATION, queries.ADOPT, (name, target))
    rows = query(dsn, APPLICATION, queries.ADOPTION_CHECK)
    lacking = [row for row in rows if row["severity"] != "advice"]
    if as_json:
        tell({"findings": rows, "complete": not lacking})
    else:
        if rows:
            show(rows, filled(rows))
            click.echo()
        click.echo(f"{len(lacking)} missing or wrong." if lacking else "Nothing is missing.")
    sys.exit(EXIT_FAILED if lacking else 0)
