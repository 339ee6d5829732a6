"""TLS to endpoints whose leaf certificate a person confirmed: the one way out of the house for every adapter.

Chain verification is off, and only because the SHA-256 of the leaf has to be in the confirmed pin set instead. The check
sits in the socket's own handshake, so no library can send a byte of a request, a password least of all, before it.
No protocol is spoken in here, and no pin is stored.
"""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from estate.errors import AskPerson, EdgeError, Retry

CONNECT_TIMEOUT_S = 15.0
READ_TIMEOUT_S = 120.0
HTTPS_PORT = 443

PROBE_AGAIN = "Probe the endpoint again, compare the fingerprint on the server itself and let a person confirm it."


class CertificateChanged(AskPerson):
    """The endpoint shows a leaf certificate that nobody confirmed."""

    code = "certificate_changed"


class CertificateNotConfirmed(AskPerson):
    """Nobody has confirmed any certificate for this endpoint yet, so nothing may be sent to it."""

    code = "certificate_not_confirmed"


class BadEndpointUrl(AskPerson):
    """The endpoint's URL is not an https URL with a host."""

    code = "endpoint_url_invalid"


@dataclass(frozen=True, slots=True)
class OfferedCertificate:
    """The leaf certificate an endpoint showed at `address` (`host:port`). Fingerprints are `AA:BB:..`, times aware UTC."""

    subject: str
    sha256: str
    sha1: str
    not_after: datetime
    address: str


def fingerprint(text: str) -> str:
    """`text` (hex, with or without colons, any case) as `AA:BB:..`."""
    digits = text.replace(":", "").replace(" ", "").strip().upper()
    return ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))


def sha256_of(der: bytes) -> str:
    """The SHA-256 fingerprint of a DER certificate, `AA:BB:..`."""
    return fingerprint(hashlib.sha256(der).hexdigest())


def sha1_of(der: bytes) -> str:
    """The SHA-1 fingerprint of a DER certificate: for comparing with what VMware hands out, never a pin by itself."""
    return fingerprint(hashlib.sha1(der, usedforsecurity=False).hexdigest())


def host_and_port(url: str) -> tuple[str, int]:
    """Host and port of an https URL.

    Raises:
        BadEndpointUrl: the URL is not https, names no host, or its port is not a number.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _bad_url(url) from error
    if parts.scheme != "https" or not host:
        raise _bad_url(url)
    return host, port or HTTPS_PORT


def _bad_url(url: str) -> BadEndpointUrl:
    return BadEndpointUrl(
        f"{url!r} is not an https URL with a host", next_step="Correct the endpoint's URL, for example https://vcenter.example."
    )


def fetch_certificates(url: str, *, timeout_s: float = CONNECT_TIMEOUT_S) -> OfferedCertificate:
    """The leaf certificate that the server behind an https URL shows now. Only a handshake: no byte of a request is sent.

    Raises:
        BadEndpointUrl: the URL cannot be used.
        Retry: nobody answers there, or what answers speaks no TLS.
    """
    host, port = host_and_port(url)
    address = f"{host}:{port}"
    try:
        with (
            socket.create_connection((host, port), timeout=timeout_s) as line,
            _unverified(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)).wrap_socket(line, server_hostname=host) as tls,
        ):
            der = tls.getpeercert(binary_form=True)
    except OSError as error:
        raise line_error(error, where=address) from error
    return offered_certificate(der or b"", address)


def offered_certificate(der: bytes, address: str) -> OfferedCertificate:
    """What a DER certificate says of itself.

    Raises:
        AskPerson: it cannot be read (`certificate_unreadable`).
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise AskPerson(
            f"{address} shows a certificate that cannot be read: {error}",
            code="certificate_unreadable",
            next_step="Install a valid certificate on that server.",
            where=address,
        ) from error
    return OfferedCertificate(
        subject=certificate.subject.rfc4514_string(),
        sha256=sha256_of(der),
        sha1=sha1_of(der),
        not_after=certificate.not_valid_after_utc,
        address=address,
    )


def check_pin(sock: ssl.SSLSocket, pins: Iterable[str], *, where: str = "", required_sha1: str = "") -> None:
    """Refuse a peer whose leaf is not pinned. Call it after the handshake and before the first byte of a request.

    `required_sha1`, when given, has to match as well (NFC leases name the SHA-1 of the host to read from).

    Raises:
        CertificateNotConfirmed: the pin set is empty.
        CertificateChanged: the leaf is another one.
    """
    confirmed = frozenset(fingerprint(pin) for pin in pins)
    if not confirmed:
        raise CertificateNotConfirmed(
            f"no certificate of {where or 'this endpoint'} has been confirmed", next_step=PROBE_AGAIN, where=where
        )
    der = sock.getpeercert(binary_form=True) or b""
    if sha256_of(der) not in confirmed:
        raise _changed(where, "SHA-256", sha256_of(der), confirmed)
    if required_sha1 and sha1_of(der) != fingerprint(required_sha1):
        raise _changed(where, "SHA-1", sha1_of(der), frozenset({fingerprint(required_sha1)}))


