"""Answers the gate for a wave: has the pool collected by readiness's own job, gathers every part, decides, writes it down.

Waits for that job without holding a slot. A part that cannot be had is handed to the decision as missing, which closes the gate.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from estate.facts.planned import PlannedVm
from estate.facts.source import PowerState
from estate.facts.unknown import UNKNOWN, Unknown
from estate.ova import manifest
from kms import selectors as kms
from migration.assessment import selectors as assessment
from migration.assessment.core import subjects
from migration.assessment.services import assessing
from migration.conversion import selectors as conversions
from migration.conversion.core.states import State
from migration.conversion.selectors import Conversion
from migration.cutover.core.gate import decide
from migration.cutover.core.gate_facts import ConversionView, FindingView, GateFacts, KmsView, ReadinessView, Reason
from migration.cutover.models import GateDecisionRow, Phase
from migration.cutover.services import gate
from migration.cutover.windows import planned_machines, windows_of
from migration.inventory import selectors as inventory
from migration.planning import selectors as planning
from migration.planning.selectors import Wave, WaveMachine
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.states import UNFINISHED, JobState
from project.backbone.models import Job, Project
from project.backbone.waivers.selectors import waivers_in_force
from readiness.core.results import CheckResult, Result
from readiness.selectors import pools
from readiness.selectors.evaluations import EvaluationView
from readiness.services.evaluation import evaluate

POLL_S = 0.5
RE_USE = "HST-"
"""Rules on an ESXi host that shall become a Xen host: they stand against re-using it, not against moving its machines."""
ADVISING = frozenset({Result.WARN, Result.FAIL, Result.UNKNOWN})


def answer(job: JobContext, wave_id: str, phase: Phase, *, signed_as: UUID | None = None) -> GateDecisionRow:
    """The gate's answer on facts read just now. Gives the slot back while the pool is being read.

    Inside a cutover `signed_as` names the signed answer that allowed it; an open answer carries that signature on.
    """
    wave = planning.wave_by_id(wave_id)
    collected = _collect_pool(job, wave, phase)
    readiness = _evaluate(job, wave, collected)
    assessing.assess_latest(wave.plan.project, actor=job.actor)
    facts = _gather(wave, readiness)
    decision = decide(facts, now())
    job.save_checkpoint({key: value for key, value in job.checkpoint.items() if key != _collect_key(phase)})
    fact_ids = {
        "evaluation": str(readiness.id),
        "pool_facts": str(readiness.facts_id or ""),
        "kms_reading": facts.kms.reading_id if facts.kms else "",
    }
    project = wave.plan.project
    return gate.record(
        project, wave_id=wave.pk, phase=phase, decision=decision, fact_ids=fact_ids, actor=job.actor, signed_as=signed_as
    )


def _collect_pool(job: JobContext, wave: Wave, phase: Phase) -> Job:
    """Ask readiness to read the pool, once per phase, and wait until it has."""
    key = _collect_key(phase)
    if key not in job.checkpoint:
        asked = jobs.enqueue(
            "readiness.collect_pool",
            project=wave.plan.project,
            params={"pool_id": str(wave.plan.pool_id)},
            actor=job.actor,
            subject=f"for the gate of {wave.name}",
            unique=f"gate.collect:{job.id}:{phase.value}",
        )
        job.save_checkpoint({**job.checkpoint, key: str(asked.pk)})
    collecting = Job.objects.get(pk=job.checkpoint[key])
    if collecting.state in UNFINISHED:
        job.wait(POLL_S, "the pool is being read for the gate")
    return collecting


def _collect_key(phase: Phase) -> str:
    return f"collect:{phase.value}"


def _evaluate(job: JobContext, wave: Wave, collected: Job) -> EvaluationView:
    """Judge the pool on that reading; a pool that could not be read counts as not ready, whatever older facts say."""
    if collected.state == JobState.SUCCEEDED and collected.result is not None:
        planned, facts_id = _still_to_come(wave), collected.result["facts_id"]
        return evaluate(wave.plan.pool_id, planned=planned, at=now(), actor=job.actor, facts_id=facts_id, for_cutover=True)
    why = (collected.error or {}).get("message", f"the collection was {collected.state}")
    return evaluate(wave.plan.pool_id, at=now(), actor=job.actor, for_cutover=True, unreachable_because=str(why))


def _still_to_come(wave: Wave) -> list[PlannedVm]:
    """The wave's planned VMs without those that already run in the pool, which its facts count by themselves."""
    return planning.planned_vms(wave.pk, without=_behind_us(conversions.conversions_of_wave(wave.pk)))


def _behind_us(rows: list[Conversion]) -> set[UUID]:
    """Machines this cutover no longer moves: their sources may be gone from the latest inventory by now."""
    return {row.machine_id for row in rows if row.state in (State.DONE, State.CANCELLED, State.ROLLED_BACK)}


