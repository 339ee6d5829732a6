"""Turns the machines of an approved wave into conversions, with everything the plan resolved frozen into their specs."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from estate.errors import AskPerson
from migration.conversion import selectors as conversions
from migration.conversion.selectors import Conversion
from migration.conversion.services import lifecycle
from migration.conversion.services.describing import specs_of
from migration.cutover.services.batches import options_of_wave
from migration.planning import selectors as planning
from project.backbone.accounts.policy import Actor
from project.backbone.models import Project


@transaction.atomic
def create_conversions(wave_id: UUID, *, actor: Actor) -> list[Conversion]:
    """One conversion per machine of the wave; one that exists stays as it was frozen. Raises AskPerson for missing facts,
    and for a machine that another wave is taking or has taken.

    Waves of a project that are started in the same moment wait for each other: both would find the machine free.
    """
    wave = planning.wave_by_id(wave_id)
    project = Project.objects.select_for_update().get(pk=wave.plan.project_id)
    begun = {row.machine_id for row in conversions.conversions_of_wave(wave_id)}
    machines = planning.wave_machines(wave_id, without=begun)
    _require_free(project.pk, [machine.machine_id for machine in machines])
    options = options_of_wave(wave_id)
    lifecycle.create(
        project,
        wave_id=wave_id,
        pool_id=wave.plan.pool_id,
        specs=specs_of(machines),
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
