"""Tokens of OAuth 2, against a certified OpenID provider."""

from __future__ import annotations

import copy
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwk, jwt
from real_peers import OpenIdProvider
from runner_harness import Sent, endpoint, task_rows

from pg_artery import tokens
from pg_artery.oauth import Grant
from pg_artery.work import lease_tasks

JWT = "urn:ietf:params:oauth:token-type:jwt"
#: the characters that form-encoding, Basic and JSON each write in ways of their own
SECRET = 'a%+ &=:/"~' + "x" * 32
KINDS = {
    "RS256": (jwk.RSAKey, rsa.generate_private_key(65537, 2048)),
    "PS256": (jwk.RSAKey, rsa.generate_private_key(65537, 2048)),
    "ES256": (jwk.ECKey, ec.generate_private_key(ec.SECP256R1())),
    "EdDSA": (jwk.OKPKey, ed25519.Ed25519PrivateKey.generate()),
}
PEM = {
    name: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for name, (_, key) in KINDS.items()
}


def public(name: str) -> dict[str, Any]:
    key = KINDS[name][0].import_key(PEM[name])
    return {**key.as_dict(private=False), "kid": name, "alg": name}


def client(name: str, method: str, grant: str = "client_credentials", **more: Any) -> dict:
    own = {"client_secret": SECRET} if method.startswith("client_secret") else {}
    own |= {"client_id": name, "token_endpoint_auth_method": method, "grant_types": [grant]}
    return own | more


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    clients = [
        client("ba:sic %", "client_secret_basic"),
        client("post", "client_secret_post"),
        client("ex", "client_secret_post", exchange),
        client("bare", "none", exchange),
        client("bearer", "none"),
    ]
    for name in KINDS:
        keys = {"keys": [public(name)]}
        clients.append(
            client(name, "private_key_jwt", token_endpoint_auth_signing_alg=name, jwks=keys)
        )
    running = OpenIdProvider(clients, [public(name) for name in KINDS])
    yield running
    running.close()


@pytest.fixture(autouse=True)
def fresh(provider: OpenIdProvider) -> None:
    provider.state(ttl=600, delay=0, tokens=0, errors=[], jtis=[], accepted=0, refused=0)
    provider.state(subjects=[], revoke=False, revoked=[])


