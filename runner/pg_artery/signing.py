"""Signatures of Standard Webhooks 1.0: HMAC-SHA256 over id, time of this attempt and body."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable

PREFIX = "whsec_"
KEY_BYTES = range(24, 65)


def signing_key(secret: str) -> bytes:
    """Give the key that `secret` (whsec_ and base64) stands for. Errors: ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in KEY_BYTES:
        raise ValueError(f"a signing key is {PREFIX} and the base64 of 24 to 64 bytes")
    return key


def headers(keys: Iterable[bytes], request_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Sign a request with each key; `timestamp` in seconds since 1970."""
    signed = f"{request_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys)
    return {
        "webhook-id": request_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
