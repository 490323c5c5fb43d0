"""`artery jwks`: the public halves of the keys that sign our assertions."""

from __future__ import annotations

import json
from typing import Any

import click

from pg_artery import db
from pg_artery.commands import dsn_option
from pg_artery.commands.listing import query
from pg_artery.commands.vault import key_option
from pg_artery.endpoint import vault_names
from pg_artery.errors import ArteryError
from pg_artery.oauth import KINDS, SigningKey
from pg_artery.vault import References, Unresolved, load_keyring

APPLICATION = "artery jwks"


@click.command("jwks")
@click.argument("endpoints", nargs=-1)
@click.option(
    "--next",
    "next_key",
    type=click.File("r"),
    help="PEM of the key that comes next: its public half too, before anything is signed with it.",
)
@dsn_option
@key_option
def command(endpoints: tuple[str, ...], next_key: Any, dsn: str, key_file: str | None) -> None:
    r"""Print the public keys to register with a token server, as a JWK Set (RFC 7517).

    Of ENDPOINTS, or of all that sign assertions: the key in use and, until it is retired, the one
    before. No private key is ever printed. The database's user needs the roles artery_admin or
    artery_runner.

    \b
    A new key without a refused call (auth.key_id 'thumbprint' gives each key a kid of its own):
      artery jwks --next new.pem > jwks.json      register both: the platform knows the new one
      artery vault rotate SSO_KEY < new.pem       signed with the new one from now on
      artery vault retire SSO_KEY                 an hour later
      artery jwks > jwks.json                     register: the old one is no longer good
    """
    listed = [row["name"] for row in query(dsn, APPLICATION, db.ENDPOINT_LIST)]
    ids = [query(dsn, APPLICATION, db.ENDPOINT_ID, (name,))[0] for name in endpoints or listed]
    numbers = ([row["endpoint_id"] for row in ids],)
    rows = [row for row in query(dsn, APPLICATION, db.ENDPOINTS, numbers) if _signs(row)]
    if endpoints and len(rows) < len(ids):
        signing = [row["name"] for row in rows]
        raise ArteryError(
            "IN014",
            "an endpoint signs no assertions",
            ", ".join(name for name in endpoints if name not in signing),
            "Signed are jwt_bearer, private_key_jwt and auth.subject_from: docs/authentication.md.",
        )
    sealed = query(dsn, APPLICATION, db.SECRETS, (vault_names(rows),))
    opened = References([list(row.values()) for row in sealed], lambda: load_keyring(key_file))
    keys: dict[str, dict[str, Any]] = {}
    upcoming = next_key.read() if next_key else None
    for row in rows:
        auth = row["access"]["auth"]
        address = f"{row['base_url']} {auth['token_url']}"
        try:
            found = opened.resolve(row["secret_ref"], row["id"], address)
        except Unresolved as problem:
            raise ArteryError("IN035", str(problem), f"Endpoint {row['name']}.", None) from None
        for pem in ([upcoming] if upcoming else []) + found:
            public = _public(pem, auth, row["name"])
            same = keys.setdefault(public["kid"], public)
            if same != public:
                raise ArteryError(
                    "IN014",
                    f"two keys would have the kid {public['kid']!r}",
                    f"Endpoint {row['name']}.",
                    "Set auth.key_id to 'thumbprint': each key then has a kid of its own.",
                )
    click.echo(json.dumps({"keys": list(keys.values())}, indent=2))


def _signs(row: dict[str, Any]) -> bool:
    auth = row["access"].get("auth", {})
    return row["auth_kind"] == "jwt_bearer" or (
        row["auth_kind"] in KINDS and auth.get("client_auth") == "private_key_jwt"
    )


def _public(pem: str, auth: dict[str, Any], endpoint: str) -> dict[str, Any]:
    try:
        return SigningKey(pem, auth.get("algorithm"), auth.get("key_id")).public()
    except ValueError as problem:
        raise ArteryError(
            "IN037", f"endpoint {endpoint}: {problem}", None, "artery vault rotate"
        ) from None
