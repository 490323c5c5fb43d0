"""What an endpoint is called with beside the request: credentials, TLS, proxy, opened once.

Nothing of it touches the disk: certificate, key and CAs go to libcurl as bytes.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import pycurl
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import load_pem_x509_certificates

from pg_artery.oauth import KINDS, Grant
from pg_artery.vault import Unresolved

API_KEY_HEADER = "X-API-Key"
_SUPPRESS_CONNECT_HEADERS = 265  # libcurl's; pycurl has no name for it
SHORTEST_HIDDEN = 4  # characters; shorter ones stand in answers by chance
VALUE = re.compile(r"[\x20-\x7e\t]*\Z")
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)

#: Gives the secrets of a reference, the newest first: (reference, the address they are bound to)
Opener = Callable[[str, str], list[str]]


def spellings(secret: str) -> set[str]:
    """Give the ways in which a receiver that echoes `secret` may write it."""
    plain = {secret}
    if ":" in secret:  # user:password, of which the password alone is secret too
        plain |= {secret.partition(":")[2], base64.b64encode(secret.encode()).decode()}
    escaped = {json.dumps(text)[1:-1] for text in plain}
    escaped |= {text.replace("/", "\\/") for text in escaped}
    escaped |= {quote(text, safe="") for text in plain} | {html.escape(text) for text in plain}
    return {text for text in plain | escaped if len(text) >= SHORTEST_HIDDEN}


class ClientCertificate(NamedTuple):
    """A client's certificate with its chain, and its key, both in PEM."""

    chain: bytes
    key: bytes

    @classmethod
    def parse(cls, pem: str) -> ClientCertificate:
        """Take PEM of both apart. Errors: ValueError, which does not show the key."""
        blocks = {True: "", False: ""}
        for block in _BLOCK.finditer(pem):
            blocks["PRIVATE KEY" in block[1]] += f"{block[0]}\n"
        try:
            key = load_pem_private_key(blocks[True].encode(), None)
            certificates = load_pem_x509_certificates(blocks[False].encode())
        except (TypeError, ValueError):
            raise ValueError(
                "needed in PEM: certificate, chain, private key without passphrase"
            ) from None
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if certificates[0].public_key().public_bytes(*form) != key.public_key().public_bytes(*form):
            raise ValueError("the private key is not that of the first certificate")
        return cls(blocks[False].encode(), blocks[True].encode())


def auth_line(kind: str, secret: str, settings: Mapping[str, Any]) -> str:
    """Give the header line that authenticates. Errors: ValueError."""
    if not VALUE.match(secret):
        raise ValueError("the secret holds characters that no header may carry")
    if kind == "bearer":
        return f"Authorization: Bearer {secret}"
    if kind == "api_key":
        return f"{settings.get('header', API_KEY_HEADER)}: {secret}"
    if kind == "basic":
        return f"Authorization: Basic {base64.b64encode(secret.encode()).decode()}"
    raise ValueError(f"this runner does not know the authentication kind {kind!r}")


def proxy_login(secret: str) -> list[str]:
    """Give user and password for a proxy. Errors: ValueError."""
    if ":" not in secret or not VALUE.match(secret):
        raise ValueError("needed for a proxy: user:password")
    return secret.split(":", 1)


