"""The commands of `artery`, a module each; options that several of them take."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, LiteralString, TypeVar

import click
import psycopg
from click.shell_completion import CompletionItem
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from pg_artery import configuration

F = TypeVar("F", bound=Callable[..., Any])


def dsn_option(command: F) -> F:
    """Give a command `--dsn`."""
    return click.option(
        "--dsn",
        envvar="ARTERY_DSN",
        default=configuration.dsn,
        show_default=False,
        help="libpq connection string or URL. Else $ARTERY_DSN, the configuration file's dsn, "
        "libpq's PGHOST, PGDATABASE, …",
    )(command)


def json_option(command: F) -> F:
    """Give a command `--json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="One JSON object on standard output."
    )(command)


def reason_option(command: F) -> F:
    """Give a command `--reason`: what the history will say."""
    return click.option(
        "--reason", required=True, help="Why; kept in the history, with who and when."
    )(command)


def names_of(
    statement: LiteralString, column: str
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Give what completes a name in a shell: a column of what a statement finds, asked quietly."""

    def complete(ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
        from pg_artery import db

        dsn = ctx.params.get("dsn") or os.environ.get("ARTERY_DSN", "")
        try:
            full = make_conninfo(db.conninfo(dsn, "artery completion"), connect_timeout=2)
            with psycopg.connect(full, autocommit=True, row_factory=dict_row) as conn:
                names = [str(row[column]) for row in conn.execute(statement).fetchall()]
        except psycopg.Error:
            return []
        return [CompletionItem(name) for name in names if name.startswith(begun)]

    return complete
