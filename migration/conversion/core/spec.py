"""What one conversion makes in the pool, frozen when the wave starts: VM, disks at their positions, NICs with their MACs.

Pure: built from source facts and the plan's resolved targets. A fact that is unknown is a problem here, never a default.
Sizes are bytes. Source of the position rules: XAPI emulates units 0-3 only, and unit 3 is left to the CD drive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from estate.facts.source import DiskBacking, DiskFacts, NicFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.planning.core.mapping import is_windows

CD_POSITION = "3"


@dataclass(frozen=True, slots=True)
class DiskSpec:
    """One disk: `address` finds it in a lease, `position` is its userdevice in the pool, `datastore` the id of where it lies,
    empty where nobody knows. `from_files`: an export leaves it out, so it is read from its files on the datastore.
    """

    device_key: int
    label: str
    address: str
    capacity_bytes: int
    sr_uuid: str
    position: str
    datastore: str = ""
    from_files: bool = False


@dataclass(frozen=True, slots=True)
class NicSpec:
    """One interface. Without a `mac_address` the pool makes one: packages often name none."""

    device: str
    mac_address: str
    network_uuid: str
    source_network: str


@dataclass(frozen=True, slots=True)
class ConversionSpec:
    """Everything the work room needs to make the VM, and where it comes from.

    `name` is the source's, by which people know the machine; `target_name` is the VM's in the pool. A machine of a package has
    a `package_path`, relative to the import folder, and no `source_endpoint_id`.
    """

    machine_id: str
    name: str
    source_endpoint_id: str
    source_vm_id: str
    pool_endpoint_id: str
    template_name: str
    firmware: str
    secure_boot: bool
    is_windows: bool
    vcpus: int
    cores_per_socket: int
    memory_bytes: int
    annotation: str
    source_instance_uuid: str
    disks: tuple[DiskSpec, ...]
    nics: tuple[NicSpec, ...]
    target_name: str = ""
    package_path: str = ""
    source_host: str = ""
    """Id of the host that holds the machine at its source; empty where nobody knows."""
    tags: tuple[str, ...] = ()
    """The source's, as far as they could be read."""
    vtpm: bool = False
    """Whether the VM gets a new, empty TPM."""
    vif_locking: str = ""
    """`unlocked`, `disabled`; empty leaves it to each network."""
    ha_restart_priority: str = ""
    """What HA is told of the VM once it runs: `restart`, `best-effort`; empty for nothing."""

    @property
    def name_in_pool(self) -> str:
        """The plan's name for the VM, or the source's when the plan gave none."""
        return self.target_name or self.name


@dataclass(frozen=True, slots=True)
class Targets:
    """What the plan resolved for one machine. Keys: device keys of the source's disks and NICs; values: pool uuids.

    An empty `target_name` keeps the source's name. A machine comes through an endpoint or out of a package.
    """

    source_endpoint_id: str
    pool_endpoint_id: str
    template_name: str
    sr_by_disk: Mapping[int, str]
    network_by_nic: Mapping[int, str]
    target_name: str = ""
    package_path: str = ""
    vtpm: bool = False
    vif_locking: str = ""
    ha_restart_priority: str = ""


class SpecProblem(ValueError):
    """The machine cannot be described for the pool; `problems` are sentences for a person."""

    def __init__(self, name: str, problems: list[str]) -> None:
        super().__init__(f"{name}: " + "; ".join(problems))
        self.problems = problems


def build_spec(machine_id: str, vm: VmFacts, targets: Targets) -> ConversionSpec:
    """The frozen description of one conversion. Raises SpecProblem naming every fact that is missing."""
    problems = list(_problems(vm, targets))
    if problems:
        raise SpecProblem(vm.name, problems)
    return ConversionSpec(
        machine_id=machine_id,
        name=vm.name,
        source_endpoint_id=targets.source_endpoint_id,
        source_vm_id=vm.native_id,
        pool_endpoint_id=targets.pool_endpoint_id,
        template_name=targets.template_name,
        firmware="uefi" if vm.firmware == "efi" else "bios",
        secure_boot=vm.secure_boot is True,
        is_windows=is_windows(vm.guest_id) is True,
        vcpus=_known_int(vm.vcpus),
        cores_per_socket=_known_int(vm.cores_per_socket) if vm.cores_per_socket else 1,
        memory_bytes=_known_int(vm.memory_bytes),
        annotation=vm.annotation,
        source_instance_uuid="" if isinstance(vm.instance_uuid, Unknown) else vm.instance_uuid,
        disks=tuple(_disk_specs(vm, targets)),
        nics=tuple(_nic_specs(vm, targets)),
        target_name=targets.target_name,
        package_path=targets.package_path,
        tags=() if isinstance(vm.tags, Unknown) else vm.tags,
        source_host="" if isinstance(vm.host_id, Unknown) else vm.host_id,
        vtpm=targets.vtpm,
        vif_locking=targets.vif_locking,
        ha_restart_priority=targets.ha_restart_priority,
    )


