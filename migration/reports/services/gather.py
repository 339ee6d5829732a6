"""Gathers what the readiness report tells from the apps' selectors. Reads only; wording and order are core's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kms import selectors as kms
from migration.assessment import selectors as assessment
from migration.conversion import selectors as conversions
from migration.conversion.core.states import State
from migration.conversion.selectors import Conversion, DiskCopy
from migration.cutover import selectors as gates
from migration.inventory import selectors as inventory
from migration.inventory.core.kinds import FactKind
from migration.planning import selectors as planning
from migration.reports.core.document import Tone
from migration.reports.core.readiness_report import (
    CheckLine,
    ConversionLine,
    DiskLine,
    FaultLine,
    GateLine,
    KmsView,
    MachineLine,
    PoolView,
    ReportView,
)
from project.backbone.models import Project
from project.backbone.waivers.selectors import waivers_in_force
from readiness.core.faults.singles import SimulatedFault
from readiness.core.results import CheckResult, Result
from readiness.core.wording import attested, names_of
from readiness.selectors import cases, evaluations, pools
from readiness.selectors.pools import Pool

_KIND_TITLES = {FactKind.HOST: "ESXi hosts", FactKind.VM: "Virtual machines", FactKind.DATASTORE: "Datastores"}


def readiness_view(project: Project, *, at: datetime, made_by: str) -> ReportView:
    """Everything the readiness report of a project tells at this time."""
    latest = inventory.latest_inventories(project)
    return ReportView(
        customer=project.customer.name,
        project=project.name,
        policy_profile=project.policy_profile,
        gate_profile=project.gate_profile,
        target_product=project.target_product,
        made_at=at,
        made_by=made_by,
        inventory=tuple(
            (title, str(sum(inventory.entries(each, kind).count() for each in latest))) for kind, title in _KIND_TITLES.items()
        ),
        inventory_at=max((each.collected_at for each in latest if each.collected_at), default=None),
        machines=_machines(project, at),
        pools=tuple(_pool(pool, at) for pool in pools.pools(project)),
        gates=_gates(project),
        conversions=tuple(_conversion(row) for row in conversions.conversions_of_project(project.pk)),
        kms=_kms(project, at),
        waivers=tuple(
            (waiver.covers[0], waiver.subject, waiver.reason, f"{waiver.approved_by}, until {waiver.expires_at:%Y-%m-%d}")
            for waiver in waivers_in_force(project, at)
        ),
    )


def _machines(project: Project, at: datetime) -> tuple[MachineLine, ...]:
    lines = []
    for machine in assessment.assessed_machines(project, inventory.machines(project), at=at):
        notes = [
            f"{found.rule_id} {found.title}: {found.remedy}" + (" (waived)" if found.waived else "") for found in machine.findings
        ]
        lines.append(MachineLine(machine.view.name, machine.verdict.value, " · ".join(notes)))
    return tuple(lines)


def _pool(pool: Pool, at: datetime) -> PoolView:
    """A pool that was never collected or evaluated is shown as unknown."""
    seen = evaluations.latest_evaluation(pool.pk)
    collected = pools.collected_at(pool.pk) is not None
    names = names_of(pools.latest_facts(pool.pk)) if collected else {}
    return PoolView(
        name=pool.name,
        verdict=seen.verdict.value if seen else "unknown",
        evaluated_at=seen.evaluated_at if seen else None,
        collected_at=pools.collected_at(pool.pk),
        timeout=_timeout(pool) if collected else "unknown",
        checks=tuple(_check(check) for check in seen.checks) if seen else (),
        faults=tuple(_fault(fault) for fault in seen.simulated_faults) if seen else (),
        picture_svg=cases.pool_drawing(pool.pk, at) if collected else "",
        evidence=tuple(
            (f"{said.kind.replace('_', ' ')}: {said.subject}", said.value, f"{said.who}, {said.tested_at:%Y-%m-%d %H:%M} UTC")
            for said in attested(cases.evidence_in_force(pool, at), names)
        ),
    )


def _timeout(pool: Pool) -> str:
    configuration = pools.latest_facts(pool.pk).ha_configuration
    if not isinstance(configuration, dict):
        return f"unknown ({configuration.reason})"
    return f"{configuration['timeout']} s" if "timeout" in configuration else "not set; the product's default applies"


def _check(check: CheckResult) -> CheckLine:
    return CheckLine(check.id, check.title, check.result.value, check.blocks, check.detail, "; ".join(check.remediation))


_FAULT_TONES = {Result.PASS: Tone.GOOD, Result.WARN: Tone.CAUTION, Result.FAIL: Tone.BAD, Result.UNKNOWN: Tone.UNKNOWN}


def _fault(fault: SimulatedFault) -> FaultLine:
    told = [fault.detail] if fault.detail else []
    if fault.hosts_fenced or fault.survivors:
        dark = f"without power: {', '.join(fault.hosts_off)}; " if fault.hosts_off else ""
        told.append(f"{dark}fenced: {', '.join(fault.hosts_fenced) or 'none'}; survive: {', '.join(fault.survivors) or 'none'}")
    if fault.vms_lost:
        restarted = ", ".join(fault.vms_restarted) or "none"
        stranded = f"; find no host: {', '.join(fault.vms_stranded)}" if fault.vms_stranded else ""
        told.append(f"VMs that stop: {', '.join(fault.vms_lost)}; restarted by HA: {restarted}{stranded}")
    alike = f" (and {fault.alike - 1} alike)" if fault.alike > 1 else ""
    what = f"{fault.kind.replace('_', ' ')} {fault.subject}{alike}"
    return FaultLine(what, ". ".join(told), _FAULT_TONES.get(fault.result, Tone.PLAIN))


def _gates(project: Project) -> tuple[GateLine, ...]:
    lines = []
    for wave in planning.waves(project):
        for row in gates.decisions_of_wave(wave.pk):
            reasons = "; ".join(f"{reason['code']}: {reason['detail']}" for reason in row.reasons)
            signed_by = row.signed_by_name or (f"not signed; its code is {gates.code_of(row)}" if row.state == "open" else "")
            lines.append(GateLine(row.decided_at, row.phase, row.state, signed_by, reasons))
    return tuple(lines)


def _conversion(row: Conversion) -> ConversionLine:
    disks = list(row.disks.all())
    copied, total = sum(disk.bytes_copied for disk in disks), sum(disk.bytes_total for disk in disks)
    proven = sum(disk.is_proven for disk in disks)
    partly = sum(disk.verified for disk in disks) - proven
    return ConversionLine(
        name=row.name,
        state=row.state,
        disks=tuple(_disk(disk) for disk in disks),
        copied=f"{copied / (1 << 20):,.0f} of {total / (1 << 20):,.0f} MiB",
        proof=f"{proven} of {len(disks)} disks read back equal, every block"
        + (f", {partly} by a sample" if partly else "")
        + f" (policy {row.verify})",
        note=_note(row),
    )


def _disk(disk: DiskCopy) -> DiskLine:
    if disk.is_proven:
        read_back = "every block, equal"
    elif disk.verified and disk.blocks_compared:
        read_back = f"{disk.blocks_compared} of {disk.blocks_total} blocks, equal"
    else:
        read_back = "no"
    size = f"{disk.bytes_total / (1 << 20):,.0f} MiB"
    return DiskLine(disk.label, size, read_back, disk.digest or "not copied in full")


def _note(row: Conversion) -> str:
    """What became of the machine: only one that is done runs in the pool."""
    state, failure = State(row.state), str((row.error or {}).get("message", ""))
    if state is State.DONE:
        return f"its rollback did not end, look at both sides: {failure}" if failure else _boot_note(row.boot_proof)
    if state is State.ROLLED_BACK:
        outcome = "stopped in the pool, where VM and disks are kept" if row.target_vm_uuid else "it was never made in the pool"
        return f"{outcome}; it had failed: {failure}" if failure else outcome
    if state is State.CANCELLED:
        return "given up; its source was left as it is"
    if failure and row.start_asked_at:
        return f"{failure} Its VM was asked to start and may run in the pool."
    return failure


def _boot_note(proof: dict[str, Any] | None) -> str:
    if not proof:
        return ""
    unprotected = proof.get("unprotected_because")
    told = ["runs in the pool", *([f"HA does not protect it: {unprotected}"] if unprotected else [])]
    if "source_off" in proof and proof["source_off"] is None:
        told.append("whether its source is off could not be read")
    return "; ".join(told)


def _kms(project: Project, at: datetime) -> KmsView | None:
    if not kms.hosts(project).exists():
        return None
    verdict = kms.verdict(project, at=at)
    return KmsView(
        state=verdict.state.value,
        detail=verdict.detail,
        count="unknown" if verdict.count is None else str(verdict.count),
        servers=_yes_no(verdict.server_ok),
        clients=_yes_no(verdict.client_ok),
    )


def _yes_no(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"
