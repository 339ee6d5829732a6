"""Whether a KMS host's port can be reached from this machine: a TCP connection that is opened and closed. No byte is sent.

A closed or silent port is an answer, not an error: whoever asks wants to know it.
"""

from __future__ import annotations

import socket
import time

from estate.facts.kms_network import PortOutcome, PortTry

KMS_PORT = 1688  # Source: Microsoft Learn, "KMS activation planning"

_OUTCOMES: tuple[tuple[type[Exception], PortOutcome, str], ...] = (
    (socket.gaierror, PortOutcome.NO_SUCH_NAME, "the name does not resolve here"),
    (UnicodeError, PortOutcome.NO_SUCH_NAME, "the name is no host name"),
    (TimeoutError, PortOutcome.TIMED_OUT, "no answer in time: often a firewall that drops"),
    (ConnectionRefusedError, PortOutcome.REFUSED, "nobody listens there, or a firewall rejects"),
    (OSError, PortOutcome.UNREACHABLE, "the network does not lead there"),
)


def try_port(name: str, port: int = KMS_PORT, *, timeout_s: float = 5.0) -> PortTry:
    """Connect once to `name:port` and close again. All addresses of the name together get `timeout_s` each."""
    began = time.monotonic()
    try:
        socket.create_connection((name, port), timeout=timeout_s).close()
        outcome, detail = PortOutcome.OPEN, ""
    except (OSError, UnicodeError) as error:
        outcome, detail = next((each, words) for kind, each, words in _OUTCOMES if isinstance(error, kind))
    return PortTry(name, port, outcome, timeout_s, round(time.monotonic() - began, 3), detail)
