"""What a pool has lost since an earlier reading that was well: the things a watch raises alarms for.

Pure. Only what became worse counts: a host more, a path more or a longer timeout is no loss. A host that is away is told once,
not again for each of its bonds and connections. What cannot be read any more is lost, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from estate.facts.pool import BondFacts, PbdFacts, PoolFacts, PoolHostFacts
from estate.facts.unknown import Unknown
from readiness.core.alerts import SERIOUS, triaged_alerts, urgent
from readiness.core.case import Case
from readiness.core.drift import tuned_s
from readiness.core.engine import HaIntent
from readiness.core.latency import late_hosts
from readiness.core.results import CheckResult, Result
from readiness.core.timeouts import effective_timeout
from readiness.core.verdict import VerdictState


class LossKind(StrEnum):
    """What was lost."""

    HA_OFF = "ha_off"
    TIMEOUT_RESET = "timeout_reset"
    DEFAULT_LOST = "default_lost"  # the timeout in force does not survive the next enable
    HOST_AWAY = "host_away"
    BOND_DEGRADED = "bond_degraded"
    PATH_LOST = "path_lost"
    SR_UNPLUGGED = "sr_unplugged"
    LATENCY_HIGH = "latency_high"
    ALERT = "alert"  # a message of the pool itself
    NOT_READY = "not_ready"
    POOL_UNREADABLE = "pool_unreadable"


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing lost: `path` as `class[uuid].field`, what it was and what it is, in words."""

    kind: LossKind
    path: str
    before: str
    after: str
    detail: str


WATCHED_ALERTS = SERIOUS | {"HA_STATEFILE_LOST", "METADATA_LUN_BROKEN"}


def losses(before: PoolFacts, now: Case, intent: HaIntent) -> tuple[Loss, ...]:
    """What is lost since the reading `before`. Whether HA is on matters only for a pool that is meant to run with it."""
    of_ha = (*_ha(before, now), *_timeout(before, now)) if intent is HaIntent.REQUIRED else ()
    away = {loss.path.partition(".")[0] for loss in _hosts(before, now) if loss.path.endswith(".live")}
    there = {host.uuid for host in before.hosts if f"host[{host.uuid}]" not in away}
    return (
        *of_ha,
        *_hosts(before, now),
        *_bonds(before, now, there),
        *_connections(before, now, there),
        *_late(now),
        *_alerts(before, now),
    )


def _word(value: object) -> str:
    return f"unknown: {value.reason}" if isinstance(value, Unknown) else str(value).lower()


def _ha(before: PoolFacts, now: Case) -> Iterable[Loss]:
    if before.ha_enabled is True and now.facts.ha_enabled is not True:
        text = (
            "HA is off: no host failure restarts any VM now."
            if now.facts.ha_enabled is False
            else "Whether HA is on is not known."
        )
        yield Loss(LossKind.HA_OFF, "pool.ha_enabled", "true", _word(now.facts.ha_enabled), text)


def _timeout(before: PoolFacts, now: Case) -> Iterable[Loss]:
    """Against the tuned timeout where there is one, else against the one of the earlier reading. HA that is off has none."""
    if now.facts.ha_enabled is not True:
        return
    found, earlier = effective_timeout(now.facts, now.policy), effective_timeout(before, now.policy).timeout_s
    tuned = tuned_s(now)
    wanted = tuned if tuned is not None else earlier
    if isinstance(wanted, Unknown):
        return
    worse = isinstance(found.timeout_s, Unknown) or (found.timeout_s != wanted if tuned is not None else found.timeout_s < wanted)
    if worse:
        why = "the tuned timeout" if tuned is not None else "the timeout that was in force"
        text = f"The HA timeout is {_seconds(found.timeout_s)} ({found.source}), not {why} of {wanted} s."
        yield Loss(LossKind.TIMEOUT_RESET, "pool.ha_configuration.timeout", f"{wanted} s", _seconds(found.timeout_s), text)
    yield from _default(before, now)


def _default(before: PoolFacts, now: Case) -> Iterable[Loss]:
    if isinstance(before.other_config, Unknown) or not now.policy.default_survives_reenable:
        return
    kept = before.other_config.get("default_ha_timeout")
    found = now.facts.other_config
    has = None if isinstance(found, Unknown) else found.get("default_ha_timeout")
    if kept is not None and (has is None or not has.isdecimal() or not kept.isdecimal() or int(has) < int(kept)):
        text = "The next enable from a graphical tool loses the timeout."
        yield Loss(
            LossKind.DEFAULT_LOST, "pool.other_config.default_ha_timeout", f"{kept} s", f"{has} s" if has else "absent", text
        )


def _seconds(value: int | Unknown) -> str:
    return _word(value) if isinstance(value, Unknown) else f"{value} s"


def _hosts(before: PoolFacts, now: Case) -> Iterable[Loss]:
    found = {host.uuid: host for host in now.facts.hosts}
    for host in before.hosts:
        yield from _host(host, found.get(host.uuid))


