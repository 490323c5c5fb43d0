"""Partitions past their age go to files: detached, copied out, read back, and only then dropped.

Each step is committed before the next, so that a run that was killed is taken up by the next one.
The database decides: what `artery.finish_archive` does not find equal is not dropped.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psycopg

from pg_artery import __version__, archive_files, failpoint, queries
from pg_artery.archive_check import manifest_path
from pg_artery.archive_files import SUFFIX, Say
from pg_artery.archive_session import Row, Session, check_rows
from pg_artery.errors import ArteryError


@dataclass
class Plan:
    """What a run is to do.

    :param directory: of all files: DIRECTORY/TABLE/PARTITION.parquet, with its manifest beside it
    :param form: parquet or csv
    :param parent: one table, or None for all
    :param limit: partitions at most
    :param lock_timeout: longest wait for readers when a partition is detached, in seconds
    """

    directory: Path
    form: str
    parent: str | None = None
    limit: int | None = None
    lock_timeout: float = 60.0
    failed: list[Row] = field(default_factory=list)


def reached(step: str) -> None:
    """Let a test kill the run here."""
    if failpoint.hit is not None:
        failpoint.hit(f"archive_{step}")


def candidates(session: Session, plan: Plan) -> list[Row]:
    """List what a run would do, oldest first."""
    found = session.rows(queries.ARCHIVES, (plan.parent,))
    todo = [row for row in found if row["state"] != "dropped"]
    return todo[: plan.limit]


def run(session: Session, plan: Plan, say: Say) -> Iterator[Row]:
    """Archive partition after partition; gives what became of each. One's failure stops its table.

    :raises ArteryError: IN070 another run is at work, IN075 no pyarrow for Parquet
    """
    if not session.rows(queries.ARCHIVE_LOCK)[0]["mine"]:
        raise ArteryError(
            "IN070",
            "another `artery archive run` is at work on this database",
            None,
            "Let it end; artery archive list shows how far it is.",
        )
    if plan.form == "parquet":
        archive_files.require_parquet()
    stopped: set[str] = set()
    for row in candidates(session, plan):
        if row["parent"] in stopped:
            continue
        try:
            yield _archive(session, plan, row, say)
        except (ArteryError, psycopg.Error, OSError) as error:
            if isinstance(error, psycopg.OperationalError) and session.conn.broken:
                raise
            stopped.add(row["parent"])
            plan.failed.append(row)
            yield row | {"state": "failed", "error": str(error).splitlines()[0], "cause": error}


def _archive(session: Session, plan: Plan, row: Row, say: Say) -> Row:
    name = row["partition"]
    if row["state"] != "verified":
        number = _detach(session, plan, name, say)
        (sealed,) = session.rows(queries.SEAL, (number,))
        say(f"{name}: {sealed['row_count']} rows to {plan.form}")
        path, manifest = _export(session, plan, sealed, say)
        session.rows(queries.FINISH_ARCHIVE, (number, json.dumps(manifest), str(path)))
        row = row | {"id": number, "file": str(path), "bytes": manifest["bytes"],
                     "row_count": manifest["rows"]}  # fmt: skip
        reached("finished")
    try:
        session.rows(queries.DROP_ARCHIVED, (row["id"],))
    except psycopg.errors.LockNotAvailable:
        say(f"{name}: somebody reads it; the sweep drops it later")
        return row | {"state": "verified"}
    return row | {"state": "dropped"}


def _detach(session: Session, plan: Plan, name: str, say: Say) -> int:
    (begun,) = session.rows(queries.BEGIN_ARCHIVE, (name,))
    reached("begun")
    if begun["statement"]:
        say(f"{name}: detaching")
        session.rows(queries.SET_SETTING, ("lock_timeout", f"{plan.lock_timeout * 1000:.0f}"))
        try:
            session.top_level(begun["statement"])
        except psycopg.errors.LockNotAvailable as error:
            raise ArteryError(
                "IN076",
                f"{name} could not be detached in {plan.lock_timeout:g} s: it is being read",
                "Its table's readers and writers were not held up. New statements see it no more.",
                "Run again when the long transaction has ended, which artery doctor names.",
            ) from error
        finally:
            session.rows(queries.SET_SETTING, ("lock_timeout", "10000"))
    reached("detached")
    return int(begun["id"])


def _export(session: Session, plan: Plan, sealed: Row, say: Say) -> tuple[Path, Row]:
    """Write the file, read it back, write the manifest beside it."""
    base = plan.directory.resolve() / sealed["parent"] / sealed["partition"].split(".", 1)[1]
    origin = session.database()
    path = _free_name(base, SUFFIX[plan.form], origin, sealed)
    columns = sealed["columns"]

    def make(part: Path, typed: bool = True) -> None:
        out = archive_files.writer(plan.form, part, columns, typed)
        try:
            # closed before the scratch table needs the connection, when a value does not fit
            with contextlib.closing(session.copy_out(sealed["copy_out"])) as rows:
                done = 0
                for piece, count in archive_files.pieces(rows):
                    out.write(piece)
                    done += count
                    say(f"{sealed['partition']}: {done} of {sealed['row_count']} rows written")
                    reached("writing")
        finally:
            out.close()

    def make_typed_if_it_fits(part: Path) -> None:
        try:
            make(part)
        except archive_files.Untyped:
            make(part, typed=False)

    archive_files.put(path, make_typed_if_it_fits)
    reached("written")
    session.top_level(sealed["scratch"])
    try:
        count, digest = check_rows(session, plan.form, path, say, sealed["partition"])
    finally:
        session.rows(queries.SCRATCH_DROP)
    manifest = {
        "format": plan.form,
        "file": path.name,
        "bytes": path.stat().st_size,
        "sha256": archive_files.sha256(path),
        "rows": count,
        "digest": digest,
        "parent": sealed["parent"],
        "partition": sealed["partition"],
        "day": sealed["day"].isoformat(),
        "key": sealed["key"],
        "first_at": _iso(sealed["first_at"]),
        "last_at": _iso(sealed["last_at"]),
        "columns": columns,
        "content": "as stored: what the tables hold redacted is redacted here",
        "database": origin,
        "pg_artery": __version__,
    }
    text = json.dumps(manifest, indent=1) + "\n"
    archive_files.put(manifest_path(path), lambda part: part.write_text(text))
    reached("described")
    return path, manifest


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _free_name(base: Path, suffix: str, origin: Row, sealed: Row) -> Path:
    """Give the file's name; one that other rows have is not taken: of another database, say."""
    number = 1
    while True:
        tail = suffix if number == 1 else f"-{number}{suffix}"
        path = base.with_name(base.name + tail)
        try:
            there = json.loads(manifest_path(path).read_text())
        except FileNotFoundError:
            return path
        if (there["database"], there["digest"]) == (origin, sealed["digest"]):
            return path
        number += 1
