"""Every single fault of a pool, simulated: who fences, who survives, which VMs are lost.

Faults: each host, management NIC, attested switch, and storage node. Where the cabling is not known the outcome is unknown.
The switches that management hangs on are taken to be linked to each other. Who fences is decided in fence.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from estate.facts.pool import PoolHostFacts, SrFacts
from estate.facts.unknown import Unknown
from readiness.core.cabling import Cabling, cabling_of
from readiness.core.case import Case, heartbeat_sr, management_nics, pbd_of
from readiness.core.fence import FenceOutcome, LiveView, full_mesh, simulate
from readiness.core.results import Result
from readiness.core.timeouts import effective_timeout
from readiness.core.trials import fenced_at, trials_of, uncovered

TOLERABLE_HOSTS_LOST = 1


@dataclass(frozen=True, slots=True)
class SimulatedFault:
    """One fault and what follows. Hosts are names; `vms_restarted` are those of `vms_lost` that HA starts again."""

    kind: str
    subject: str
    result: Result
    hosts_fenced: tuple[str, ...] = ()
    survivors: tuple[str, ...] = ()
    vms_lost: tuple[str, ...] = ()
    vms_restarted: tuple[str, ...] = ()
    rule: str = ""
    detail: str = ""


def _unknown(kind: str, subject: str, why: str) -> SimulatedFault:
    return SimulatedFault(kind, subject, Result.UNKNOWN, detail=why)


def _described(case: Case, kind: str, subject: str, view: LiveView, outcome: FenceOutcome) -> SimulatedFault:
    down = set(outcome.fenced) | view.off
    lost = [vm for vm in case.facts.vms if vm.resident_on_uuid in down and not vm.is_control_domain]
    result = Result.PASS if len(down) <= TOLERABLE_HOSTS_LOST and outcome.survivors else Result.FAIL
    return SimulatedFault(
        kind,
        subject,
        result,
        hosts_fenced=tuple(case.host_name(uuid) for uuid in outcome.fenced),
        survivors=tuple(case.host_name(uuid) for uuid in outcome.survivors),
        vms_lost=tuple(vm.name for vm in lost),
        vms_restarted=tuple(vm.name for vm in lost if vm.ha_restart_priority == "restart" and outcome.survivors),
        rule=str(outcome.rule),
    )


def _members(case: Case) -> tuple[PoolHostFacts, ...]:
    """Hosts that may be in the liveset: one that is known to be down has left it."""
    return tuple(host for host in case.facts.hosts if host.live is not False)


def _simulated(case: Case, kind: str, subject: str, *, isolated: set[str], diskless: set[str], off: set[str]) -> SimulatedFault:
    uuids = tuple(host.uuid for host in _members(case))
    view = LiveView(
        members=uuids,
        hears=full_mesh(set(uuids) - isolated - off),
        sees_disk=frozenset(uuids) - diskless - off,
        off=frozenset(off),
    )
    return _described(case, kind, subject, view, simulate(view, case.policy.fence_model))


def _host_faults(case: Case) -> list[SimulatedFault]:
    return [_simulated(case, "host", h.name, isolated=set(), diskless=set(), off={h.uuid}) for h in _members(case)]


def _isolated_by(case: Case, host: PoolHostFacts, fails: Callable[[str], bool | None]) -> bool | Unknown:
    """Whether a host loses its peers when the NICs fail for which `fails(uuid)` is true (None: nobody knows)."""
    nics = management_nics(case.facts, host)
    if not nics:
        return Unknown(f"the management NICs of {host.name} are not known")
    fates = [True if nic.carrier is False else fails(nic.uuid) for nic in nics]
    unread = [nic.device for nic, fate in zip(nics, fates, strict=True) if fate is False and isinstance(nic.carrier, Unknown)]
    sure = [nic for nic, fate in zip(nics, fates, strict=True) if fate is False and nic.carrier is True]
    if sure:
        return False
    if unread or None in fates:
        return Unknown(f"the links or cabling of {host.name} are not known")
    return True


def _nic_faults(case: Case) -> list[SimulatedFault]:
    faults = []
    for host in _members(case):
        for nic in management_nics(case.facts, host):
            subject = f"{host.name} {nic.device}"
            cut = _isolated_by(case, host, lambda uuid, pulled=nic.uuid: uuid == pulled)  # type: ignore[misc]
            if isinstance(cut, Unknown):
                faults.append(_unknown("nic", subject, cut.reason))
            else:
                faults.append(_simulated(case, "nic", subject, isolated={host.uuid} if cut else set(), diskless=set(), off=set()))
    return faults


def _switch_fault(case: Case, cabling: Cabling, domain: str) -> SimulatedFault:
    def fails(uuid: str) -> bool | None:
        port = cabling.switch_of_pif.get(uuid)
        return None if port is None or port.stale else port.failure_domain == domain

    isolated: set[str] = set()
    for host in _members(case):
        cut = _isolated_by(case, host, fails)
        if isinstance(cut, Unknown):
            return _unknown("switch", domain, cut.reason)
        if cut:
            isolated.add(host.uuid)
    return _simulated(case, "switch", domain, isolated=isolated, diskless=set(), off=set())


def switch_faults(case: Case, cabling: Cabling) -> list[SimulatedFault]:
    """The loss of each attested switch or stack, and an unknown one for the NICs nobody attested."""
    domains = sorted({port.failure_domain for port in cabling.switch_of_pif.values()})
    faults = [_switch_fault(case, cabling, domain) for domain in domains]
    nics = [(host, nic) for host in _members(case) for nic in management_nics(case.facts, host)]
    unattested = [f"{host.name} {nic.device}" for host, nic in nics if nic.uuid not in cabling.switch_of_pif]
    if unattested:
        faults.append(_unknown("switch", f"behind {', '.join(unattested)}", "nobody has said which switch this is"))
    return faults


def _cut_from_disk(case: Case, cabling: Cabling, sr: SrFacts, node: str) -> set[str] | Unknown:
    """Hosts whose only node is the one that fails."""
    cut: set[str] = set()
    for host in _members(case):
        pbd = pbd_of(case.facts, sr, host)
        reached = Unknown(f"{host.name} has no path to the SR") if pbd is None else cabling.nodes_reached_by(pbd)
        if isinstance(reached, Unknown):
            return reached
        if node in reached and len(reached) == 1:
            cut.add(host.uuid)
    return cut


def _survived_trial(case: Case, sr: SrFacts, node: str) -> str:
    """Empty when trials at the timeout in force proved this node's failover on every host; otherwise what is missing."""
    effective = effective_timeout(case.facts, case.policy)
    if isinstance(effective.timeout_s, Unknown):
        return f"the HA timeout is not known ({effective.timeout_s.reason})"
    trials = [trial for trial in trials_of(case.evidence, (sr.uuid, sr.name)) if not case.is_stale(trial.item)]
    hosts = [host.uuid for host in _members(case)]
    if uncovered(trials, [node], hosts, effective.timeout_s):
        return f"no valid trial at {effective.timeout_s} s shows whether hosts fence while paths move"
    return ""


