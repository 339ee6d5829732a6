"""Self-signed key pairs for the lab's listeners.

Every host of the lab shows its own certificate, so that pinning can be rehearsed. Keys live in the state directory
(mode 0600) and are worth nothing outside the loopback interface. No certificate authority, no renewal policy.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_FOR = datetime.timedelta(days=825)


@dataclass(frozen=True, slots=True)
class CertFiles:
    """A key pair on disk with the fingerprints people compare.

    `sha256_fingerprint` and `sha1` are upper-case hex pairs with colons over the DER certificate, `AA:BB:..`.
    """

    cert_path: Path
    key_path: Path
    sha256_fingerprint: str
    sha1: str
    not_before: datetime.datetime
    not_after: datetime.datetime


def make_certificate(directory: Path, common_name: str, ips: list[str], *, now: datetime.datetime | None = None) -> CertFiles:
    """Make a fresh self-signed key pair for `common_name`, valid for the given IP addresses, to serve and to sign in with.

    Writes `<name>.crt` and `<name>.key` (PEM, key mode 0600) into `directory`, replacing what is there, so calling
    it again is how a listener gets a new certificate. `now` is aware UTC and defaults to the clock.
    """
    moment = now or datetime.datetime.now(datetime.UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _signed(key, common_name, ips, moment)
    directory.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9_.-]", "_", common_name)
    files = directory / f"{stem}.crt", directory / f"{stem}.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_private(files[1], key)
    der = certificate.public_bytes(serialization.Encoding.DER)
    return CertFiles(
        cert_path=files[0],
        key_path=files[1],
        sha256_fingerprint=_colons(hashlib.sha256(der).hexdigest()),
        sha1=_colons(hashlib.sha1(der, usedforsecurity=False).hexdigest()),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def server_context(files: CertFiles) -> ssl.SSLContext:
    """A TLS server context that shows `files`; make a new one after `make_certificate` ran again."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(files.cert_path, files.key_path)
    return context


def _signed(key: ec.EllipticCurvePrivateKey, common_name: str, ips: list[str], moment: datetime.datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    alternatives: list[x509.GeneralName] = [x509.DNSName(common_name)]
    alternatives += [x509.IPAddress(ipaddress.ip_address(ip)) for ip in ips]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - datetime.timedelta(hours=1))
        .not_valid_after(moment + VALID_FOR)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _write_private(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)


def _colons(hex_digest: str) -> str:
    digits = hex_digest.upper()
    return ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))
