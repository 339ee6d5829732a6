"""Where a notice may go: which URLs and mail addresses are accepted, and which network addresses never are. Pure.

Whoever administers a project names the receiver, so that the service must not become their way to what only this machine
reaches: itself, its neighbours on the link, and the metadata service of a cloud. Private networks are allowed: receivers live
there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA = frozenset(map(ipaddress.ip_address, ("169.254.169.254", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")))
NAT64 = ipaddress.ip_network("64:ff9b::/96")
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
MOST_RECEIVERS = 20


class Refused(ValueError):
    """Nothing is sent there; the text says why."""


def checked_webhook(url: str, *, allow_loopback: bool) -> SplitResult:
    """The parts of a URL that may be called. Raises: Refused.

    https with a host, without user name or fragment; with `allow_loopback` also http to this very machine, for rehearsals.
    """
    try:
        parts = urlsplit(url.strip())
        port_fits = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        raise Refused("this is no URL") from None
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in url.strip()) or not parts.hostname or not port_fits:
        raise Refused("this is no URL of a host")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Refused("a webhook's URL has neither user name nor password nor fragment")
    is_own = allow_loopback and parts.hostname in LOOPBACK_NAMES
    if parts.scheme != "https" and not (parts.scheme == "http" and is_own):
        raise Refused("a webhook's URL begins with https://")
    if (literal := _literal(parts.hostname)) is not None:
        require_allowed(literal, allow_loopback=allow_loopback)
    return parts


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def require_allowed(address: Address, *, allow_loopback: bool) -> None:
    """Pass when a notice may go to this address. Raises: Refused."""
    inner = _inner(address)
    if inner.is_loopback and not allow_loopback:
        raise Refused(f"{address} is this machine itself")
    if inner in METADATA or inner.is_link_local or inner.is_multicast or inner.is_unspecified:
        raise Refused(f"{address} is an address of the link, a group, or a metadata service")
    if inner.is_reserved and not inner.is_loopback:
        raise Refused(f"{address} is reserved")


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for; else itself. Raises: Refused for tunnels, whose end nobody sees."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None or address.teredo is not None:
        raise Refused(f"{address} is the end of a tunnel")
    return address


def checked_addresses(addresses: Iterable[str]) -> list[str]:
    """Mail addresses, each once. Raises: Refused."""
    found = list(dict.fromkeys(address.strip() for address in addresses))
    if not 0 < len(found) <= MOST_RECEIVERS:
        raise Refused(f"name one to {MOST_RECEIVERS} mail addresses")
    for address in found:
        try:
            validate_email(address)
        except ValidationError:
            raise Refused(f"{address[:100]!r} is no mail address") from None
    return found
