"""Which addresses a call may dial, decided on the address itself as libcurl is about to dial it.

Checking the URL's text cannot work: the resolver maps `2130706433`, `0x7f.1` and full-width digits
to 127.0.0.1, and a name may resolve anew between check and use. Behind a forward proxy the address
dialled is the proxy's, and the proxy has to enforce the rest.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import pycurl

Address = IPv4Address | IPv6Address

# Instance metadata and platform services outside the link-local range
METADATA = frozenset(
    ip_address(a) for a in ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")
)
NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
THIS_NETWORK = ip_network("0.0.0.0/8")


def unwrap(address: Address) -> Address:
    """Give the IPv4 address that an IPv6 form carries inside it, or `address` itself."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and (
        any(address in net for net in NAT64) or (int(address) >> 32 == 0 and int(address) > 1)
    ):
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def is_forbidden(address: Address) -> bool:
    """Tell whether no endpoint may dial `address` unless it names exactly that address."""
    address = unwrap(address)
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address in METADATA
        or address in THIS_NETWORK
        or address == IPv4Address("255.255.255.255")
    )


def default_policy(base_url: str) -> Callable[[Address], bool]:
    """Give the rule for an endpoint: forbidden addresses only where the base URL names them.

    `http://127.0.0.1:8080/v1` may dial 127.0.0.1 and `http://localhost/v1` the loopback addresses;
    `http://127.1/v1` may not, and a name that resolves to 127.0.0.1 may not.
    """
    host = urlsplit(base_url).hostname or ""
    try:
        literal: Address | None = ip_address(host)
    except ValueError:
        literal = None

    def allowed(address: Address) -> bool:
        if not is_forbidden(address):
            return True
        return address == literal or (host == "localhost" and address.is_loopback)

    return allowed


def checker(
    allowed: Callable[[Address], bool], refuse: Callable[[str], None]
) -> Callable[[str, str, int, int], int]:
    """Make libcurl's PREREQFUNCTION: the same rule on a connection that is about to be used again.

    Connections are shared by all endpoints of a process, and another one may have opened it.
    """
    known: dict[str, int] = {}

    def check(peer: str, _local: str, _peer_port: int, _local_port: int) -> int:
        verdict = known.get(peer)
        if verdict is None:
            good = allowed(ip_address(peer.partition("%")[0]))
            verdict = pycurl.PREREQFUNC_OK if good else pycurl.PREREQFUNC_ABORT
            known[peer] = verdict
        if verdict != pycurl.PREREQFUNC_OK:
            refuse(peer)
        return verdict

    return check


def opener(
    allowed: Callable[[Address], bool], refuse: Callable[[str], None]
) -> Callable[[int, tuple[Any, ...]], Any]:
    """Make libcurl's OPENSOCKETFUNCTION: a socket where `allowed`, else `refuse(address)`."""

    def open_socket(_purpose: int, target: tuple[Any, ...]) -> Any:
        family, kind, protocol, address = target
        # fails closed: what does not parse as an address (a Unix socket) is refused
        try:
            dialled = ip_address(address[0].partition("%")[0])
        except (ValueError, AttributeError, TypeError):
            refuse(str(address))
            return pycurl.SOCKET_BAD
        if not allowed(dialled):
            refuse(str(dialled))
            return pycurl.SOCKET_BAD
        return socket.socket(family, kind, protocol)

    return open_socket
