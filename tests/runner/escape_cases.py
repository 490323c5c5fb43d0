"""Ways to talk a runner into dialling what it must not; each is tried in escape_world."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from addresses import EXACT, PUBLIC, RULED

FREE = "93.184.215.14"  # where an endpoint without rules may go
METADATA = "169.254.169.254"


class Case(NamedTuple):
    """A base URL; what its name resolves to, query after query; the rules; where it may arrive.

    `kind` is the error kind it has to end with, None where any will do.
    """

    name: str
    url: str
    answers: list[list[str]]
    rules: Sequence[Any] = ()
    reaches: str | None = None
    kind: str | None = None
    path: str = "/ok"


SPELT = [
    *("127.1", "127.0.1", "2130706433", "017700000001", "0x7f000001", "0x7F.1", "0177.0.0.1"),
    *("0x7f.0x0.0x0.0x1", "127.0.0.1.", "0", "0x0", "00.0.0.0", "0.0.0.0", "[::]", "[::ffff:0:0]"),
    *(METADATA, f"{METADATA}.", "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "169.254.43518"),
    *("0251.0376.0251.0376", "025177524776", "169.16689662", "0xa9.254.0251.254", "100.100.25800"),
    *("[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[0:0:0:0:0:ffff:7f00:1]", "[::127.0.0.1]"),
    *("[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "[2001:0:a9fe:a9fe::]", "[fe80::1%25lo]"),
    *("[::1%25lo]", "[fe80::a9fe:a9fe%25eth0]", "[fd00:ec2::254]", "[FD00:EC2::254]"),
    *("10.1", "0xa.1"),
    *("\uff11\uff16\uff19.254.169.254", "169\u3002254\u3002169\u3002254"),
    "\u2460\u2461\u2466.0.0.1",
    *("\uff10x7f000001", "127.0.0.1%00.free.test", "127.0.0.1%2efree.test", "%31%32%37.0.0.1"),
    *("%6cocalhost.test", "free.test%00@127.0.0.1", "169.254.169.254%23.free.test"),
]  # fmt: skip
TRICKS = [
    f"http://free.test@{METADATA}/v1", f"http://free.test:80@{METADATA}/v1",
    f"http://free.test%40{METADATA}/v1", f"http://{METADATA}#@free.test/v1",
    f"http://{METADATA}?@free.test/v1", f"http://{METADATA}\\@free.test/v1",
    f"http://free.test\\@{METADATA}/v1", f"http://free.test@free.test@{METADATA}/v1",
    f"http:///{METADATA}/v1", f"http:{METADATA}/v1", f"http:/\\{METADATA}/v1", f"//{METADATA}/v1",
    f"http://{METADATA}:80:80/v1", f"http://[{METADATA}]/v1", "http://[::ffff:127.0.0.1]:80/v1",
    f"http://free.test, {METADATA}/v1", f"http://{METADATA}\t.free.test/v1", "http://@127.1/v1",
    f"http://free.test\r\n@{METADATA}/v1", "file:///etc/passwd?/v1", f"gopher://{METADATA}:80/_v1",
    f"ftp://{METADATA}/v1", f"dict://{METADATA}:80/v1", f"tftp://{METADATA}/v1", f"ws://{METADATA}/v1",
]  # fmt: skip
NAMES = [
    "metadata", "metadata.google.internal", "metadata.goog", "instance-data",
    "instance-data.ec2.internal", "metadata.azure.internal", "metadata.tencentyun.com",
    "kubernetes.default.svc", "host.docker.internal",
    "localhost.test", "localhost.localdomain.test", "127.0.0.1.nip.test", "ip6-loopback.test",
]  # fmt: skip
REDIRECTS = [
    f"http://{METADATA}/latest/", "//127.0.0.1/", "http://2130706433/", f"http://free.test@{METADATA}/",
    "http://[::1]/", "http://[::ffff:a9fe:a9fe]/", "file:///etc/passwd", "http://meta.test/",
]  # fmt: skip


def cases() -> Iterator[Case]:
    for peer in EXACT:
        if "%" not in peer:
            yield Case(f"a name of {peer}", "http://one.test/v1", [[peer]], kind="egress")
    for peer in RULED:
        yield Case(f"a name of {peer}", "http://one.test/v1", [[peer]], kind="egress")
    for peer in PUBLIC:
        yield Case(f"a name of {peer}", "http://one.test/v1", [[peer]], reaches=peer)
    for host in SPELT:
        yield Case(f"spelt {host!a}", f"http://{host}/v1", [[METADATA]])
    for url in TRICKS:
        yield Case(f"url {url!a}", url, [[METADATA]])
    for host in NAMES:
        yield Case(f"called {host}", f"http://{host}/v1", [[METADATA]], kind="egress")
    for code in (301, 302, 303, 307, 308):
        for n, _ in enumerate(REDIRECTS):
            path = f"/redirect/{code}/{n}"
            yield Case(
                f"redirected, {code}, {n}", "http://free.test/v1", [[FREE]], [], FREE, None, path
            )
    for header in ("Refresh", "Alt-Svc", "Link"):
        path = f"/header/{header}"
        yield Case(f"led on by {header}", "http://free.test/v1", [[FREE]], (), FREE, None, path)
    # the first answer is what a check before the dial would see
    for peer in (METADATA, "127.0.0.1", "10.0.0.5", "::1", "::ffff:127.0.0.1", "fd00:ec2::254"):
        url = "http://rebound.test/v1"
        yield Case(f"rebound to {peer}", url, [[FREE], [peer]], kind="egress")
    for peer in (METADATA, "127.0.0.1", "::1", "10.0.0.5", "0.0.0.0", "::ffff:a9fe:a9fe"):
        url = "http://both.test/v1"
        yield Case(f"beside {peer}", url, [[peer, FREE]], reaches=FREE)
        yield Case(f"{peer} beside its kin", url, [[peer, "127.0.0.2"]], kind="egress")
    # what was dialled in vain is what went wrong: that counts as an attempt, a refusal does not
    url = "http://both.test:81/v1"
    yield Case("beside one that is down", url, [["10.0.0.5", FREE]], kind="connect")
    plant = [["10.20.0.0/16", 80, 80]]
    yield Case("within a rule", "http://one.test/v1", [["10.20.1.1"]], plant, "10.20.1.1")
    yield Case("beside a rule", "http://one.test/v1", [["10.21.1.1"]], plant, None, "egress")
    yield Case("public beside rules", "http://one.test/v1", [[FREE]], plant, None, "egress")
    yield Case("another port", "http://one.test/v1", [["10.20.1.1"]], [["10.20.0.0/16", 81, 99]],
               None, "egress")  # fmt: skip
    everything = [["0.0.0.0/0", 1, 65535], ["::/0", 1, 65535]]
    for peer in (METADATA, "127.0.0.1", "::1", "fd00:ec2::254", "64:ff9b::a9fe:a9fe"):
        url = "http://one.test/v1"
        yield Case(f"{peer}, all open", url, [[peer]], everything, None, "egress")
        yield Case(f"{peer}, named", url, [[peer]], [[peer, 80, 80]], peer)
