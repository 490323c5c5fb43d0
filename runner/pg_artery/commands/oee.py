"""`artery oee`: how effective machines were, and what they do now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import click

from pg_artery import db
from pg_artery.commands import dsn_option, json_option
from pg_artery.commands.listing import Row, filled, query, show, span

_RATIOS = ("oee", "availability", "effectiveness", "quality")
_SECONDS = ("planned_operation", "planned_down", "planned_busy", "production", "down", "unknown")
_COLUMNS = (
    *("equipment_code", "day", "shift_code", "bar", *_RATIOS, "trend"),
    *("planned_busy", "production", "down", "unknown", "good", "reject", "off_shift", "notes"),
)
_TITLES = {
    "equipment_code": "equipment",
    "shift_code": "shift",
    "bar": "",
    "oee": "OEE",
    "planned_busy": "planned",
    "production": "ran",
    "trend": "by day",
}
_BLOCKS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"


def _moment(_ctx: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(value).astimezone() if value else None
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is neither 2026-03-31 nor 2026-03-31T06:00+02:00"
        ) from None


def bar(ratio: Decimal | None, width: int = 12) -> str:
    """Draw a ratio as a bar of `width` characters; above 1 it ends in an arrow."""
    if ratio is None:
        return "·" * width
    eighths = min(round(ratio * width * 8), width * 8)
    whole, part = divmod(eighths, 8)
    drawn = "█" * whole + (_BLOCKS[part] if part else "")
    return drawn[: width - 1] + "▶" if ratio > 1 else drawn.ljust(width, "░")


def trend(ratios: Sequence[Decimal | None]) -> str:
    """Draw ratios as a line of small columns; a dot where there is none."""
    return "".join(
        "·" if ratio is None else _LEVELS[min(int(ratio * len(_LEVELS)), len(_LEVELS) - 1)]
        for ratio in ratios
    )


def percent(ratio: Decimal | None) -> str:
    """Put a ratio as people read it; null, as of time that was not planned, as a dash."""
    return "-" if ratio is None else f"{ratio * 100:.1f} %"


def _readable(row: Row, days: dict[str, list[Decimal | None]]) -> Row:
    told: Row = {**row, "bar": bar(row["oee"]), "notes": ", ".join(row["flags"]).replace("_", " ")}
    told["trend"] = trend(days.get(row["equipment_code"], []))
    told |= {name: percent(row[name]) for name in _RATIOS}
    for name in _SECONDS:
        told[name] = span(timedelta(seconds=float(row[name]))) if row[name] else ""
    return told | {name: row[name] or None for name in ("good", "reject", "off_shift")}


def _plain(value: Any) -> Any:
    # pieces and seconds as numbers; they are exact to far more places than anybody counts
    return float(value) if isinstance(value, Decimal) else str(value)


@click.command(epilog="The database's user needs the role artery_reader.")
@click.argument("equipment", nargs=-1)
@click.option("--live", is_flag=True, help="What the machines do now.")
@click.option("--from", "begin", callback=_moment, help="From this day or time.")
@click.option("--to", "end", callback=_moment, help="To this day or time.  [default: now]")
@click.option("--days", default=7, show_default=True, help="Without --from: that many days.")
@click.option(
    "--by",
    type=click.Choice(["total", "day", "shift"]),
    default="total",
    show_default=True,
    help="A line for the whole time, each day, or each shift.",
)
@dsn_option
@json_option
def command(
    equipment: tuple[str, ...],
    live: bool,
    begin: datetime | None,
    end: datetime | None,
    days: int,
    by: str,
    dsn: str,
    as_json: bool,
) -> None:
    r"""Show the OEE of EQUIPMENT, or of all machines, by ISO 22400.

    \b
      artery oee                               the last 7 days
      artery oee PRESS-1 --by shift --days 2   shift by shift
      artery oee --from 2026-03-01 --to 2026-04-01
      artery oee --live                        running, down, unknown
    \b
    OEE = availability x effectiveness x quality. A dash: no time was planned, or no ideal cycle is
    known. A day without a time is its beginning, in the time zone of this machine.
    """
    codes = list(equipment) or None
    if live:
        _live(codes, dsn, as_json)
        return
    end = end or datetime.now().astimezone()
    begin = begin or end - timedelta(days=days)
    rows = query(dsn, "artery oee", db.OEE, (begin, end, codes, by))
    _check(codes, rows)
    if as_json:
        told = {"from": begin.isoformat(), "to": end.isoformat(), "by": by, "oee": rows}
        click.echo(json.dumps(told, default=_plain))
        return
    if not rows:
        click.echo("No machine has figures for this time: docs/oee.md says how they come about.")
        return
    daily: dict[str, list[Decimal | None]] = {}
    if by == "total":
        for row in query(dsn, "artery oee", db.OEE, (begin, end, codes, "day")):
            daily.setdefault(row["equipment_code"], []).append(row["oee"])
    shown = [_readable(row, daily) for row in rows]
    click.echo(f"OEE {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}")
    show(shown, [c for c in _COLUMNS if c in filled(shown)], _TITLES)


def _live(codes: list[str] | None, dsn: str, as_json: bool) -> None:
    rows = query(dsn, "artery oee", db.OEE_LIVE, (codes,))
    _check(codes, rows)
    if as_json:
        click.echo(json.dumps({"live": rows}, default=_plain))
        return
    if not rows:
        click.echo("There are no machines yet: artery_erp.equipment.")
        return
    told = [
        {
            **row,
            "state": row["state"] or "unknown",
            "bar": bar(row["oee"]),
            "oee": percent(row["oee"]),
        }
        for row in rows
    ]
    columns = ["equipment_code", "state", "since", "reason_code", "last_seen", "shift_code"]
    columns += ["good", "bar", "oee"]
    show(told, [c for c in columns if c in filled(told)], {**_TITLES, "reason_code": "reason"})


def _check(codes: list[str] | None, rows: list[Row]) -> None:
    """Say so where a code that was asked for has no rows: it may be misspelt."""
    missing = sorted(set(codes or ()) - {row["equipment_code"] for row in rows})
    if missing:
        click.echo(f"Nothing is known of {', '.join(missing)} in this time.", err=True)
