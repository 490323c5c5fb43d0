"""Secrets sealed with AES-256-GCM: the keys, the sealing, the references that endpoints hold.

The key never enters the database and the clear text never leaves this process: what PostgreSQL
holds is nonce (12 bytes), ciphertext, tag (16 bytes). Authenticated with it are the secret's name
and version and the endpoint and base URL it is bound to, so that a ciphertext moved to another row
does not open, nor one whose endpoint was pointed elsewhere.

Keys, one a line in base64, the first one seals and all of them open, come from the first of:
the key file that is named, $ARTERY_VAULT_KEY, $CREDENTIALS_DIRECTORY/artery-vault-key (systemd).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pg_artery.errors import ArteryError

KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 12, 16
MAX_SECRET_BYTES = 65_536
CREDENTIAL = "artery-vault-key"
KEY_HINT = (
    "artery vault keygen FILE makes one; name it with --key-file or ARTERY_VAULT_KEY_FILE, put the "
    f"key itself into ARTERY_VAULT_KEY, or give systemd's LoadCredential={CREDENTIAL}:FILE."
)


@dataclass(frozen=True)
class Binding:
    """What a sealed secret is bound to; no endpoint means any."""

    name: str
    version: int
    endpoint_id: int | None = None
    base_url: str | None = None

    def associated_data(self) -> bytes:
        """Give the bytes that are authenticated with the ciphertext."""
        parts = ("pg_artery vault 1", self.name, self.version, self.endpoint_id, self.base_url)
        return json.dumps(parts, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Sealed:
    """A live version of a secret, as artery.vault_secrets gives it."""

    binding: Binding
    key_id: str
    ciphertext: bytes = field(repr=False)

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Sealed:
        """Make one of a row: name, version, key_id, endpoint_id, base_url, ciphertext."""
        name, version, key_id, endpoint_id, base_url, ciphertext = row
        return cls(Binding(name, version, endpoint_id, base_url), key_id, bytes(ciphertext))


def new_key() -> str:
    """Make a key, as it stands in a key file."""
    return base64.b64encode(AESGCM.generate_key(KEY_BYTES * 8)).decode()


def key_id(key: bytes) -> str:
    """Name a key by the first 12 hex digits of a hash of it."""
    return hashlib.sha256(b"pg_artery vault key id\0" + key).hexdigest()[:12]


class Keyring:
    """The keys at hand, by id; `primary` is the one that seals. Its repr shows ids only."""

    def __init__(self, text: str, source: str) -> None:
        """Read keys from `text`; `source` is named in errors. Errors: ArteryError IN030."""
        self.source = source
        self._keys: dict[str, bytes] = {}
        lines = (line.partition("#")[0].split() for line in text.splitlines())
        for number, word in enumerate((word for words in lines for word in words), 1):
            try:
                key = base64.b64decode(word, validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if len(key) != KEY_BYTES:
                raise ArteryError(
                    "IN030",
                    f"key {number} of {source} is no vault key",
                    f"Needed: the base64 of {KEY_BYTES} bytes, one a line. It is not shown here.",
                    KEY_HINT,
                )
            self._keys.setdefault(key_id(key), key)
        if not self._keys:
            raise ArteryError("IN030", f"{source} holds no vault key", None, KEY_HINT)
        self.primary = next(iter(self._keys))

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._keys)} from {self.source})"

    def __contains__(self, number: str) -> bool:
        return number in self._keys

    def seal(self, binding: Binding, secret: str) -> Sealed:
        """Seal `secret` with the primary key."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self._keys[self.primary]).encrypt(
            nonce, secret.encode(), binding.associated_data()
        )
        return Sealed(binding, self.primary, nonce + sealed)

    def open(self, sealed: Sealed) -> str:
        """Give the secret. Errors: ArteryError IN036 (its key is not here), IN035 (not whole)."""
        what = f"version {sealed.binding.version} of secret {sealed.binding.name!r}"
        key = self._keys.get(sealed.key_id)
        if key is None:
            raise ArteryError(
                "IN036",
                f"{what} is sealed with key {sealed.key_id}, which is not at hand",
                f"{self.source} holds {', '.join(self._keys)}.",
                "Add that key to the key file, below the newer one, or set the secret again.",
            )
        try:
            nonce, body = sealed.ciphertext[:NONCE_BYTES], sealed.ciphertext[NONCE_BYTES:]
            return AESGCM(key).decrypt(nonce, body, sealed.binding.associated_data()).decode()
        except (InvalidTag, ValueError):
            raise ArteryError(
                "IN035",
                f"{what} does not open",
                "Its ciphertext, name, version, endpoint or base URL is not what was sealed.",
                "Somebody changed artery.system_vault past its functions: set the secret again.",
            ) from None


