"""An endpoint as the transport needs it: what is the same for all of its calls, worked out once."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from time import monotonic
from typing import Any

from pg_artery import egress, handle
from pg_artery.access import VALUE, Access, spellings
from pg_artery.oauth import Grant
from pg_artery.signing import signing_key
from pg_artery.vault import References, Unresolved

ACCEPT = "application/json, application/problem+json, */*;q=0.5"

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

#: Not sent: names the user whom the token of this one call is to be about (auth.subject_from)
SUBJECT = "artery-subject"

# What the transport or libcurl sets itself; a task or an endpoint that sets one is refused
RESERVED = frozenset(
    (
        SUBJECT,
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


class Unusable(Exception):
    """The endpoint or the task cannot be called as it stands: `kind` is the report's error_kind."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def check_headers(
    headers: Mapping[str, Any], source: str, own: Container[str] = ()
) -> dict[str, str]:
    """Give `headers` if they can be sent as they are, and none of them is among our `own`.

    Errors: Unusable('bad_request').
    """
    for name, value in headers.items():
        if not _NAME.match(name) or not isinstance(value, str) or not VALUE.match(value):
            raise Unusable("bad_request", f"{source} header {name!r} is not a valid HTTP header")
        if name.lower() in RESERVED or name.lower() in own:
            raise Unusable("bad_request", f"{source} header {name!r} is set by the runner itself")
    return dict(headers)


def redact(headers: Mapping[str, str]) -> dict[str, str]:
    """Give `headers` as they may be stored: values of known harmless names, the rest hidden."""
    return {
        name: value if name.lower() in SENT_CLEAR else REDACTED for name, value in headers.items()
    }


def hide(text: str, secrets: Iterable[str]) -> str:
    """Take secrets, the longest first, out of a text."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, REDACTED)
    return text


def vault_names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give the names of the vault's secrets that these endpoints refer to."""
    refs = [
        value
        for row in rows
        for name, value in {**row, **row["access"]}.items()
        if name.endswith("_ref") and value is not None
    ]
    return sorted({ref[6:] for ref in refs if ref.startswith("vault:")})


class Endpoint:
    """One version of an endpoint's configuration, ready to be called.

    `problem` says why it cannot be called, if so; every task for it is then reported with that.
    """

    __slots__ = (
        "access", "base_url", "connect_timeout_ms", "enabled", "first_byte_timeout_ms", "guard",
        "header_lines", "hidden", "id", "idempotent", "loaded", "logged_headers",
        "max_response_bytes", "name", "problem", "rules", "signing_keys", "tls_timeout_ms",
        "token_guard", "total_timeout_ms", "version",
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
        proxy_url, settings = row["access"].get("proxy_url"), row["access"].get("auth", {})
        self.guard = egress.Guard(proxy_url or self.base_url, self.rules)
        self.token_guard = egress.Guard(
            proxy_url or settings.get("token_url", self.base_url), self.rules
        )
        self.loaded = monotonic()
        self.problem: Unusable | None = None
        self.access: Access | None = None
        self.header_lines: list[str] = [*handle.OWN_LINES]
        self.logged_headers: dict[str, str] = {}
        self.hidden: list[str] = []
        self.signing_keys: list[bytes] = []
        try:
            fixed = check_headers(row["headers"] or {}, "the endpoint's")
            if "accept" not in map(str.lower, fixed):
                self.header_lines.append(f"Accept: {ACCEPT}")
            self.header_lines += [f"{name}: {value}" for name, value in fixed.items()]
            self.logged_headers = redact(fixed)
            resolve = (references or References()).resolve
            base_url, signing_ref = row["base_url"], row["signing_ref"]
            self.access = Access(row, lambda ref, address: resolve(ref, self.id, address))
            self.header_lines += self.access.header_lines
            keys = resolve(signing_ref, self.id, base_url) if signing_ref else []
            self.signing_keys = [signing_key(word) for key in keys for word in key.split()]
            # longest first, so that none leaves a part of a longer one standing
            secrets = map(spellings, (*self.access.secrets, *keys))
            self.hidden = sorted(set().union(*secrets), key=len, reverse=True)
        except Unusable as problem:
            self.problem = problem
        except Unresolved as problem:
            self.problem = Unusable("secret", str(problem))
        except ValueError as problem:
            self.problem = Unusable("secret", f"{signing_ref}: {problem}")

    @property
    def auth_names(self) -> frozenset[str]:
        """The headers that authenticate, in lower case."""
        lines = self.access.header_lines if self.access else ()
        return frozenset(line.partition(":")[0].lower() for line in lines)

    @property
    def grant(self) -> Grant | None:
        """How tokens are fetched for it, None where it needs none."""
        return self.access.grant if self.access else None

    def hide(self, text: str) -> str:
        """Take this endpoint's secrets out of what its receiver said."""
        return hide(text, self.hidden)
