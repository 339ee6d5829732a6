"""Turns the machines of an approved wave into conversions, with everything the plan resolved frozen into their specs."""

from __future__ import annotations

from uuid import UUID

from estate.errors import AskPerson
from migration.conversion import selectors as conversions
from migration.conversion.core.spec import ConversionSpec, SpecProblem, Targets, build_spec
from migration.conversion.selectors import Conversion
from migration.conversion.services import lifecycle
from migration.cutover.services.batches import options_of_wave
from migration.planning import selectors as planning
from project.backbone.accounts.policy import Actor


def create_conversions(wave_id: UUID, *, actor: Actor) -> list[Conversion]:
    """One conversion per machine of the wave; one that exists stays as it was frozen. Raises AskPerson for missing facts,
    and for a machine that another wave is taking or has taken.
    """
    wave = planning.wave_by_id(wave_id)
    begun = {row.machine_id for row in conversions.conversions_of_wave(wave_id)}
    machines = planning.wave_machines(wave_id, without=begun)
    _require_free(wave.plan.project_id, [machine.machine_id for machine in machines])
    specs: list[ConversionSpec] = []
    problems: list[str] = []
    for machine in machines:
        targets = Targets(
            source_endpoint_id=str(machine.source_endpoint_id or ""),
            package_path=machine.package_path,
            pool_endpoint_id=str(machine.pool_endpoint_id),
            template_name=machine.template_name,
            sr_by_disk=dict(machine.sr_by_disk),
            network_by_nic=dict(machine.network_by_nic),
            target_name=machine.target_name,
            vtpm=machine.vtpm,
            vif_locking=machine.vif_locking,
            ha_restart_priority=machine.ha_restart_priority,
        )
        try:
            specs.append(build_spec(str(machine.machine_id), machine.vm, targets))
        except SpecProblem as problem:
            problems.append(str(problem))
    if problems:
        raise AskPerson(
            "These machines cannot be made in the pool: " + " | ".join(problems),
            code="facts_missing",
            next_step="Collect the source again and make a new plan, or leave these machines out of it.",
        )
    options = options_of_wave(wave_id)
    lifecycle.create(
        wave.plan.project,
        wave_id=wave_id,
        pool_id=wave.plan.pool_id,
        specs=specs,
        actor=actor,
        verify=options.verify,
        priority=options.priority,
    )
    return conversions.conversions_of_wave(wave_id)


def _require_free(project_id: UUID, machine_ids: list[UUID]) -> None:
    """Two copies of one machine must not both start. Raises AskPerson `machine_in_conversion`."""
    busy = [f"{row.name} has a conversion that is {row.state}" for row in conversions.standing(project_id, machine_ids)]
    if busy:
        raise AskPerson(
            "Machines of this wave are or were taken into a pool by another wave: " + "; ".join(busy),
            code="machine_in_conversion",
            next_step="Retry, roll back or cancel those conversions, or make a plan without these machines.",
        )
