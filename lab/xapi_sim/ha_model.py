"""Who fences, and when: the arithmetic of xhad as pure functions.

No store, no clock, no threads: what the hosts see comes in, a verdict goes out. Storage pulls (trials.py) and the
HA calls (calls_ha.py) both ask here. Source: xapi_ha.ml (Timeouts.derive), xhad sm.c, and the fencing vectors of the
HA check catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DEFAULT_TIMEOUT_S = 60
SMALLEST_TIMEOUT_S = 10
MONITOR_INTERVAL_S = 20
SHORTEST_DECLARATION_S = 10


@dataclass(frozen=True, slots=True)
class HostView:
    """What a live host sees: the hosts it hears (itself left out) and whether it reaches the statefile.

    `uuid` ranks hosts: the lexically lowest one wins a tie.
    """

    uuid: str
    hears: frozenset[str]
    has_disk: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """`fenced` hosts by uuid; `statefile_lost` when all lost the disk together and survive on the network alone."""

    fenced: frozenset[str]
    statefile_lost: bool


@dataclass(frozen=True, slots=True)
class Timeouts:
    """What xapi writes into each host's xhad configuration for a base timeout, all in seconds."""

    base_s: int
    heartbeat_interval_s: int
    statefile_interval_s: int
    heartbeat_watchdog_s: int
    statefile_watchdog_s: int
    join_s: int

    @property
    def declaration_s(self) -> int:
        """How long survivors wait after a membership change before they declare the loser dead."""
        watchdog = max(self.heartbeat_watchdog_s, self.statefile_watchdog_s)
        interval = max(self.heartbeat_interval_s, self.statefile_interval_s)
        return max(watchdog - self.base_s + interval, SHORTEST_DECLARATION_S)


def derive_timeouts(base_s: int) -> Timeouts:
    """Derive every interval from the base timeout T.

    Raises:
        ValueError: T is below 10 s; xapi refuses to enable HA then.
    """
    if base_s < SMALLEST_TIMEOUT_S:
        raise ValueError("constraint violation: timeout >= 10")
    return Timeouts(
        base_s=base_s,
        heartbeat_interval_s=min((base_s + 10) // 10, 3),
        statefile_interval_s=max(2, base_s // 20),
        heartbeat_watchdog_s=base_s,
        statefile_watchdog_s=base_s + 15,
        join_s=base_s + 60,
    )


def effective_timeout_s(ha_configuration: Mapping[str, str], pool_other_config: Mapping[str, str]) -> int:
    """T as read at enable: the given map, else the pool's default_ha_timeout, else 60.

    Raises:
        ValueError: the value is no whole number, or below 10.
    """
    text = ha_configuration.get("timeout") or pool_other_config.get("default_ha_timeout")
    timeout_s = int(text) if text else DEFAULT_TIMEOUT_S
    derive_timeouts(timeout_s)
    return timeout_s


def fence(hosts: Sequence[HostView]) -> Verdict:
    """Decide which of the live hosts fence themselves.

    1. While anybody reaches the statefile, a host without it fences; of the remaining partitions the largest lives,
       on a tie the one with the lowest-ranked host.
    2. When nobody reaches it, the hosts live on as long as every one hears all others; a split then fences all.
    """
    everybody = frozenset(view.uuid for view in hosts)
    with_disk = [view for view in hosts if view.has_disk]
    if with_disk:
        return Verdict(everybody - _surviving_partition(with_disk), statefile_lost=False)
    whole = all(view.hears | {view.uuid} >= everybody for view in hosts)
    return Verdict(frozenset() if whole else everybody, statefile_lost=bool(hosts) and whole)


def _surviving_partition(views: Sequence[HostView]) -> frozenset[str]:
    return min(_partitions(views), key=lambda members: (-len(members), min(members)))


def _partitions(views: Sequence[HostView]) -> list[frozenset[str]]:
    """Groups of hosts that hear one another, in both directions."""
    hears = {view.uuid: view.hears for view in views}
    left, groups = set(hears), []
    while left:
        first = min(left)
        group = {first} | {other for other in left if other in hears[first] and first in hears[other]}
        groups.append(frozenset(group))
        left -= group
    return groups
