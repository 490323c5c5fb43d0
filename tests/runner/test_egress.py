"""Which addresses are dialled: decided on the address at the socket, not on how a URL spells it."""

from __future__ import annotations

import time
from ipaddress import ip_network
from typing import Any

import psycopg
import pytest
from addresses import EXACT, NO_ADDRESS, PUBLIC, RULED
from runner_harness import Sent, endpoint, task_rows

from pg_artery.egress import EXACT_ONLY, NEEDS_RULE, Guard, parse_rules
from pg_artery.work import lease_tasks


def allowed(peer: str, port: int = 443, url: str = "https://mes.example/v1", *rules: Any) -> bool:
    return Guard(url, parse_rules(rules)).judge(peer, port).allowed


@pytest.mark.parametrize("peer", EXACT)
def test_only_a_rule_for_exactly_it_opens_a_special_address(peer):
    assert not allowed(peer)
    bare = peer.partition("%")[0]
    bits = 128 if ":" in bare else 32
    wide = [[str(ip_network(f"{bare}/{n}", strict=False)), 1, 65535] for n in range(bits)]
    assert not allowed(peer, 443, "https://mes.example/v1", *wide)
    assert not allowed(peer, 443, "https://mes.example/v1", [bare, 442, 443])
    assert not allowed(peer, 443, "https://mes.example/v1", [bare, 80, 80])
    assert allowed(peer, 443, "https://mes.example/v1", [bare, 443, 443])


@pytest.mark.parametrize("peer", RULED)
def test_a_private_address_needs_a_rule(peer):
    assert not allowed(peer)
    assert not allowed(peer, 443, f"https://{f'[{peer}]' if ':' in peer else peer}/v1")
    net = str(ip_network(f"{peer}/{'48' if ':' in peer else '24'}", strict=False))
    assert allowed(peer, 443, "https://mes.example/v1", [net, 443, 443])
    assert not allowed(peer, 444, "https://mes.example/v1", [net, 443, 443])
    assert not allowed(peer, 443, "https://mes.example/v1", ["93.184.215.0/24", 443, 443])


@pytest.mark.parametrize("peer", PUBLIC)
def test_a_public_address_is_open_until_there_are_rules(peer):
    assert allowed(peer)
    assert allowed(peer, 8443)
    assert not allowed(peer, 443, "https://mes.example/v1", ["10.0.0.0/8", 443, 443])
    assert allowed(peer, 443, "https://mes.example/v1", ["10.0.0.0/8", 1, 9], [peer, 443, 443])


@pytest.mark.parametrize("peer", NO_ADDRESS)
def test_what_is_no_address_is_refused(peer):
    everything = (["0.0.0.0/0", 1, 65535], ["::/0", 1, 65535])
    assert not allowed(peer)
    assert not allowed(peer, 443, "http://127.0.0.1:443/v1", *everything)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://127.0.0.1:8080/v1", {("127.0.0.1", 8080)}),
        ("http://127.0.0.9:8080/v1", {("127.0.0.9", 8080)}),
        ("http://127.0.0.1/v1", {("127.0.0.1", 80)}),
        ("https://127.0.0.1/v1", {("127.0.0.1", 443)}),
        ("http://[::1]:8080/v1", {("::1", 8080)}),
        ("http://localhost:8080/v1", {("127.0.0.1", 8080), ("::1", 8080)}),
        ("http://LOCALHOST:8080/v1", {("127.0.0.1", 8080), ("::1", 8080)}),
        ("http://localhost.:8080/v1", set()),
        ("http://localhost.example:8080/v1", set()),
        ("http://x.localhost:8080/v1", set()),
        ("http://127.1:8080/v1", set()),
        ("http://2130706433:8080/v1", set()),
        ("http://0x7f000001:8080/v1", set()),
        ("http://0x7f.0.0.1:8080/v1", set()),
        ("http://0177.0.0.1:8080/v1", set()),
        ("http://127.0.0.01:8080/v1", set()),
        ("http://127.0.0.1.:8080/v1", set()),
        ("http://127.0.0.1.nip.example:8080/v1", set()),
        ("http://\uff11\uff12\uff17.0.0.1:8080/v1", set()),
        ("http://[::ffff:127.0.0.1]:8080/v1", set()),
        ("http://[::127.0.0.1]:8080/v1", set()),
        ("http://[::1%25lo]:8080/v1", set()),
        ("http://0:8080/v1", set()),
        ("http://0.0.0.0:8080/v1", set()),
        ("http://127.0.0.1@mes.example:8080/v1", set()),
        ("http://mes.example:8080/@127.0.0.1:8080/v1", set()),
        ("http://mes.example:8080/v1#@127.0.0.1:8080", set()),
        ("http://127.0.0.1:x/v1", set()),
        ("http://169.254.169.254:8080/v1", set()),
        ("http://100.100.100.200:8080/v1", set()),
        ("http://[fd00:ec2::254]:8080/v1", set()),
        ("http://metadata.google.internal:8080/v1", set()),
        ("http://10.0.0.5:8080/v1", set()),
    ],
)
def test_a_url_names_a_loopback_address_with_its_port_or_nothing(url, named):
    guard = Guard(url)
    peers = [*EXACT, *RULED, "127.0.0.9"]
    ports = (80, 443, 8080, 8081)
    assert {(p, n) for p in peers for n in ports if guard.judge(p, n).allowed} >= named
    found = {(p, n) for p in {*EXACT, *RULED} for n in ports if guard.judge(p, n).allowed}
    assert found - {("0:0:0:0:0:0:0:1", 8080)} <= named