class Access:
    """The opened credentials of one version of an endpoint.

    Parameters: `row` as artery.endpoint_config gives it. Errors: Unresolved, which names the
    reference and shows no secret.
    """

    __slots__ = (
        "_ca",
        "_certificate",
        "_login",
        "_token_ca",
        "grant",
        "header_lines",
        "proxy_url",
        "secrets",
    )

    def __init__(self, row: Mapping[str, Any], opener: Opener) -> None:
        base_url: str = row["base_url"]
        kind: str = row["auth_kind"]
        secret_ref: str | None = row["secret_ref"]
        more: Mapping[str, Any] = row["access"]
        settings: Mapping[str, Any] = more.get("auth", {})
        ca: str | None = more.get("ca_bundle")
        self.grant: Grant | None = None
        self.header_lines: list[str] = []
        self.secrets: list[str] = []
        self.proxy_url: str | None = more.get("proxy_url")
        self._certificate: ClientCertificate | None = None
        self._login: list[str] | None = None
        self._ca = ca.encode() if ca else None
        self._token_ca = self._ca if settings.get("token_ca") != "system" else None

        def first(reference: str, address: str) -> str:
            return opener(reference, address)[0]

        # as artery._secret_address has it: where each secret is sent
        issuing = " ".join(filter(None, (base_url, settings.get("token_url"))))
        blamed = secret_ref
        try:
            if kind in KINDS:
                secret = first(secret_ref, issuing) if secret_ref else None
                subject_ref = more.get("subject_ref")
                subject = first(subject_ref, issuing) if subject_ref else None
                self.secrets += filter(None, (secret, subject))
                self.grant = Grant(kind, settings, secret, subject)
            elif kind != "none":
                secret = first(secret_ref or "", issuing)
                self.secrets.append(secret)
                self.header_lines.append(auth_line(kind, secret, settings))
            if blamed := more.get("client_cert_ref"):
                self._certificate = ClientCertificate.parse(first(blamed, base_url))
            if (blamed := more.get("proxy_ref")) and self.proxy_url:
                login = first(blamed, self.proxy_url)
                self.secrets.append(login)
                self._login = proxy_login(login)
        except (ValueError, KeyError, TypeError) as problem:
            raise Unresolved(f"{blamed}: {problem}") from None

    def apply(self, curl: pycurl.Curl) -> None:
        """Set up a handle that calls the endpoint itself."""
        if self._certificate is not None:
            curl.setopt(pycurl.SSLCERTTYPE, "PEM")
            curl.setopt(pycurl.SSLCERT_BLOB, self._certificate.chain)
            curl.setopt(pycurl.SSLKEYTYPE, "PEM")
            curl.setopt(pycurl.SSLKEY_BLOB, self._certificate.key)
        self._apply_trust(curl, self._ca)

    def apply_to_token_hop(self, curl: pycurl.Curl) -> None:
        """Set up a handle that calls the token server: same proxy, no client certificate."""
        self._apply_trust(curl, self._token_ca)

    def _apply_trust(self, curl: pycurl.Curl, ca: bytes | None) -> None:
        if ca is not None:
            curl.setopt(pycurl.CAINFO_BLOB, ca)
            curl.unsetopt(pycurl.CAPATH)
        if self.proxy_url is not None:
            curl.setopt(pycurl.PROXY, self.proxy_url)
            curl.setopt(pycurl.NOPROXY, "")  # else the environment's
            # always a tunnel: the proxy sees neither credentials nor bodies of an https endpoint,
            # and its own refusals cannot be taken for the endpoint's
            curl.setopt(pycurl.HTTPPROXYTUNNEL, 1)
            curl.setopt(pycurl.HEADEROPT, pycurl.HEADER_SEPARATE)
            curl.setopt(_SUPPRESS_CONNECT_HEADERS, 1)
            if self._login is not None:
                curl.setopt(pycurl.PROXYAUTH, pycurl.HTTPAUTH_BASIC)
                curl.setopt(pycurl.PROXYUSERNAME, self._login[0])
                curl.setopt(pycurl.PROXYPASSWORD, self._login[1])

    def blames_proxy(self, curl: pycurl.Curl, kind: str) -> bool:
        """Tell of a call that failed by `kind` whether it came no further than the proxy."""
        return (
            self.proxy_url is not None
            and kind != "egress"
            and curl.getinfo(pycurl.HTTP_CONNECTCODE) // 100 != 2
            # an open tunnel that was used again has no CONNECT of its own
            and (curl.getinfo(pycurl.NUM_CONNECTS) > 0 or kind in ("connect", "dns"))
        )
