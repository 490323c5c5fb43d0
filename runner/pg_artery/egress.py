"""Which addresses a call may dial, decided on the address itself as libcurl is about to dial it.

Checking the URL's text cannot work: the resolver maps `2130706433`, `0x7f.1` and full-width digits
to 127.0.0.1, and a name may resolve anew between check and use. Behind a forward proxy the address
dialled is the proxy's, and the proxy has to enforce the rest.

The rules, in this order:

1.  Loopback, link-local, instance metadata, unspecified, multicast and broadcast addresses, and
    those of IPv6 that carry one of IPv4, are dialled only where a rule names exactly that address
    and port. A URL that names a loopback address (or localhost) names it and its own port, as long
    as the endpoint has no rules; metadata is named by a rule alone.
2.  An endpoint with rules dials what they name, and nothing else.
3.  One without rules dials public addresses; private and reserved ones need a rule.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pycurl

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACK = "loopback"
KNOWN_VERDICTS = 1000  # addresses remembered for an endpoint; a name has a handful

#: Addresses that are dialled only where named exactly; a list is searched from its beginning
EXACT_ONLY: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), kind)
    for kind, networks in (
        (
            "instance metadata",
            "169.254.169.254 169.254.170.2 100.100.100.200 192.0.0.192 168.63.129.16 "
            "fd00:ec2::/32 fd20:ce::/32 fd00:42::42 fd00:c1::a9fe:a9fe",
        ),
        (LOOPBACK, "127.0.0.0/8 ::1"),
        ("unspecified", "0.0.0.0/8 ::"),
        ("link-local", "169.254.0.0/16 fe80::/10"),
        ("multicast", "224.0.0.0/4 ff00::/8"),
        ("broadcast", "255.255.255.255"),
        ("IPv4-mapped", "::ffff:0:0/96"),
        ("IPv4-compatible", "::/96"),
        ("IPv4-translated", "::ffff:0:0:0/96"),
        ("NAT64", "64:ff9b::/96 64:ff9b:1::/48"),
        ("6to4", "2002::/16"),
        ("Teredo", "2001::/32"),
    )
    for network in networks.split()
)
#: The rest of what is not public unicast, after IANA's registries of special-purpose addresses
NEEDS_RULE: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), kind)
    for kind, networks in (
        ("private", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"),
        ("site-local", "fec0::/10"),
        ("shared (carrier-grade NAT)", "100.64.0.0/10"),
        ("documentation", "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20"),
        ("reserved", "192.0.0.0/24 192.88.99.0/24 198.18.0.0/15 240.0.0.0/4 2001::/23"),
        # IANA has given out global unicast addresses in 2000::/3 alone
        ("reserved", "::/3 4000::/2 8000::/1"),
    )
    for network in networks.split()
)


class Rule(NamedTuple):
    """An egress rule: what a row of the endpoint's rules opens."""

    network: Network
    first_port: int
    last_port: int

    @property
    def is_exact(self) -> bool:
        """Whether it names one address and one port."""
        return self.network.num_addresses == 1 and self.first_port == self.last_port

    def covers(self, address: Address, port: int) -> bool:
        """Tell whether the address and port are among those it names."""
        return self.first_port <= port <= self.last_port and address in self.network

    def __str__(self) -> str:
        last = "" if self.last_port == self.first_port else f"-{self.last_port}"
        return f"{self.network} port {self.first_port}{last}"


class Verdict(NamedTuple):
    """Whether an address may be dialled, and by which rule or for want of which."""

    allowed: bool
    why: str


def parse_rules(rows: Iterable[Sequence[Any]]) -> tuple[Rule, ...]:
    """Read rules as endpoint_config gives them. Errors: ValueError."""
    return tuple(Rule(ip_network(net), int(first), int(last)) for net, first, last in rows)


def kind_of(address: Address, table: Iterable[tuple[Network, str]]) -> str | None:
    """Give the name that `table` has for the address, None where it has none."""
    return next((kind for network, kind in table if address in network), None)