def load_keyring(key_file: str | None = None, environ: Mapping[str, str] = os.environ) -> Keyring:
    """Find and read the keys. Errors: ArteryError IN030."""
    key_file = key_file or environ.get("ARTERY_VAULT_KEY_FILE")
    if key_file:
        return Keyring(_read(Path(key_file), 0o077), f"key file {key_file}")
    if environ.get("ARTERY_VAULT_KEY"):
        return Keyring(environ["ARTERY_VAULT_KEY"], "ARTERY_VAULT_KEY")
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if directory and (path := Path(directory, CREDENTIAL)).exists():
        # systemd lets a user in by an ACL, whose mask shows as the group's bits
        return Keyring(_read(path, 0o007), f"systemd credential {CREDENTIAL}")
    raise ArteryError("IN030", "there is no vault key", None, KEY_HINT)


def _read(path: Path, forbidden: int) -> str:
    """Read a key file that nobody else may read. Errors: ArteryError IN030."""
    try:
        with path.open(encoding="ascii") as file:
            status = os.fstat(file.fileno())
            mode = stat.S_IMODE(status.st_mode)
            if not stat.S_ISREG(status.st_mode) or mode & forbidden:
                raise ArteryError(
                    "IN030",
                    f"key file {path} is open to others (mode {mode:04o})",
                    "Whoever can read it can open every secret.",
                    f"chmod 600 {path}; if others may have read it: keygen --add, then rekey.",
                )
            if status.st_uid not in (0, os.geteuid()):
                raise ArteryError(
                    "IN030",
                    f"key file {path} belongs to another user (uid {status.st_uid})",
                    "That user can read it, and put another key in its place.",
                    f"chown {os.geteuid()} {path}",
                )
            return file.read(MAX_SECRET_BYTES)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no ASCII text"
        raise ArteryError(
            "IN030", f"key file {path} cannot be read: {why}", None, KEY_HINT
        ) from None


class Unresolved(Exception):
    """A secret reference that cannot be opened, and why; never with the secret itself."""


def from_environment(reference: str) -> list[str]:
    """Give what an env:NAME reference stands for. Errors: Unresolved."""
    scheme, _, name = reference.partition(":")
    if scheme != "env" or not name:
        raise Unresolved(f"secret reference {reference!r} is not of a kind this runner opens")
    secret = os.environ.get(name)
    if not secret:
        raise Unresolved(f"{reference} is not set in the runner's environment")
    return [secret]


class References:
    """Opens references of endpoints: vault:NAME from rows that were read just before, env:NAME.

    Parameters: `rows` as artery.vault_secrets gives them; `keyring` is called when one is to be
    opened.
    """

    def __init__(
        self, rows: Iterable[Sequence[Any]] = (), keyring: Callable[[], Keyring] = load_keyring
    ) -> None:
        self._keyring = keyring
        self._live: dict[str, list[Sealed]] = {}
        for row in rows:
            self._live.setdefault(row[0], []).append(Sealed.of_row(row))

    def resolve(self, reference: str, endpoint_id: int, base_url: str) -> list[str]:
        """Give the secrets that `reference` stands for, the newest first.

        `base_url` is the address they are for, as artery._secret_address puts it. Errors:
        Unresolved.
        """
        scheme, _, name = reference.partition(":")
        if scheme != "vault":
            return from_environment(reference)
        live = self._live.get(name)
        if not live:
            raise Unresolved(f"{reference}: no such secret; artery vault set {name}")
        bound = live[0].binding
        if bound.endpoint_id is not None and (bound.endpoint_id, bound.base_url) != (
            endpoint_id,
            base_url,
        ):
            raise Unresolved(
                f"{reference} is bound to another endpoint, base URL, token URL or proxy; if this "
                f"may have it: artery vault rotate {name} --endpoint"
            )
        try:
            keyring = self._keyring()
            # the version before counts for signatures; without it a rotation still goes on
            older = [
                s
                for s in live[1:]
                if s.key_id in keyring
                and s.binding.base_url == bound.base_url
                and s.binding.endpoint_id == bound.endpoint_id
            ]
            return [keyring.open(sealed) for sealed in (live[0], *older)]
        except ArteryError as error:
            raise Unresolved(f"{reference}: {error.message}. {error.hint or ''}".strip()) from None
