"""Every way in which a call can go wrong ends in time, in bounds, and by its right name."""

from __future__ import annotations

import resource
import socket
import time

import pytest
from runner_harness import Sent, endpoint, task_rows

from pg_artery.work import lease_tasks
from receiver import bomb


def test_a_request_carries_its_identity_and_the_answer_comes_back_whole(call, receiver):
    result = call(headers={"X-Plant": "P1", "Accept": "application/json"})
    request = receiver.requests[0]
    assert (request.method, request.path, request.body) == ("POST", "/v1/ok", b'{"n": 1}')
    uuid = "00000000-0000-4000-8000-000000000001"
    assert request.headers["idempotency-key"] == f'"{uuid}"'
    assert request.headers["x-request-id"] == uuid
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-plant"] == "P1"
    assert request.headers["user-agent"].startswith("pg-artery/")
    trace = f"00-{uuid.replace('-', '')}-{result['span_id']}-01"
    assert request.headers["traceparent"] == result["request_headers"]["traceparent"] == trace
    assert "expect" not in request.headers
    assert result["status_code"] == 200
    assert "error_kind" not in result
    assert result["response_body"] == '{"ok": true}'
    assert result["response_bytes"] == 12
    assert result["response_headers"] == {"content-type": "application/json"}
    assert result["url"] == f"{receiver.url}/ok"
    assert result["peer"] == "127.0.0.1"
    assert 0 < result["first_byte_ms"] <= result["total_ms"] < 1000
    assert result["request_headers"]["X-Plant"] == "[redacted]"
    assert result["request_headers"]["Accept"] == "application/json"


