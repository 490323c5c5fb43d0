"""The commands of `artery`, a module each; options that several of them take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def dsn_option(command: F) -> F:
    """Give a command `--dsn`."""
    return click.option(
        "--dsn",
        envvar="ARTERY_DSN",
        default="",
        show_default=False,
        help="libpq connection string or URL. Else $ARTERY_DSN, else libpq's PGHOST, PGDATABASE, …",
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
