"""`artery vault`: keygen, set, list, rotate, rekey, retire."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
import psycopg
from rich.console import Console
from rich.table import Table

from pg_artery import configuration, db, vault
from pg_artery.commands import dsn_option, json_option
from pg_artery.commands.vault_input import name_argument, no_value, read_value
from pg_artery.errors import ArteryError

key_option = click.option(
    "--key-file",
    envvar="ARTERY_VAULT_KEY_FILE",
    default=configuration.vault_key_file,
    show_default=False,
    help="File with the keys. Else $ARTERY_VAULT_KEY, else systemd's credential artery-vault-key.",
)


def _connect(dsn: str) -> psycopg.Connection:
    full = db.conninfo(dsn, "artery vault")
    return psycopg.connect(full, autocommit=True, prepare_threshold=None)


def _say(as_json: bool, told: dict[str, Any], *lines: str) -> None:
    click.echo(json.dumps(told) if as_json else "\n".join(lines))


@click.group(
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage or no such secret, 3 no connection, 4 "
    "changed by somebody else, 5 refused. The database's user needs the role artery_admin."
)
def command() -> None:
    r"""Keep the secrets of endpoints: sealed here, opened by the runner, never in clear in SQL.

    \b
    The first secret, bound to the endpoint that may use it:
      artery vault keygen /etc/artery/vault.key      keep a copy: nothing opens without it
      export ARTERY_VAULT_KEY_FILE=/etc/artery/vault.key        here and for artery run
      artery vault set MES_TOKEN --endpoint mes      asks for it, or reads standard input
      artery endpoint set mes auth_kind=bearer secret_ref=vault:MES_TOKEN
    \b
    A new value, while traffic flows:
      artery vault rotate MES_TOKEN                  runners take it up with their next claim
      artery vault retire MES_TOKEN                  erases the one before
    \b
    A key that signs calls (Standard Webhooks 1.0), also signing with the old one until it retires:
      (printf whsec_; openssl rand -base64 32) | artery vault set HOOK --endpoint shop
      artery endpoint set shop signing_ref=vault:HOOK
    \b
    A new vault key:
      artery vault keygen --add /etc/artery/vault.key    then bring the file to every runner
      artery vault rekey                                 then the old key's line can go
    """


@command.command("keygen")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--add", is_flag=True, help="Put the new key above those that FILE holds.")
@json_option
def keygen(file: Path | None, add: bool, as_json: bool) -> None:
    """Make a key: into FILE, readable by you alone, or to standard output.

    A FILE that exists is refused unless --add. The key opens every secret, and nothing does without
    it: keep a copy in a safe place, apart from the database's backups.
    """
    key = vault.new_key()
    number = vault.Keyring(key, "the new key").primary
    if file is None:
        if add:
            raise click.UsageError("--add needs a FILE")
        _say(as_json, {"key_id": number, "key": key}, key)
        return
    if add:
        vault.load_keyring(str(file))
        key += "\n" + file.read_text(encoding="ascii").rstrip("\n")
    target = file.with_name(f".{file.name}.new") if add else file
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(f"{key}\n")
            out.flush()
            os.fsync(out.fileno())
        if add:
            owner = file.stat()
            os.chown(target, owner.st_uid, owner.st_gid)
            target.replace(file)
    except OSError as error:
        raise ArteryError(
            "IN030",
            f"{target} cannot be written: {error.strerror}",
            None,
            "With --add a key is added to a file that exists; no key is ever overwritten.",
        ) from None
    _say(as_json, {"key_id": number, "file": str(file)}, f"Key {number} is in {file}.")


@command.command("set")
@name_argument
@no_value
@click.option("--endpoint", help="Bind it to this endpoint and the URLs it calls now.")
@dsn_option
@key_option
@json_option
def set_secret(
    name: str, endpoint: str | None, dsn: str, key_file: str | None, as_json: bool
) -> None:
    """Store a new secret. Its value is asked for, or read from standard input.

    For Basic authentication the value is user:password. Endpoints refer to it as vault:NAME. Bind
    it with --endpoint unless several endpoints share it: whoever may change endpoints could send an
    unbound secret anywhere.
    """
    _put(name, endpoint, dsn, key_file, as_json, rotating=False)


@command.command("rotate")
@name_argument
@no_value
@click.option("--endpoint", help="Bind it to this endpoint from now on.  [default: as before]")
@dsn_option
@key_option
@json_option
def rotate(name: str, endpoint: str | None, dsn: str, key_file: str | None, as_json: bool) -> None:
    """Give a secret a new value, without losing a call.

    Let the receiver accept the new value beside the old one first. Runners take it up with their
    next claim; a call that is refused (401) with the old one is made again with the new one.
    Signatures are made with both until the old one is retired.
    """
    _put(name, endpoint, dsn, key_file, as_json, rotating=True)


def _put(
    name: str,
    endpoint: str | None,
    dsn: str,
    key_file: str | None,
    as_json: bool,
    *,
    rotating: bool,
) -> None:
    keyring = vault.load_keyring(key_file)
    with _connect(dsn) as conn:
        slot = conn.execute(db.VAULT_SLOT, (name, endpoint)).fetchone()
        if slot is None:
            raise RuntimeError("artery.secret_slot gave no row")
        version, live, endpoint_id, bound_to, base_url = slot
        if rotating and live is None:
            raise ArteryError(
                "IN031", f"there is no live secret {name!r}", None, f"artery vault set {name}"
            )
        if not rotating and live is not None:
            raise ArteryError(
                "IN032",
                f"secret {name!r} exists already",
                f"Its version {live} is in use.",
                f"artery vault rotate {name} gives it a new value.",
            )
        sealed = keyring.seal(vault.Binding(name, version, endpoint_id, base_url), read_value())
        row = conn.execute(
            db.VAULT_PUT, (name, version, sealed.key_id, sealed.ciphertext, endpoint_id, base_url)
        ).fetchone()
    used_by = row[0] if row else []
    told = {"name": name, "version": version, "key_id": sealed.key_id, "used_by": used_by}
    bound = f"bound to {bound_to} at {base_url}" if bound_to else "for any endpoint"
    users = f"used by {', '.join(used_by)}" if used_by else "used by no endpoint yet"
    _say(
        as_json,
        told | {"endpoint": bound_to, "base_url": base_url},
        f"vault:{name} version {version} stored, {bound}, {users}.",
    )


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Retired versions too.")
@dsn_option
@json_option
def list_secrets(everything: bool, dsn: str, as_json: bool) -> None:
    """Show what is stored, without the values: versions, bindings, users, keys."""
    with _connect(dsn) as conn:
        cursor = conn.execute(db.VAULT_LIST)
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor]
    rows = [row for row in rows if everything or row["state"] != "retired"]
    if as_json:
        click.echo(json.dumps({"secrets": rows}, default=str))
        return
    if not rows:
        click.echo("The vault is empty: artery vault set NAME")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("name", "version", "state", "bound to", "used by", "key", "since", "by"):
        table.add_column(title)
    for row in rows:
        since = row["retired_at"] or row["created_at"]
        table.add_row(
            row["name"],
            str(row["version"]),
            row["state"],
            f"{row['endpoint']} at {row['base_url']}" if row["endpoint"] else "-",
            ", ".join(row["used_by"]) or "-",
            row["key_id"],
            f"{since:%Y-%m-%d %H:%M}",
            row["created_by"],
        )
    Console(highlight=False, markup=False).print(table)


@command.command("rekey")
@dsn_option
@key_option
@json_option
def rekey(dsn: str, key_file: str | None, as_json: bool) -> None:
    """Seal every secret with the first key of the key file; all of them or none.

    Every runner must have the new key by then: those with the old one alone could not open a secret
    that they do not hold in memory yet.
    """
    keyring = vault.load_keyring(key_file)
    done: list[vault.Sealed] = []
    with _connect(dsn) as conn, conn.transaction():
        while (
            True
        ):  # again, should a secret have been rotated meanwhile by somebody with the old key
            live = [vault.Sealed.of_row(row) for row in conn.execute(db.SECRETS, (None,))]
            old = [sealed for sealed in live if sealed.key_id != keyring.primary]
            if not old:
                break
            for sealed in old:
                new = keyring.seal(sealed.binding, keyring.open(sealed))
                place = (sealed.binding.name, sealed.binding.version, sealed.key_id)
                conn.execute(db.VAULT_REKEY, (*place, new.key_id, new.ciphertext))
                done.append(new)
    told = {"key_id": keyring.primary, "rekeyed": len(done), "live": len(live)}
    _say(
        as_json,
        told,
        f"{len(done)} of {len(live)} sealed anew: all are under key {keyring.primary}.",
    )


@command.command("retire")
@name_argument
@click.option("--all", "everything", is_flag=True, help="The current version too.")
@dsn_option
@json_option
def retire(name: str, everything: bool, dsn: str, as_json: bool) -> None:
    """End a rotation: erase all versions of a secret but the current one.

    With --all the name itself goes, which is refused while endpoints refer to it.
    """
    with _connect(dsn) as conn:
        row = conn.execute(db.VAULT_RETIRE, (name, everything)).fetchone()
    versions = list(row[0]) if row else []
    which = ", ".join(map(str, versions)) or "none"
    _say(as_json, {"name": name, "retired": versions}, f"Versions of {name} erased: {which}.")
