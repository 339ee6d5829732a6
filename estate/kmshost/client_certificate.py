"""A client certificate with its key, held as text, put into a TLS context. On disk the key is enciphered, and only briefly."""

from __future__ import annotations

import secrets
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from estate.errors import AskPerson

_STEP = "Give the certificate and its private key, without a passphrase, as PEM text one after the other."


def check_client_certificate(pem: str, *, where: str = "") -> str:
    """The certificate's subject. Raises: AskPerson `winrm_certificate_unusable` unless the text holds it and its own key."""
    certificate, _ = _parsed(pem, where)
    return certificate.subject.rfc4514_string()


def load_client_certificate(context: ssl.SSLContext, pem: str, *, where: str = "") -> None:
    """Let `context` show this certificate. OpenSSL reads it from files only: they hold the key under a passphrase nobody keeps.

    Raises: AskPerson `winrm_certificate_unusable`.
    """
    certificate, enciphered_with = _parsed(pem, where)
    passphrase = secrets.token_bytes(32).hex()
    with tempfile.TemporaryDirectory(prefix="xenbound-tls-") as folder:
        path = Path(folder) / "client.pem"
        path.touch(mode=0o600)
        path.write_bytes(certificate.public_bytes(Encoding.PEM) + enciphered_with(passphrase))
        context.load_cert_chain(path, password=passphrase)


class _Key:
    """A private key that is handed out enciphered only."""

    def __init__(self, pem: str) -> None:
        self._key = load_pem_private_key(pem.encode(), password=None)

    def fits(self, certificate: x509.Certificate) -> bool:
        return self._key.public_key() == certificate.public_key()

    def __call__(self, passphrase: str) -> bytes:
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode()))


def _parsed(pem: str, where: str) -> tuple[x509.Certificate, _Key]:
    try:
        certificate, key = x509.load_pem_x509_certificate(pem.encode()), _Key(pem)
    except (ValueError, TypeError) as error:
        raise _unusable("it is no PEM text of a certificate and a key without a passphrase", where) from error
    if not key.fits(certificate):
        raise _unusable("the key is not the certificate's", where)
    return certificate, key


def _unusable(why: str, where: str) -> AskPerson:
    return AskPerson(
        f"the client certificate cannot be used: {why}", code="winrm_certificate_unusable", next_step=_STEP, where=where
    )
