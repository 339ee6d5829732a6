"""Family A, pool composition: are the hosts alike, and may they do what HA asks of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from estate.facts.pool import PoolHostFacts
from estate.facts.unknown import Unknown
from readiness.core.alerts import alerts
from readiness.core.case import Case, names
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, EvidencePoint, Result, combine

_TRIAL = "trial"
_XCP = "XCP-ng"


@check(
    "HA-002",
    family="composition",
    title="Even-sized pool?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.OPERATOR,
    why="Two equal halves decide by the order of their hosts' uuids, which nobody chose: the half without the lowest one fences.",
    remedy=("plan an odd number of hosts, or write down which half fences: xe host-list params=uuid,name-label",),
)
def odd_number_of_hosts(case: Case) -> Answer:
    """An odd number of hosts cannot split into equal halves."""
    hosts = case.facts.hosts
    point = case.point("count of host", len(hosts))
    if not hosts:
        return Answer(Result.UNKNOWN, "The pool showed no host.", (point,))
    if len(hosts) % 2:
        return Answer(Result.PASS, f"{len(hosts)} hosts.", (point,))
    lowest = min(hosts, key=lambda host: host.uuid)
    text = f"{len(hosts)} hosts: when they split in half, the half without {lowest.name} fences."
    return Answer(Result.WARN, text, (point, case.point(f"host[{lowest.uuid}].uuid", lowest.uuid)))


def _values(hosts: tuple[PoolHostFacts, ...], read: Callable[[PoolHostFacts], Any]) -> tuple[set[Any], list[str]]:
    """The different known values of hosts, and the names of the hosts whose value is unknown."""
    told = [(host.name, read(host)) for host in hosts]
    return {value for _, value in told if not isinstance(value, Unknown)}, [n for n, value in told if isinstance(value, Unknown)]


def _build(host: PoolHostFacts) -> str | Unknown:
    parts = (host.product_version, host.build_number)
    return next((part for part in parts if isinstance(part, Unknown)), " build ".join(str(part) for part in parts))


@check(
    "HA-004",
    family="composition",
    title="Same product build?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="A pool between two builds is in the middle of an update: HA daemons of different builds were never tested together.",
    remedy=("finish the rolling update, the coordinator first: xe host-list params=uuid,name-label,software-version",),
)
def one_build(case: Case) -> Answer:
    """Every host runs the same version and build."""
    hosts = case.facts.hosts
    points = tuple(case.point(f"host[{host.uuid}].software_version", _build(host)) for host in hosts)
    builds, unread = _values(hosts, _build)
    if len(builds) > 1:
        return Answer(Result.FAIL, f"Hosts run different builds: {', '.join(sorted(builds))}.", points)
    if unread or not builds:
        return Answer(Result.UNKNOWN, f"The build of {', '.join(unread) or 'the hosts'} could not be read.", points)
    return Answer(Result.PASS, f"Every host runs {builds.pop()}.", points)


@check(
    "HA-006",
    family="composition",
    title="CPU homogeneous?",
    severity=Severity.BLOCKS_PROTECTED,
    waiver=WaiverClass.APPROVER,
    why="A VM restarts on whichever host survives; one that was started with features the survivor lacks may not run there.",
    remedy=(
        "keep hosts of one CPU family in a pool, and cold-start its VMs after the pool's level changed:",
        "xe pool-param-get uuid={pool_uuid} param-name=cpu-info",
    ),
)
def cpus_alike(case: Case) -> Answer:
    """One vendor, and one set of features that guests see."""
    hosts, fills = case.facts.hosts, ({"pool_uuid": case.facts.uuid},)
    points = tuple(
        point
        for host in hosts
        for point in (
            case.point(f'host[{host.uuid}].cpu_info["vendor"]', host.cpu_vendor),
            case.point(f'host[{host.uuid}].cpu_info["features_hvm"]', host.cpu_features),
        )
    )
    vendors, unread = _values(hosts, lambda host: host.cpu_vendor)
    features, masked = _values(hosts, lambda host: host.cpu_features)
    if len(vendors) > 1:
        return Answer(Result.FAIL, f"CPUs of different vendors: {', '.join(sorted(vendors))}.", points, fills)
    if unread or masked or not hosts:
        who = ", ".join(dict.fromkeys((*unread, *masked)))
        return Answer(Result.UNKNOWN, f"The CPUs of {who or 'the hosts'} could not be read.", points, fills)
    if len(features) > 1:
        return Answer(Result.WARN, "The hosts' CPU features differ; the pool masks them to the common set.", points, fills)
    return Answer(Result.PASS, f"All CPUs are of {vendors.pop()} with the same features.", points)


@check(
    "HA-007",
    family="composition",
    title="CPU feature alerts?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.OPERATOR,
    why="A host that came back with fewer CPU features takes fewer VMs than the plan counts on.",
    remedy=("compare BIOS settings and microcode of the hosts; then: xe message-list name=HOST_CPU_FEATURES_DOWN",),
)
def no_cpu_alerts(case: Case) -> Answer:
    """No message of the last month says that a host or the pool lost CPU features."""
    return alerts(case, "HOST_CPU_FEATURES_DOWN", "POOL_CPU_FEATURES_DOWN")


def _is_xcp(case: Case) -> bool:
    hosts = case.facts.hosts
    return bool(hosts) and all(host.product_brand == _XCP for host in hosts)


def _licence(case: Case, host: PoolHostFacts) -> Answer:
    ends, allowed = host.licence_expires_at, host.licence_allows_ha
    points = (
        case.point(f"host[{host.uuid}].edition", host.edition),
        case.point(f'host[{host.uuid}].license_params["expiry"]', "never" if ends is None else ends),
        case.point(f'host[{host.uuid}].license_params["enable_xha"]', allowed),
    )
    fills = ({"host_uuid": host.uuid},)
    if allowed is False:
        return Answer(Result.FAIL, f"The licence of {host.name} does not allow HA.", points, fills)
    if isinstance(ends, Unknown) or isinstance(allowed, Unknown):
        return Answer(Result.UNKNOWN, f"The licence of {host.name} could not be read.", points, fills)
    if ends is None:
        return Answer(Result.PASS, "", points)
    left = ends - case.at
    text = f"The licence of {host.name} ends on {ends:%Y-%m-%d}."
    if left <= timedelta(days=case.policy.licence_fail_days):
        return Answer(Result.FAIL, text, points, fills)
    return Answer(Result.WARN if left <= timedelta(days=case.policy.licence_warn_days) else Result.PASS, text, points, fills)


def _one_edition(case: Case) -> Answer:
    editions, unread = _values(case.facts.hosts, lambda host: host.edition)
    if len(editions) > 1:
        return Answer(Result.FAIL, f"Hosts have different editions: {', '.join(sorted(editions))}.")
    return Answer(Result.UNKNOWN if unread else Result.PASS, f"The edition of {', '.join(unread)} could not be read.")


@check(
    "HA-008",
    family="composition",
    title="Licence valid and allows HA?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.NEVER,
    why="After a licence ends VMs do not start any more: HA restarts nothing on that host.",
    remedy=("xe host-apply-edition host-uuid={host_uuid} edition=<of host-param-get editions> license-server-address=<server>",),
)
def licence_holds(case: Case) -> Answer:
    """One edition on all hosts, HA among its features, and time left. XCP-ng has no licences."""
    if _is_xcp(case):
        return Answer(Result.NOT_APPLICABLE, "XCP-ng needs no licence.", _brands(case))
    parts = [_licence(case, host) for host in case.facts.hosts]
    return combine([*parts, _one_edition(case)] if parts else [], good=f"The licences of {names(case.facts.hosts)} allow HA.")


def _brands(case: Case) -> tuple[EvidencePoint, ...]:
    return tuple(
        case.point(f'host[{host.uuid}].software_version["product_brand"]', host.product_brand) for host in case.facts.hosts
    )


@check(
    "HA-009",
    family="composition",
    title="Trial edition in use?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="A trial ends after 90 days; from then on HA restarts fail, because VMs do not start.",
    remedy=("xe host-apply-edition host-uuid={host_uuid} edition=<of host-param-get editions> license-server-address=<server>",),
)
def no_trial(case: Case) -> Answer:
    """No host runs on a trial."""
    if _is_xcp(case):
        return Answer(Result.NOT_APPLICABLE, "XCP-ng needs no licence.", _brands(case))
    return combine([_trial(case, host) for host in case.facts.hosts], good="No host runs on a trial.")


def _trial(case: Case, host: PoolHostFacts) -> Answer:
    points, fills = (case.point(f"host[{host.uuid}].edition", host.edition),), ({"host_uuid": host.uuid},)
    if isinstance(host.edition, Unknown):
        return Answer(Result.UNKNOWN, f"The edition of {host.name} could not be read.", points, fills)
    if host.edition == _TRIAL:
        return Answer(Result.FAIL, f"{host.name} runs on a trial.", points, fills)
    return Answer(Result.PASS, "", points)
