"""Calls are signed as Standard Webhooks 1.0 says, by the word of its own library."""

from __future__ import annotations

import base64
import os

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from pg_artery import signing

OLD, NEW = ("whsec_" + base64.b64encode(os.urandom(n)).decode() for n in (24, 64))


def verify(request, key: str) -> None:
    Webhook(key).verify(request.body, request.headers)


def test_a_signed_call_verifies(call, receiver, monkeypatch):
    monkeypatch.setenv("HOOK", NEW)
    body = '{"n": "Größe 東京 \\u0000"}'
    result = call(signing_ref="env:HOOK", task={"body": body})
    (request,) = receiver.requests
    verify(request, NEW)
    assert request.body == body.encode()
    assert request.headers["webhook-id"] == request.headers["x-request-id"]
    assert request.headers["webhook-signature"].count("v1,") == 1
    assert result["request_headers"]["webhook-signature"] == "[redacted]"
    assert result["request_headers"]["webhook-id"] == request.headers["webhook-id"]
    with pytest.raises(WebhookVerificationError):
        verify(request, OLD)
    request.body += b" "
    with pytest.raises(WebhookVerificationError):
        verify(request, NEW)


def test_two_keys_sign_twice(call, receiver, monkeypatch):
    monkeypatch.setenv("HOOK", f"{NEW} {OLD}")
    call(signing_ref="env:HOOK")
    verify(receiver.requests[0], NEW)
    verify(receiver.requests[0], OLD)


def test_a_call_without_a_body_is_signed_too(call, receiver, monkeypatch):
    monkeypatch.setenv("HOOK", NEW)
    call(signing_ref="env:HOOK", task={"method": "GET", "body": None})
    assert receiver.requests[0].body == b""
    # the library parses what it verified, and "" is no JSON
    headers = receiver.requests[0].headers
    expected = Webhook(NEW).sign(
        headers["webhook-id"], _time(int(headers["webhook-timestamp"])), ""
    )
    assert headers["webhook-signature"] == expected


def _time(seconds: int):
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, tz=UTC)


def test_each_attempt_has_its_own_time_under_the_same_id(call, receiver, monkeypatch):
    monkeypatch.setenv("HOOK", NEW)
    for now in (1_800_000_000.9, 1_800_000_100.1):
        monkeypatch.setattr("pg_artery.call.time", lambda now=now: now)
        call(signing_ref="env:HOOK")
    first, second = (r.headers for r in receiver.requests)
    assert first["webhook-id"] == second["webhook-id"]
    assert (first["webhook-timestamp"], second["webhook-timestamp"]) == ("1800000000", "1800000100")
    assert first["webhook-signature"] != second["webhook-signature"]


def test_an_unsigned_endpoint_sends_none_of_it(call, receiver):
    call()
    assert not [name for name in receiver.requests[0].headers if name.startswith("webhook-")]


def test_a_task_cannot_sign_for_itself(call, receiver):
    result = call(task={"headers": '{"Webhook-Signature": "v1,x"}'})
    assert result["error_kind"] == "bad_request"
    assert receiver.requests == []


@pytest.mark.parametrize("size", [0, 23, 65])
def test_a_key_of_the_wrong_size_signs_nothing(call, receiver, monkeypatch, size):
    key = "whsec_" + base64.b64encode(b"k" * size).decode()
    monkeypatch.setenv("HOOK", key)
    result = call(signing_ref="env:HOOK")
    assert result["error_kind"] == "secret"
    assert key not in str(result) or not size
    assert receiver.requests == []


def test_a_key_without_its_prefix_signs_nothing():
    with pytest.raises(ValueError, match="whsec_"):
        signing.signing_key(NEW.removeprefix("whsec_"))
