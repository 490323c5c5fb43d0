"""An endpoint as the transport needs it: what is the same for all of its calls, worked out once."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pg_artery import __version__, egress

USER_AGENT = f"pg-artery/{__version__}"
API_KEY_HEADER = "X-API-Key"

# Headers whose values may be stored; any other that is sent or received is kept out of the report
SENT_CLEAR = frozenset(
    (
        "accept",
        "accept-language",
        "content-type",
        "idempotency-key",
        "prefer",
        "traceparent",
        "tracestate",
        "user-agent",
        "x-request-id",
    )
)
REDACTED = "[redacted]"

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


def resolve_secret(ref: str | None) -> str:
    """Give the secret that `ref` (env:NAME) stands for. Errors: Unusable('secret')."""
    scheme, _, name = (ref or "").partition(":")
    if scheme != "env" or not name:
        raise Unusable("secret", f"secret reference {ref!r} is not of a kind this runner opens")
    secret = os.environ.get(name)
    if not secret:
        raise Unusable("secret", f"{ref} is not set in the runner's environment")
    if not _VALUE.match(secret):
        raise Unusable("secret", f"{ref} holds characters that no header may carry")
    return secret


def auth_headers(kind: str, ref: str | None) -> list[str]:
    """Give the header lines that authenticate. Errors: Unusable('secret')."""
    if kind == "none":
        return []
    secret = resolve_secret(ref)
    if kind == "bearer":
        return [f"Authorization: Bearer {secret}"]
    if kind == "api_key":
        return [f"{API_KEY_HEADER}: {secret}"]
    if kind == "basic":
        return [f"Authorization: Basic {base64.b64encode(secret.encode()).decode()}"]
    raise Unusable("secret", f"this runner does not know the authentication kind {kind!r}")


class Endpoint:
    """One version of an endpoint's configuration, ready to be called.

    `problem` says why it cannot be called, if so; every task for it is then reported with that.
    """

    __slots__ = (
        "allowed", "base_url", "connect_timeout_ms", "enabled", "header_lines", "id", "idempotent",
        "logged_headers", "max_response_bytes", "name", "problem", "total_timeout_ms", "version",
    )  # fmt: skip

    def __init__(
        self,
        row: Sequence[Any],
        policy: Callable[[str], Callable[[egress.Address], bool]] = egress.default_policy,
    ) -> None:
        (
            self.id, self.version, self.name, base_url, auth_kind, secret_ref, headers,
            self.connect_timeout_ms, self.total_timeout_ms, self.max_response_bytes, self.enabled,
            self.idempotent,
        ) = row  # fmt: skip
        self.base_url: str = base_url.rstrip("/")
        self.allowed = policy(self.base_url)
        self.problem: Unusable | None = None
        # an empty Expect keeps libcurl from waiting for 100 Continue before large bodies
        self.header_lines: list[str] = [f"User-Agent: {USER_AGENT}", "Expect:"]
        self.logged_headers: dict[str, str] = {}
        try:
            fixed = check_headers(headers or {}, "the endpoint's")
            self.header_lines += [f"{name}: {value}" for name, value in fixed.items()]
            self.header_lines += auth_headers(auth_kind, secret_ref)
            self.logged_headers = redact(fixed)
        except Unusable as problem:
            self.problem = problem
