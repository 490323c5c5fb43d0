"""`artery archive`: list, run, verify, restore."""

from __future__ import annotations

import time
from pathlib import Path

import click
from rich.console import Console

from pg_artery import archive as work
from pg_artery import archive_check, archive_files, queries
from pg_artery.archive_session import Session
from pg_artery.commands import dsn_option, json_option, names_of
from pg_artery.commands.listing import Row, filled, query, show, tell
from pg_artery.errors import EXIT_FAILED, ArteryError

_NAME = "artery archive"
_table = click.option(
    "--table",
    shell_complete=names_of(queries.ARCHIVE_STATUS, "parent"),
    help="Of this table alone, such as artery.cloud_log.",
)
_files = click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)


class _Progress:
    """One line on a terminal that changes, lines elsewhere, nothing with --json."""

    def __init__(self, as_json: bool) -> None:
        self._quiet = as_json
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._status = self._console.status("")
        self._said = 0.0

    def __enter__(self) -> _Progress:
        if not self._quiet and self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def __call__(self, line: str) -> None:
        if self._quiet:
            return
        if self._console.is_terminal:
            self._status.update(line)
        elif time.monotonic() - self._said > 5:
            self._console.print(line)
            self._said = time.monotonic()


@click.group()
def command() -> None:
    r"""Put partitions past their age into files, then drop them.

    \b
      artery archive list                               what is past its age, what has gone where
      artery archive run --to /srv/archive --dry-run
      artery archive run --to /srv/archive              detach, write, read back, drop
      artery archive verify /srv/archive                are the files whole?
      artery archive restore /srv/archive/…/cloud_log_20260801.parquet --into audit.august

    How long a table keeps its partitions: artery.partitioning.keep. With archive_before_drop they
    wait for this command; without, the sweep drops them.
    """


@command.command("list")
@_table
@click.option("--waiting", is_flag=True, help="Only what is still in the database.")
@dsn_option
@json_option
def list_(table: str | None, waiting: bool, dsn: str, as_json: bool) -> None:
    """List partitions past their age, and those that were archived."""
    tables = query(dsn, _NAME, queries.ARCHIVE_STATUS)
    rows = query(dsn, _NAME, queries.ARCHIVES, (table,))
    rows = [row for row in rows if not (waiting and row["state"] == "dropped")]
    if as_json:
        tell({"tables": tables, "partitions": rows})
        return
    show(tables, filled(tables))
    if rows:
        click.echo()
        show(rows, filled(rows, leave_out=("parent", "id")))


@command.command("run")
@click.option(
    "--to",
    "directory",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the files: TO/TABLE/PARTITION.parquet, its manifest beside it.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("parquet", "csv")),
    help="Parquet needs pip install 'pg-artery[archive]'. [default: parquet where it is there]",
)
@_table
@click.option("--limit", type=click.IntRange(1), help="Partitions at most, the oldest first.")
@click.option(
    "--lock-timeout",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0.001),
    help="Longest wait for transactions that read the table, in seconds. They are not held up.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@dsn_option
@json_option
@click.pass_context
def run(
    ctx: click.Context,
    directory: Path,
    form: str | None,
    table: str | None,
    limit: int | None,
    lock_timeout: float,
    dry_run: bool,
    dsn: str,
    as_json: bool,
) -> None:
    """Archive what is past its age: detach, write, read back, drop.

    A partition is dropped only after its file was read back and PostgreSQL found the same rows in
    it. Killed at any point, the next run goes on. Connect as for artery migrate, not through a
    pooler. Exit code 1: something could not be archived, and is still there.
    """
    form = form or ("parquet" if archive_files.has_parquet() else "csv")
    plan = work.Plan(directory, form, table, limit, lock_timeout)
    done: list[Row] = []
    with Session(dsn) as session, _Progress(as_json) as say:
        if dry_run:
            done = work.candidates(session, plan)
        else:
            for row in work.run(session, plan, say):
                done.append(row)
                if not as_json:
                    _say(row)
    if as_json:
        tell({"dry_run": dry_run, "partitions": [_plain(row) for row in done]})
    elif not done:
        click.echo("Nothing is past its age.")
    elif dry_run:
        show(done, filled(done, leave_out=("parent", "id")))
    ctx.exit(EXIT_FAILED if plan.failed else 0)


def _plain(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "cause"}


def _say(row: Row) -> None:
    if row["state"] == "failed":
        cause = row["cause"]
        click.secho(f"{row['partition']}: {row['error']}", fg="red", err=True)
        hint = cause.hint if isinstance(cause, ArteryError) else None
        if hint:
            click.echo(f"  hint: {hint}", err=True)
    else:
        click.echo(
            f"{row['partition']}: {row['row_count']} rows, {row['bytes']} bytes, {row['state']}"
            f"  {row['file']}"
        )


@command.command("verify")
@_files
@click.option("--rows", "with_rows", is_flag=True, help="Have PostgreSQL compare every row, too.")
@dsn_option
@json_option
@click.pass_context
def verify(
    ctx: click.Context, files: tuple[Path, ...], with_rows: bool, dsn: str, as_json: bool
) -> None:
    """Check FILES, or all in a directory, against their manifests: size, SHA-256, rows.

    Needs no database; with --rows one, where a temporary table can be made. Exit code 1: a file is
    not what was archived.
    """
    found: list[Row] = []
    with _Progress(as_json) as say:
        for path in archive_check.archives_in(files):
            found.append(archive_check.verify(path, dsn if with_rows else None, say))
    if as_json:
        tell({"files": found})
    elif not found:
        click.echo("No archive there.")
    else:
        show(found, filled(found))
    ctx.exit(EXIT_FAILED if any(row["state"] != "whole" for row in found) else 0)


@command.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--into", required=True, help="SCHEMA.TABLE, made anew.")
@dsn_option
@json_option
def restore(file: Path, into: str, dsn: str, as_json: bool) -> None:
    """Load FILE into a table of its own, all or nothing, and compare its rows with the manifest.

    The database's user must be able to create tables there, and needs the role artery_reader.
    """
    with _Progress(as_json) as say:
        rows = archive_check.restore(file, into, dsn, say)
    if as_json:
        tell({"file": str(file), "table": into, "rows": rows})
    else:
        click.echo(f"{into}: {rows} rows, as they were archived.")