def _changed(where: str, kind: str, shown: str, confirmed: frozenset[str]) -> CertificateChanged:
    return CertificateChanged(
        f"{where or 'the endpoint'} shows a certificate that nobody confirmed: it has {kind} {shown}, "
        f"confirmed is {' or '.join(sorted(confirmed))}",
        next_step=PROBE_AGAIN,
        where=where,
    )


class _PinnedSocket(ssl.SSLSocket):
    """A TLS socket that ends its handshake with the pin check of its context."""

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        context = self.context
        assert isinstance(context, PinnedContext)
        try:
            check_pin(self, context.pins, where=context.where, required_sha1=context.required_sha1)
        except AskPerson:
            self.close()
            raise


class PinnedContext(ssl.SSLContext):
    """An SSL context whose sockets refuse every leaf that is not pinned. Make it with `pinned_context`."""

    sslsocket_class = _PinnedSocket
    pins: frozenset[str]
    where: str
    required_sha1: str

    def wrap_bio(self, *_args: Any, **_kwargs: Any) -> ssl.SSLObject:
        """Refused: a memory BIO has no handshake of ours to carry the check."""
        raise TypeError("pinned TLS works on sockets only; a memory BIO would go unchecked")


def pinned_context(pins: frozenset[str], *, where: str = "", required_sha1: str = "") -> PinnedContext:
    """A client context for an endpoint with these confirmed pins; any library that wraps sockets with it is checked.

    Raises:
        CertificateNotConfirmed: the pin set is empty; nothing is connected at all.
    """
    if not pins:
        raise CertificateNotConfirmed(
            f"no certificate of {where or 'this endpoint'} has been confirmed", next_step=PROBE_AGAIN, where=where
        )
    context = PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    _unverified(context)
    context.pins = frozenset(fingerprint(pin) for pin in pins)
    context.where = where
    context.required_sha1 = required_sha1
    return context


def _unverified(context: ssl.SSLContext) -> ssl.SSLContext:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class PinnedHTTPSConnection(http.client.HTTPSConnection):
    """`http.client` over pinned TLS: connects within `CONNECT_TIMEOUT_S`, each later read or write within `timeout_s`.

    Reconnecting by itself, as `http.client` does after the other side closed, goes through the same check.
    """

    def __init__(
        self,
        host: str,
        port: int | None = None,
        *,
        pins: frozenset[str],
        timeout_s: float = READ_TIMEOUT_S,
        where: str = "",
        required_sha1: str = "",
    ) -> None:
        context = pinned_context(pins, where=where or host, required_sha1=required_sha1)
        super().__init__(host, port, timeout=CONNECT_TIMEOUT_S, context=context)
        self._read_timeout_s = timeout_s

    def connect(self) -> None:
        """Connect, shake hands, check the pin.

        Raises:
            CertificateChanged: the leaf is not pinned; nothing was sent.
            OSError: the line failed; `line_error` translates it.
        """
        super().connect()
        self.sock.settimeout(self._read_timeout_s)


def line_error(error: Exception, *, where: str) -> EdgeError:
    """A socket, TLS or HTTP framing error in the words of `estate.errors`; `where` names the endpoint."""
    code, what = _line_words(error)
    return Retry(
        f"{where}: {what} ({error or type(error).__name__})",
        code=code,
        next_step="Check that the server is up and that this machine resolves its name and reaches its port.",
        where=where,
    )


_LINE_ERRORS: tuple[tuple[type[Exception], str, str], ...] = (
    (socket.gaierror, "name_not_found", "the name does not resolve"),
    (TimeoutError, "timeout", "no answer in time"),
    (ConnectionRefusedError, "connection_refused", "nobody listens there"),
    (ssl.SSLError, "tls_failed", "the TLS handshake or record failed"),
    (ConnectionError, "connection_lost", "the connection broke"),
    (http.client.IncompleteRead, "connection_lost", "the answer broke off"),
    (http.client.HTTPException, "bad_answer", "the answer is not proper HTTP"),
    (Exception, "unreachable", "the network does not lead there"),
)


def _line_words(error: Exception) -> tuple[str, str]:
    return next((code, what) for kind, code, what in _LINE_ERRORS if isinstance(error, kind))