def test_a_task_goes_on_with_the_trace_of_its_document(call, receiver):
    parent = f"00-{'a' * 32}-{'b' * 16}-00"
    result = call(task={"headers": f'{{"traceparent": "{parent}"}}'})
    expected = f"00-{'a' * 32}-{result['span_id']}-00"
    assert receiver.requests[0].headers["traceparent"] == expected


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_methods(call, receiver, method):
    body = None if method in ("GET", "DELETE") else '{"n": 1}'
    assert call(task={"method": method, "body": body})["status_code"] == 200
    assert receiver.requests[0].method == method
    assert receiver.requests[0].body == (body or "").encode()


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("/silent", "timeout", None),
        ("/drip", "timeout", 200),
        ("/close", "reset", None),
        ("/reset", "reset", None),
        ("/truncated", "reset", 200),
        ("/large/100001", "too_large", 200),
        ("/endless", "too_large", 200),
        ("/gzip/50000000", "too_large", 200),
        ("/gzip-broken", "protocol", 200),
        ("/headers/2000", "too_large", 200),
        ("/garbage", "protocol", None),
        ("/status/500", None, 500),
        ("/redirect", None, 302),
    ],
)
def test_a_bad_answer_has_a_name_and_a_bound(call, receiver, path, kind, status):
    bomb(50_000_000)  # packing it takes too much of the second that a call has
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    result = call(path)
    assert time.monotonic() - began < 2
    assert result.get("error_kind") == kind, result
    assert result.get("status_code") == status, result
    assert kind is None or result["error"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 32 * 1024
    assert len(receiver.requests) == 1


def test_the_largest_body_allowed_passes_packed_or_not(call):
    assert call("/large/100000")["response_bytes"] == 100_000
    assert call("/gzip/100000")["response_bytes"] == 100_000


def test_retry_after_is_reported_as_it_was_sent(call):
    assert call("/status/429/Retry-After_120")["retry_after"] == "120"


def test_a_redirect_s_query_is_not_stored(call, receiver):
    assert call("/redirect")["response_headers"]["location"] == f"{receiver.url}/ok"


def test_text_that_postgresql_would_refuse_is_mended(call):
    assert call("/raw")["response_body"] == "ab��c"
    assert call("/latin")["response_body"] == "Müller"


def test_headers_of_an_interim_answer_do_not_count(call):
    result = call("/interim")
    assert result["status_code"] == 200
    assert "etag" not in result.get("response_headers", {})


def test_nobody_listens(call):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert call(base_url=f"http://127.0.0.1:{port}/v1")["error_kind"] == "connect"


def test_no_such_host(call):
    result = call(base_url="http://no-such-host.invalid/v1")
    assert result["error_kind"] == "dns"


def test_tls_to_a_plain_server(call, receiver):
    url = receiver.url.replace("http:", "https:")
    assert call(base_url=url)["error_kind"] == "tls"


def test_a_secret_goes_out_and_nowhere_else(call, receiver, monkeypatch):
    monkeypatch.setenv("MES_TOKEN", "s3cr3t-canary")
    for kind, name in (("bearer", "authorization"), ("api_key", "x-api-key")):
        result = call(auth_kind=kind, secret_ref="env:MES_TOKEN")
        assert "s3cr3t-canary" in receiver.requests[-1].headers[name]
        assert "s3cr3t-canary" not in str(result)
    monkeypatch.setenv("MES_TOKEN", "user:pass")
    call(auth_kind="basic", secret_ref="env:MES_TOKEN")
    assert receiver.requests[-1].headers["authorization"] == "Basic dXNlcjpwYXNz"


@pytest.mark.parametrize("ref", ["env:NOT_SET_ANYWHERE", "vault:x", "plain", None, "env:"])
def test_without_its_secret_nothing_is_sent(call, receiver, ref):
    result = call(auth_kind="bearer", secret_ref=ref)
    assert result["error_kind"] == "secret"
    assert not receiver.requests


@pytest.mark.parametrize(
    "headers",
    [
        '{"X-A": "b\\r\\nX-Injected: 1"}',
        '{"X-A\\r\\nX-Injected": "1"}',
        '{"Host": "elsewhere"}',
        '{"Authorization": "Basic eDp5"}',
        '{"X-A": 1}',
    ],
)
def test_a_header_that_cannot_be_sent_is_refused(call, receiver, headers):
    assert call(task={"headers": headers})["error_kind"] == "bad_request"
    assert not receiver.requests


@pytest.mark.parametrize("path", ["@evil.example/x", "//x", ".evil.example/", "ok"])
def test_a_path_cannot_change_the_host(call, receiver, path):
    result = call(path)
    assert result.get("error_kind") == "bad_request" or receiver.requests
    assert all(r.path.startswith("/v1") for r in receiver.requests)


def test_the_environment_s_proxy_is_ignored(call, receiver, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert call()["status_code"] == 200


def test_connections_are_used_again(receiver):
    sent = Sent(concurrency=1, per_endpoint=1)
    lease = lease_tasks(task_rows(20), time.monotonic(), 30)
    sent.transport.submit(endpoint(receiver.url), lease.tasks.values())
    sent.pump(5, lambda: len(sent.results) == 20)
    assert sum("connect_ms" in r for r in sent.results.values()) == 1


@pytest.mark.parametrize(("idempotent", "sends"), [(True, 3), (False, 2)])
def test_only_to_an_idempotent_endpoint_does_a_request_go_out_twice(receiver, idempotent, sends):
    sent = Sent(concurrency=1, per_endpoint=1)
    rows = [task_rows(1, "/ok")[0], task_rows(2, "/close")[1]]
    lease = lease_tasks(rows, time.monotonic(), 30)
    sent.transport.submit(endpoint(receiver.url, idempotent=idempotent), lease.tasks.values())
    sent.pump(5, lambda: len(sent.results) == 2)
    assert sent.results[2]["error_kind"] == "reset"
    assert len(receiver.requests) == sends


def test_a_silent_endpoint_leaves_room_for_the_others(receiver):
    sent = Sent(concurrency=8, per_endpoint=4)
    lease = lease_tasks(task_rows(50, "/silent"), time.monotonic(), 30)
    sent.transport.submit(endpoint(receiver.url, total_timeout_ms=10_000), lease.tasks.values())
    sent.pump(0.3)
    assert sent.transport.under_way == 4
    other = lease_tasks(task_rows(50, "/ok", endpoint_id=2), time.monotonic(), 30)
    sent.transport.submit(endpoint(receiver.url, id=2), other.tasks.values())
    sent.pump(5, lambda: len(sent.results) == 50)
    assert {r["status_code"] for r in sent.results.values()} == {200}
    sent.transport.interrupt()
    assert [r.get("error_kind") for r in sent.results.values()].count("interrupted") == 4


def test_a_task_is_not_sent_on_a_lease_that_is_running_out(receiver):
    sent = Sent(margin=1.0)
    now = time.monotonic()
    first, second, third = ([row] for row in task_rows(3))
    short = lease_tasks(first, now, 0.9)
    lost, fine = lease_tasks(second, now, 30), lease_tasks(third, now, 30)
    next(iter(lost.tasks.values())).lost = True
    for lease in (short, lost, fine):
        sent.transport.submit(endpoint(receiver.url), list(lease.tasks.values()))
    sent.pump(0.4)
    assert not receiver.requests, "first in line, so nothing passes it"
    short.renewed(time.monotonic(), 30)
    sent.pump(5, lambda: len(sent.results) == 2)
    assert set(receiver.ids()) == {f"00000000-0000-4000-8000-{n:012}" for n in (1, 3)}
    assert [task.id for task in sent.forgotten] == [2]


def test_a_rate_limit_is_kept_and_holds_up_no_other_endpoint(receiver):
    sent = Sent()
    rows = [(*row[:-1], 100.0 * n) for n, row in enumerate(task_rows(6, "/paced"))]
    paced = lease_tasks(rows, time.monotonic(), 30)
    other = lease_tasks(task_rows(9, endpoint_id=2)[6:], time.monotonic(), 30)
    sent.transport.submit(endpoint(receiver.url), paced.tasks.values())
    sent.transport.submit(endpoint(receiver.url, id=2), other.tasks.values())
    began = time.monotonic()
    sent.pump(5, lambda: len(sent.results) == 9)
    arrived = [r.at - began for r in receiver.requests if r.path == "/v1/paced"]
    assert arrived == sorted(arrived)
    for n, at in enumerate(arrived):
        assert 0.1 * n - 0.01 <= at < 0.1 * n + 0.08
    assert max(r.at for r in receiver.requests if r.path == "/v1/ok") - began < 0.1


def test_a_task_whose_lease_ran_out_is_forgotten(receiver):
    sent = Sent()
    lease = lease_tasks(task_rows(3), time.monotonic() - 40, 30)
    sent.transport.submit(endpoint(receiver.url), lease.tasks.values())
    sent.pump(0.3)
    assert len(sent.forgotten) == 3
    assert not receiver.requests


def test_a_runner_that_was_stopped_past_its_lease_sends_nothing(receiver):
    sent = Sent(margin=0)
    lease = lease_tasks(task_rows(2), time.monotonic(), 0.2)
    sent.transport.submit(endpoint(receiver.url), lease.tasks.values())
    sent.transport._start_ready()
    time.sleep(0.3)  # as after a SIGSTOP here: started, and no byte has gone out
    sent.pump(5, lambda: len(sent.results) == 2)
    assert not receiver.requests
    assert {r["error_kind"] for r in sent.results.values()} == {"egress"}, "no attempt is used up"
    assert "its lease ended" in sent.results[1]["error"]


def test_what_waits_for_an_endpoint_on_hold_is_given_back(receiver):
    sent = Sent()
    now = time.monotonic()
    mine, late = lease_tasks(task_rows(5), now - 2, 30), lease_tasks(task_rows(7)[5:], now - 1, 30)
    other = lease_tasks(task_rows(9, endpoint_id=2)[7:], now - 2, 30)
    after = lease_tasks(task_rows(12)[9:], now + 1, 30)
    here, there = endpoint(receiver.url), endpoint(receiver.url, id=2)
    assert sent.transport.submit(here, mine.tasks.values()) == []
    assert sent.transport.submit(there, other.tasks.values()) == []
    assert [t.id for t in sent.transport.hold(1, now)] == [1, 2, 3, 4, 5]
    assert [t.id for t in sent.transport.submit(here, late.tasks.values())] == [6, 7]
    assert sent.transport.taken == 7
    assert sent.transport.submit(here, after.tasks.values()) == [], "it knew of the hold"
    sent.pump(5, lambda: len(sent.results) == 5)
    assert sorted(sent.results) == [8, 9, 10, 11, 12]
