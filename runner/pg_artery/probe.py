"""Whether an endpoint can be reached: each address of its name, dialled as a call would dial it.

The same guard decides. The request is a HEAD of the base URL, with no credentials, no headers of
the endpoint's and no client certificate.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pycurl
from cryptography import x509

from pg_artery import egress, handle, outcome

AT_ONCE = 8  # addresses probed side by side
_CONNECTION = "SSL connection using "
Finding = dict[str, Any]


class Target:
    """What is dialled for an endpoint; `row` as artery.endpoint_config gives it."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.url: str = row["base_url"]
        self.proxy_url: str | None = row["access"].get("proxy_url")
        self.ca: str | None = row["access"].get("ca_bundle")
        self.rules = egress.parse_rules(row["egress_rules"])
        self.guard = egress.Guard(self.proxy_url or self.url, self.rules)
        parts = urlsplit(self.proxy_url or self.url)
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
        self.connect_ms: int = row["connect_timeout_ms"]
        self.tls_ms: int = row["tls_timeout_ms"]
        self.total_ms: int = row["total_timeout_ms"]


def resolve(target: Target) -> tuple[list[str], float, str | None]:
    """Resolve the name that is dialled; gives addresses, milliseconds, and what failed, if it did.

    Gives up after the endpoint's connect_timeout, which the system's resolver may exceed.
    """
    found: list[str] = []
    problem = [f"no answer within {target.connect_ms} ms"]

    def look_up() -> None:
        # first for the families that this machine has
        for flags in (socket.AI_ADDRCONFIG, 0):
            try:
                infos = socket.getaddrinfo(
                    target.host, target.port, type=socket.SOCK_STREAM, flags=flags
                )
            except (OSError, UnicodeError) as error:
                problem[0] = getattr(error, "strerror", None) or str(error)
            else:
                found.extend(dict.fromkeys(str(info[4][0]) for info in infos))
                return

    began = monotonic()
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(target.connect_ms / 1000)
    addresses = list(found)
    return addresses, (monotonic() - began) * 1000, None if addresses else problem[0]


def probe_all(target: Target, addresses: list[str]) -> list[Finding]:
    """Probe each address."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda address: probe(target, address), addresses))


def probe(target: Target, address: str) -> Finding:
    """Dial one address of the target's name and ask it for the base URL's headers."""
    verdict = target.guard.judge(address, target.port)
    found: Finding = {"address": address, "allowed": verdict.allowed, "rule": verdict.why}
    talk: list[str] = []
    refused: list[str] = []
    dialled: list[int] = []
    lines: list[bytes] = []
    curl = _handle(target, address, talk)
    curl.setopt(pycurl.HEADERFUNCTION, lines.append)
    target.guard.attach(curl, refused, dialled)
    try:
        curl.perform()
    except pycurl.error as error:
        code, message = error.args
        kind = outcome.KINDS.get(code, "protocol")
        if kind == "timeout":
            kind = outcome.timeout_kind(curl, any("Client hello" in line for line in talk))
        if refused and not dialled:
            kind, message = "egress", refused[0]
        else:
            if target.proxy_url and curl.getinfo(pycurl.HTTP_CONNECTCODE) // 100 != 2:
                kind = "proxy"
            if number := curl.getinfo(pycurl.OS_ERRNO):
                message = f"{message}: {os.strerror(number)}"
        found |= {"kind": kind, "error": message}
    found["dialled"] = bool(dialled)
    found |= _facts(curl, talk, outcome.response_headers(lines))
    if found.get("kind") == "tls" and "certificate" not in found:
        found |= _shown_certificate(target, address)
    if found.get("kind") == "connect" and verdict.allowed:
        found["from"] = _source(address, target.port)
    curl.close()
    return found


def _handle(target: Target, address: str, talk: list[str]) -> Any:
    """Make a handle that dials `address` for the name, and writes to `talk` what libcurl says."""
    curl = handle.new(target.connect_ms + target.tls_ms, target.total_ms)

    def listen(kind: int, data: bytes) -> None:
        if kind == pycurl.INFOTYPE_TEXT:
            talk.append(data.decode("latin-1"))

    pinned = f"[{address}]" if ":" in address else address
    for option, value in (
        (pycurl.URL, target.url),
        (pycurl.NOBODY, 1),
        # an IPv6 literal needs no pinning, and cannot be written here
        (pycurl.RESOLVE, [f"{target.host}:{target.port}:{pinned}"] * (":" not in target.host)),
        (pycurl.HTTPHEADER, handle.OWN_LINES),
        (pycurl.OPT_CERTINFO, 1),
        (pycurl.VERBOSE, 1),
        (pycurl.DEBUGFUNCTION, listen),
    ):
        curl.setopt(option, value)
    if target.proxy_url:
        curl.setopt(pycurl.PROXY, target.proxy_url)
        curl.setopt(pycurl.NOPROXY, "")
        curl.setopt(pycurl.HTTPPROXYTUNNEL, 1)
    if target.ca:
        curl.setopt(pycurl.CAINFO_BLOB, target.ca.encode())
        curl.unsetopt(pycurl.CAPATH)
    return curl


def _facts(curl: Any, talk: list[str], headers: Mapping[str, str]) -> Finding:
    """Give what libcurl knows of a probe: times in milliseconds, TLS, the answer."""
    facts: Finding = {}
    connected = curl.getinfo(pycurl.CONNECT_TIME)
    if connected:
        facts["connect_ms"] = (connected - curl.getinfo(pycurl.NAMELOOKUP_TIME)) * 1000
    if secured := curl.getinfo(pycurl.APPCONNECT_TIME):
        facts["tls_ms"] = (secured - connected) * 1000
    for line in talk:
        if line.startswith(_CONNECTION):
            facts["tls"] = line.removeprefix(_CONNECTION).partition(" ")[0]
    if status := curl.getinfo(pycurl.RESPONSE_CODE):
        facts["status"] = status
        facts["first_byte_ms"] = curl.getinfo(pycurl.STARTTRANSFER_TIME) * 1000
    if "location" in headers:
        facts["location"] = headers["location"]
    if chain := curl.getinfo(pycurl.INFO_CERTINFO):
        facts["certificate"] = _certificate(dict(chain[0]).get("Cert", ""))
    return facts


def _shown_certificate(target: Target, address: str) -> Finding:
    """Look at a certificate that is not trusted: a handshake, and not a byte of a request."""
    talk: list[str] = []
    curl = _handle(target, address, talk)
    target.guard.attach(curl, [], [])
    curl.setopt(pycurl.CONNECT_ONLY, 1)
    curl.setopt(pycurl.SSL_VERIFYPEER, 0)
    curl.setopt(pycurl.SSL_VERIFYHOST, 0)
    try:
        curl.perform()
    except pycurl.error:
        return {}
    facts = _facts(curl, talk, {})
    curl.close()
    return {name: facts[name] for name in ("certificate", "tls") if name in facts}


def _certificate(pem: str) -> Finding:
    """Give what people ask of a certificate."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        san = [str(name.value) for name in names]
    except x509.ExtensionNotFound:
        san = []
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "expires": certificate.not_valid_after_utc.isoformat(),
        "days_left": left.days,
        "san": san,
    }


def _source(address: str, port: int) -> str | None:
    """Give the address of this machine that a firewall would see; nothing is sent for it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe_socket:
            probe_socket.connect((address.partition("%")[0], port))
            return str(probe_socket.getsockname()[0])
    except OSError:
        return None
