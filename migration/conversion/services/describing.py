"""Turns planned machines into what is made of them in the pool, with everything the plan resolved."""

from __future__ import annotations

from collections.abc import Iterable

from estate.errors import AskPerson
from migration.conversion.core.spec import ConversionSpec, SpecProblem, Targets, build_spec
from migration.planning.selectors import WaveMachine


def specs_of(machines: Iterable[WaveMachine]) -> list[ConversionSpec]:
    """What is made of each machine in the pool. Raises: AskPerson `facts_missing` with the problems of all."""
    specs: list[ConversionSpec] = []
    problems: list[str] = []
    for machine in machines:
        try:
            specs.append(build_spec(str(machine.machine_id), machine.vm, _targets(machine)))
        except SpecProblem as problem:
            problems.append(str(problem))
    if problems:
        raise AskPerson(
            "These machines cannot be made in the pool: " + " | ".join(problems),
            code="facts_missing",
            next_step="Collect the source again and make a new plan, or leave these machines out of it.",
        )
    return specs


def _targets(machine: WaveMachine) -> Targets:
    return Targets(
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
