"""The ways on which a secret of OAuth 2, of a client certificate or of a proxy could come out."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from psycopg.types.json import Jsonb

from receiver import Receiver

JWT = "urn:ietf:params:oauth:token-type:jwt"
HERE = "http://127.0.0.1:{port}/v1"
CLIENT = {"client_id": "c", "client_auth": "client_secret_post"}
KEY = {"client_id": "c", "client_auth": "private_key_jwt", "issuer": "https://idp.example"}
ASSERT = {"client_id": "c", "issuer": "https://idp.example"}
SUBJECT = {"kind": "token_exchange", "subject_ref": "vault:SUBJECT"}
EXCHANGE = {**CLIENT, "subject_token_type": JWT}


def way(
    end: str,
    token_url: str = HERE + "/token",
    auth: dict[str, str] = CLIENT,
    *,
    path: str = "/ok",
    kind: str = "client_credentials",
    secret: str = "vault:OSECRET",
    **columns: Any,
) -> tuple[str, str, str, dict[str, Any]]:
    """Give how it ends, the base URL, the path and the endpoint's columns."""
    columns |= {"auth_kind": kind, "secret_ref": secret, "auth": {"token_url": token_url} | auth}
    return end, columns.pop("base_url", HERE), path, columns


def plain(end: str, base_url: str = HERE, **columns: Any) -> tuple[str, str, str, dict[str, Any]]:
    return end, base_url, "/ok", columns


BASIC = {"client_id": "c"}
WAYS = {
    "o_good": way("200", path="/echo/200"),
    "o_basic": way("200", auth=BASIC, path="/echo/200"),
    "o_401": way("401", path="/echo/401"),
    "o_echo": way("token", HERE + "/tokens/401"),
    "o_echo_basic": way("token", HERE + "/tokens/401", BASIC),
    "o_odd": way("token", HERE + "/tokens/200"),
    "o_500": way("token", HERE + "/tokens/500"),
    "o_redirect": way("token", HERE + "/redirect"),
    "o_silent": way("token", HERE + "/silent"),
    "o_close": way("token", HERE + "/close"),
    "o_large": way("token", HERE + "/endless"),
    "o_garbage": way("token", HERE + "/garbage"),
    "o_closed": way("token", "http://127.0.0.1:1/token"),
    "o_egress": way("token", "http://127.1:{port}/token"),
    "o_dns": way("token", "http://no-such-host.invalid/token"),
    "o_tls": way("token", "https://127.0.0.1:{port}/token"),
    "o_key": way("200", auth=KEY, secret="vault:OKEY", path="/echo/200"),
    "o_key_echo": way("token", HERE + "/tokens/400", KEY, secret="vault:OKEY"),
    "o_key_as_secret": way("secret", secret="vault:OKEY"),
    "o_secret_as_key": way("secret", auth=KEY),
    "o_missing": way("secret", secret="vault:MISSING"),
    "j_good": way("200", auth=ASSERT, kind="jwt_bearer", secret="vault:OKEY", path="/echo/200"),
    "j_echo": way("token", HERE + "/tokens/400", ASSERT, kind="jwt_bearer", secret="vault:OKEY"),
    "x_type": way("token", auth=EXCHANGE, **SUBJECT),
    "x_echo": way("token", HERE + "/tokens/400", EXCHANGE, **SUBJECT),
    "m_tls": plain("tls", "https://127.0.0.1:{port}/v1", client_cert_ref="vault:CERT"),
    "m_odd": plain("secret", client_cert_ref="vault:OSECRET"),
    "p_refused": plain("proxy", proxy_url="http://127.0.0.1:{port}", proxy_ref="vault:PROXY"),
    "p_closed": plain("proxy", proxy_url="http://127.0.0.1:1", proxy_ref="vault:PROXY"),
    "p_odd": plain("secret", proxy_url="http://127.0.0.1:{port}", proxy_ref="vault:OSECRET"),
    "p_token": way("token", proxy_url="http://127.0.0.1:{port}", proxy_ref="vault:PROXY"),
}  # fmt: skip


def columns(given: dict[str, Any], port: int) -> dict[str, Any]:
    """Give an endpoint's columns with the receiver's port in them."""
    filled = {}
    for name, value in given.items():
        if isinstance(value, dict):
            value = Jsonb({key: text.replace("{port}", str(port)) for key, text in value.items()})
        filled[name] = value.replace("{port}", str(port)) if isinstance(value, str) else value
    return filled


def private_key() -> tuple[str, str]:
    """Give a key in PEM and a line of it that stands nowhere else."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return pem, pem.splitlines()[2]


def client_certificate() -> tuple[str, str]:
    """Give a client's certificate and key in PEM, and a line of the key."""
    issued = trustme.CA().issue_cert("client.example")
    key = issued.private_key_pem.bytes().decode()
    return key + issued.cert_chain_pems[0].bytes().decode(), key.splitlines()[2]


def assertions(receiver: Receiver) -> list[str]:
    """Give the assertions, in part, that the receiver got: what is signed of them, and by what."""
    found = []
    for request in list(receiver.requests):
        form = dict(parse_qsl(request.body.decode(errors="replace")))
        for name in ("assertion", "client_assertion"):
            found += form.get(name, "").split(".")[1:]
    return found
