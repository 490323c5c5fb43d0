"""The configuration file, and the environment: settings of what runs as a service.

The options of `artery run` and `artery monitor` are the one list of settings: each is also a key of
the section [run] or [monitor], and a variable ARTERY_RUN_… or ARTERY_MONITOR_…. What all commands
share stands above the sections. An option on the command line goes over a variable, that over a
credential of systemd, that over the file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click

from pg_artery.errors import ArteryError

SECTIONS = ("run", "monitor")
#: shared key -> (variable, credential of systemd, what it is)
SHARED = {
    "dsn": (
        "ARTERY_DSN",
        "artery-dsn",
        "libpq connection string or URL of the database; several hosts for failover",
    ),
    "vault_key_file": (
        "ARTERY_VAULT_KEY_FILE",
        "artery-vault-key",
        "Keys that open vault:NAME secrets",
    ),
}
#: option of a section -> credential of systemd that holds what its file would
CREDENTIALS = {("monitor", "token_file"): "artery-monitor-token"}
# for a command line alone
_NOT_KEPT = frozenset({"until_idle", "until_empty", "export", "help", "as_json", *SHARED})


@dataclass(frozen=True)
class Setting:
    """One setting: where it can be given, and what it means."""

    section: str  # empty = shared by all commands
    key: str
    variable: str
    credential: str | None
    default: str
    meaning: str
    option: click.Option | None = None


def section_of(command: click.Command) -> Iterator[Setting]:
    """Give the settings that a command's options are."""
    section = str(command.name)
    for option in command.params:
        key = max(option.opts, key=len).lstrip("-").replace("-", "_")
        if not isinstance(option, click.Option) or key in _NOT_KEPT:
            continue
        default = "false" if option.is_flag else option.default
        meaning, _, worked_out = (option.help or "").rstrip("]").partition("  [default: ")
        known = isinstance(default, str | int | float) and not option.multiple
        yield Setting(
            section,
            key,
            str(option.envvar or f"ARTERY_{section}_{key}".upper()),
            CREDENTIALS.get((section, key)),
            str(default) if known else worked_out,
            meaning,
            option,
        )


def from_environment(command: click.Command) -> click.Command:
    """Give each option of a command its variable (a decorator)."""
    for setting in section_of(command):
        if setting.option is not None:
            setting.option.envvar = setting.variable
    return command


@cache
def reference() -> tuple[Setting, ...]:
    """Give every setting there is, shared ones first."""
    from pg_artery.commands import monitor, run

    shared = [Setting("", key, *names[:2], "", names[2]) for key, names in SHARED.items()]
    return (*shared, *section_of(run.command), *section_of(monitor.command))


def config_file() -> Path | None:
    """Give the file that is read: --config or $ARTERY_CONFIG, else the user's, else the machine's.

    :raises ArteryError: IN050, the one that was named does not exist
    """
    context = click.get_current_context(silent=True)
    named = context.find_root().params.get("config") if context else os.environ.get("ARTERY_CONFIG")
    if named:
        if not _is_there(Path(named)):
            raise ArteryError(
                "IN050", f"{named} is no file", None, f"artery init {named} makes it."
            )
        return Path(named)
    return next((path for path in default_files() if _is_there(path)), None)


def _is_there(path: Path) -> bool:
    """Tell whether there is such a file; what lies in somebody else's home is not for us."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def default_files() -> tuple[Path, ...]:
    """Give the places where a configuration file is looked for, the first one found counts."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return home / "artery" / "artery.toml", Path("/etc/artery/artery.toml")


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Read a configuration file: section -> parameter -> value; the shared keys are section "".

    :raises ArteryError: IN050, with all that is wrong in it
    """
    try:
        parsed = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ArteryError(
            "IN050", f"{path} cannot be read: {reason}", None, "It is TOML: dsn = 'dbname=erp'."
        ) from error
    known = {(setting.section, setting.key): setting for setting in reference()}
    problems: list[str] = []
    found: dict[str, dict[str, Any]] = {section: {} for section in ("", *SECTIONS)}
    for section, key, value in _entries(parsed):
        setting = known.get((section, key))
        where = f"{section}.{key}" if section else key
        if setting is None:
            problems.append(f"{where}: there is no such setting")
            continue
        problem = _problem(setting, value)
        if problem:
            problems.append(f"{where}: {problem}")
        name = key if setting.option is None else str(setting.option.name)
        found[section][name] = value
    if problems:
        raise ArteryError(
            "IN050",
            f"{path}: {len(problems)} wrong",
            "; ".join(problems) + ".",
            "docs/configuration.md lists them; artery init writes a file with all of them.",
        )
    return found


def _entries(parsed: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for key, value in parsed.items():
        if isinstance(value, dict):
            yield from ((key, inner, setting) for inner, setting in value.items())
        else:
            yield "", key, value


def _problem(setting: Setting, value: Any) -> str | None:
    option = setting.option
    if option is None or not option.is_flag:
        several = option is not None and option.multiple
        if isinstance(value, list) != several or isinstance(value, bool | dict):
            return f"{value!r} is no {'list' if several else 'text or number'}"
    elif not isinstance(value, bool):
        return f"{value!r} is neither true nor false"
    if option is None:
        return None if isinstance(value, str) else f"{value!r} is no text"
    try:
        option.type_cast_value(click.Context(click.Command(setting.section)), value)
    except click.UsageError as error:
        return error.message
    return None


def defaults(section: str) -> dict[str, Any]:
    """Give what the file and the credentials say for a section, by parameter."""
    path = config_file()
    found = dict(read(path)[section]) if path else {}
    for (of, key), name in CREDENTIALS.items():
        credential = _credential(name)
        if of == section and credential:
            found[key] = str(credential)
    return found


def dsn() -> str:
    """Give the connection string where neither --dsn nor $ARTERY_DSN does; empty = libpq's own."""
    credential = _credential("artery-dsn")
    if credential:
        return credential.read_text(encoding="utf-8").strip()
    path = config_file()
    return str(read(path)[""].get("dsn", "")) if path else ""


def vault_key_file() -> str | None:
    """Give the key file where neither an option nor its variable does."""
    if os.environ.get("ARTERY_VAULT_KEY") or _credential("artery-vault-key"):
        return None  # which vault.load_keyring finds by itself
    path = config_file()
    return read(path)[""].get("vault_key_file") if path else None


def _credential(name: str) -> Path | None:
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    path = Path(directory) / name if directory else None
    return path if path and path.is_file() else None
