"""What `artery endpoint` and `artery route` have in common: settings, as NAME=VALUE."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from pg_artery.commands.listing import Row, filled, show, tell

F = TypeVar("F", bound=Callable[..., Any])


def _read(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[Any, ...]:
    """Take NAME=VALUE apart; { or [ begins JSON, and null takes the setting away."""
    return tuple(_one(text) for text in given)


def _one(given: str) -> tuple[str, Any]:
    name, equals, text = given.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{given!r} is not NAME=VALUE")
    if text == "null":
        return name, None
    if text[:1] in ("{", "["):
        try:
            return name, json.loads(text)
        except ValueError as error:
            # {500,502} is how PostgreSQL writes a list
            if not text.startswith("{") or '"' in text:
                raise click.BadParameter(f"{name} is no JSON: {error}") from error
    return name, text


def settings_argument(*, required: bool = False) -> Callable[[F], F]:
    """Give a command its NAME=VALUE arguments."""
    return click.argument(
        "settings", nargs=-1, callback=_read, required=required, metavar="NAME=VALUE…"
    )


def as_json_text(settings: tuple[tuple[str, Any], ...]) -> str:
    """Put settings as the database's functions take them."""
    return json.dumps(dict(settings))


def changed(what: str, name: str, rows: list[Row], as_json: bool) -> None:
    """Say what a change did."""
    if as_json:
        tell({what: name, "changed": rows})
    elif rows:
        show(rows, filled(rows))
    else:
        click.echo("Nothing changed: it was so already.")


def show_settings(rows: list[Row], everything: bool) -> None:
    """Show settings for people: those that differ from their default, or all with their meaning."""
    if everything:
        show(rows, ["setting", "value", "default_value", "meaning"], {"default_value": "default"})
        return
    rows = [row for row in rows if row["value"] not in (None, row["default_value"])]
    show(rows, ["setting", "value", "default_value"], {"default_value": "default"})
    click.echo("\nThe others have their defaults; --all shows them, with what each means.")
