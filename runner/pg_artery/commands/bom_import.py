"""`artery bom import`: files of the PLM, one message each."""

from __future__ import annotations

import sys
import time
from typing import Any

import click
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pg_artery import db
from pg_artery.cli import as_artery_error
from pg_artery.commands import dsn_option, json_option
from pg_artery.commands.listing import Row, show, tell
from pg_artery.errors import EXIT_REFUSED

_COLUMNS = ("file", "status", "boms", "created", "updated", "unchanged", "lines", "drafts", "took")
_SHOWN = 50


@click.command("import")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.File("rb"))
@dsn_option
@json_option
@click.pass_context
def command(ctx: click.Context, files: tuple[Any, ...], dsn: str, as_json: bool) -> None:
    """Import bills of material from files: JSON or XML, a message each; - is standard input.

    A file comes in whole or not at all, whatever becomes of the others; the same file again changes
    nothing. Every message is kept in artery_staging.plm_bom, with its result or all the reasons
    against it. Items that were unknown become drafts. Exit code 5 if a file was rejected. The
    database's user needs the role artery_app.
    """
    told: list[Row] = []
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=as_json or not sys.stderr.isatty(),
    )
    full = db.conninfo(dsn, "artery bom import")
    with psycopg.connect(full, autocommit=True, prepare_threshold=None) as conn, progress:
        bar = progress.add_task("importing", total=len(files))
        for file in files:
            name = getattr(file, "name", "<stdin>")
            progress.update(bar, description=name)
            told.append({"file": name, **_import(conn, file.read())})
            progress.advance(bar)
    if as_json:
        tell({"files": told})
    else:
        _show(told)
    if any(answer["status"] == "rejected" for answer in told):
        ctx.exit(EXIT_REFUSED)


def _import(conn: psycopg.Connection[Any], content: bytes) -> Row:
    """Send one message; what the server cannot even take is told like a rejection."""
    started = time.monotonic()
    try:
        text = content.decode("utf-8-sig")
        try:
            row = conn.execute(db.BOM_IMPORT, (text,)).fetchone()
        except psycopg.DataError:
            # XML; or what is neither, which goes as text too, to be kept with its reason
            row = conn.execute(db.BOM_IMPORT_TEXT, (text,)).fetchone()
        answer: Row = dict(row[0]) if row else {}
    except UnicodeDecodeError as error:
        answer = _refused("22021", f"not UTF-8: {error.reason} at byte {error.start}")
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        said = as_artery_error(error)
        answer = _refused(said.sqlstate, said.message, said.hint)
    answer["seconds"] = round(time.monotonic() - started, 3)
    return answer


def _refused(code: str, message: str, hint: str | None = None) -> Row:
    return {"status": "rejected", "reasons": [{"code": code, "message": message, "hint": hint}]}


def _show(told: list[Row]) -> None:
    rows: list[Row] = []
    for answer in told:
        result = answer.get("result") or {}
        numbers = {name: result.get(name) for name in _COLUMNS[2:7]}
        rows.append(
            {
                "file": answer["file"],
                # new = kept, and tried again by the sweep
                "status": "waits" if answer["status"] in ("new", "parked") else answer["status"],
                **numbers,
                "drafts": result.get("draft_items"),
                "took": f"{answer['seconds']:.1f} s",
            }
        )
    show(rows, _COLUMNS)
    for answer in told:
        reasons = answer.get("reasons") or []
        if not reasons:
            continue
        click.echo(f"\n{answer['file']}:")
        for reason in reasons[:_SHOWN]:
            where = f"{reason['path']}: " if reason.get("path") else ""
            click.echo(f"  {reason['code']}  {where}{reason['message']}")
        if len(reasons) > _SHOWN:
            click.echo(f"  … and {len(reasons) - _SHOWN} more: --json shows all")
        hints = {reason["hint"]: None for reason in reasons if reason.get("hint")}
        for hint in list(hints)[:10]:
            click.echo(f"  hint: {hint}")
