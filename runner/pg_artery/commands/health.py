"""`artery verify` and `artery doctor`: do the promises hold, and is the set-up sound."""

from __future__ import annotations

import os
import platform
import re
import time
from datetime import datetime
from pathlib import Path

import click
import psycopg
import pycurl
from psycopg.conninfo import make_conninfo

from pg_artery import __version__, configuration, queries, vault
from pg_artery import migrate as migration
from pg_artery.commands import dsn_option, json_option
from pg_artery.commands.listing import Row, filled, query, show, tell
from pg_artery.errors import ArteryError

_CLOCK_SKEW_S = 2.0
_WORST_FIRST = ("critical", "warning", "info", "ok")


@click.command(
    epilog="Exit codes: 0 all hold, 1 one does not. The database's user needs artery_reader."
)
@dsn_option
@json_option
@click.pass_context
def verify(ctx: click.Context, dsn: str, as_json: bool) -> None:
    r"""Prove the promises on the data as it is: nothing lost, nothing changed by a stale attempt.

    \b
      artery verify                            after a failover, a restore, an incident
      artery verify --json | jq .broken        what is broken, and which tasks

    It only reads, and may run in production at any time; a million tasks take some seconds.
    """
    rows = query(dsn, "artery verify", queries.VERIFY)
    if as_json:
        tell({"holds": not rows, "broken": rows})
    elif rows:
        show(rows, filled(rows))
    else:
        click.echo("All invariants hold.")
    ctx.exit(1 if rows else 0)


@click.command(
    epilog="Exit codes: 0 sound, 1 a warning or worse. The database's user needs artery_reader; "
    "with pg_monitor it also sees other people's sessions."
)
@click.option(
    "--vault-key-file",
    envvar="ARTERY_VAULT_KEY_FILE",
    default=configuration.vault_key_file,
    show_default=False,
    type=click.Path(path_type=Path, readable=False),
    help="The key file that runners here use.",
)
@dsn_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, vault_key_file: Path | None, dsn: str, as_json: bool) -> None:
    r"""Examine the set-up: what is wrong, and what to do; what is missing, and what it costs.

    \b
      artery doctor                          as whoever runs artery migrate: it may see most
      artery doctor --json | jq '.checks[] | select(.state == "critical")'

    Versions, extensions, roles and who has them, settings, partitions ahead, long transactions,
    dead rows, connections, pg_cron, clock, secrets, configuration and key file. Run it where the
    runner runs, after each change of the set-up.
    """
    dsn = _even_if_it_only_reads(dsn)
    rows = [_here(), _schema(dsn), *query(dsn, "artery doctor", queries.DOCTOR), _clock(dsn)]
    path = configuration.config_file()
    if path:
        rows.append(_config_file(path))
    if vault_key_file:
        rows.append(_key_file(vault_key_file))
    rows.sort(key=lambda row: _WORST_FIRST.index(row["state"]))
    faults = [row["state"] for row in rows if row["state"] in ("warning", "critical")]
    if as_json:
        tell({"checks": rows})
    else:
        show(rows, ["state", "subject", "found", "mend"], {"mend": "what to do, or what it costs"})
        counts = (f"{faults.count(state)} {state}" for state in ("critical", "warning"))
        click.echo(f"\n{', '.join(counts)}." if faults else "\nThe set-up is sound.")
    ctx.exit(1 if faults else 0)


def _even_if_it_only_reads(dsn: str) -> str:
    """Give a connection string that takes a standby, too, where nothing else is to be had."""
    try:
        query(dsn, "artery doctor", queries.CLOCK)
    except psycopg.OperationalError:
        return make_conninfo(dsn, target_session_attrs="any")
    return dsn


def _line(subject: str, state: str, found: str, mend: str | None = None) -> Row:
    return {"subject": subject, "state": state, "found": found, "mend": mend}


def _here() -> Row:
    curl = pycurl.version.split()[1]
    return _line(
        "artery", "ok", f"{__version__}, Python {platform.python_version()}, libcurl {curl}"
    )


def _schema(dsn: str) -> Row:
    try:
        status = migration.status(dsn)
    except ArteryError as refused:
        if refused.sqlstate != "IN902":
            raise
        return _extension(dsn)
    except psycopg.errors.InsufficientPrivilege:
        mend = "Ask as the role that runs artery migrate: artery migrate status."
        return _line("schema", "info", "its version is not for this role to see", mend)
    if status.up_to_date:
        return _line("schema", "ok", f"version {status.version}, nothing pending")
    found = f"{len(status.pending)} migrations pending, code {status.code}"
    return _line(
        "schema", "critical", found, "artery migrate status tells more; then artery migrate"
    )


def _extension(dsn: str) -> Row:
    version = query(dsn, "artery doctor", queries.EXTENSION)[0]["version"]
    if version == __version__:
        return _line("schema", "ok", f"version {version}, as an extension")
    return _line(
        "schema",
        "critical",
        f"version {version}, as an extension; this is artery {__version__}",
        f"make install of {__version__} on its server, then alter extension pg_artery update",
    )


def _clock(dsn: str) -> Row:
    """Compare this machine's clock with the database's; half the round trip is the error."""
    before = time.time()
    there: datetime = query(dsn, "artery doctor", queries.CLOCK)[0]["at"]
    after = time.time()
    skew = there.timestamp() - (before + after) / 2
    found = f"the database is {skew:+.1f} s from this machine (± {(after - before) / 2:.1f} s)"
    if abs(skew) <= _CLOCK_SKEW_S + (after - before) / 2:
        return _line("clock", "ok", found)
    return _line(
        "clock",
        "warning",
        found,
        "Receivers refuse signatures and tokens of another time: synchronise both (chrony).",
    )


def _config_file(path: Path) -> Row:
    """Read it as the services do, and see that no password lies open."""
    configuration.read(path)
    mode = path.stat().st_mode & 0o777
    secret = re.search(r"password\s*=|://[^/@\s]*:[^/@\s]*@", path.read_text(encoding="utf-8"))
    if secret and mode & 0o077:
        return _line(
            "configuration file",
            "critical",
            f"{path} has mode {mode:o}, and a password in it",
            f"chmod 600 {path}; better: the password into ~/.pgpass or a credential of systemd.",
        )
    return _line("configuration file", "ok", f"{path}, mode {mode:o}")


def _key_file(path: Path) -> Row:
    try:
        mode = path.stat().st_mode & 0o777
    except OSError as error:
        return _line("vault key", "critical", f"{path}: {error.strerror}", "See `artery vault`.")
    if not os.access(path, os.R_OK):
        return _line(
            "vault key",
            "critical",
            f"{path} cannot be read",
            f"chown it, or run as its owner: {path}",
        )
    if mode & 0o077:
        return _line("vault key", "critical", f"{path} has mode {mode:o}", f"chmod 600 {path}")
    try:
        vault.load_keyring(str(path))
    except ArteryError as error:
        return _line("vault key", "critical", error.message, error.hint)
    return _line("vault key", "ok", f"{path}, mode {mode:o}")