def test_a_url_names_nothing_beside_rules():
    url = "http://127.0.0.1:8080/v1"
    assert allowed("127.0.0.1", 8080, url)
    assert not allowed("127.0.0.1", 8080, url, ["10.0.0.0/8", 443, 443])


@pytest.mark.parametrize(
    ("peer", "rules", "why"),
    [
        ("10.20.1.1", [["10.20.0.0/16", 443, 443]], "rule 10.20.0.0/16 port 443"),
        ("10.20.1.1", [["10.20.0.0/16", 440, 449]], "rule 10.20.0.0/16 port 440-449"),
        ("169.254.169.254", [], "instance metadata address, needs a rule for exactly it"),
        ("64:ff9b::808:808", [], "NAT64 address, needs a rule for exactly it"),
        ("10.20.1.1", [], "private address, needs an egress rule"),
        ("8.8.8.8", [["10.20.0.0/16", 443, 443]], "none of the endpoint's egress rules covers it"),
        ("8.8.8.8", [], "public address"),
    ],
)
def test_a_verdict_says_by_which_rule(peer, rules, why):
    assert why in Guard("https://mes.example/v1", parse_rules(rules)).judge(peer, 443).why


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "\uff11\uff12\uff17.0.0.1"]
)
def test_the_address_dialled_counts_not_how_it_is_spelt(call, receiver, host):
    result = call(base_url=f"http://{host}:{receiver.port}/v1")
    assert result["error_kind"] in ("egress", "bad_request"), result
    assert not receiver.requests


def test_localhost_by_name_is_reached(call, receiver):
    assert call(base_url=f"http://localhost:{receiver.port}/v1")["status_code"] == 200


def test_a_rule_opens_what_the_url_only_means(call, receiver):
    url = f"http://127.1:{receiver.port}/v1"
    rule = ["127.0.0.1/32", receiver.port, receiver.port]
    assert call(base_url=url, egress_rules=[rule])["status_code"] == 200
    rule[1] += 1
    rule[2] += 1
    refused = call(base_url=url, egress_rules=[rule])
    assert refused["error_kind"] == "egress"
    assert f"127.0.0.1 port {receiver.port} is not allowed: loopback" in refused["error"]


def test_a_connection_that_another_endpoint_opened_is_checked_too(receiver):
    """libcurl turns 127.1 into 127.0.0.1 and finds an open connection: nothing would be dialled."""
    sent = Sent()
    named, other = f"http://127.0.0.1:{receiver.port}/v1", f"http://127.1:{receiver.port}/v1"
    for number, url in ((1, named), (2, other), (3, named)):
        (row,) = task_rows(1, endpoint_id=number)
        lease = lease_tasks([(number, *row[1:])], time.monotonic(), 30)
        sent.transport.submit(endpoint(url, id=number), lease.tasks.values())
        sent.pump(5, lambda number=number: number in sent.results)
    assert sent.results[1]["status_code"] == sent.results[3]["status_code"] == 200
    assert sent.results[2]["error_kind"] == "egress"
    assert "status_code" not in sent.results[2]
    assert len(receiver.requests) == 2


def test_a_new_rule_counts_from_the_next_claim_on(conn, dsn, outbox, receiver, artery_run):
    outbox.add("mes", f"http://127.1:{receiver.port}/v1")
    outbox.enqueue(1, "mes")
    artery_run(dsn, "--concurrency", "2").wait_started()
    outbox.wait({"failed": 1})
    said = outbox.value("select error ->> 'message' from artery.integration_task")
    assert "loopback address, needs a rule for exactly it" in said
    assert outbox.value("select failures from artery.integration_task") == 0
    assert not receiver.requests
    conn.execute(
        "insert into artery.egress_rule (endpoint, network, first_port) values ('mes', %s, %s)",
        ("127.0.0.1", receiver.port),
    )
    outbox.wait({"sent": 1})


@pytest.mark.one_server
def test_sql_refuses_the_wide_rules_that_the_guard_ignores(conn):
    conn.execute(
        "insert into artery.endpoint (name, base_url) values ('e', 'https://e.example/v1')"
    )
    insert = "insert into artery.egress_rule (endpoint, network, first_port, last_port) "
    for network, kind in EXACT_ONLY:
        exact = network.num_addresses == 1
        for first, last in ((443, 443), (443, 444)):
            if exact and (first == last or kind in ("instance metadata", "broadcast")):
                continue  # those in wider networks need no refusal: that they open nothing is said
            with pytest.raises(psycopg.Error) as refused:
                conn.execute(f"{insert} values ('e', %s, %s, %s)", (str(network), first, last))
            assert refused.value.sqlstate == "IN040", network
        conn.execute(
            f"{insert} values ('e', %s, 443, 443) on conflict do nothing",
            (str(network.network_address),),
        )
    for network, _ in NEEDS_RULE:
        if not any(special.version == network.version and special.overlaps(network)
                   for special, _ in EXACT_ONLY):  # fmt: skip
            conn.execute(f"{insert} values ('e', %s, 1, 65535)", (str(network),))
