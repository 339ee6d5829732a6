"""Facts of the way to KMS hosts: SRV records as a resolver gave them, and what became of one attempt to connect to a port."""

from __future__ import annotations

import ipaddress
from enum import StrEnum

from msgspec import Struct

from estate.facts.unknown import UNKNOWN, Unknown

DNS_PORT = 53


def resolver_address(text: str) -> tuple[str, int]:
    """A resolver as written: `10.0.0.53`, `10.0.0.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`. Raises: ValueError."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or (text.count(":") > 1 and not host.endswith("]")):
        host, port = text.strip(), str(DNS_PORT)
    if not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65536:
        raise ValueError(f"{text!r} has no usable port")
    return str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))), int(port)


class SrvRecord(Struct, frozen=True):
    """One record of `_vlmcs._tcp.<domain>`. `addresses` are what the target resolves to, empty when its name does not exist,
    Unknown when the resolver did not say."""

    target: str
    port: int
    priority: int
    weight: int
    addresses: tuple[str, ...] | Unknown = UNKNOWN


class SrvAnswer(Struct, frozen=True):
    """What one domain's resolver answered. No records is an answer too: the name or the type does not exist."""

    domain: str
    records: tuple[SrvRecord, ...]
    resolver: str = ""


class PortOutcome(StrEnum):
    """What became of an attempt. Only OPEN says that the port can be reached from where it was tried."""

    OPEN = "open"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    NO_SUCH_NAME = "no_such_name"
    UNREACHABLE = "unreachable"


class PortTry(Struct, frozen=True):
    """One attempt to connect to `name:port` within `timeout_s`; `took_s` is how long the answer took, `detail` its words."""

    name: str
    port: int
    outcome: PortOutcome
    timeout_s: float
    took_s: float
    detail: str = ""
