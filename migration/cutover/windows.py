"""What KMS is told of a wave: its Windows machines, with every name and SMBIOS UUID before and after their move."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from estate.facts.pool import PoolFacts, PoolVmFacts
from estate.facts.source import VmFacts
from estate.facts.unknown import UNKNOWN, Unknown
from kms.core.firewall import PlannedNetwork
from kms.selectors import MachineAlias, MovedMachine, Placement, PlannedMachine
from kms.waves import KnownWave
from migration.conversion import selectors as conversions
from migration.conversion.selectors import Conversion
from migration.inventory import selectors as inventory
from migration.planning import selectors as planning
from migration.planning.core.mapping import is_windows
from migration.planning.selectors import WaveMachine
from project.backbone.models import Project
from project.backbone.problems import NotVisible
from readiness.selectors import pools


class WavesOfPlans:
    """Answers KMS out of plans and the conversion ledger (`kms.waves.Teller`)."""

    def planned(self, project: Project, wave_id: str) -> list[PlannedMachine]:
        """The wave's Windows machines, and those of which nobody knows. Raises: NotVisible, Conflict `machine_gone`."""
        wave = planning.wave(project.pk, _uuid(wave_id))
        machines = windows_of(planning.wave_machines(wave.pk))
        return planned_machines(machines, conversions.conversions_of_wave(wave.pk))

    def aliases(self, project: Project) -> list[MachineAlias]:
        """Every machine that has a copy in a pool."""
        rows = {row.machine_id: row for row in conversions.conversions_of_project(project.pk) if row.target_vm_uuid}
        views = inventory.machine_views(inventory.machines(project).filter(id__in=list(rows)))
        return [_alias(view.id, view.name, view.vm, rows[view.id].target_vm_uuid) for view in views]

    def waves(self, project: Project) -> list[KnownWave]:
        """The waves of every plan, by the plan's name and their own, with the time the first machine ran in the pool."""
        rows = list(planning.waves(project))
        moved_at = conversions.moved_at_of_waves([row.pk for row in rows])
        return [KnownWave(str(row.pk), f"{row.plan.name} \u00b7 {row.name}", moved_at.get(row.pk)) for row in rows]

    def networks(self, project: Project, wave_id: str) -> list[PlannedNetwork]:
        """The networks of the pool the wave's Windows machines move into. Raises: NotVisible, Conflict `machine_gone`."""
        wave = planning.wave(project.pk, _uuid(wave_id))
        machines: dict[str, list[str]] = defaultdict(list)
        for machine in windows_of(planning.wave_machines(wave.pk)):
            for network_id in set(machine.network_by_nic.values()):
                machines[network_id].append(machine.name)
        labels = _labels(wave.plan.pool_id)
        return [PlannedNetwork(uuid, labels.get(uuid, uuid), tuple(sorted(names))) for uuid, names in machines.items()]

    def moved(self, project: Project) -> list[MovedMachine]:
        """The Windows machines that run in a pool now, with the networks they were given there."""
        since = conversions.done_at(project.pk)
        rows = [row for row in conversions.conversions_of_project(project.pk) if row.pk in since]
        specs = {row.pk: conversions.spec_of(row) for row in rows}
        aliases = {alias.machine_id: alias for alias in self.aliases(project)}
        return [
            MovedMachine(
                aliases.get(str(row.machine_id)) or MachineAlias(str(row.machine_id), (row.name,)),
                frozenset(nic.network_uuid for nic in specs[row.pk].nics),
                since[row.pk],
                row.target_vm_uuid,
            )
            for row in rows
            if specs[row.pk].is_windows
        ]

    def placements(self, project: Project) -> list[Placement]:
        """Every VM of the project's collected pools with its server and SRs."""
        collected = (pools.latest_inventory(pool.pk) for pool in pools.pools(project))
        return [place for read in collected if read is not None for place in _placements(pools.facts_of(read))]


def _placements(facts: PoolFacts) -> list[Placement]:
    """The VMs of one pool; servers and SRs carry the pool's name, for two pools may call theirs alike."""
    servers = {host.uuid: f"{host.name} of pool {facts.name}" for host in facts.hosts}
    srs = {sr.uuid: f"{sr.name} of pool {facts.name}" for sr in facts.srs}
    return [
        Placement(vm.uuid, vm.name, servers.get(vm.resident_on_uuid or "", UNKNOWN), _srs_of(vm, srs))
        for vm in facts.vms
        if not vm.is_control_domain
    ]


def _srs_of(vm: PoolVmFacts, names: dict[str, str]) -> frozenset[str] | Unknown:
    if isinstance(vm.drives, Unknown):
        return vm.drives
    disks = (drive.sr_uuid for drive in vm.drives if drive.kind == "Disk")
    return frozenset(names.get(uuid, uuid) for uuid in disks if isinstance(uuid, str))


def _labels(pool_id: UUID) -> dict[str, str]:
    """Networks of a pool by uuid, as people know them: by name, and by VLAN where they have one."""
    if pools.collected_at(pool_id) is None:
        return {}
    facts = pools.latest_facts(pool_id)
    vlans = {pif.network_uuid: pif.vlan for pif in facts.pifs if pif.vlan > 0}
    return {each.uuid: f"{each.name}, VLAN {vlans[each.uuid]}" if each.uuid in vlans else each.name for each in facts.networks}


def windows_of(machines: Iterable[WaveMachine]) -> list[WaveMachine]:
    """The machines that run Windows or may: who is not known is asked for."""
    return [machine for machine in machines if is_windows(machine.vm.guest_id) is not False]


def planned_machines(windows: Iterable[WaveMachine], rows: Iterable[Conversion]) -> list[PlannedMachine]:
    """The machines as KMS takes them, joined with their conversions by machine."""
    targets = {row.machine_id: row.target_vm_uuid for row in rows if row.target_vm_uuid}
    return [PlannedMachine(_alias(m.machine_id, m.name, m.vm, targets.get(m.machine_id))) for m in windows]


def _alias(machine_id: UUID, name: str, vm: VmFacts | None, target_uuid: str | None) -> MachineAlias:
    names = [name] if vm is None else [vm.guest_host_name, name]
    uuids = [target_uuid] if vm is None else [vm.bios_uuid, target_uuid]
    return MachineAlias(
        machine_id=str(machine_id),
        names=tuple(each for each in names if not isinstance(each, Unknown) and each),
        smbios_uuids=tuple(uuid for uuid in uuids if not isinstance(uuid, Unknown) and uuid),
        is_server=UNKNOWN if vm is None else _is_server(vm.guest_id),
    )


def _is_server(guest_id: str | Unknown) -> bool | Unknown:
    """By the guest id's family (`windows…srv…`, `…Server…`); unknown where the id is."""
    if isinstance(guest_id, Unknown):
        return UNKNOWN
    lowered = guest_id.lower()
    return "srv" in lowered or "server" in lowered or lowered.startswith(("winnet", "winlonghorn"))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotVisible("wave") from None
