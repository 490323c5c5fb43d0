"""The kinds that send what they are given, judged by httpbin rather than by a server of ours."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import httpbin
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = make_server(
        "127.0.0.1", 0, DispatcherMiddleware(httpbin.app, {"/v1": httpbin.app}), threaded=True
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.port}/v1"
    server.shutdown()


@pytest.fixture
def ask(call, url, monkeypatch):
    def get(path: str, kind: str, secret: str, **auth: str):
        monkeypatch.setenv("SECRET", secret)
        access = {"auth": auth} if auth else {}
        settings = {"auth_kind": kind, "secret_ref": "env:SECRET", "access": access}
        result = call(path, base_url=url, task={"method": "GET", "body": None}, **settings)
        return result, json.loads(result.get("response_body") or "null")

    return get


def test_basic(ask):
    result, answer = ask("/basic-auth/artery/p:w%20%25", "basic", "artery:p:w %")
    assert (result["status_code"], answer["authenticated"], answer["user"]) == (200, True, "artery")
    result, _ = ask("/basic-auth/artery/other", "basic", "artery:p:w %")
    assert result["status_code"] == 401


def test_bearer(ask):
    result, answer = ask("/bearer", "bearer", "some-long-token")
    assert (result["status_code"], answer["authenticated"]) == (200, True)
    assert answer["token"] == "[redacted]", "what the receiver echoes is hidden in the report"


@pytest.mark.parametrize("header", [None, "Ocp-Apim-Subscription-Key", "Authorization"])
def test_api_key_by_any_header(ask, header):
    auth = {"header": header} if header else {}
    result, answer = ask("/headers", "api_key", "ApiKey some-long-key", **auth)
    assert result["status_code"] == 200
    names = {name.lower(): value for name, value in answer["headers"].items()}
    assert names[(header or "X-API-Key").lower()] == "[redacted]"
    assert ("x-api-key" in names) == (header is None)


@pytest.mark.parametrize("path", ["/gzip", "/deflate", "/brotli"])
def test_an_answer_packed_as_it_likes_is_read_and_cleaned(ask, path):
    result, answer = ask(path, "bearer", "some-long-token")
    assert result["status_code"] == 200
    assert answer["headers"]["Authorization"] == "Bearer [redacted]"


def test_a_task_brings_no_key_of_its_own(call, url, monkeypatch):
    monkeypatch.setenv("SECRET", "some-long-key")
    settings = {"auth_kind": "api_key", "secret_ref": "env:SECRET"}
    settings["access"] = {"auth": {"header": "X-Key"}}
    for name, sent in (("x-key", False), ("x-key-2", True)):
        task = {"headers": json.dumps({name: "other"}), "method": "GET", "body": None}
        result = call("/headers", base_url=url, task=task, **settings)
        assert (result.get("status_code") == 200) == sent
        assert sent or result["error_kind"] == "bad_request"
