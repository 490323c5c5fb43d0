"""What a runner does with tokens: one request for all, ahead of time, again after a 401."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from oauth_harness import SECRET, Caller, start_provider
from real_peers import OpenIdProvider

from pg_artery import tokens


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    running = start_provider()
    yield running
    running.close()


@pytest.fixture(autouse=True)
def fresh(provider: OpenIdProvider) -> None:
    provider.state(ttl=600, delay=0, tokens=0, errors=[], jtis=[], accepted=0, refused=0)
    provider.state(subjects=[], revoke=False, revoked=[])


@pytest.fixture
def caller(provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(provider, monkeypatch)


@pytest.fixture
def good(caller: Caller) -> dict[str, Any]:
    return caller.settings(SECRET, client_id="post", client_auth="client_secret_post")


def test_many_tasks_one_request(caller, provider, good):
    provider.state(delay=300)
    results = caller(good, 50)
    assert {r["status_code"] for r in results} == {200}
    assert provider.state()["tokens"] == 1
    # another version of the endpoint that asks for the same token has it
    assert caller({**good, "version": 2, "headers": {"X-A": "b"}})["status_code"] == 200
    assert provider.state()["tokens"] == 1
    # one that asks for another has not
    good["access"]["auth"]["scope"] = "orders:read"
    answer = caller({**good, "version": 3})["response_body"]
    assert json.loads(answer)["scope"] == "orders:read"
    assert provider.state()["tokens"] == 2


def test_no_other_endpoint_waits_for_a_token(caller, provider, good, receiver):
    provider.state(delay=2000)
    (waits,) = caller.submit(good)
    assert caller({"id": 2, "base_url": receiver.url})["status_code"] == 200
    assert waits not in caller.sent.results
    caller.sent.pump(10, lambda: waits in caller.sent.results)
    assert caller.sent.results[waits]["status_code"] == 200


def test_fetched_ahead_of_its_end_while_the_old_one_serves(caller, provider, good, monkeypatch):
    monkeypatch.setattr(tokens, "AHEAD_SHARE", 0.98)
    provider.state(ttl=60)  # anew after 1.2 s, of use for 55
    assert caller(good)["status_code"] == 200
    time.sleep(1.3)
    provider.state(delay=2000)
    began = time.monotonic()
    assert caller(good)["status_code"] == 200
    assert time.monotonic() - began < 1.5, "nobody waits as long as the old one lives"
    caller.sent.pump(2.5)
    assert caller(good)["status_code"] == 200
    state = provider.state()
    assert state["tokens"] >= 2
    assert (state["refused"], state["accepted"]) == (0, 3)


def test_a_token_is_not_sent_after_its_end(caller, provider, good):
    provider.state(ttl=3)  # the provider counts in whole seconds: it lives for 2 to 3
    assert caller(good)["status_code"] == 200
    time.sleep(3.1)
    assert caller(good)["status_code"] == 200
    state = provider.state()
    assert (state["tokens"], state["refused"]) == (2, 0)


def test_a_revoked_token_is_replaced_once_and_nobody_notices(caller, provider, good):
    assert caller(good)["status_code"] == 200
    provider.state(revoke=True)
    results = caller(good, 20)
    assert {r["status_code"] for r in results} == {200}
    state = provider.state()
    assert state["tokens"] == 2, "one request for all that were refused"
    assert 0 < state["refused"] <= 20
    again = [r for r in results if "authorization" in r["request_headers"]]
    assert len(again) == state["refused"], "the log tells who was sent again"
    assert all(r["request_headers"]["authorization"].startswith("[redacted]") for r in again)


def test_a_401_that_no_token_mends_is_reported_and_costs_one_token(caller, provider, good):
    results = caller(good, 20, "/never")
    assert {r["status_code"] for r in results} == {401}
    assert provider.state()["tokens"] == 2
    assert caller(good, path="/never")["status_code"] == 401
    assert provider.state()["tokens"] == 2, "a receiver that refuses all keeps nobody busy"
    assert caller(good)["status_code"] == 200


def test_a_refused_client_costs_no_attempt_and_does_not_knock_on(caller, provider, good):
    bad = caller.settings("wrong", client_id="post", client_auth="client_secret_post")
    results = caller(bad, 10) + caller(bad, 10)
    assert {r["error_kind"] for r in results} == {"token"}
    assert {r["error"] for r in results} == {
        f"no token from {provider.token_url}: status 401: invalid_client, "
        "client authentication failed"
    }
    assert provider.state()["tokens"] == 1, "the next try is a second away"
    caller._env("OAUTH_SECRET", SECRET)
    assert caller({**good, "version": 2})["status_code"] == 200, "a rotation is tried at once"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/close", "reset: "),
        ("/silent", "timeout: "),
        ("/garbage", "protocol: "),
        ("/redirect", "status 302"),
        ("/large/200000", "too_large: "),
        ("/gzip/5000000", "too_large: "),
        ("/ok", "the answer holds no access_token"),
        ("/status/503/Retry-After_120", "status 503"),
        ("/raw", "no JSON object"),
    ],
)
def test_a_token_server_that_fails_is_a_fault_of_ours(caller, receiver, good, path, says):
    good["access"]["auth"]["token_url"] = receiver.url + path
    deadline = 600 if path == "/silent" else 4000
    began = time.monotonic()
    result = caller({**good, "base_url": receiver.url, "total_timeout_ms": deadline})
    assert time.monotonic() - began < deadline / 1000 + 1
    assert result["error_kind"] == "token", result
    assert says in result["error"], result
    assert [r.path for r in receiver.requests] == [f"/v1{path}"], "asked once, the API not at all"


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433"])
def test_the_guard_holds_for_the_token_server(caller, receiver, good, host):
    good["access"]["auth"]["token_url"] = f"http://{host}:{receiver.port}/v1/ok"
    result = caller(good)
    assert result["error_kind"] == "token"
    assert not receiver.requests


def test_the_endpoint_s_own_rules_hold_for_the_token_server(caller, provider, good, receiver):
    port = int(provider.issuer.rpartition(":")[2])
    rules = [["127.0.0.1/32", receiver.port, receiver.port]]
    settings = {**good, "base_url": receiver.url, "egress_rules": rules}
    result = caller(settings)
    assert result["error_kind"] == "token"
    assert f"127.0.0.1 port {port} is not allowed" in result["error"]
    assert provider.state()["tokens"] == 0
    settings = {**settings, "egress_rules": [*rules, ["127.0.0.1/32", port, port]]}
    assert caller(settings)["status_code"] == 200


def test_a_token_url_that_libcurl_does_not_take_stops_nobody(caller, good, receiver):
    good["access"]["auth"]["token_url"] = "http://bücher.example/token"
    result = caller(good)
    assert result["error_kind"] == "token"
    assert caller({"id": 2, "base_url": receiver.url})["status_code"] == 200
