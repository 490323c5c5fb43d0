"""Each kind of OAuth 2 gets tokens from a certified OpenID provider."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest
from joserfc import jwk, jwt
from oauth_harness import JWT, KINDS, PEM, SECRET, Caller, public, start_provider
from real_peers import OpenIdProvider

from pg_artery.oauth import Grant


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