class Caller:
    """One endpoint that is called again and again, with what it keeps between calls."""

    def __init__(self, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent, self.provider, self._number = Sent(), provider, 0
        self._env, self._settings = monkeypatch.setenv, None

    def settings(
        self, secret: str | None, kind: str = "client_credentials", **auth: Any
    ) -> dict[str, Any]:
        self._env("OAUTH_SECRET", secret or "none")
        subject = auth.pop("subject_token", None)
        self._env("OAUTH_SUBJECT", subject or "none")
        access: dict[str, Any] = {"auth": {"token_url": self.provider.token_url} | auth}
        if subject:
            access["subject_ref"] = "env:OAUTH_SUBJECT"
        ref = "env:OAUTH_SECRET" if secret else None
        return {"auth_kind": kind, "secret_ref": ref, "access": access}

    def submit(self, settings: dict[str, Any], count: int = 1, path: str = "/ok") -> list[int]:
        rows = [
            (self._number + n, *row[1:]) for n, row in enumerate(task_rows(count, path), start=1)
        ]
        self._number += count
        lease = lease_tasks(rows, time.monotonic(), 30)
        base_url = settings.get("base_url", self.provider.base_url)
        more = {name: value for name, value in settings.items() if name != "base_url"}
        if settings != self._settings:
            self._made = endpoint(base_url, **({"total_timeout_ms": 3000} | more))
            self._settings = copy.deepcopy(settings)
        self.sent.transport.submit(self._made, lease.tasks.values())
        return list(lease.tasks)

    def __call__(self, settings: dict[str, Any], count: int = 1, path: str = "/ok") -> Any:
        """Give the results of `count` calls, or the one result."""
        numbers = self.submit(settings, count, path)
        self.sent.pump(10, lambda: all(n in self.sent.results for n in numbers))
        results = [self.sent.results[n] for n in numbers]
        json.dumps(results)
        return results if count > 1 else results[0]


@pytest.fixture
def caller(provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(provider, monkeypatch)


@pytest.mark.parametrize(
    ("name", "method"), [("ba:sic %", "client_secret_basic"), ("post", "client_secret_post")]
)
def test_a_client_with_a_secret(caller, provider, name, method):
    settings = caller.settings(SECRET, client_id=name, client_auth=method, scope="orders:write")
    result = caller(settings)
    assert result.get("status_code") == 200, (result, provider.state())
    assert json.loads(result["response_body"]) == {"ok": True, "scope": "orders:write"}
    assert provider.state()["tokens"] == 1


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("name", KINDS)
def test_a_client_with_a_key(caller, provider, name):
    auth = {"client_id": name, "client_auth": "private_key_jwt", "issuer": provider.issuer}
    settings = caller.settings(PEM[name], **auth, algorithm=name, key_id=name)
    assert caller(settings)["status_code"] == 200, provider.state()["errors"]
    # without a word on the algorithm the key's own is taken, where it says it
    if name != "PS256":
        del settings["access"]["auth"]["algorithm"]
        assert caller(settings)["status_code"] == 200, provider.state()["errors"]


def ask(provider: OpenIdProvider, body: bytes) -> int:
    try:
        return urllib.request.urlopen(provider.token_url, body).status
    except urllib.error.HTTPError as error:
        return error.code


def test_an_assertion_is_good_for_one_try_and_each_try_has_its_own(provider):
    auth = {"client_id": "ES256", "client_auth": "private_key_jwt", "issuer": provider.issuer}
    grant = Grant("client_credentials", {"token_url": "x", **auth}, PEM["ES256"], None)
    first, second = grant.request().body, grant.request().body
    assert ask(provider, first) == 200
    assert ask(provider, first) == 401
    assert "only be used once" in provider.state()["errors"][-1]
    assert ask(provider, second) == 200
    assertion = dict(urllib.parse.parse_qsl(second.decode()))["client_assertion"]
    claims = jwt.decode(assertion, jwk.ECKey.import_key(public("ES256")), ["ES256"]).claims
    assert claims["iss"] == claims["sub"] == "ES256"
    assert claims["aud"] == provider.issuer
    assert claims["exp"] - claims["iat"] == 60


def test_an_assertion_made_out_to_somebody_else_is_a_fault_of_ours(caller, provider):
    auth = {"client_id": "ES256", "client_auth": "private_key_jwt", "issuer": "https://elsewhere"}
    result = caller(caller.settings(PEM["ES256"], **auth))
    assert result["error_kind"] == "token"
    assert "invalid_client" in result["error"]
    assert "status_code" not in result


def test_jwt_bearer(caller, provider):
    auth = {"client_id": "bearer", "issuer": provider.issuer, "claims": {"tenant": "7"}}
    auth |= {"key_id": "RS256", "token_url": f"{provider.token_url}/jwt-bearer"}
    settings = caller.settings(PEM["RS256"], "jwt_bearer", **auth, subject="plant 7")
    assert caller(settings)["status_code"] == 200, provider.state()["errors"]
    provider.state(revoke=True)
    assert caller(settings)["status_code"] == 200, provider.state()["errors"]
    state = provider.state()
    assert state["subjects"] == ["plant 7", "plant 7"]
    assert len(set(state["jtis"])) == 2


def subject_token(provider: OpenIdProvider) -> str:
    key = jwk.ECKey.import_key(PEM["ES256"])
    claims = {"sub": "operator 9", "aud": provider.issuer, "exp": int(time.time()) + 60}
    return jwt.encode({"alg": "ES256", "kid": "ES256"}, claims, key)


@pytest.mark.parametrize(
    ("name", "wanted"), [("ex", None), ("ex", JWT), ("bare", "urn:example:other")]
)
def test_token_exchange(caller, provider, name, wanted):
    auth = {"client_id": name, "subject_token_type": JWT, "subject_token": subject_token(provider)}
    auth |= {"client_auth": "none" if name == "bare" else "client_secret_post"}
    auth |= {"requested_token_type": wanted} if wanted else {}
    settings = caller.settings(None if name == "bare" else SECRET, "token_exchange", **auth)
    assert caller(settings)["status_code"] == 200, provider.state()["errors"]
    assert provider.state()["subjects"] == ["operator 9"]


def test_a_token_of_another_type_than_asked_for_is_not_sent(caller, provider):
    auth = {"client_id": "ex", "subject_token_type": JWT, "subject_token": subject_token(provider)}
    auth |= {"client_auth": "client_secret_post", "audience": "odd"}
    result = caller(caller.settings(SECRET, "token_exchange", **auth))
    assert result["error_kind"] == "token"
    assert "issued_token_type is urn:ietf:params:oauth:token-type:refresh_token" in result["error"]
    state = provider.state()
    assert (state["accepted"], state["refused"]) == (0, 0)


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
    provider.state(delay=1000)
    caller.submit(good)
    began = time.monotonic()
    assert caller({"id": 2, "base_url": receiver.url})["status_code"] == 200
    assert time.monotonic() - began < 0.5


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
    provider.state(ttl=1)
    assert caller(good)["status_code"] == 200
    time.sleep(1.1)
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
        ("/gzip/50000000", "too_large: "),
        ("/ok", "the answer holds no access_token"),
        ("/status/503/Retry-After_120", "status 503"),
        ("/raw", "no JSON object"),
    ],
)
def test_a_token_server_that_fails_is_a_fault_of_ours(caller, receiver, good, path, says):
    good["access"]["auth"]["token_url"] = receiver.url + path
    began = time.monotonic()
    result = caller({**good, "base_url": receiver.url, "total_timeout_ms": 600})
    assert time.monotonic() - began < 1.6
    assert result["error_kind"] == "token", result
    assert says in result["error"], result
    assert [r.path for r in receiver.requests] == [f"/v1{path}"], "asked once, the API not at all"


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433"])
def test_the_guard_holds_for_the_token_server(caller, receiver, good, host):
    good["access"]["auth"]["token_url"] = f"http://{host}:{receiver.port}/v1/ok"
    result = caller(good)
    assert result["error_kind"] == "token"
    assert not receiver.requests


@pytest.mark.parametrize(
    ("secret", "auth", "says"),
    [
        ("no key", {"client_auth": "private_key_jwt"}, "no private key in PEM"),
        (PEM["RS256"], {"client_auth": "private_key_jwt", "algorithm": "ES256"}, "not sign ES256"),
        (PEM["RS256"], {"client_auth": "client_secret_post"}, "characters that none may have"),
    ],
)
def test_a_secret_that_does_not_fit_is_said_before_anything_is_sent(
    caller, provider, secret, auth, says
):
    result = caller(caller.settings(secret, client_id="x", issuer="y", **auth))
    assert result["error_kind"] == "secret"
    assert says in result["error"]
    assert "PRIVATE" not in result["error"]
    assert provider.state()["tokens"] == 0
