"""Client certificates and private authorities against nginx, forward proxies against tinyproxy."""

from __future__ import annotations

import base64
import json
import resource
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from real_peers import nginx_with_client_certificates, tinyproxy
from runner_harness import Sent, endpoint, task_rows

from pg_artery.work import lease_tasks


class Nginx:
    """nginx whose certificate a private CA issued and that wants one of its clients'."""

    def __init__(self, home: Path) -> None:
        self.ca, self.clients, self.others = trustme.CA(), trustme.CA(), trustme.CA()
        self.running = nginx_with_client_certificates(home, self.ca, self.clients)

    def client(self, name: str = "plant-7", ca: trustme.CA | None = None) -> str:
        """A client's certificate with its chain and key, as they stand in the vault."""
        issued = (ca or self.clients).issue_cert(f"{name}.example", common_name=name)
        pems = [issued.private_key_pem, *issued.cert_chain_pems]
        return "\n".join(pem.bytes().decode() for pem in pems)

    @property
    def trust(self) -> str:
        return self.ca.cert_pem.bytes().decode()


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    server = Nginx(tmp_path_factory.mktemp("nginx"))
    with server.running as server.port:
        yield server


@pytest.fixture
def settings(nginx: Nginx, monkeypatch: pytest.MonkeyPatch):
    """Settings of an endpoint at nginx: settings(client PEM, ca_bundle=…)."""

    def make(pem: str | None, **access: Any) -> dict[str, Any]:
        if pem is not None:
            monkeypatch.setenv("CLIENT", pem)
            access["client_cert_ref"] = "env:CLIENT"
        return {"base_url": f"https://127.0.0.1:{nginx.port}/v1", "access": access}

    return make


def test_a_client_certificate_and_a_private_authority(call, nginx, settings):
    result = call(**settings(nginx.client(), ca_bundle=nginx.trust))
    assert result["status_code"] == 200, result
    assert result["response_headers"]["x-request-id"].startswith("CN=plant-7")
    assert json.loads(result["response_body"])["serial"]
    assert result["tls_ms"] > 0


def test_neither_is_taken_on_faith(call, nginx, settings):
    private = {"ca_bundle": nginx.trust}
    assert call(**settings(nginx.client()))["error_kind"] == "tls", "not among the system's CAs"
    other = {"ca_bundle": nginx.others.cert_pem.bytes().decode()}
    assert call(**settings(nginx.client(), **other))["error_kind"] == "tls"
    # nginx answers 400 where it wants a certificate, or another one
    assert call(**settings(None, **private))["status_code"] == 400
    stranger = nginx.client(ca=nginx.others)
    assert call(**settings(stranger, **private))["status_code"] == 400


def test_a_connection_is_not_lent_to_an_endpoint_with_another_certificate(nginx, monkeypatch):
    """Nor to one without, nor to one that trusts nobody there: libcurl pools for all of them."""
    sent, names = Sent(), []
    for number, name in enumerate(("a", "b", "a", None, "untrusting"), start=1):
        access = {"ca_bundle": nginx.trust}
        if name is None or name == "untrusting":
            access["ca_bundle"] = (
                (nginx.ca if name is None else nginx.others).cert_pem.bytes().decode()
            )
        if name in ("a", "b"):
            monkeypatch.setenv("CLIENT", nginx.client(name))
            access["client_cert_ref"] = "env:CLIENT"
        made = endpoint(f"https://127.0.0.1:{nginx.port}/v1", id=number, access=access)
        (row,) = task_rows(1)
        lease = lease_tasks([(number, *row[1:])], time.monotonic(), 30)
        sent.transport.submit(made, lease.tasks.values())
        sent.pump(5, lambda number=number: number in sent.results)
        result = sent.results[number]
        names.append(
            result.get("response_headers", {}).get("x-request-id", "")[3:4]
            or result.get("status_code")
        )
    assert names == ["a", "b", "a", 400, None]
    assert sent.results[5]["error_kind"] == "tls"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda pem: "nothing", "needed in PEM"),
        (lambda pem: pem[pem.index("-----BEGIN CERT") :], "needed in PEM"),
        (lambda pem: pem[: pem.index("-----BEGIN CERT")], "needed in PEM"),
        (lambda pem: pem.replace("A", "B", 20), "needed in PEM"),
    ],
)
def test_what_is_no_certificate_with_its_key_is_said_at_once(call, nginx, settings, spoil, says):
    result = call(**settings(spoil(nginx.client()), ca_bundle=nginx.trust))
    assert result["error_kind"] == "secret", result
    assert says in result["error"]
    assert "BEGIN" not in result["error"]


def test_a_key_of_another_certificate(call, nginx, settings):
    mine, other = nginx.client("a"), nginx.client("b")
    begins = "-----BEGIN CERT"
    mixed = mine[: mine.index(begins)] + other[other.index(begins) :]
    result = call(**settings(mixed, ca_bundle=nginx.trust))
    assert result["error"] == "env:CLIENT: the private key is not that of the first certificate"


def test_the_key_is_written_nowhere(nginx, settings):
    """The call goes well while this process can write not one byte into any file."""
    made = settings(nginx.client(), ca_bundle=nginx.trust)
    sent = Sent()
    lease = lease_tasks(task_rows(1), time.monotonic(), 30)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(OSError, match="too large"), tempfile.TemporaryFile("wb", 0) as file:
            file.write(b"x")
        sent.transport.submit(endpoint(made.pop("base_url"), **made), lease.tasks.values())
        sent.pump(5, lambda: sent.results)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sent.results[1]["status_code"] == 200


