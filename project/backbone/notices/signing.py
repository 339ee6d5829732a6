"""How a receiver knows that a webhook is ours and not an old one sent again: HMAC-SHA256 over time and body. Pure."""

from __future__ import annotations

import hashlib
import hmac
import secrets

SHORTEST = 16


def new_secret() -> str:
    """A secret with 256 bits of chance."""
    return secrets.token_urlsafe(32)


def signature(secret: str, timestamp_s: int, body: bytes) -> str:
    """`v1=<hex>` over `<timestamp>.<body>`; `timestamp_s` in seconds since 1970, as the header beside it says."""
    signed = b"%d.%b" % (timestamp_s, body)
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
