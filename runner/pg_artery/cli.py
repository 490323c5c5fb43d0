"""The command `artery`. A command's module is imported only when the command is called."""

from __future__ import annotations

import importlib
import json
import re
import sys
from typing import IO, Any

import click
import psycopg

from pg_artery import __version__, configuration
from pg_artery.errors import (
    EXIT_CONFLICT,
    EXIT_DATABASE,
    EXIT_FAILED,
    EXIT_REFUSED,
    EXIT_USAGE,
    NOT_INSTALLED,
    ArteryError,
)

#: command -> (module:attribute, the line it has in --help)
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("pg_artery.commands.init:command", "Write a configuration file, or systemd units."),
    "migrate": (
        "pg_artery.commands.migrate:command",
        "Install in a database, bring up to date, roll back.",
    ),
    "run": ("pg_artery.commands.run:command", "Deliver what is due, until told to stop."),
    "status": ("pg_artery.commands.status:command", "Everything at one glance; --watch stays."),
    "monitor": ("pg_artery.commands.monitor:command", "Serve the monitor page."),
    "task": ("pg_artery.commands.task:command", "Look at tasks; retry or cancel them."),
    "saga": ("pg_artery.commands.saga:command", "Look at sagas; decide where one waits."),
    "staging": ("pg_artery.commands.staging:command", "Look at what came in; process it again."),
    "runner": ("pg_artery.commands.runner_list:command", "List the runners."),
    "verify": ("pg_artery.commands.health:verify", "Prove that the promises hold."),
    "arm": ("pg_artery.commands.arm:arm", "Let this database send: a copy does not, until then."),
    "disarm": ("pg_artery.commands.arm:disarm", "Stop all sending from this database."),
    "doctor": ("pg_artery.commands.health:doctor", "Examine the set-up."),
    "endpoint": (
        "pg_artery.commands.endpoint:command",
        "Systems on the other side: set up, check.",
    ),
    "route": ("pg_artery.commands.route:command", "Which topic goes to which endpoint."),
    "logs": ("pg_artery.commands.logs:command", "The calls that were made; --follow stays."),
    "vault": ("pg_artery.commands.vault:command", "Keep the secrets of endpoints, sealed."),
    "jwks": ("pg_artery.commands.jwks:command", "Print the public keys that partners register."),
    "adopt": ("pg_artery.commands.adopt:command", "Put an ERP of your own in the place of ours."),
    "archive": (
        "pg_artery.commands.archive:command",
        "Put what is past its age into files, check and restore them.",
    ),
    "bom": ("pg_artery.commands.bom:command", "Import bills of material, look at them."),
    "attachment": (
        "pg_artery.commands.attachment:command",
        "Look at and take out files that were fetched.",
    ),
    "oee": ("pg_artery.commands.oee:command", "See how effective machines are, by ISO 22400."),
    "mo": ("pg_artery.commands.mo:command", "Look at manufacturing orders: progress, components."),
    "stock": ("pg_artery.commands.stock:command", "Show stock, now or at any past moment."),
    "invoice": ("pg_artery.commands.invoice:command", "Look at invoices and what became of them."),
    "completion": ("pg_artery.commands.completion:command", "Complete commands in your shell."),
    "demo": ("pg_artery.commands.demo:command", "Deliver orders, break things, prove it held."),
}

#: how --help groups them; what is in no group is about documents
GROUPS: dict[str, tuple[str, ...]] = {
    "Set up": (
        "init",
        "migrate",
        "doctor",
        "endpoint",
        "route",
        "adopt",
        "vault",
        "jwks",
        "completion",
    ),
    "Run": ("run", "monitor", "demo"),
    "Look and act": (
        "status",
        "logs",
        "task",
        "staging",
        "saga",
        "runner",
        "verify",
        "archive",
        "arm",
        "disarm",
    ),
}


class _Failure(click.ClickException):
    """Shows an error with SQLSTATE, detail and hint, and ends with the exit code it stands for."""

    def __init__(self, error: ArteryError) -> None:
        super().__init__(error.message)
        self.error = error
        self.exit_code = error.exit_code  # type: ignore[misc]

    def show(self, file: IO[Any] | None = None) -> None:
        """Write to standard error; with --json, one object to standard output."""
        if "--json" in sys.argv:
            click.echo(json.dumps({"error": self.error.as_dict()}))
            return
        click.echo(f"error: {self.error.message} (SQLSTATE {self.error.sqlstate})", file, err=True)
        for name in ("detail", "hint"):
            text = getattr(self.error, name)
            if text:
                click.echo(f"{name}: {text}", file, err=True)


