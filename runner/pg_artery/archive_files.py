"""Files of an archive: Parquet by pyarrow, or CSV in gzip by the standard library alone.

Either is written and read back in pieces of whole CSV records, as PostgreSQL's COPY gives and takes
them: memory holds one piece, and what is read back can be compared by PostgreSQL itself.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from pg_artery.errors import ArteryError

#: bytes of CSV in a piece: a row group of a Parquet file
PIECE = 16 << 20

SUFFIX = {"parquet": ".parquet", "csv": ".csv.gz"}
Column = dict[str, str]  # name and PostgreSQL type
Say = Callable[[str], None]


class Writer(Protocol):
    """Takes a piece at a time."""

    def write(self, piece: bytes) -> None:
        """Append whole CSV records."""

    def close(self) -> None:
        """Make the file complete."""


class Untyped(Exception):
    """A value does not fit its column's Parquet type, such as `infinity`: text holds it."""


def pieces(rows: Iterable[bytes], size: int = PIECE) -> Iterator[tuple[bytes, int]]:
    """Put CSV records together to pieces of about `size` bytes; gives each with its records."""
    held, length = [], 0
    for row in rows:
        held.append(row)
        length += len(row)
        if length >= size:
            yield b"".join(held), len(held)
            held, length = [], 0
    if held:
        yield b"".join(held), len(held)


def records(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Put lines together to CSV records: a line within quotes is not the record's last."""
    held: list[bytes] = []
    quotes = 0
    for line in lines:
        held.append(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            yield b"".join(held)
            held, quotes = [], 0
    if held:
        raise ArteryError(
            "IN074",
            "the file ends within a record",
            "A quoted value is open at the end.",
            "It is no whole archive: take the copy from a backup.",
        )


class _Csv:
    def __init__(self, path: Path) -> None:
        # no name and no time in it: the same rows give the same file
        self._raw = path.open("wb")
        self._file = gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, mtime=0)

    def write(self, piece: bytes) -> None:
        self._file.write(piece)

    def close(self) -> None:
        self._file.close()
        self._raw.close()


def _arrow() -> tuple[Any, Any, Any]:
    try:
        import pyarrow
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError as error:
        raise ArteryError(
            "IN075",
            "Parquet needs pyarrow, which is not installed",
            str(error),
            "pip install 'pg-artery[archive]'; or --format csv.",
        ) from error
    return pyarrow, pyarrow.csv, pyarrow.parquet


def require_parquet() -> None:
    """Refuse where Parquet cannot be written.

    :raises ArteryError: IN075
    """
    _arrow()


def has_parquet() -> bool:
    """Tell whether Parquet can be written here."""
    return importlib.util.find_spec("pyarrow") is not None


_PLAIN = {
    "smallint": "int16",
    "integer": "int32",
    "bigint": "int64",
    "real": "float32",
    "double precision": "float64",
    "boolean": "bool_",
    "date": "date32",
}


def _type(arrow: Any, column: Column, typed: bool) -> Any:
    """Give the Parquet type that holds every value of a PostgreSQL type exactly, else text."""
    name = column["type"]
    decimal = re.fullmatch(r"numeric\((\d+),(\d+)\)", name)
    if name == "bytea":
        return arrow.binary()
    if not typed:
        return arrow.string()
    if decimal and int(decimal[1]) <= 38:
        return arrow.decimal128(int(decimal[1]), int(decimal[2]))
    if name == "timestamp with time zone":
        return arrow.timestamp("us", tz="UTC")
    if name == "timestamp without time zone":
        return arrow.timestamp("us")
    return getattr(arrow, _PLAIN[name])() if name in _PLAIN else arrow.string()


class _Parquet:
    def __init__(self, path: Path, columns: Sequence[Column], typed: bool) -> None:
        self._arrow, self._csv, parquet = _arrow()
        arrow = self._arrow
        fields = [
            arrow.field(c["name"], _type(arrow, c, typed), metadata={"postgresql": c["type"]})
            for c in columns
        ]
        self._schema = arrow.schema(fields)
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")
        # hexadecimal as COPY writes it, until it is bytes
        self._read_as = {
            f.name: arrow.string() if arrow.types.is_binary(f.type) else f.type for f in fields
        }

    def write(self, piece: bytes) -> None:
        arrow, names = self._arrow, self._schema.names
        try:
            table = self._csv.read_csv(
                io.BytesIO(piece),
                self._csv.ReadOptions(
                    column_names=names, block_size=len(piece) + 1, use_threads=False
                ),
                self._csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
                self._csv.ConvertOptions(
                    column_types=self._read_as,
                    null_values=[""],
                    true_values=["t"],
                    false_values=["f"],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
        except arrow.ArrowInvalid as error:
            raise Untyped(str(error)) from error
        for number, field in enumerate(self._schema):
            if arrow.types.is_binary(field.type):
                hexes = table.column(number).to_pylist()
                values = [None if h is None else bytes.fromhex(h[2:]) for h in hexes]
                table = table.set_column(number, field, arrow.array(values, field.type))
        self._writer.write_table(table.cast(self._schema), row_group_size=max(table.num_rows, 1))

    def close(self) -> None:
        self._writer.close()


def writer(form: str, path: Path, columns: Sequence[Column], typed: bool) -> Writer:
    """Begin a file.

    :param form: parquet or csv
    :param typed: False writes every Parquet column as text
    :raises ArteryError: IN075 there is no pyarrow
    """
    return _Parquet(path, columns, typed) if form == "parquet" else _Csv(path)


def read_back(form: str, path: Path) -> Iterator[tuple[bytes, int]]:
    """Give a file's rows as pieces of CSV, each with its number of rows.

    :raises ArteryError: IN074 it cannot be read, IN075 there is no pyarrow
    """
    try:
        yield from _parquet_pieces(path) if form == "parquet" else _csv_pieces(path)
    except (OSError, EOFError, ValueError) as error:  # pyarrow's are of these
        raise ArteryError(
            "IN074",
            f"{path} cannot be read",
            str(error),
            "It is no whole archive: take the copy from a backup.",
        ) from error


def _csv_pieces(path: Path) -> Iterator[tuple[bytes, int]]:
    with gzip.open(path) as file:
        yield from pieces(records(file))


def _parquet_pieces(path: Path) -> Iterator[tuple[bytes, int]]:
    arrow, csv, parquet = _arrow()
    with parquet.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, use_threads=False)
            for number, field in enumerate(table.schema):
                if arrow.types.is_binary(field.type):
                    values = table.column(number).to_pylist()
                    hexes = [None if v is None else "\\x" + v.hex() for v in values]
                    column = arrow.array(hexes, arrow.string())
                    table = table.set_column(number, field.name, column)
            out = io.BytesIO()
            csv.write_csv(table, out, csv.WriteOptions(include_header=False))
            yield out.getvalue(), table.num_rows


def sha256(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def put(path: Path, make: Callable[[Path], object]) -> None:
    """Make a file under another name, and give it its own when it is whole and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        make(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
