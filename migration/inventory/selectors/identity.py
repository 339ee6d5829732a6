"""Reading questions of identity, with what tells the machines apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown, is_known
from migration.inventory.models import IdentityQuestion
from migration.inventory.selectors.known_machines import MachineView, machine_views, machines
from project.backbone.models import Project


@dataclass(frozen=True, slots=True)
class Resemblance:
    """What a person compares two machines by. Texts are empty, lists shorter, where nothing was read."""

    id: UUID
    name: str
    source_name: str
    host_name: str
    bios_uuid: str
    mac_addresses: tuple[str, ...]
    disk_bytes: tuple[int, ...]
    collected_at: datetime | None


def identity_questions(project: Project) -> QuerySet[IdentityQuestion]:
    return IdentityQuestion.objects.filter(project=project).select_related("source__endpoint", "machine", "project")


def identities_waiting(project: Project) -> int:
    """How many questions of identity nobody has answered."""
    return identity_questions(project).filter(answered_at=None).count()


def resemblances(project: Project, questions: Sequence[IdentityQuestion]) -> dict[UUID, Resemblance]:
    """Every machine these questions are about, by id. Three queries."""
    ids = {question.machine_id for question in questions} | {UUID(each) for question in questions for each in question.candidates}
    return {view.id: _resemblance(view) for view in machine_views(machines(project).filter(id__in=ids))}


def _resemblance(view: MachineView) -> Resemblance:
    return Resemblance(
        id=view.id,
        name=view.name,
        source_name=view.source_name,
        host_name=_text(view.vm.guest_host_name) if view.vm else "",
        bios_uuid=_text(view.vm.bios_uuid) if view.vm else "",
        mac_addresses=_addresses(view.vm),
        disk_bytes=_sizes(view.vm),
        collected_at=view.collected_at,
    )


def _text(value: str | Unknown) -> str:
    return value if is_known(value) else ""


def _addresses(vm: VmFacts | None) -> tuple[str, ...]:
    if vm is None or isinstance(vm.nics, Unknown):
        return ()
    return tuple(nic.mac_address for nic in vm.nics if is_known(nic.mac_address))


def _sizes(vm: VmFacts | None) -> tuple[int, ...]:
    if vm is None or isinstance(vm.disks, Unknown):
        return ()
    return tuple(disk.capacity_bytes for disk in vm.disks if is_known(disk.capacity_bytes))
