"""An endpoint as the transport needs it: what is the same for all of its calls, worked out once."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any
from urllib.parse import quote

from pg_artery import __version__, egress
from pg_artery.signing import signing_key
from pg_artery.vault import References, Unresolved

USER_AGENT = f"pg-artery/{__version__}"
ACCEPT = "application/json, application/problem+json, */*;q=0.5"
API_KEY_HEADER = "X-API-Key"

# Headers whose values may be stored; any other that is sent or received is kept out of the report
SENT_CLEAR = frozenset(
    (
        "accept",
        "accept-language",
        "ce-id",
        "ce-source",
        "ce-specversion",
        "ce-subject",
        "ce-time",
        "ce-type",
        "content-type",
        "idempotency-key",
        "prefer",
        "traceparent",
        "tracestate",
        "user-agent",
        "webhook-id",
        "webhook-timestamp",
        "x-request-id",
    )
)
REDACTED = "[redacted]"
SHORTEST_HIDDEN = 4  # characters; shorter ones stand in answers by chance

# What the transport or libcurl sets itself; a task or an endpoint that sets one is refused
RESERVED = frozenset(
    (
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "idempotency-key",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
        "x-request-id",
    )
)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VALUE = re.compile(r"[\x20-\x7e\t]*\Z")


class Unusable(Exception):
    """The endpoint or the task cannot be called as it stands: `kind` is the report's error_kind."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def check_headers(headers: Mapping[str, Any], source: str) -> dict[str, str]:
    """Give `headers` if they can be sent as they are. Errors: Unusable('bad_request')."""
    for name, value in headers.items():
        if not _NAME.match(name) or not isinstance(value, str) or not _VALUE.match(value):
            raise Unusable("bad_request", f"{source} header {name!r} is not a valid HTTP header")
        if name.lower() in RESERVED:
            raise Unusable("bad_request", f"{source} header {name!r} is set by the runner itself")
    return dict(headers)


def redact(headers: Mapping[str, str]) -> dict[str, str]:
    """Give `headers` as they may be stored: values of known harmless names, the rest hidden."""
    return {
        name: value if name.lower() in SENT_CLEAR else REDACTED for name, value in headers.items()
    }


def auth_headers(kind: str, secret: str) -> list[str]:
    """Give the header lines that authenticate. Errors: Unusable('secret')."""
    if not _VALUE.match(secret):
        raise Unusable("secret", "the secret holds characters that no header may carry")
    if kind == "bearer":
        return [f"Authorization: Bearer {secret}"]
    if kind == "api_key":
        return [f"{API_KEY_HEADER}: {secret}"]
    if kind == "basic":
        return [f"Authorization: Basic {base64.b64encode(secret.encode()).decode()}"]
    raise Unusable("secret", f"this runner does not know the authentication kind {kind!r}")


def spellings(secret: str) -> set[str]:
    """Give the ways in which a receiver that echoes `secret` may write it."""
    plain = {secret}
    if ":" in secret:  # user:password, of which the password alone is secret too
        plain |= {secret.partition(":")[2], base64.b64encode(secret.encode()).decode()}
    escaped = {json.dumps(text)[1:-1] for text in plain}
    escaped |= {text.replace("/", "\\/") for text in escaped}
    escaped |= {quote(text, safe="") for text in plain} | {html.escape(text) for text in plain}
    return {text for text in plain | escaped if len(text) >= SHORTEST_HIDDEN}


def vault_names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give the names of the vault's secrets that these endpoints refer to."""
    refs = {ref for row in rows for ref in (row["secret_ref"], row["signing_ref"]) if ref}
    return sorted(ref.partition(":")[2] for ref in refs if ref.startswith("vault:"))


class Endpoint:
    """One version of an endpoint's configuration, ready to be called.

    `problem` says why it cannot be called, if so; every task for it is then reported with that.
    """

    __slots__ = (
        "base_url", "connect_timeout_ms", "enabled", "first_byte_timeout_ms", "guard",
        "header_lines", "hidden", "id", "idempotent", "loaded", "logged_headers",
        "max_response_bytes", "name", "problem", "rules", "signing_keys", "tls_timeout_ms",
        "total_timeout_ms", "version",
    )  # fmt: skip

    def __init__(self, row: Mapping[str, Any], references: References | None = None) -> None:
        self.id: int = row["id"]
        self.version: int = row["version"]
        self.name: str = row["name"]
        self.base_url: str = row["base_url"].rstrip("/")
        self.connect_timeout_ms: int = row["connect_timeout_ms"]
        self.tls_timeout_ms: int = row["tls_timeout_ms"]
        self.first_byte_timeout_ms: int = row["first_byte_timeout_ms"]
        self.total_timeout_ms: int = row["total_timeout_ms"]
        self.max_response_bytes: int = row["max_response_bytes"]
        self.enabled: bool = row["enabled"]
        self.idempotent: bool = row["idempotent"]
        self.rules = egress.parse_rules(row["egress_rules"])
        self.guard = egress.Guard(self.base_url, self.rules)
        self.loaded = monotonic()
        self.problem: Unusable | None = None
        # an empty Expect keeps libcurl from waiting for 100 Continue before large bodies
        self.header_lines: list[str] = [f"User-Agent: {USER_AGENT}", "Expect:"]
        self.logged_headers: dict[str, str] = {}
        self.hidden: list[str] = []
        self.signing_keys: list[bytes] = []
        try:
            fixed = check_headers(row["headers"] or {}, "the endpoint's")
            if "accept" not in map(str.lower, fixed):
                self.header_lines.append(f"Accept: {ACCEPT}")
            self.header_lines += [f"{name}: {value}" for name, value in fixed.items()]
            self.logged_headers = redact(fixed)
            self._open(references or References(), row)
        except Unusable as problem:
            self.problem = problem

    def _open(self, references: References, row: Mapping[str, Any]) -> None:
        """Open what the references stand for. Errors: Unusable('secret')."""
        auth_kind, signing_ref = row["auth_kind"], row["signing_ref"]
        secrets: list[str] = []
        try:
            if auth_kind != "none":
                secrets += references.resolve(row["secret_ref"] or "", self.id, row["base_url"])
                self.header_lines += auth_headers(auth_kind, secrets[0])
            if signing_ref is not None:
                keys = references.resolve(signing_ref, self.id, row["base_url"])
                secrets += keys
                self.signing_keys = [signing_key(word) for key in keys for word in key.split()]
        except Unresolved as problem:
            raise Unusable("secret", str(problem)) from None
        except ValueError as problem:
            raise Unusable("secret", f"{signing_ref}: {problem}") from None
        # longest first, so that none leaves a part of a longer one standing
        self.hidden = sorted(set().union(*map(spellings, secrets)), key=len, reverse=True)

    def hide(self, text: str) -> str:
        """Take this endpoint's secrets out of what its receiver said."""
        for secret in self.hidden:
            if secret in text:
                text = text.replace(secret, REDACTED)
        return text
