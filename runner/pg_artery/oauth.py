"""OAuth 2 as a client: token requests of three grants, and what is believed of their answers.

client_credentials (RFC 6749 4.4), the JWT bearer grant (RFC 7523 2.1), token exchange (RFC 8693).
The client authenticates by its secret or by `private_key_jwt` (RFC 7523 2.2). Assertions are made
anew for each try: `jti` fresh, expiring after a minute, for servers refuse one seen before.
"""

from __future__ import annotations

import base64
import json
import uuid
import warnings
from collections.abc import Mapping
from time import time
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode

import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwk, jwt
from joserfc.errors import JoseError

_URN = "urn:ietf:params:oauth"
KINDS = {
    "client_credentials": "client_credentials",
    "jwt_bearer": f"{_URN}:grant-type:jwt-bearer",
    "token_exchange": f"{_URN}:grant-type:token-exchange",
}
ASSERTION_TYPE = f"{_URN}:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60
# RFC 8693 3: what may be sent as a bearer token
USABLE_TYPES = tuple(f"{_URN}:token-type:{name}" for name in ("access_token", "jwt"))
LIFE_UNSAID, LIFE_LONGEST = 300.0, 86_400.0  # seconds; the first where expires_in is missing
ANSWER_BYTES = 131_072
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}

# RFC 9864's other name for it is understood by hardly any server yet
warnings.filterwarnings("ignore", "EdDSA is deprecated")


#: Stands for key_id: the key's own thumbprint (RFC 7638), so that a new key has a new kid
THUMBPRINT = "thumbprint"
#: What a token server answers about the assertion or its user, not about us (RFC 6749, 8693)
ABOUT_THE_USER = ("invalid_grant", "access_denied", "invalid_target", "interaction_required")


class Refused(Exception):
    """A token server gave no token that can be used; says why, without any secret."""

    def __init__(self, why: str, error: object = None) -> None:
        super().__init__(why)
        self.about_the_user = error in ABOUT_THE_USER


class TokenRequest(NamedTuple):
    """One try: header lines, body, and the parts of them that no log may show."""

    headers: list[str]
    body: bytes
    secrets: list[str]


class SigningKey:
    """A private key that signs assertions, and by which algorithm."""

    def __init__(self, pem: str, algorithm: str | None, key_id: str | None) -> None:
        """Errors: ValueError, which does not show the key."""
        try:
            key = load_pem_private_key(pem.encode(), None)
        except (TypeError, ValueError):
            raise ValueError("the secret is no private key in PEM without a passphrase") from None
        self._key: jwk.Key
        if isinstance(key, rsa.RSAPrivateKey):
            self._key, default = jwk.RSAKey.import_key(pem), "RS256"
        elif isinstance(key, ec.EllipticCurvePrivateKey):
            self._key, default = jwk.ECKey.import_key(pem), _CURVES.get(key.curve.name, "")
        elif isinstance(key, ed25519.Ed25519PrivateKey):
            self._key, default = jwk.OKPKey.import_key(pem), "EdDSA"
        else:
            raise ValueError("the private key is neither RSA, EC nor Ed25519")  # noqa: TRY004
        self._header = {"alg": algorithm or default, "typ": "JWT"}
        if key_id:
            self._header["kid"] = self._key.thumbprint() if key_id == THUMBPRINT else key_id
        try:
            self.sign({})
        except (JoseError, ValueError):
            raise ValueError(f"the private key does not sign {self._header['alg']}") from None

    def public(self) -> dict[str, Any]:
        """Give the public key as a JWK (RFC 7517), with the kid that assertions carry."""
        header = {"kid": self._header.get("kid", self._key.thumbprint()), "use": "sig"}
        public = self._key.as_dict(private=False, alg=self._header["alg"])
        return {**public, **header}

    def sign(self, claims: dict[str, Any]) -> str:
        """Give the claims as a signed JWT, compact."""
        return jwt.encode(self._header, claims, self._key, algorithms=[self._header["alg"]])