# -- proxies ------------------------------------------------------------------------------------


@pytest.fixture
def proxied(receiver, monkeypatch):
    """Settings of an endpoint behind a proxy: proxied(port, "user:password")."""

    def make(port: int, login: str | None = None, **access: Any) -> dict[str, Any]:
        access["proxy_url"] = f"http://127.0.0.1:{port}"
        if login is not None:
            monkeypatch.setenv("PROXY_LOGIN", login)
            access["proxy_ref"] = "env:PROXY_LOGIN"
        return {"access": access}

    return make


def test_through_a_proxy_that_wants_credentials(call, receiver, proxied, tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with tinyproxy(tmp_path, "BasicAuth artery pass-word") as port:
        result = call(**proxied(port, "artery:pass-word"))
        assert result["status_code"] == 200, result
        assert result["peer"] == "127.0.0.1"
        assert len(receiver.requests) == 1
        assert "proxy-authorization" not in receiver.requests[0].headers
        assert "CONNECT" in (tmp_path / "log").read_text()
        for login in (None, "artery:wrong"):
            refused = call(**proxied(port, login))
            assert refused["error_kind"] == "proxy", refused
            assert refused["error"].endswith(("407", "401")), refused
            assert "status_code" not in refused
    assert len(receiver.requests) == 1
    assert call(**proxied(port))["error_kind"] == "proxy", "nobody listens there any more"


def test_tls_goes_through_a_proxy_end_to_end(call, nginx, settings, tmp_path):
    with tinyproxy(tmp_path, f"ConnectPort {nginx.port}") as port:
        made = settings(nginx.client(), ca_bundle=nginx.trust, proxy_url=f"http://127.0.0.1:{port}")
        result = call(**made)
        assert result["status_code"] == 200, result
        made = settings(nginx.client(), proxy_url=f"http://127.0.0.1:{port}")
        assert call(**made)["error_kind"] == "tls", "the proxy's word is not the receiver's"


class OddProxy:
    """A proxy that answers CONNECT with `answer` and keeps what it was asked."""

    def __init__(self, answer: bytes) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.asked, self._answer = self._socket.getsockname()[1], b"", answer
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        peer, _ = self._socket.accept()
        with peer:
            self.asked += peer.recv(65536)
            peer.sendall(self._answer)
            if not self._answer:
                time.sleep(2)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nETag: x\r\n\r\nsaid",
        b"HTTP/1.1 503 X\r\n\r\n",
        b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1/\r\n\r\n",
        b"garbage\r\n\r\n",
    ],
)
def test_a_proxy_s_refusal_is_not_taken_for_the_endpoint_s(call, receiver, proxied, answer):
    odd = OddProxy(answer)
    result = call(task={"body": "body"}, **proxied(odd.port, "u:p"))
    assert result["error_kind"] == "proxy", result
    assert "status_code" not in result
    assert result["response_bytes"] == 0
    assert not receiver.requests
    assert odd.asked.startswith(f"CONNECT 127.0.0.1:{receiver.port} ".encode())
    assert base64.b64encode(b"u:p") in odd.asked
    assert b"Idempotency-Key" not in odd.asked
    assert b"body" not in odd.asked


def test_what_fails_behind_the_proxy_is_the_endpoint_s(call, proxied, tmp_path):
    with tinyproxy(tmp_path) as port:
        assert call("/close", **proxied(port))["error_kind"] == "reset"
        assert call("/silent", **proxied(port))["error_kind"] == "timeout"
        assert call("/status/503", **proxied(port))["status_code"] == 503


def test_a_proxy_is_dialled_under_the_guard_too(call, receiver, proxied):
    made = proxied(receiver.port)
    made["access"]["proxy_url"] = f"http://127.1:{receiver.port}"
    assert call(**made)["error_kind"] == "egress"
    assert not receiver.requests


def test_two_endpoints_do_not_share_a_proxy_s_credentials(receiver, proxied, tmp_path):
    sent = Sent()
    with tinyproxy(tmp_path, "BasicAuth good pass") as port:
        for number, login in ((1, "good:pass"), (2, "bad:pass"), (3, None)):
            made = endpoint(receiver.url, id=number, **proxied(port, login))
            (row,) = task_rows(1)
            lease = lease_tasks([(number, *row[1:])], time.monotonic(), 30)
            sent.transport.submit(made, lease.tasks.values())
            sent.pump(5, lambda number=number: number in sent.results)
    assert sent.results[1]["status_code"] == 200
    assert [sent.results[n].get("error_kind") for n in (2, 3)] == ["proxy", "proxy"]


def test_token_requests_go_through_the_proxy_too(call, receiver, proxied, tmp_path, monkeypatch):
    monkeypatch.setenv("S", "some-secret")
    auth = {"token_url": f"{receiver.url}/ok", "client_id": "c"}
    with tinyproxy(tmp_path) as port:
        made = proxied(port, auth=auth)
        result = call(auth_kind="client_credentials", secret_ref="env:S", **made)
        assert "holds no access_token" in result["error"]
        assert f"127.0.0.1:{receiver.port}" in (tmp_path / "log").read_text()
