"""Clients of a certified OpenID provider, and one endpoint that gets its tokens there."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwk
from real_peers import OpenIdProvider
from runner_harness import Sent, endpoint, task_rows

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


def start_provider() -> OpenIdProvider:
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
    return OpenIdProvider(clients, [public(name) for name in KINDS])


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