class Grant:
    """How one endpoint gets its tokens.

    Parameters: `kind` of KINDS; `settings` the endpoint's column auth; `secret` and `subject`
    opened. Errors: ValueError, KeyError, TypeError, which show no secret.
    """

    def __init__(
        self, kind: str, settings: Mapping[str, Any], secret: str | None, subject: str | None
    ) -> None:
        self.kind = kind
        self.token_url = str(settings["token_url"])
        self.identity = (kind, json.dumps(settings, sort_keys=True), secret, subject)
        self._settings = settings
        self._client = str(settings.get("client_id", ""))
        self._subject = subject
        self._method = settings.get("client_auth", "client_secret_basic")
        # a token for each call, about the user that its task names; else one for all calls
        self.personal = settings.get("subject_from") == "task"
        self._secret = secret or ""
        self._key: SigningKey | None = None
        if kind == "jwt_bearer":
            self._method = "none"
        if kind == "jwt_bearer" or self._method == "private_key_jwt":
            self._key = SigningKey(self._secret, settings.get("algorithm"), settings.get("key_id"))
        elif self._method != "none" and not (self._secret.isprintable() and self._secret):
            raise ValueError("the client's secret holds characters that none may have")
        self.request("")  # what cannot be made shows now, not among the calls

    def request(self, user: str | None = None) -> TokenRequest:
        """Make the request of one try; `user` whom a personal token is about."""
        form = {"grant_type": KINDS[self.kind]}
        secrets: list[str] = []
        for name in ("scope", "audience", "resource"):
            if name in self._settings:
                form[name] = str(self._settings[name])
        if self.kind == "jwt_bearer":
            claims = dict(self._settings.get("claims", {}))
            subject = str(self._settings.get("subject", self._client))
            form["assertion"] = self._assert((self.personal and user) or subject, claims)
            secrets.append(form["assertion"])
        elif self.kind == "token_exchange":
            form["subject_token"] = (
                self._assert(user or "", {}) if self.personal else self._subject or ""
            )
            secrets.append(form["subject_token"])
            for name in ("subject_token_type", "requested_token_type"):
                if name in self._settings:
                    form[name] = str(self._settings[name])
        headers = ["Content-Type: application/x-www-form-urlencoded", "Accept: application/json"]
        if self._method == "client_secret_basic":
            # RFC 6749 2.3.1: both form-encoded first
            pair = f"{quote_plus(self._client)}:{quote_plus(self._secret)}"
            basic = base64.b64encode(pair.encode()).decode()
            headers.append(f"Authorization: Basic {basic}")
            secrets += [basic, quote_plus(self._secret), self._secret]
        elif self._method == "client_secret_post":
            form |= {"client_id": self._client, "client_secret": self._secret}
            secrets.append(self._secret)
        elif self._method == "private_key_jwt":
            assertion = self._assert(self._client, {})
            form |= {"client_id": self._client, "client_assertion_type": ASSERTION_TYPE}
            form["client_assertion"] = assertion
            secrets.append(assertion)
        elif self.kind != "jwt_bearer" and self._client:
            form["client_id"] = self._client
        return TokenRequest(headers, urlencode(form).encode(), secrets)

    def _assert(self, subject: str, claims: dict[str, Any]) -> str:
        """Sign a fresh assertion of this client about `subject`, made out to the issuer."""
        if self._key is None:
            raise RuntimeError(f"{self.kind} with {self._method} has no signing key")
        now = int(time())
        return self._key.sign(
            claims
            | {"iss": self._client, "sub": subject, "aud": str(self._settings["issuer"])}
            | {"iat": now, "exp": now + ASSERTION_SECONDS, "jti": str(uuid.uuid4())}
        )

    def read(self, status: int, body: bytes) -> tuple[str, float]:
        """Give the token and its life in seconds from an answer. Errors: Refused."""
        try:
            answer = orjson.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Refused(f"status {status}, and no JSON object in the answer")
        if status != 200:
            said = [str(answer[n]) for n in ("error", "error_description") if answer.get(n)]
            why = f"status {status}{': ' if said else ''}{', '.join(said)}"
            raise Refused(why, answer.get("error"))
        token, kind = answer.get("access_token"), answer.get("token_type", "Bearer")
        if not isinstance(token, str) or not token or not token.isascii():
            raise Refused("the answer holds no access_token")
        if not token.isprintable() or " " in token:
            raise Refused("the access_token holds characters that no header may carry")
        if str(kind).lower() != "bearer":
            raise Refused(f"the token is of type {kind}, and only Bearer is known here")
        if self.kind == "token_exchange":
            wanted = self._settings.get("requested_token_type")
            issued = answer.get("issued_token_type")
            if issued not in ((wanted,) if wanted else USABLE_TYPES):
                raise Refused(
                    f"issued_token_type is {issued}, not {wanted or ' or '.join(USABLE_TYPES)}"
                )
        try:
            life = float(answer.get("expires_in", LIFE_UNSAID))
        except (TypeError, ValueError):
            life = LIFE_UNSAID
        if not life > 0:
            raise Refused("the token has expired already")
        return token, min(life, LIFE_LONGEST)