def _gather(wave: Wave, readiness: EvaluationView) -> GateFacts:
    project, at = wave.plan.project, now()
    rows = conversions.conversions_of_wave(wave.pk)
    machines = planning.wave_machines(wave.pk, without=_behind_us(rows))
    windows = windows_of(machines)
    waivers, pool = waivers_in_force(project, at), pools.pool(wave.plan.pool_id)
    return GateFacts(
        wave=wave.name,
        pool=pool.name,
        readiness=_readiness_view(readiness),
        kms=_kms_view(wave, windows, rows) if windows else None,
        windows_machines=len(windows),
        findings=_findings(wave, machines, at),
        conversions=tuple(_conversion_view(row) for row in rows),
        accepted_risks=frozenset(waiver.check_id for waiver in waivers if waiver.subject == f"wave:{wave.pk}"),
        boot_proven=bool(rows) and all((row.boot_proof or {}).get("guest_seen") for row in rows),
        not_assessed=_not_assessed(project, machines),
        off_at_source=tuple(machine.name for machine in machines if _starts_something_new(machine, rows)),
        from_packages=tuple(machine.name for machine in machines if machine.package_path),
        unproven=_unproven(machines),
        ha_intent=pool.ha_intent,
        ha_enabled=_ha_enabled(pool.pk),
    )


def _findings(wave: Wave, machines: list[WaveMachine], at: datetime) -> tuple[FindingView, ...]:
    """What stands against the machines, the hosts and sources they are read from, and the pool they go to."""
    project = wave.plan.project
    found = assessment.open_findings(project, at=at, machine_ids=[machine.machine_id for machine in machines])
    around = assessment.open_findings_on(project, at=at, subjects=_around(wave, machines))
    counted = [*found, *(finding for finding in around if not finding.rule_id.startswith(RE_USE))]
    return tuple(FindingView(f.rule_id, f.subject_name, f.severity, f.result, f.title, f.remedy) for f in counted)


def _around(wave: Wave, machines: list[WaveMachine]) -> set[str]:
    hosts = {(m.source_id, m.vm.host_id) for m in machines if not isinstance(m.vm.host_id, Unknown)}
    clusters = {(m.source_id, m.vm.cluster_id) for m in machines if not isinstance(m.vm.cluster_id, Unknown | None)}
    return {
        subjects.of_pool(wave.plan.pool_id),
        *(subjects.of_source(machine.source_id) for machine in machines),
        *(subjects.of_host(source, host) for source, host in hosts),
        *(subjects.of_cluster(source, cluster) for source, cluster in clusters if cluster),
    }


def _ha_enabled(pool_id: UUID) -> bool | None:
    reading = pools.latest_inventory(pool_id)
    enabled = pools.facts_of(reading).ha_enabled if reading is not None else UNKNOWN
    return None if isinstance(enabled, Unknown) else enabled


def _not_assessed(project: Project, machines: list[WaveMachine]) -> tuple[str, ...]:
    """Machines of which the latest inventory was not assessed, or no longer holds them: no finding there says nothing."""
    held = assessment.assessed_ids(project)
    return tuple(machine.name for machine in machines if machine.machine_id not in held)


def _unproven(machines: list[WaveMachine]) -> tuple[str, ...]:
    """Machines of packages not all of whose files have a digest; also where the package has not said whether they have."""
    packed = [machine for machine in machines if machine.package_path]
    about = inventory.said_of_themselves({machine.source_id for machine in packed})
    proven = {source for source, said in about.items() if not manifest.leaves_open(said.lacking)}
    return tuple(machine.name for machine in packed if machine.source_id not in proven)


def _starts_something_new(machine: WaveMachine, rows: list[Conversion]) -> bool:
    """Whether the machine was off before Xenbound touched it, so that the pool would start what did not run."""
    stopped_by_us = any(row.machine_id == machine.machine_id and row.source_was_running for row in rows)
    return machine.vm.power_state == PowerState.OFF and not stopped_by_us


def _readiness_view(seen: EvaluationView) -> ReadinessView:
    against = tuple(
        Reason(reason.code, reason.subject, reason.detail, "; ".join(reason.remedy), "; ".join(reason.evidence))
        for reason in seen.reasons
    )
    advice = tuple(_advice(check) for check in seen.checks if check.result in ADVISING and not check.blocks)
    return ReadinessView(seen.verdict.value, seen.evaluated_at, against, advice)


def _advice(check: CheckResult) -> Reason:
    paths = "; ".join(point.path for point in check.evidence)
    return Reason(check.id, check.title, f"{check.result.value}: {check.detail}", "; ".join(check.remediation), paths)


def _kms_view(wave: Wave, windows: list[WaveMachine], rows: list[Conversion]) -> KmsView:
    project = wave.plan.project
    verdict = kms.verdict(project, machines=planned_machines(windows, rows))
    return KmsView(verdict.state.value, verdict.detail, verdict.remedy, verdict.evidence_id)


def _conversion_view(row: Conversion) -> ConversionView:
    error = row.error or {}
    return ConversionView(row.name, row.state, error.get("message", ""), error.get("next_step", ""), row.verify)
