"""What the service sees of a pool during a trial: looks at it are folded into one observation that only grows worse.

Pure, and safe to run again: the same look twice changes nothing, so a watch that another worker takes up goes on as if nothing
had happened. A host fenced when its boot time moved, the pool called it dead, or the pool said so in a message; that it did
not is known only from a last look in which it is alive with the boot time it began with.
Source: xen-api `xapi_ha.ml`, `dbsync_slave.ml` (other_config:boot_time), `api_messages.ml`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace as replace_struct

from estate.facts.pool import PoolFacts
from estate.facts.pool_look import HostLook, MessageLook, PoolLook
from estate.facts.unknown import UNKNOWN, Unknown
from readiness.core.policy import Policy
from readiness.core.timeouts import effective_timeout

T = TypeVar("T")

FENCE_MESSAGES = ("HA_HOST_FAILED", "HA_HOST_WAS_FENCED")
STATEFILE_LOST = "HA_STATEFILE_LOST"
PATHS_CHANGED = "MULTIPATH_PERIODIC_ALERT"


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that shows a fence: in words, and when it was seen."""

    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HostWatch:
    """All that was seen of one host. `intact_at`: the newest look that showed it alive with its first boot time."""

    uuid: str
    boot_time: datetime | None
    paths_active: int | None
    signs: tuple[Sign, ...] = ()
    path_lost_at: datetime | None = None
    intact_at: datetime | None = None
    max_latency_s: float | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """A trial as it was seen. `known_messages`: uuids that were there before; `misses`: looks the pool did not answer."""

    began_at: datetime
    timeout_s: int
    hosts: tuple[HostWatch, ...]
    known_messages: tuple[str, ...]
    looked_at: datetime
    statefile_lost_at: datetime | None = None
    paths_changed_at: datetime | None = None
    timeout_held: bool = True
    messages_known: bool = True
    looks: int = 1
    misses: int = 0
    missing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What a trial did to one host: fenced, or None where nobody can say. `detection_s` counts from pull to first sign."""

    uuid: str
    fenced: bool | None
    detection_s: float | None
    signs: tuple[str, ...] = field(default=())


def timeout_of(look: PoolLook, policy: Policy) -> int | None:
    """The timeout in force by a look; None while HA is off or the pool does not tell."""
    told = PoolFacts(
        uuid="",
        name="",
        coordinator_uuid="",
        collected_at=look.at,
        ha_enabled=_told(look.ha_enabled),
        ha_configuration=_told(look.ha_configuration),
        other_config=_told(look.other_config),
    )
    timeout_s = effective_timeout(told, policy).timeout_s
    return None if isinstance(timeout_s, Unknown) else timeout_s


def _told(value: T | None) -> T | Unknown:
    return UNKNOWN if value is None else value


def first(look: PoolLook, timeout_s: int) -> Observation:
    """The observation that begins with the look before anything is pulled."""
    return Observation(
        began_at=look.at,
        timeout_s=timeout_s,
        hosts=tuple(
            HostWatch(
                host.uuid,
                host.boot_time,
                host.paths_active,
                intact_at=look.at if host.live is True and host.boot_time is not None else None,
                max_latency_s=host.latency_s,
            )
            for host in look.hosts
        ),
        known_messages=tuple(message.uuid for message in look.messages or ()),
        looked_at=look.at,
        messages_known=look.messages is not None,
    )


def missed(seen: Observation, at: datetime) -> Observation:
    """The observation after a look that no host of the pool answered."""
    return replace(seen, misses=seen.misses + 1, missing_since=seen.missing_since or at)


def folded(seen: Observation, look: PoolLook, timeout_s: int | None) -> Observation:
    """The observation with one more look in it; `timeout_s` is the timeout in force by that look, None where it is not known.

    Looks no newer than the newest one add nothing.
    """
    if look.at <= seen.looked_at:
        return seen
    new = [_in_between(message, seen.looked_at, look.at) for message in look.messages or () if _is_new(message, seen)]
    hosts = {host.uuid: host for host in look.hosts}
    return replace(
        seen,
        hosts=tuple(_host(watch, hosts.get(watch.uuid), new, look.at) for watch in seen.hosts),
        looked_at=look.at,
        statefile_lost_at=seen.statefile_lost_at or _time_of(new, STATEFILE_LOST),
        paths_changed_at=seen.paths_changed_at or _time_of(new, PATHS_CHANGED),
        timeout_held=seen.timeout_held and timeout_s == seen.timeout_s,
        messages_known=look.messages is not None,
        looks=seen.looks + 1,
        missing_since=None,
    )


def _is_new(message: MessageLook, seen: Observation) -> bool:
    return message.uuid not in seen.known_messages


def _in_between(message: MessageLook, before: datetime, at: datetime) -> MessageLook:
    """The message with a time of our own clock: the pool's may be off, but it came between the last look and this one.

    One that was seen in an earlier look already keeps that look's time, because the earlier time of a sign wins.
    """
    return replace_struct(message, at=min(max(message.at, before), at))


def _time_of(messages: Iterable[MessageLook], name: str) -> datetime | None:
    return min((message.at for message in messages if message.name == name), default=None)


def _host(watch: HostWatch, now: HostLook | None, new: list[MessageLook], at: datetime) -> HostWatch:
    signs = {sign.what: sign for sign in (*_signs(watch, now, new, at), *watch.signs)}  # the earlier time of a sign wins
    watch = replace(watch, signs=tuple(sorted(signs.values(), key=lambda sign: (sign.at, sign.what))))
    if now is None:
        return watch
    lost_path = watch.paths_active is not None and now.paths_active is not None and now.paths_active < watch.paths_active
    intact = now.live is True and now.boot_time is not None and now.boot_time == watch.boot_time
    return replace(
        watch,
        path_lost_at=watch.path_lost_at or (at if lost_path else None),
        intact_at=at if intact else watch.intact_at,
        max_latency_s=_larger(watch.max_latency_s, now.latency_s),
    )


def _signs(watch: HostWatch, now: HostLook | None, new: list[MessageLook], at: datetime) -> list[Sign]:
    found = [Sign(f"message {m.name}", m.at) for m in new if m.name in FENCE_MESSAGES and m.obj_uuid == watch.uuid]
    if now is not None and now.live is False:
        found.append(Sign("the pool called it dead", at))
    if now is not None and now.boot_time is not None and watch.boot_time is not None and now.boot_time != watch.boot_time:
        found.append(Sign("its boot time moved", at))
    return found


def _larger(a: float | None, b: float | None) -> float | None:
    return max((each for each in (a, b) if each is not None), default=None)


def pull_seen_at(seen: Observation) -> datetime | None:
    """When the first path was seen to be gone; None when none was, or the SR keeps no counters."""
    times = [watch.path_lost_at for watch in seen.hosts if watch.path_lost_at is not None]
    return min([*times, *([seen.paths_changed_at] if seen.paths_changed_at else [])], default=None)


def pull_seen(seen: Observation) -> bool | None:
    """Whether a pull was seen in the path counters; None where no host keeps any."""
    if pull_seen_at(seen) is not None:
        return True
    return None if all(watch.paths_active is None for watch in seen.hosts) else False


def fates(seen: Observation, pulled_at: datetime | None = None, *, clock_factor: float = 1.0) -> tuple[Fate, ...]:
    """What happened to each watched host, in the order of uuids. `pulled_at` goes before the time the service noticed."""
    began = pulled_at or pull_seen_at(seen)
    return tuple(_fate(watch, seen, began, clock_factor) for watch in sorted(seen.hosts, key=lambda watch: watch.uuid))


def _fate(watch: HostWatch, seen: Observation, pulled_at: datetime | None, clock_factor: float) -> Fate:
    if not watch.signs:
        is_intact = watch.intact_at == seen.looked_at and seen.missing_since is None
        return Fate(watch.uuid, False if is_intact else None, None)
    noticed = watch.signs[0].at
    detection_s = None if pulled_at is None else max(0.0, (noticed - pulled_at).total_seconds()) * clock_factor
    return Fate(watch.uuid, True, detection_s, tuple(sign.what for sign in watch.signs))


def statefile_lost(seen: Observation) -> bool | None:
    """Whether all hosts lost the state file together; None when the last look could not read what the pool said of it."""
    if seen.statefile_lost_at is not None:
        return True
    return False if seen.messages_known and seen.missing_since is None else None


def max_latency_s(seen: Observation) -> float | None:
    """The highest state-file latency; None while one watched host has told none: the highest may be its own."""
    told = [watch.max_latency_s for watch in seen.hosts]
    return max((each for each in told if each is not None), default=None) if None not in told else None
