"""Reading plans: mappings, plans, waves, and what the apps above need of a wave's machines, with their latest facts."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from estate.facts.codec import from_json
from estate.facts.planned import PlannedVm
from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.inventory import selectors as inventories
from migration.planning.core.compare import PlannedPlace
from migration.planning.core.mapping import is_windows, with_said
from migration.planning.core.placement import Placement
from migration.planning.core.states import PlanState
from migration.planning.core.suggest import GuestTable, guest_table_from
from migration.planning.core.waves import WaveDraft
from migration.planning.models import Mapping, Plan, PlanKind, PlannedMachine, Wave
from project.backbone.models import Project
from project.backbone.problems import Conflict, NotVisible
from readiness.selectors import pools as readiness

TEMPLATES_FILE = "data/templates-2026-11.toml"


@dataclass(frozen=True, slots=True)
class WaveMachine:
    """One machine of a wave with everything a conversion needs. Keys of the maps are the source's device keys.

    Its disks come through an endpoint, or out of the package at `package_path`.
    """

    machine_id: UUID
    name: str
    target_name: str
    source_id: UUID
    source_endpoint_id: UUID | None
    package_path: str
    pool_endpoint_id: UUID
    native_id: str
    vm: VmFacts
    template_name: str
    template_uuid: str
    firmware: str
    sr_by_disk: MappingType[int, str]
    network_by_nic: MappingType[int, str]
    vtpm: bool = False
    vif_locking: str = ""
    ha_restart_priority: str = ""


@cache
def guest_table() -> GuestTable:
    """Guest ids to template names, from the newest data file."""
    return guest_table_from(tomllib.loads(files("migration.planning").joinpath(TEMPLATES_FILE).read_text(encoding="utf-8")))


def mappings(project: Project) -> QuerySet[Mapping]:
    return Mapping.objects.filter(project=project)


def mapping(project: Project, mapping_id: UUID | str) -> Mapping:
    """A mapping of this project. Raises: NotVisible."""
    found = mappings(project).filter(pk=mapping_id).first()
    if found is None:
        raise NotVisible("mapping")
    return found


def mapping_values(row: Mapping) -> dict[str, object]:
    """A mapping's table in the form core reads and plans keep."""
    return {
        "networks": row.networks,
        "datastores": row.datastores,
        "templates": row.templates,
        "overrides": row.overrides,
        "ha_restart_priority": row.ha_restart_priority,
    }


def plans(project: Project) -> QuerySet[Plan]:
    return Plan.objects.filter(project=project).select_related("project")


def plans_with_machines(project: Project) -> QuerySet[Plan]:
    """Plans with waves and machines, in three queries."""
    waves = Wave.objects.prefetch_related(Prefetch("machines", PlannedMachine.objects.order_by("position")))
    left_out = PlannedMachine.objects.filter(wave=None).order_by("position")
    return plans(project).prefetch_related(Prefetch("waves", waves), Prefetch("machines", left_out, to_attr="left_out"))


def places(plan: Plan) -> dict[str, PlannedPlace]:
    """What a plan says of each machine, by machine id, for comparing."""
    rows = plan.machines.values_list("machine_id", "name", "wave_id", "placement")
    return {str(machine): PlannedPlace(name, wave is not None, placement) for machine, name, wave, placement in rows}


def waves(project: Project) -> QuerySet[Wave]:
    return Wave.objects.filter(plan__project=project).select_related("plan__project")


def wave(project_id: UUID, wave_id: UUID | str) -> Wave:
    """A wave of this project, with its plan. Raises: NotVisible."""
    found = wave_by_id(wave_id)
    if found.plan.project_id != project_id:
        raise NotVisible("wave")
    return found


def wave_by_id(wave_id: UUID | str) -> Wave:
    """A wave with its plan, for jobs. Raises: NotVisible."""
    found = Wave.objects.select_related("plan__project").filter(pk=wave_id).first()
    if found is None:
        raise NotVisible("wave")
    return found


def is_approved(wave_id: UUID | str) -> bool:
    """Whether the wave's plan is approved."""
    return Wave.objects.filter(pk=wave_id, plan__state=PlanState.APPROVED.value).exists()


def may_be_prepared(wave_id: UUID | str) -> bool:
    """Whether the wave's machines may be made, halted and blocked: its plan is approved, or it is a batch's, which has none."""
    return is_approved(wave_id) or Wave.objects.filter(pk=wave_id, plan__kind=PlanKind.BATCH.value).exists()