def _fenced_in_trial(case: Case, sr: SrFacts, node: str) -> set[str]:
    effective = effective_timeout(case.facts, case.policy)
    if isinstance(effective.timeout_s, Unknown):
        return set()
    trials = fenced_at(trials_of(case.evidence, (sr.uuid, sr.name)), effective.timeout_s)
    return {host for trial in trials if trial.node == node for host, fenced in trial.fenced.items() if fenced}


def _node_fault(case: Case, cabling: Cabling, sr: SrFacts, node: str) -> SimulatedFault:
    fenced = _fenced_in_trial(case, sr, node)
    if fenced:
        return _simulated(case, "storage_node", node, isolated=set(), diskless=fenced, off=set())
    cut = _cut_from_disk(case, cabling, sr, node)
    if isinstance(cut, Unknown):
        return _unknown("storage_node", node, cut.reason)
    missing = "" if cut else _survived_trial(case, sr, node)
    if missing:
        return _unknown("storage_node", node, missing)
    return _simulated(case, "storage_node", node, isolated=set(), diskless=cut, off=set())


def _node_faults(case: Case, cabling: Cabling) -> list[SimulatedFault]:
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        return [_unknown("storage_node", "of the heartbeat SR", sr.reason)]
    nodes = cabling.node_names()
    if isinstance(nodes, Unknown):
        return [_unknown("storage_node", f"of SR {sr.name}", nodes.reason)]
    return [_node_fault(case, cabling, sr, node) for node in nodes]


def simulated_faults(case: Case) -> tuple[SimulatedFault, ...]:
    """Every single fault of the case's pool, by kind and subject."""
    cabling = cabling_of(case)
    return tuple(_host_faults(case) + _nic_faults(case) + switch_faults(case, cabling) + _node_faults(case, cabling))
