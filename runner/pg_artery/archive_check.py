"""Archives away from their database: whole or not, and the way back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pg_artery import archive_files, queries
from pg_artery.archive_files import SUFFIX, Say
from pg_artery.archive_session import Row, Session, check_rows
from pg_artery.errors import ArteryError

ENDS = tuple(SUFFIX.values())


def manifest_path(path: Path) -> Path:
    """Give the path of a file's manifest."""
    return path.with_name(path.name + ".json")


def archives_in(places: Iterable[Path]) -> Iterator[Path]:
    """Find the archives' data files, of directories all below, by their names."""
    for place in places:
        if place.is_dir():
            yield from sorted(p for p in place.rglob("*") if p.name.endswith(ENDS))
        else:
            yield place


def manifest_of(path: Path) -> Row:
    """Read the manifest beside a file.

    :raises ArteryError: IN074 there is none
    """
    try:
        manifest: Row = json.loads(manifest_path(path).read_text())
    except (OSError, ValueError) as error:
        raise ArteryError(
            "IN074",
            f"{path} has no manifest beside it",
            str(error),
            "A run that was killed may have left it: artery archive run makes it whole.",
        ) from error
    return manifest


def verify(path: Path, dsn: str | None, say: Say) -> Row:
    """Compare a file with its manifest; with a database, every row of it too."""
    told: Row = {"file": str(path), "state": "whole", "row_count": None, "found": None}
    try:
        manifest = manifest_of(path)
        if archive_files.sha256(path) != manifest["sha256"]:
            raise _not_whole(path, "Its SHA-256 is not the manifest's.")
        if dsn is None:
            pieces = archive_files.read_back(manifest["format"], path)
            rows, digest = sum(count for _, count in pieces), manifest["digest"]
        else:
            with Session(dsn, owner=False) as session:
                session.rows(queries.SCRATCH_LIKE, (json.dumps(manifest["columns"]),))
                rows, digest = check_rows(session, manifest["format"], path, say, path.name)
        if (rows, digest) != (manifest["rows"], manifest["digest"]):
            raise _not_whole(path, f"It has {rows} rows, the manifest {manifest['rows']}.")
    except ArteryError as error:
        return told | {"state": "damaged", "found": f"{error}. {error.detail}"}
    return told | {"row_count": rows}


def _not_whole(path: Path, detail: str) -> ArteryError:
    return ArteryError(
        "IN074",
        f"{path} is not what was archived",
        detail,
        "Take the copy from a backup.",
    )


def restore(path: Path, into: str, dsn: str, say: Say) -> int:
    """Load a file into a new table in one transaction; gives its rows.

    :raises ArteryError: IN074 the file, or what came of it, is not what was archived
    """
    manifest = manifest_of(path)
    with Session(dsn, owner=False) as session, session.conn.transaction():
        (made,) = session.rows(queries.RESTORE_TABLE, (into, json.dumps(manifest["columns"])))
        statement = f"copy {made['name']} from stdin (format csv, encoding 'UTF8')"
        with session.conn.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            done = 0
            for piece, count in archive_files.read_back(manifest["format"], path):
                copy.write(piece)
                done += count
                say(f"{path.name}: {done} of {manifest['rows']} rows")
        (found,) = session.rows(queries.DIGEST, (made["name"],))
        if f"{found['low']}:{found['high']}" != manifest["digest"]:
            raise _not_whole(path, f"{found['row_count']} rows came of it, and others.")
    return int(found["row_count"])