def named_loopback(url: str) -> tuple[Rule, ...]:
    """Give the rules that stand in a URL: loopback addresses as literals or localhost, with port.

    `http://127.0.0.1:8080/v1` names 127.0.0.1 port 8080; `http://127.1:8080/v1` names nothing.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        names = ("127.0.0.1", "::1") if host == "localhost" else (host,)
        literals = [ip_address(name) for name in names]
    except ValueError:
        return ()
    return tuple(
        Rule(ip_network(literal), port, port)
        for literal in literals
        if "%" not in host and kind_of(literal, EXACT_ONLY) == LOOPBACK
    )


class Guard:
    """What may be dialled for one URL: an endpoint's, its token server's or its proxy's.

    Parameters: `url` that is called, or of the proxy where there is one; `rules` the endpoint's.
    """

    __slots__ = ("_named", "_rules", "_verdicts")

    def __init__(self, url: str, rules: Sequence[Rule] = ()) -> None:
        self._rules = tuple(rules)
        self._named = () if rules else named_loopback(url)
        self._verdicts: dict[tuple[str, int], Verdict] = {}

    def judge(self, peer: str, port: int) -> Verdict:
        """Decide on an address as libcurl writes it; a zone (`%eth0`) does not change it.

        What does not parse as an address, a Unix socket for one, is refused.
        """
        verdict = self._verdicts.get((peer, port))
        if verdict is None:
            try:
                verdict = self._decide(ip_address(peer.partition("%")[0]), port)
            except (ValueError, AttributeError):
                verdict = Verdict(False, "no IP address")
            if len(self._verdicts) >= KNOWN_VERDICTS:
                self._verdicts.clear()
            self._verdicts[peer, port] = verdict
        return verdict

    def _decide(self, address: Address, port: int) -> Verdict:
        matching = [rule for rule in self._rules if rule.covers(address, port)]
        kind = kind_of(address, EXACT_ONLY)
        if kind is not None:
            for rule in matching:
                if rule.is_exact:
                    return Verdict(True, f"rule {rule}")
            if any(rule.covers(address, port) for rule in self._named):
                return Verdict(True, "the URL names it")
            return Verdict(False, f"{kind} address, needs a rule for exactly it and the port")
        if matching:
            return Verdict(True, f"rule {matching[0]}")
        if self._rules:
            return Verdict(False, "none of the endpoint's egress rules covers it")
        kind = kind_of(address, NEEDS_RULE)
        if kind is not None:
            return Verdict(False, f"{kind} address, needs an egress rule")
        return Verdict(True, "public address, and the endpoint has no egress rules")

    def attach(
        self,
        curl: Any,
        refused: list[str],
        dialled: list[int],
        too_late: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Let a handle dial what is allowed, and nothing else.

        Both lists are appended to: `refused` with the addresses refused, and why; `dialled` with
        the descriptors of the sockets opened for others. `too_late` is asked last, when the
        request is about to go out: what it says keeps it here.

        The connection is checked once more before the request goes out: those in a pool are shared
        by all endpoints of a process, and another one may have opened it.
        What it costs a request is within the noise of measuring it.
        """
        judge = self.judge

        def open_socket(_purpose: int, target: tuple[Any, ...]) -> Any:
            family, kind, protocol, address = target
            if family not in (socket.AF_INET, socket.AF_INET6):
                refused.append(f"address {address!r} is not allowed: no IP address")
                return pycurl.SOCKET_BAD
            peer, port = address[0], address[1]
            verdict = judge(peer, port)
            if not verdict.allowed:
                refused.append(f"{peer} port {port} is not allowed: {verdict.why}")
                return pycurl.SOCKET_BAD
            return socket.socket(family, kind, protocol)

        def note_socket(descriptor: int, _purpose: int) -> int:
            dialled.append(descriptor)
            return int(pycurl.SOCKOPT_OK)

        def check_peer(peer: str, _local: str, port: int, _local_port: int) -> int:
            verdict = judge(peer, port)
            if verdict.allowed:
                why = too_late()
                if why is None:
                    return int(pycurl.PREREQFUNC_OK)
            else:
                why = f"{peer} port {port} is not allowed: {verdict.why}"
            refused.append(why)
            dialled.clear()  # nothing went out over any of them
            return int(pycurl.PREREQFUNC_ABORT)

        curl.setopt(pycurl.OPENSOCKETFUNCTION, open_socket)
        curl.setopt(pycurl.SOCKOPTFUNCTION, note_socket)
        curl.setopt(pycurl.PREREQFUNCTION, check_peer)
