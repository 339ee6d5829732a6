"""Sealing of secrets at rest: AES-256-GCM under the installation's sealing key. The key never enters the database.

The key comes from XENBOUND_SECRET_KEY_SEALING or from a generated file that only the owner may read (settings.py).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from project.backbone.problems import Conflict

VERSION = "v1"
NONCE_BYTES = 12


class CannotOpen(Conflict):
    """A sealed secret does not open: it was sealed under another key, or changed. `of` names whose it is."""

    code = "password_sealed_otherwise"

    def __init__(self, of: str) -> None:
        super().__init__(
            f"The stored password of {of or 'this endpoint'} does not open with this installation's sealing key.",
            next_step="Enter the password again, or start every process with the sealing key it was stored under.",
        )


def seal(secret: bytes | str) -> str:
    """The secret as text that only this installation's key opens. Sealing twice gives two different texts."""
    plain = secret.encode() if isinstance(secret, str) else secret
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(_key()).encrypt(nonce, plain, VERSION.encode())
    return f"{VERSION}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def open_sealed(sealed: str, *, of: str = "") -> str:
    """The secret as text; `of` is whose it is, for the error. Raises: CannotOpen."""
    version, _, body = sealed.partition(":")
    try:
        raw = base64.urlsafe_b64decode(body.encode())
        opened = AESGCM(_key()).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], version.encode())
    except (InvalidTag, binascii.Error, ValueError):
        raise CannotOpen(of) from None
    return opened.decode()


def _key() -> bytes:
    return hashlib.sha256(b"xenbound sealing " + settings.SEALING_KEY.encode()).digest()