def wave_machines(wave_id: UUID | str, *, without: Collection[UUID] = ()) -> list[WaveMachine]:
    """The wave's machines with their latest facts and their frozen places, but for those `without` that moved already.

    Raises: NotVisible; Conflict `machine_gone` (409) naming those the latest inventory no longer holds, `source_cannot_export`.
    """
    wave = wave_by_id(wave_id)
    pool = readiness.pool(wave.plan.pool_id)
    rows = list(wave.machines.exclude(machine_id__in=without).order_by("position"))
    views = _views(wave.plan.project, rows)
    gone = [row.name for row in rows if views[row.machine_id].vm is None]
    if gone:
        raise Conflict(
            f"The latest inventory no longer holds {', '.join(gone)}.",
            code="machine_gone",
            next_step="Collect the source again, or make a new plan without them.",
        )
    placed = [(views[row.machine_id], from_json(row.placement, Placement)) for row in rows]
    return [_wave_machine(view, placement, pool.endpoint_id) for view, placement in placed]


def drafted_machines(project: Project, pool_id: UUID, draft: WaveDraft) -> list[WaveMachine]:
    """The machines of a wave that is not made, as `wave_machines` gives those of one that is. Raises: Conflict, as there."""
    pool = readiness.pool(pool_id)
    placed = {UUID(each.candidate.machine_id): each.placement for each in draft.included}
    views = {view.id: view for view in inventories.machine_views(inventories.machines(project).filter(id__in=placed))}
    return [_wave_machine(views[key], placement, pool.endpoint_id) for key, placement in placed.items()]


def _require_disks(view: inventories.MachineView) -> None:
    if view.endpoint_id is None and not view.package_path:
        raise Conflict(
            f"{view.name} is known from a workbook alone: nobody is there to hand its disks over.",
            code="source_cannot_export",
            next_step="Add the vCenter or ESXi host it runs on, or a package of it, as a source; collect that and plan again.",
        )


def _views(project: Project, rows: list[PlannedMachine]) -> dict[UUID, inventories.MachineView]:
    machines = inventories.machines(project).filter(id__in=[row.machine_id for row in rows])
    return {view.id: view for view in inventories.machine_views(machines)}


def _wave_machine(view: inventories.MachineView, placement: Placement, pool_endpoint_id: UUID) -> WaveMachine:
    _require_disks(view)
    assert view.vm is not None, "asked before"
    return WaveMachine(
        machine_id=view.id,
        name=view.name,
        target_name=placement.target_name,
        source_id=view.source_id,
        source_endpoint_id=view.endpoint_id,
        package_path=view.package_path,
        pool_endpoint_id=pool_endpoint_id,
        native_id=view.native_id,
        vm=with_said(view.vm, placement.said),
        template_name=placement.template_name,
        template_uuid=placement.template_uuid,
        firmware=placement.firmware,
        sr_by_disk=placement.sr_by_disk,
        network_by_nic=placement.network_by_nic,
        vtpm=placement.vtpm,
        vif_locking=placement.vif_locking,
        ha_restart_priority=placement.ha_restart_priority,
    )


def planned_vms(wave_id: UUID | str, *, without: Collection[UUID] = ()) -> list[PlannedVm]:
    """What the wave still adds to its pool, for questions of capacity and protection; `without` as for `wave_machines`.

    Raises: NotVisible; Conflict `machine_gone` (409); Conflict `facts_unknown` (409) when a size is no longer known.
    """
    bytes_by_sr = dict(PlannedMachine.objects.filter(wave_id=wave_id).values_list("machine_id", "placement__bytes_by_sr"))
    return [_planned(machine, bytes_by_sr[machine.machine_id]) for machine in wave_machines(wave_id, without=without)]


def _planned(machine: WaveMachine, bytes_by_sr: dict[str, int]) -> PlannedVm:
    vm = machine.vm
    if isinstance(vm.memory_bytes, Unknown) or isinstance(vm.vcpus, Unknown):
        raise Conflict(
            f"Memory or vCPUs of {machine.name} are no longer known.",
            code="facts_unknown",
            next_step="Make the machine readable at its source and collect again.",
        )
    nics = () if isinstance(vm.nics, Unknown) else vm.nics
    return PlannedVm(
        machine_id=str(machine.machine_id),
        name=machine.target_name,
        memory_bytes=vm.memory_bytes,
        vcpus=vm.vcpus,
        disk_bytes_by_sr=tuple(bytes_by_sr.items()),
        mac_addresses=tuple(nic.mac_address.lower() for nic in nics if not isinstance(nic.mac_address, Unknown)),
        ha_restart_priority=machine.ha_restart_priority,
        is_windows=is_windows(vm.guest_id) is not False,
    )


def readings_planned_with(project_id: UUID) -> list[str]:
    """Ids of the readings of pools that plans of a project rest on."""
    return [str(each) for each in Plan.objects.filter(project_id=project_id).values_list("pool_facts_id", flat=True)]


def approved_at(project_id: UUID) -> list[datetime]:
    """When plans of a project were made and approved: each rests on what was known then."""
    rows = Plan.objects.filter(project_id=project_id).values_list("created_at", "approved_at")
    return [moment for row in rows for moment in row if moment is not None]
