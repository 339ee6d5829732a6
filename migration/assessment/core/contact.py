"""What is known of reaching a source's hosts and of the certificates they show, from its last probe and its inventory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from estate.facts.source import HostFacts
from estate.facts.unknown import Unknown, is_known

NAMED_MAX = 20
"""Hosts that a reason names; it counts them all."""


@dataclass(frozen=True, slots=True)
class Probed:
    """The last probe of a server. `offered` is the SHA-256 by address (`host:port`), at `offered_at`; `unread` (host, reason)
    of hosts that did not answer, of which some have a certificate among the offered ones by vCenter's word.

    `asks_hosts`: behind it are hosts with certificates of their own, which a vCenter has and an ESXi has not.
    """

    offered: Mapping[str, str]
    offered_at: datetime | None
    unread: tuple[tuple[str, str], ...]
    asks_hosts: bool


def hosts_out_of_reach(probed: Probed, hosts: Sequence[HostFacts]) -> tuple[tuple[str, str], ...] | Unknown:
    """(host, reason) of those that nobody could ask for their certificate.

    Unknown while there is none, but hosts that no probe has seen, or that did not answer to the name vCenter gives: a worker that
    copies may stand elsewhere, and a lease may name another address.
    """
    seen = _by_host(probed.offered)
    lost = tuple((host, reason) for host, reason in probed.unread if host.lower() not in seen)
    if lost or not probed.asks_hosts:
        return lost
    silent = {host.lower() for host, _ in probed.unread}
    return _open("no probe has met", (host.name for host in hosts if host.name.lower() not in seen.keys() - silent))


def certificates_changed(
    probed: Probed, hosts: Sequence[HostFacts], *, collected_at: datetime, pins: frozenset[str]
) -> tuple[str, ...] | Unknown:
    """Names whose newest certificate is not among the confirmed `pins`. Unknown while there is none, but hosts not asked."""
    shown: dict[str, str | Unknown] = dict(_by_host(probed.offered))
    for host in hosts if probed.asks_hosts else ():
        name = host.name.lower()
        is_newer = probed.offered_at is None or collected_at > probed.offered_at
        if name not in shown or (is_newer and is_known(host.tls_sha256)):
            shown[name] = host.tls_sha256
    changed = tuple(sorted(name for name, sha256 in shown.items() if is_known(sha256) and sha256 not in pins))
    return changed or _open("no certificate was read of", (name for name, sha256 in shown.items() if not is_known(sha256)))


def _by_host(offered: Mapping[str, str]) -> dict[str, str]:
    return {address.rpartition(":")[0].lower(): sha256 for address, sha256 in offered.items()}


def _open(why: str, names: Iterable[str]) -> tuple[()] | Unknown:
    found = sorted(names)
    more = f" and {len(found) - NAMED_MAX} more" if len(found) > NAMED_MAX else ""
    return Unknown(f"{why} {', '.join(found[:NAMED_MAX])}{more}") if found else ()
