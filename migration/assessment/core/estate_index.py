"""The estate around a machine as rules look it up: one source's objects by native id, and who carries which value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from estate.facts.source import (
    ClusterFacts,
    ContainerFacts,
    DatastoreFacts,
    DiskFacts,
    HostFacts,
    NetworkFacts,
    SourceFact,
    SwitchFacts,
    VmFacts,
)
from estate.facts.unknown import UNKNOWN, Unknown, is_known
from migration.assessment.core.context import Estate, mac_owners, owners

F = TypeVar("F", HostFacts, ClusterFacts, DatastoreFacts, NetworkFacts, SwitchFacts, ContainerFacts)


def estate_of(*, own: Sequence[SourceFact], project_vms: Iterable[VmFacts], behind_vcenter: bool | Unknown = UNKNOWN) -> Estate:
    """The estate of one source. `own` are all its facts, `project_vms` the machines of the whole project, each once.

    Disk files are compared inside the source alone: two vCenters may both have a `[datastore1] web/web.vmdk`.
    """
    vms = tuple(project_vms)
    own_vms = tuple(fact for fact in own if isinstance(fact, VmFacts))
    return Estate(
        hosts=_by_id(own, HostFacts),
        clusters=_by_id(own, ClusterFacts),
        datastores=_by_id(own, DatastoreFacts),
        networks=_by_id(own, NetworkFacts),
        switches=_by_id(own, SwitchFacts),
        containers=_by_id(own, ContainerFacts),
        behind_vcenter=behind_vcenter,
        vms=own_vms,
        vms_of_host=_vms_of_host(own_vms),
        homeless_vms=tuple(vm for vm in own_vms if isinstance(vm.host_id, Unknown)),
        mac_owners=mac_owners(vms),
        bios_uuid_owners=_carried(vms, "bios_uuid"),
        instance_uuid_owners=_carried(vms, "instance_uuid"),
        host_name_owners=_carried(vms, "guest_host_name"),
        name_owners=_carried(vms, "name"),
        ipv4_owners=owners(_ipv4(vms)),
        disk_file_owners=_carried_by_disks(own_vms, "file_name"),
        disk_uuid_owners=_carried_by_disks(vms, "disk_uuid"),
    )


def _by_id(facts: Iterable[SourceFact], kind: type[F]) -> dict[str, F]:
    return {fact.native_id: fact for fact in facts if isinstance(fact, kind)}


def _vms_of_host(vms: Iterable[VmFacts]) -> Mapping[str, tuple[VmFacts, ...]]:
    found: dict[str, list[VmFacts]] = {}
    for vm in vms:
        if is_known(vm.host_id):
            found.setdefault(vm.host_id, []).append(vm)
    return {host_id: tuple(there) for host_id, there in found.items()}


def _carried(vms: Iterable[VmFacts], name: str) -> dict[str, tuple[str, ...]]:
    values = ((getattr(vm, name), vm.name) for vm in vms)
    return owners((value.strip().lower(), owner) for value, owner in values if is_known(value))


def _carried_by_disks(vms: Iterable[VmFacts], name: str) -> dict[str, tuple[str, ...]]:
    values = ((getattr(disk, name), owner) for disk, owner in _disks(vms))
    return owners((value.strip().lower(), owner) for value, owner in values if is_known(value))


def _disks(vms: Iterable[VmFacts]) -> Iterator[tuple[DiskFacts, str]]:
    for vm in vms:
        if not isinstance(vm.disks, Unknown):
            yield from ((disk, vm.name) for disk in vm.disks)


def _ipv4(vms: Iterable[VmFacts]) -> Iterator[tuple[str, str]]:
    """Each address once per machine."""
    for vm in vms:
        if not isinstance(vm.guest_nics, Unknown):
            addresses = {address for nic in vm.guest_nics for address in nic.ip_addresses if ":" not in address}
            yield from ((address, vm.name) for address in sorted(addresses))
