"""Metadata and loopback addresses are dialled only where the base URL names exactly them."""

from __future__ import annotations

import time
from ipaddress import ip_address

import pytest
from runner_harness import Sent, endpoint, task_rows

from pg_artery.egress import default_policy
from pg_artery.work import lease_tasks

FORBIDDEN = [
    "127.0.0.1", "127.8.9.10", "::1", "0.0.0.0", "0.1.2.3", "::", "169.254.169.254", "169.254.0.1",
    "fe80::1", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2002:a9fe:a9fe::", "::127.0.0.1", "::169.254.169.254", "224.0.0.1",
    "ff02::1", "255.255.255.255",
]  # fmt: skip


@pytest.mark.parametrize("address", FORBIDDEN)
def test_no_name_reaches_a_forbidden_address(address):
    for host in ("mes.example", "127.1", "2130706433", "0x7f000001", "localhost.example"):
        assert not default_policy(f"http://{host}/v1")(ip_address(address))


@pytest.mark.parametrize("address", ["10.0.0.5", "192.168.1.7", "93.184.215.14", "2001:db8::1"])
def test_other_addresses_are_fine(address):
    assert default_policy("http://mes.example/v1")(ip_address(address))


def test_an_endpoint_that_names_the_address_may_dial_it_and_no_other():
    named = default_policy("http://127.0.0.1:8080/v1")
    assert named(ip_address("127.0.0.1"))
    assert not named(ip_address("127.0.0.2"))
    assert not named(ip_address("169.254.169.254"))
    local = default_policy("http://localhost:8080/v1")
    assert local(ip_address("::1"))
    assert local(ip_address("127.0.0.1"))
    assert not local(ip_address("169.254.169.254"))
    assert default_policy("http://[::1]:8080/v1")(ip_address("::1"))


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "\uff11\uff12\uff17.0.0.1"]
)
def test_the_address_dialled_counts_not_how_it_is_spelt(call, receiver, host):
    result = call(base_url=f"http://{host}:{receiver.port}/v1")
    assert result["error_kind"] in ("egress", "bad_request"), result
    assert not receiver.requests


def test_localhost_by_name_is_reached(call, receiver):
    assert call(base_url=f"http://localhost:{receiver.port}/v1")["status_code"] == 200


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