def _known_int(value: int | Unknown) -> int:
    assert not isinstance(value, Unknown), "checked by _problems"
    return value


def _problems(vm: VmFacts, targets: Targets) -> Iterator[str]:
    for field in ("firmware", "guest_id", "vcpus", "cores_per_socket", "memory_bytes", "disks", "nics"):
        value = getattr(vm, field)
        if isinstance(value, Unknown):
            yield f"{field} could not be read ({value.reason})"
    if vm.firmware == "efi" and isinstance(vm.secure_boot, Unknown):
        yield f"whether it boots securely could not be read ({vm.secure_boot.reason})"
    if vm.disks == ():
        yield "it has no disk that could be copied"
    if not isinstance(vm.disks, Unknown):
        for disk in vm.disks:
            yield from _disk_problems(disk, targets)
    if not isinstance(vm.nics, Unknown):
        for nic in vm.nics:
            yield from _nic_problems(nic, targets)


def _disk_problems(disk: DiskFacts, targets: Targets) -> Iterator[str]:
    if isinstance(disk.capacity_bytes, Unknown) or disk.capacity_bytes <= 0:
        yield f"the size of {disk.label} is not known"
    if disk.backing in (DiskBacking.RDM_PHYSICAL, DiskBacking.OTHER) or isinstance(disk.backing, Unknown):
        yield f"{disk.label} is not a virtual disk that an export contains"
    if any(isinstance(part, Unknown) for part in (disk.controller_type, disk.bus_number, disk.unit_number)):
        yield f"the controller of {disk.label} is not known"
    if disk.device_key not in targets.sr_by_disk:
        yield f"no SR is mapped for {disk.label}"


def _nic_problems(nic: NicFacts, targets: Targets) -> Iterator[str]:
    if not targets.package_path and (isinstance(nic.mac_address, Unknown) or not nic.mac_address):
        yield f"the MAC address of {nic.label} is not known"
    if nic.device_key not in targets.network_by_nic:
        yield f"no network is mapped for {nic.label}"


def _disk_specs(vm: VmFacts, targets: Targets) -> Iterator[DiskSpec]:
    assert not isinstance(vm.disks, Unknown), "checked by _problems"
    for disk, position in zip(vm.disks, positions(len(vm.disks)), strict=True):
        yield DiskSpec(
            device_key=disk.device_key,
            label=disk.label,
            address=disk.address,
            capacity_bytes=_known_int(disk.capacity_bytes),
            sr_uuid=targets.sr_by_disk[disk.device_key],
            position=position,
            datastore="" if isinstance(disk.datastore_id, Unknown | None) else disk.datastore_id,
            from_files=not targets.package_path and isinstance(disk.mode, str) and disk.mode.startswith("independent_"),
        )


def _nic_specs(vm: VmFacts, targets: Targets) -> Iterator[NicSpec]:
    assert not isinstance(vm.nics, Unknown), "checked by _problems"
    for number, nic in enumerate(vm.nics):
        yield NicSpec(
            device=str(number),
            mac_address="" if isinstance(nic.mac_address, Unknown) else nic.mac_address.lower(),
            network_uuid=targets.network_by_nic[nic.device_key],
            source_network=nic.network_name if not isinstance(nic.network_name, Unknown) else "",
        )


def positions(count: int) -> Iterator[str]:
    """Userdevice positions for `count` disks in source order: the boot disk is "0", "3" stays free for the CD drive."""
    free = (str(number) for number in range(255) if str(number) != CD_POSITION)
    return (position for position, _ in zip(free, range(count), strict=False))
