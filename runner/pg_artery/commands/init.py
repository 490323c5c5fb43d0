"""`artery init`: a configuration file with everything in it, and units for systemd."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from importlib.resources import files
from pathlib import Path

import click

from pg_artery import configuration
from pg_artery.configuration import Setting
from pg_artery.errors import ArteryError

UNITS = ("artery-run.service", "artery-monitor.service")
_HEAD = """\
# The configuration of pg_artery. A line that begins with # is a default, or an example.
# Each setting can also be given as the variable in brackets, or as an option of its command;
# options go over variables, these over systemd's credentials, these over this file.
# Keep passwords out of it: libpq finds them in ~/.pgpass, systemd in a credential.
"""
_EXAMPLES = {
    "dsn": '"host=db1.example,db2.example dbname=erp user=artery_daemon"',
    "vault_key_file": '"/etc/artery/vault.key"',
    "listen_dsn": '"host=db1.example,db2.example dbname=erp user=artery_daemon"',
    "per_endpoint": "64",
    "name": '"host-1"',
    "host": '["monitor.plant.example"]',
    "token_file": '"/etc/artery/monitor.token"',  # nosec B105
}


@click.command(epilog="Exit codes: 0 written, 1 cannot be written, 5 a file is there already.")
@click.argument("where", required=False, type=click.Path(path_type=Path))
@click.option("--systemd", is_flag=True, help="Write the units for systemd, into directory WHERE.")
def command(where: Path | None, systemd: bool) -> None:
    r"""Write a configuration file with every setting in it, commented, to WHERE.

    \b
      artery init                                  ~/.config/artery/artery.toml; root: /etc/artery/…
      artery init ./artery.toml                    use it with --config or ARTERY_CONFIG
      artery init --systemd /etc/systemd/system    artery-run.service, artery-monitor.service

    A file that is there is never overwritten.
    """
    if systemd:
        directory = where or Path("/etc/systemd/system")
        program = shutil.which("artery") or str(Path(sys.executable).with_name("artery"))
        texts = {directory / name: unit(name, program) for name in UNITS}
    else:
        texts = {where or default_place(): commented()}
    there = [str(path) for path in texts if path.exists()]
    if there:
        raise ArteryError(
            "IN051",
            f"{' and '.join(there)} {'are' if len(there) > 1 else 'is'} there already",
            "Nothing was written.",
            "Name another place, or move it away first.",
        )
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as out:
                out.write(text)
        except OSError as error:
            raise ArteryError(
                "58030", f"{path} cannot be written: {error.strerror}", None, "Name another place."
            ) from error
        click.echo(f"{path}")


def default_place() -> Path:
    """Give where the file goes unless told: the user's place, root's is the machine's."""
    user, machine = configuration.default_files()
    return machine if os.geteuid() == 0 else user


def unit(name: str, program: str) -> str:
    """Give a unit of systemd that calls the program of this installation."""
    text = files("pg_artery").joinpath("units", name).read_text(encoding="utf-8")
    return text.replace("/opt/artery/bin/artery", program)


def commented() -> str:
    """Give the text of a configuration file with all settings as they are by default."""
    lines, section = [_HEAD], ""
    for setting in configuration.reference():
        if setting.section != section:
            section = setting.section
            lines.append(f"\n[{section}]  # artery {section}\n")
        lines.append(_entry(setting))
    return "\n".join(lines)


def _entry(setting: Setting) -> str:
    told = f"{setting.meaning} [{setting.variable}]"
    comment = textwrap.fill(told, 98, initial_indent="# ", subsequent_indent="# ")
    value = _EXAMPLES.get(setting.key)
    if value is None:
        value = setting.default
        if (
            not (value in ("true", "false") or value.replace(".", "").isdigit())
            or "." in value[:-2]
        ):
            value = f'"{value}"'
    return f"{comment}\n#{setting.key} = {value}\n"