#: what to do where the server says none
_HINTS = {
    "08000": "Is the server up, does the database exist (psql -l), is --dsn or ARTERY_DSN right? "
    "Passwords are looked for in PGPASSWORD and ~/.pgpass.",
    "42501": "Grant this login what it lacks: artery_reader looks, artery_operator retries and "
    "cancels, artery_admin sets up.",
}


def as_artery_error(error: psycopg.Error) -> ArteryError:
    """Put an error of the server or of the connection into our form."""
    diag = error.diag
    if error.sqlstate in NOT_INSTALLED and "artery" in str(error):
        return ArteryError(
            "IN912",
            "the database has no pg_artery, or another version of it",
            diag.message_primary,
            "Is it the right database? artery migrate, with the same --dsn, installs or upgrades; "
            "where it is an extension, alter extension pg_artery update.",
        )
    return ArteryError(
        error.sqlstate or "08000",
        diag.message_primary or str(error).strip(),
        diag.message_detail or diag.context,
        diag.message_hint or _HINTS.get(error.sqlstate or "08000"),
    )


def _finish(command: click.Command, path: str) -> None:
    r"""Complete what a command says of itself.

    The \b of raw docstrings becomes what click looks for: what follows keeps its lines. In the
    list of its group it says its first clause rather than what is cut off somewhere. Where it has
    no examples and exit codes of its own, it says where they are.
    """
    command.help = command.help and command.help.replace("\\b\n", "\b\n")
    if isinstance(command, click.Group):
        for name, part in command.commands.items():
            first = " ".join((part.help or "").split("\n\n")[0].split())
            part.short_help = part.short_help or re.split(r"[:;.](?: |$)", first)[0] + "."
            part.epilog = part.epilog or f"Examples: {path} --help. Exit codes: artery --help."
            _finish(part, f"{path} {name}")


class Commands(click.Group):
    """A group that imports a command only when it is called: --help and --version stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """List the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found = getattr(importlib.import_module(module), attribute)
        if not isinstance(found, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name][0]} is no command")
        _finish(found, f"artery {cmd_name}")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        grouped = {name for names in GROUPS.values() for name in names}
        groups = GROUPS | {"Documents": tuple(name for name in COMMANDS if name not in grouped)}
        for title, names in groups.items():
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name][1]) for name in names])

    def invoke(self, ctx: click.Context) -> Any:
        """Run, and show every error in one form."""
        try:
            return super().invoke(ctx)
        except ArteryError as error:
            raise _Failure(error) from error
        except psycopg.Error as error:
            raise _Failure(as_artery_error(error)) from error


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"Exit codes: {EXIT_FAILED} failed, {EXIT_USAGE} wrong usage, {EXIT_DATABASE} no "
    f"connection, {EXIT_CONFLICT} conflict, {EXIT_REFUSED} refused.",
)
@click.version_option(__version__, prog_name="artery")
@click.option(
    "--config",
    envvar="ARTERY_CONFIG",
    type=click.Path(),
    help="Configuration file. Else $ARTERY_CONFIG, ~/.config/artery/artery.toml, "
    "/etc/artery/artery.toml: the first that there is.",
)
@click.pass_context
def main(ctx: click.Context, config: str | None) -> None:  # noqa: ARG001 - configuration asks for it
    r"""Carry business state between an ERP that lives in PostgreSQL and the systems around it.

    \b
    First steps, in a database of yours:
      export ARTERY_DSN=postgresql://me@db.example/erp
      artery migrate           creates the schemas artery*, touches nothing else
      artery doctor            says what is still missing
      artery endpoint add carrier https://carrier.example/api/v1
      artery route add carrier.shipment carrier /shipments
      artery run               delivers what is due

    \b
    Every day:
      artery status --watch    what needs attention, and what to do
      artery task list --status dead
      artery logs --follow

    COMMAND --help has examples of each. Tables are for people; --json gives programs one object.
    """
    if ctx.invoked_subcommand in configuration.SECTIONS:
        section = ctx.invoked_subcommand
        ctx.default_map = {section: configuration.defaults(section)}


_finish(main, "artery")
