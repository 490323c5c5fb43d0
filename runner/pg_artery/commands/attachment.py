"""`artery attachment`: list, get."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import IO

import click
import psycopg

from pg_artery import db
from pg_artery.commands import dsn_option, json_option
from pg_artery.commands.listing import Row, filled, query, show
from pg_artery.errors import ArteryError


@click.group(epilog="The database's user needs the role artery_reader or artery_app.")
def command() -> None:
    r"""Files that were fetched for documents.

    \b
      artery attachment list --document-id INV-1
      artery attachment get 17 --output invoice.pdf
    """


@command.command("list")
@click.option("--document-id", help="Of this document.")
@click.option("--document-type", help="Of documents of this type.")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="At most."
)
@dsn_option
@json_option
def list_attachments(
    document_id: str | None, document_type: str | None, limit: int, dsn: str, as_json: bool
) -> None:
    """List attachments, the newest first."""
    rows = query(dsn, "artery attachment", db.ATTACHMENTS, (document_id, document_type, limit))
    if as_json:
        click.echo(json.dumps({"attachments": rows}, default=str))
        return
    if not rows:
        click.echo("No attachments.")
        return
    show(rows, filled(rows, ("chunks", "sha256")))


@command.command("get")
@click.argument("number", metavar="ID", type=int)
@click.option(
    "--output",
    "-o",
    help="File to write, or - for standard output.  [default: its own name, here]",
)
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
@dsn_option
@json_option
def get(number: int, output: str | None, force: bool, dsn: str, as_json: bool) -> None:
    """Write the content of attachment ID to a file.

    The SHA-256 is checked; a file appears under its name when it is whole, or not at all.
    """
    if output == "-" and as_json:
        raise click.UsageError("--json and --output - would both go to standard output")
    full = db.conninfo(dsn, "artery attachment")
    with psycopg.connect(full, autocommit=True, prepare_threshold=None) as conn:
        (row,) = query(dsn, "artery attachment", db.ATTACHMENT, (number,))
        if output == "-":
            _copy(conn, row, sys.stdout.buffer)
            return
        target = Path(output or str(row["file_name"]))
        if target.exists() and not force:
            raise ArteryError(
                "58P02",
                f"{target} exists",
                f"Attachment {number}.",
                "Name another file with --output, or overwrite it with --force.",
            )
        part = target.with_name(f".{target.name}.part")
        try:
            with part.open("wb") as out:
                _copy(conn, row, out)
                out.flush()
                os.fsync(out.fileno())
            part.replace(target)
        except OSError as error:
            raise ArteryError(
                "58030",
                f"{target} cannot be written: {error.strerror}",
                f"Attachment {number}.",
                "Name another place with --output.",
            ) from None
        finally:
            with contextlib.suppress(FileNotFoundError):
                part.unlink()
    if as_json:
        click.echo(json.dumps({**row, "file": str(target)}, default=str))
    else:
        click.echo(f"{target}: {row['bytes']} bytes, SHA-256 {row['sha256']}")


def _copy(conn: psycopg.Connection, row: Row, out: IO[bytes]) -> None:
    """Write the pieces of an attachment; one at a time is in memory."""
    digest = hashlib.sha256()
    for position in range(row["chunks"]):
        found = conn.execute(db.ATTACHMENT_PIECE, (row["id"], position), binary=True).fetchone()
        data: bytes = (found and found[0]) or b""
        digest.update(data)
        out.write(data)
    if digest.hexdigest() != row["sha256"]:
        raise ArteryError(
            "XX001",
            f"attachment {row['id']} is not what was received",
            f"SHA-256 {digest.hexdigest()}, not {row['sha256']}.",
            "Its rows were changed: restore artery.attachment_chunk from a backup.",
        )
