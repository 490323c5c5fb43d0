"""What `artery vault` is given: names, and values that must never be arguments."""

from __future__ import annotations

import re
import sys

import click

from pg_artery import vault
from pg_artery.errors import ArteryError
from pg_artery.signing import PREFIX, signing_key

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}\Z")


def _check_name(_ctx: click.Context, _parameter: click.Parameter, name: str) -> str:
    """Refuse a bad name here: it may be a secret given in the wrong place, and SQL is logged."""
    if not NAME.match(name):
        raise click.BadParameter(
            "up to 63 letters, digits, '_', '.' and '-', beginning with a letter or '_'. The value "
            "comes from standard input, never as an argument."
        )
    return name


def _refuse_value(_ctx: click.Context, _parameter: click.Parameter, words: tuple[str, ...]) -> None:
    """Refuse further arguments without showing them, as click itself would."""
    if words:
        raise click.UsageError(
            "The value comes from standard input, never as an argument: other users see those, and "
            "the shell's history keeps them. If it was the real one, it is no secret any more."
        )


name_argument = click.argument("name", callback=_check_name)
no_value = click.argument("value", nargs=-1, metavar="", expose_value=False, callback=_refuse_value)


def read_value() -> str:
    """Read the secret from standard input, at a terminal without showing it. Errors: IN037."""
    if sys.stdin.isatty():
        value = str(click.prompt("Value", hide_input=True, confirmation_prompt=True, err=True))
    else:
        raw = sys.stdin.buffer.read(vault.MAX_SECRET_BYTES + 2)
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
        try:
            value = raw.decode()
        except UnicodeDecodeError:
            value = ""
    problem = None
    if not value or "\x00" in value or len(value.encode()) > vault.MAX_SECRET_BYTES:
        problem = "Needed: UTF-8 text without NUL, not empty, at most 64 KiB."
    elif value.startswith(PREFIX):
        try:
            for key in value.split():
                signing_key(key)
        except ValueError as error:
            problem = f"It begins with {PREFIX}, but {error}."
    if problem:
        hint = "One value on standard input; a line end at its end is taken off."
        raise ArteryError("IN037", "what was given can be no secret", problem, hint)
    return value