def _host(host: PoolHostFacts, now: PoolHostFacts | None) -> Iterable[Loss]:
    if host.live is True and (now is None or now.live is not True):
        after = "gone from the pool" if now is None else _word(now.live)
        yield Loss(LossKind.HOST_AWAY, f"host[{host.uuid}].live", "true", after, f"{host.name} is away.")
    elif now is not None and host.enabled is True and now.enabled is not True:
        text = f"{host.name} takes no VMs: it is disabled."
        yield Loss(LossKind.HOST_AWAY, f"host[{host.uuid}].enabled", "true", _word(now.enabled), text)


def _bonds(before: PoolFacts, now: Case, there: set[str]) -> Iterable[Loss]:
    host_of = {pif.uuid: pif.host_uuid for pif in before.pifs}
    found = {bond.uuid: bond for bond in now.facts.bonds}
    for bond in before.bonds:
        host = host_of.get(bond.master_pif_uuid, "")
        if host in there:
            yield from _bond(bond, found.get(bond.uuid), now.host_name(host))


def _bond(bond: BondFacts, now: BondFacts | None, host: str) -> Iterable[Loss]:
    if isinstance(bond.links_up, Unknown):
        return
    links = Unknown("the bond is gone") if now is None else now.links_up
    if isinstance(links, Unknown) or links < bond.links_up:
        text = f"A bond of {host} has {_word(links)} links up, of {len(bond.slave_pif_uuids)}."
        yield Loss(LossKind.BOND_DEGRADED, f"Bond[{bond.uuid}].links_up", str(bond.links_up), _word(links), text)


def _connections(before: PoolFacts, now: Case, there: set[str]) -> Iterable[Loss]:
    shared = {sr.uuid: sr.name for sr in before.srs if sr.shared is True}
    found = {pbd.uuid: pbd for pbd in now.facts.pbds}
    for pbd in before.pbds:
        if pbd.host_uuid in there and pbd.sr_uuid in shared and pbd.currently_attached is True:
            yield from _connection(pbd, found.get(pbd.uuid), f"{shared[pbd.sr_uuid]} on {now.host_name(pbd.host_uuid)}")


def _connection(pbd: PbdFacts, now: PbdFacts | None, what: str) -> Iterable[Loss]:
    if now is None or now.currently_attached is not True:
        after = "gone" if now is None else _word(now.currently_attached)
        text = f"SR {what} is not attached."
        yield Loss(LossKind.SR_UNPLUGGED, f"PBD[{pbd.uuid}].currently_attached", "true", after, text)
    elif not isinstance(pbd.paths_active, Unknown):
        active = now.paths_active
        if isinstance(active, Unknown) or active < pbd.paths_active:
            text = f"SR {what} has {_word(active)} of its paths."
            yield Loss(LossKind.PATH_LOST, f"PBD[{pbd.uuid}].paths_active", str(pbd.paths_active), _word(active), text)


def _late(now: Case) -> Iterable[Loss]:
    half = effective_timeout(now.facts, now.policy).timeout_s
    for uuid, worst in sorted(late_hosts(now.facts, now.policy).items()):
        most = _word(half) if isinstance(half, Unknown) else f"at most {half / 2:g} s"
        text = f"The heartbeat of {now.host_name(uuid)} was late by {worst:g} s: beyond half of the timeout."
        yield Loss(LossKind.LATENCY_HIGH, f"host[{uuid}].heartbeat_latency", most, f"{worst:g} s", text)


def _alerts(before: PoolFacts, now: Case) -> Iterable[Loss]:
    found = urgent(now)
    if isinstance(found, Unknown):
        return
    known, triaged = {message.uuid for message in before.messages}, triaged_alerts(now)
    for message in found:
        if message.name in WATCHED_ALERTS and message.uuid not in known and message.uuid not in triaged:
            text = f"The pool says {message.name}{_of(now, message.obj_uuid)} at {message.at:%Y-%m-%d %H:%M} UTC."
            yield Loss(LossKind.ALERT, f"message[{message.uuid}].name", "none", message.name, text)


def _of(now: Case, uuid: str) -> str:
    return next((f" of {host.name}" for host in now.facts.hosts if host.uuid == uuid), "")


_RANK = {Result.PASS: 0, Result.NOT_APPLICABLE: 0, Result.WARN: 1, Result.UNKNOWN: 2, Result.FAIL: 3}


def turned(before: Sequence[CheckResult], now: Sequence[CheckResult]) -> tuple[str, ...]:
    """Ids of the checks whose answer is worse than it was."""
    earlier = {check.id: check.result for check in before}
    return tuple(check.id for check in now if check.id in earlier and _RANK[check.result] > _RANK[earlier[check.id]])


def verdict_lost(before: VerdictState, now: VerdictState, pool: str) -> tuple[Loss, ...]:
    """That a pool which was ready no longer is."""
    if before is VerdictState.NOT_READY or now is not VerdictState.NOT_READY:
        return ()
    text = f"Pool {pool} was ready and no longer is."
    return (Loss(LossKind.NOT_READY, "pool.verdict", before.value, now.value, text),)
