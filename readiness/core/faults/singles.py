"""Every single fault of a pool: each host, NIC, cable, switch, storage link, node and port, and power feed that was named.

Where the cabling is not known the outcome is unknown. More than one host lost to one fault makes a single point of failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from estate.facts.unknown import Unknown
from readiness.core.cabling import Cabling
from readiness.core.case import Case, heartbeat_sr, management_nics
from readiness.core.faults.effects import Effect, Effects, NodeTrial
from readiness.core.faults.restarts import Restarts
from readiness.core.faults.topology import Element, topology_of
from readiness.core.results import Result
from readiness.core.timeouts import effective_timeout
from readiness.core.trials import DISPROVES, Trial, TrialFlaw, flaw_of, trials_of

TOLERABLE_HOSTS_LOST = 1


@dataclass(frozen=True, slots=True)
class SimulatedFault:
    """One fault, or a pair of them, and what follows. Hosts are names; `hosts_off` lose their power with it.

    Of `vms_lost` HA starts `vms_restarted` again and finds no host for `vms_stranded`. `alike` counts the faults that
    this one stands for, itself among them.
    """

    kind: str
    subject: str
    result: Result
    hosts_fenced: tuple[str, ...] = ()
    survivors: tuple[str, ...] = ()
    vms_lost: tuple[str, ...] = ()
    vms_restarted: tuple[str, ...] = ()
    vms_stranded: tuple[str, ...] = ()
    hosts_off: tuple[str, ...] = ()
    rule: str = ""
    detail: str = ""
    alike: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a set of failed things does, in uuids; the fault as it is told is beside it."""

    fault: SimulatedFault
    down: frozenset[str] = frozenset()
    survivors: frozenset[str] = frozenset()

    @property
    def is_known(self) -> bool:
        return self.fault.result is not Result.UNKNOWN


class Simulation:
    """A case's pool, ready to be asked what faults do to it."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.topology = topology_of(case)
        self._effects = Effects(self.topology, case.policy.fence_model, _node_trial(case))
        self._restarts = Restarts(case)

    def outcome(self, kind: str, subject: str, failed: Sequence[Element], *, peers_only: bool = False) -> Outcome:
        """What follows when these things fail together."""
        effect = self._effects.of(failed, peers_only=peers_only)
        if effect.unknown:
            return Outcome(SimulatedFault(kind, subject, Result.UNKNOWN, detail=effect.unknown))
        return self._told(kind, subject, effect)

    def _told(self, kind: str, subject: str, effect: Effect) -> Outcome:
        found = self._effects.outcome(effect)
        down, left = frozenset(found.fenced) | effect.off, frozenset(found.survivors)
        fates = self._restarts.after(down, left)
        lost_too_many = len(down) > TOLERABLE_HOSTS_LOST or not left
        result = Result.FAIL if lost_too_many else Result.WARN if fates.stranded or fates.unknown else Result.PASS
        unknown = f"nobody can tell whether {', '.join(fates.unknown)} start again: {fates.why_unknown}" if fates.unknown else ""
        fault = SimulatedFault(
            kind,
            subject,
            result,
            hosts_fenced=tuple(map(self.case.host_name, found.fenced)),
            survivors=tuple(map(self.case.host_name, found.survivors)),
            vms_lost=fates.lost,
            vms_restarted=fates.restarted,
            vms_stranded=fates.stranded,
            hosts_off=tuple(map(self.case.host_name, sorted(effect.off))),
            rule=str(found.rule),
            detail=unknown,
        )
        return Outcome(fault, down, left)


def _node_trial(case: Case) -> NodeTrial:
    """What trials at the timeout in force showed of a host while a storage node failed."""
    sr, effective = heartbeat_sr(case.facts), effective_timeout(case.facts, case.policy)
    if isinstance(sr, Unknown) or isinstance(effective.timeout_s, Unknown):
        return lambda _node, _host: None
    trials = [trial for trial in trials_of(case.evidence, (sr.uuid, sr.name)) if trial.timeout_s == effective.timeout_s]
    fenced = {(trial.node, host) for trial in trials for host, did in trial.fenced.items() if did}
    doubted = {trial.node for trial in trials if flaw_of(trial) in DISPROVES - {TrialFlaw.FENCED}}
    kept = {
        (trial.node, host)
        for trial in trials
        if _shows(case, trial) and trial.node not in doubted
        for host, did in trial.fenced.items()
        if not did
    } - fenced
    return lambda node, host: False if (node, host) in fenced else True if (node, host) in kept else None


def _shows(case: Case, trial: Trial) -> bool:
    """Whether a trial says something of the hosts that did not fence in it: also one in which another host did."""
    return flaw_of(trial) in (None, TrialFlaw.FENCED) and not case.is_stale(trial.item)


def switch_faults(case: Case, cabling: Cabling) -> list[SimulatedFault]:
    """What the loss of each attested switch or stack does to the peer network, and an unknown one for unattested NICs."""
    simulation = Simulation(case)
    domains = sorted({port.failure_domain for port in cabling.switch_of_pif.values()})
    faults = [
        simulation.outcome("switch", domain, [Element("switch", domain, domain)], peers_only=True).fault for domain in domains
    ]
    return faults + _unattested(case, cabling)


def _unattested(case: Case, cabling: Cabling) -> list[SimulatedFault]:
    nics = [
        f"{host.name} {nic.device}"
        for host in case.facts.hosts
        if host.live is not False
        for nic in management_nics(case.facts, host)
        if nic.uuid not in cabling.switch_of_pif
    ]
    detail = "nobody has said which switch this is"
    return [SimulatedFault("switch", f"behind {', '.join(nics)}", Result.UNKNOWN, detail=detail)] if nics else []


def single_outcomes(simulation: Simulation) -> dict[Element, Outcome]:
    """The outcome of every single thing that can fail, in the order of the topology."""
    return {each: simulation.outcome(each.kind, each.label, [each]) for each in simulation.topology.elements()}


def unnamed(simulation: Simulation, cabling: Cabling) -> list[SimulatedFault]:
    """Things that fail like any other but that nobody named: switches behind NICs, storage nodes behind the heartbeat SR."""
    nodes = simulation.topology.nodes
    why = nodes.reason if isinstance(nodes, Unknown) else ""
    missing = [SimulatedFault("storage_node", f"of {simulation.topology.sr_name}", Result.UNKNOWN, detail=why)]
    return _unattested(simulation.case, cabling) + (missing if why else [])
