"""Sends one notice: a signed POST to the very address that was checked, or a mail. Nothing of an answer's content is kept.

The name is resolved once, each of its addresses is checked, and the connection goes to one of them: a name that answers
otherwise a moment later leads nowhere. Redirects are not followed, proxies not asked.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import SplitResult

from django.conf import settings
from django.core.mail import EmailMessage

from estate.errors import AskPerson
from estate.tls import line_error, pinned_context
from project.backbone.endpoints.sealing import CannotOpen
from project.backbone.notices import selectors
from project.backbone.notices.addresses import Refused, checked_webhook, require_allowed
from project.backbone.notices.models import NoticeDelivery, NoticeTarget, TargetKind
from project.backbone.notices.services import Attempt
from project.backbone.notices.signing import signature

PATIENCE_S = 10.0
"""For connecting, and for each read or write."""
DEADLINE_S = 30.0
"""For the whole: a receiver that answers byte by byte does not hold a worker."""


def send(row: NoticeDelivery) -> Attempt:
    """Try once. Never raises for what the receiver or the line does."""
    target = row.target
    return _mail(row) if target.kind == TargetKind.EMAIL else _post(target, row)


def _post(target: NoticeTarget, row: NoticeDelivery) -> Attempt:
    try:
        hook = selectors.opened(target)
        parts = checked_webhook(hook.url, allow_loopback=settings.NOTICE_LOOPBACK)
        status = _status(target, parts, hook.secret, row)
    except (Refused, AskPerson) as why:
        return Attempt(f"Nothing was sent: {why}.", is_final=True)
    except CannotOpen as why:
        return Attempt(why.detail, is_final=True)
    except (OSError, http.client.HTTPException) as fault:
        return Attempt(line_error(fault, where=target.shown).message)
    if 200 <= status < 300:
        return Attempt(http_status=status)
    if 300 <= status < 400:
        return Attempt(f"It answered {status}: redirects are not followed.", status, is_final=True)
    return Attempt(f"It answered {status}.", status, is_final=status == http.client.GONE)


def _status(target: NoticeTarget, parts: SplitResult, secret: str, row: NoticeDelivery) -> int:
    """The answer's status. Raises: Refused, AskPerson (certificate), OSError, HTTPException."""
    body = json.dumps(row.body, ensure_ascii=False, separators=(",", ":")).encode()
    at = int(time.time())
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "xenbound",
        "Xenbound-Event": row.event,
        "Xenbound-Delivery": str(row.id),
        "Xenbound-Timestamp": str(at),
        "Xenbound-Signature": signature(secret, at, body),
    }
    where = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    line = _line(target, parts)
    try:
        line.connect()
        with _deadline(line):
            line.request("POST", where, body, headers)
            return line.getresponse().status
    finally:
        line.close()


def _line(target: NoticeTarget, parts: SplitResult) -> http.client.HTTPConnection:
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    address = _address(host, port)
    if not is_tls:
        return _PlainLine(host, port, address)
    pins = frozenset({target.tls_sha256}) if target.tls_sha256 else None
    return _TlsLine(host, port, address, pinned_context(pins, where=target.shown) if pins else ssl.create_default_context())


def _address(host: str, port: int) -> str:
    """An address of the host, all of which are allowed. Raises: Refused, OSError."""
    found = [str(told[4][0]) for told in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for each in found:
        require_allowed(ipaddress.ip_address(each.partition("%")[0]), allow_loopback=settings.NOTICE_LOOPBACK)
    return found[0]


class _PlainLine(http.client.HTTPConnection):
    """A connection to one address, whatever the name says by then."""

    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=PATIENCE_S)
        self._address = address

    def connect(self) -> None:
        """Connect to the address that was checked."""
        self.sock = socket.create_connection((self._address, self.port), timeout=PATIENCE_S)


class _TlsLine(_PlainLine):
    """The same over TLS: the chain and the name are verified, or the certificate is the pinned one."""

    default_port = http.client.HTTPS_PORT

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, address)
        self._context = context

    def connect(self) -> None:
        """Connect and shake hands."""
        super().connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)


@contextmanager
def _deadline(line: http.client.HTTPConnection) -> Iterator[None]:
    """Cuts the line when the whole takes too long."""
    sock = line.sock

    def cut() -> None:
        with suppress(OSError):  # it has ended by itself
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(DEADLINE_S, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _mail(row: NoticeDelivery) -> Attempt:
    if not settings.MAIL_CONFIGURED:
        return Attempt("This installation has no mail server.", is_final=True)
    subject = f"[Xenbound] {row.body['project']['name']}: {row.body['subject']}"
    headers = {"Auto-Submitted": "auto-generated", "X-Xenbound-Delivery": str(row.id)}
    message = EmailMessage(" ".join(subject.split())[:200], row.body["text"], to=row.target.addresses, headers=headers)
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as refused:
        told = [code for code, _ in refused.recipients.values()]
        return Attempt(f"The mail server refused every address ({', '.join(map(str, told))}).", is_final=min(told) >= 500)
    except smtplib.SMTPResponseException as refused:
        return Attempt(f"The mail server answered {refused.smtp_code} ({type(refused).__name__}).")
    except (OSError, smtplib.SMTPException) as fault:
        return Attempt(f"The mail server could not be used ({type(fault).__name__}).")
    return Attempt()
