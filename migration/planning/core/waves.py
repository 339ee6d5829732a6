"""Filling a wave: who comes along, who is left out and why. One wave; the order given is the order in which room is taken.

A machine is left out for its disposition, a source without a server, a gold image behind it, a critical finding no waiver
covers, a gap of the mapping, a fact nobody read, or an SR that would overfill. An open question (unknown) on a critical rule
lets it be planned; the gate asks for it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from estate.facts.source import VmFacts
from migration.assessment.core.routing import CLONE_RISK
from migration.planning.core.mapping import MappingTable
from migration.planning.core.placement import EstateNames, Placement, gib, place
from migration.planning.core.reasons import Reason, ReasonCode
from migration.planning.core.target import Target, known_free_bytes

MATES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """One finding no waiver covers. `result` is `true` or `unknown`."""

    rule_id: str
    severity: str
    result: str
    title: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A machine somebody wants to move. `vm` is None when the latest inventory does not hold it.

    `exportable`: a server or a package (`in_package`) can hand its disks over; a machine of a workbook has neither. `gold_image`
    says why it is made from a gold image and not converted, `route_open` why nobody knows; both are empty else. `mates` are the
    machines of its group, id to name, shared by all of them.
    """

    machine_id: str
    name: str
    disposition: str
    vm: VmFacts | None
    names: EstateNames
    findings: tuple[OpenFinding, ...] = ()
    exportable: bool = True
    in_package: bool = False
    gold_image: str = ""
    route_open: str = ""
    mates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Included:
    candidate: Candidate
    placement: Placement
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    candidate: Candidate
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class WaveDraft:
    """The filled wave, and what it leaves free by SR uuid (of the SRs whose free space is known)."""

    included: tuple[Included, ...]
    left_out: tuple[LeftOut, ...]
    free_after_bytes: Mapping[str, int]


def fill(candidates: Iterable[Candidate], mapping: MappingTable, target: Target) -> WaveDraft:
    """Put the candidates into one wave as far as they may and fit. Never plans more onto an SR than it has free."""
    free_bytes = known_free_bytes(target.pool)
    included: list[Included] = []
    left_out: list[LeftOut] = []
    for candidate in candidates:
        placed = _placed(candidate, mapping, target)
        reasons = placed if isinstance(placed, list) else _room_reasons(placed, free_bytes, target)
        if isinstance(placed, list) or reasons:
            left_out.append(LeftOut(candidate, tuple(reasons)))
            continue
        for sr_uuid, size_bytes in placed.bytes_by_sr.items():
            free_bytes[sr_uuid] -= size_bytes
        included.append(Included(candidate, placed, (*placed.why, *_remarks(candidate))))
    return WaveDraft(_with_mates_missed(included), tuple(left_out), free_bytes)


def _with_mates_missed(included: list[Included]) -> tuple[Included, ...]:
    """Who belongs to a machine and does not come along is said beside it: only a person knows whether they can be parted."""
    coming = {each.candidate.machine_id for each in included}
    groups = {id(each.candidate.mates): each.candidate.mates for each in included}  # each group is looked through once
    missed = {key: _missed(mates, coming) for key, mates in groups.items()}
    return tuple(replace(each, why=(*each.why, *missed[id(each.candidate.mates)])) for each in included)


def _missed(mates: Mapping[str, str], coming: set[str]) -> tuple[str, ...]:
    missed = [name for machine_id, name in mates.items() if machine_id not in coming]
    if missed:
        shown = ", ".join(missed[:MATES_SHOWN]) + (f" and {len(missed) - MATES_SHOWN} more" if len(missed) > MATES_SHOWN else "")
        return (f"It belongs together with {shown}, not in this wave. Plan them together, or make sure they can be parted.",)
    return ()


def obstacles(candidate: Candidate) -> list[Reason]:
    """What stands against moving the machine at all, whatever the mapping says."""
    reasons = []
    if candidate.disposition != "migrate":
        detail = f"The disposition of {candidate.name} is {candidate.disposition}."
        reasons.append(Reason(ReasonCode.DISPOSITION, candidate.name, detail, "Set it to migrate if it shall move."))
    if candidate.vm is None:
        detail = f"The latest inventory does not hold {candidate.name}."
        reasons.append(Reason(ReasonCode.NOT_IN_INVENTORY, candidate.name, detail, "Collect its source again.", unknown=True))
    elif candidate.vm.is_template is True:
        detail = f"{candidate.name} is a template, not a machine that runs."
        reasons.append(Reason(ReasonCode.IS_TEMPLATE, candidate.name, detail, "Convert it to a VM first if it shall move."))
    if not candidate.exportable:
        detail = f"{candidate.name} is known from a workbook alone: nobody is there to hand its disks over."
        remedy = "Add the vCenter or ESXi host it runs on as a source, or a package of it, and collect that."
        reasons.append(Reason(ReasonCode.SOURCE_CANNOT_EXPORT, candidate.name, detail, remedy))
    if candidate.gold_image:
        detail = f"{candidate.name} is made from a gold image. {candidate.gold_image}"
        remedy = f"Make the gold image anew in the pool and clone it there, or have {CLONE_RISK} accepted for this machine."
        reasons.append(Reason(ReasonCode.GOLD_IMAGE_ROUTE, candidate.name, detail, remedy))
    reasons.extend(_finding_reason(finding) for finding in candidate.findings if _stands_against(finding))
    return reasons


def _stands_against(finding: OpenFinding) -> bool:
    return finding.severity == "critical" and finding.result == "true"


def _finding_reason(finding: OpenFinding) -> Reason:
    detail = f"{finding.rule_id}: {finding.title}."
    return Reason(ReasonCode.CRITICAL_FINDING, finding.rule_id, detail, finding.remedy, rule_id=finding.rule_id)


def _placed(candidate: Candidate, mapping: MappingTable, target: Target) -> Placement | list[Reason]:
    reasons = obstacles(candidate)
    if reasons or candidate.vm is None:
        return reasons
    return place(candidate.machine_id, candidate.vm, candidate.names, mapping, target, in_package=candidate.in_package)


def _room_reasons(placement: Placement, free_bytes: Mapping[str, int], target: Target) -> list[Reason]:
    names = {sr.uuid: sr.name for sr in target.pool.srs}
    reasons = []
    for sr_uuid, size_bytes in placement.bytes_by_sr.items():
        name = names[sr_uuid]
        if sr_uuid not in free_bytes:
            detail = f"How much SR {name} has free could not be read."
            remedy = "Repair the SR's connection and collect the pool again."
            reasons.append(Reason(ReasonCode.SR_FREE_UNKNOWN, name, detail, remedy, rule_id="POL-010", unknown=True))
        elif size_bytes > free_bytes[sr_uuid]:
            detail = (
                f"SR {name} has {gib(free_bytes[sr_uuid])} left after the machines before it; this one needs {gib(size_bytes)}."
            )
            remedy = "Extend the SR, map the datastore to another one, or move the machine in a later wave."
            reasons.append(Reason(ReasonCode.SR_FULL, name, detail, remedy, rule_id="POL-010"))
    return reasons


def _remarks(candidate: Candidate) -> Iterable[str]:
    """Open questions and findings that do not keep the machine out, as sentences."""
    if candidate.route_open:
        yield f"Whether it is made from a gold image is not known: {candidate.route_open}"
    for finding in candidate.findings:
        asked = "not known yet: " if finding.result == "unknown" else ""
        yield f"{finding.rule_id} ({finding.severity}): {asked}{finding.title}. {finding.remedy}"
