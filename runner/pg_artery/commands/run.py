"""`artery run`: deliver what is due until told to stop."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import click
import psycopg

from pg_artery import configuration, log
from pg_artery.commands import dsn_option
from pg_artery.config import RunnerConfig
from pg_artery.configuration import from_environment
from pg_artery.errors import NOT_INSTALLED, ArteryError
from pg_artery.transport import MAX_CONCURRENCY


@from_environment
@click.command(
    "run",
    epilog="Exit codes: 0 drained, 1 failed, 2 wrong usage, 3 no connection at the start, 4 the "
    "database has no pg_artery or another version of it, 128+N ended at once by a second signal N. "
    "The proxies of the environment and .netrc are ignored. env:NAME secrets are read from the "
    "environment of this process. Every option is also a key of [run] in the configuration "
    "file, and a variable ARTERY_RUN_…: see artery init.",
)
@dsn_option
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Runner processes; one that dies is started again.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, MAX_CONCURRENCY),
    default=128,
    show_default=True,
    help="Calls under way at once in one process.",
)
@click.option(
    "--per-endpoint",
    type=click.IntRange(1, MAX_CONCURRENCY),
    default=None,
    help="Of these, most to one endpoint.  [default: half]",
)
@click.option(
    "--batch",
    type=click.IntRange(1, 10_000),
    default=1000,
    show_default=True,
    help="Most tasks in one claim and results in one report.",
)
@click.option(
    "--lease",
    type=click.FloatRange(1, 3600),
    default=30.0,
    show_default=True,
    help="Seconds until the work of a runner that died is given to another.",
)
@click.option(
    "--listen-dsn",
    envvar="ARTERY_LISTEN_DSN",
    default=None,
    help="Where to LISTEN, when --dsn is a pgbouncer in transaction mode.",
)
@click.option("--no-listen", is_flag=True, help="Find new work by polling alone.")
@click.option("--no-tick", is_flag=True, help="Leave the sweeps to pg_cron.")
@click.option(
    "--drain-timeout",
    type=click.FloatRange(0, 3600),
    default=30.0,
    show_default=True,
    help="Seconds that calls under way get to end after SIGTERM.",
)
@click.option(
    "--wait",
    "connect_wait",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Seconds to wait for PostgreSQL at the start.",
)
@click.option(
    "--vault-key-file",
    envvar="ARTERY_VAULT_KEY_FILE",
    default=configuration.vault_key_file,
    show_default=False,
    help="Keys that open vault:NAME secrets. Else $ARTERY_VAULT_KEY, else systemd's credential.",
)
@click.option("--until-idle", is_flag=True, help="End when nothing is due.")
@click.option("--until-empty", is_flag=True, help="End when nothing waits, retries included.")
@click.option("--name", default=None, help="Name in the registry of runners.  [default: the host]")
@click.option(
    "--log-format",
    type=click.Choice(["auto", "json", "console"]),
    default="auto",
    show_default=True,
    help="auto: for people on a terminal, else JSON.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="Least severe that is logged.",
)
def command(processes: int, log_format: str, log_level: str, **options: Any) -> None:
    r"""Deliver tasks over HTTP, any number of runners on any number of hosts side by side.

    \b
      artery run                               until SIGTERM or Ctrl-C
      artery run --processes 2 --wait 300      as a service: artery init --systemd writes its unit
      artery run --until-empty                 deliver what is there, retries too, and end
      artery run --listen-dsn host=db1 --dsn 'host=pooler port=6432'      behind pgbouncer

    SIGTERM or SIGINT drains; a second one ends the process at once, which loses nothing either: its
    tasks are taken up again when their leases run out.
    """
    log.configure(log_format, log_level)
    config = _config(options)
    if processes == 1:
        sys.exit(_run(config))

    from pg_artery.cli import as_artery_error
    from pg_artery.supervise import Supervisor

    def work(index: int, parent: int) -> int:
        # one process in each family runs the sweeps; a second would only find nothing due
        alone = config if index == 0 else dataclasses.replace(config, tick_every=None)
        try:
            return _run(alone, parent)
        except (ArteryError, psycopg.Error) as problem:
            error = as_artery_error(problem) if isinstance(problem, psycopg.Error) else problem
            click.echo(f"error: {error.message}\nhint: {error.hint}", err=True)
            return error.exit_code

    sys.exit(Supervisor(processes, work).run())


def _config(options: dict[str, Any]) -> RunnerConfig:
    if options.pop("no_tick"):
        options["tick_every"] = None
    options["listen"] = not options.pop("no_listen")
    idle, empty = options.pop("until_idle"), options.pop("until_empty")
    if idle and empty:
        raise click.UsageError("--until-idle and --until-empty exclude each other")
    options["until"] = "idle" if idle else "empty" if empty else "stopped"
    options["per_endpoint"] = options["per_endpoint"] or (options["concurrency"] + 1) // 2
    if options["name"] is None:
        del options["name"]
    return RunnerConfig(**options)


def _run(config: RunnerConfig, parent: int | None = None) -> int:
    from pg_artery.daemon import Runner

    try:
        return Runner(config).run(parent)
    except psycopg.Error as error:
        if error.sqlstate in NOT_INSTALLED:
            raise ArteryError(
                "IN912",
                "the database has no pg_artery, or another version of it",
                str(error).strip(),
                "Run artery migrate with the same --dsn; where it is an extension, alter extension "
                "pg_artery update.",
            ) from error
        if error.sqlstate == "42501":
            raise ArteryError(
                error.sqlstate,
                error.diag.message_primary or str(error),
                None,
                "Grant the role artery_runner to the user that the runner logs in as.",
            ) from error
        raise
