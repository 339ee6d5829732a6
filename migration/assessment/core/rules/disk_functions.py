"""Rules on whom disks belong to and what works on them (DSK): owners, encryption, clones, positions, provisioning, filters."""

from __future__ import annotations

from typing import Any

from estate.facts.source import DiskBacking, DiskFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, answered, both, judged, known
from migration.assessment.core.rules.cpu import setting
from migration.assessment.core.rules.devices import all_of
from migration.assessment.core.rules.disks import disks_where, of_disks

PMEM_DISK = "VirtualDiskLocalPMemBackingInfo"
NOT_LISTED = Unknown("the datastore is not in the inventory")
NOT_MAPPED = Unknown("its datastore is not mapped to an SR of the pool")


@rule(
    "DSK-009",
    severity=Severity.CRITICAL,
    sources="V",
    title="Another machine uses the same disk",
    why="The sharing is hidden: each machine would get its own copy, and the copies drift apart.",
    remediation="Move the machines as one unit, or detach the disk from all but one.",
)
def disk_of_two_machines(vm: VmFacts, context: RuleContext) -> Parts:
    """Compared by file inside the source and by disk id in the project."""
    files, uuids = context.estate.disk_file_owners, context.estate.disk_uuid_owners
    return (
        *disks_where(vm, "file_name", lambda name: len(files.get(name.strip().lower(), ())) > 1),
        *disks_where(vm, "disk_uuid", lambda uuid: len(uuids.get(uuid.strip().lower(), ())) > 1),
    )


@rule(
    "DSK-010",
    severity=Severity.CRITICAL,
    sources="VO",
    title="The machine or a disk is encrypted by vSphere",
    why="Without crypto rights the reader gets ciphertext, and so would the target.",
    remediation="Decrypt by storage policy, or grant the reader direct access; encrypt again in the guest or the array.",
)
def encrypted(vm: VmFacts, context: RuleContext) -> Parts:
    """Any of the three marks is enough; all must be known to be absent."""
    return (
        *judged("encrypted", vm.encrypted, bool),
        *judged("crypto_state", vm.crypto_state, lambda state: state is not None, lambda state: {"crypto_state": state}),
        *disks_where(vm, "encrypted", bool),
    )


@rule(
    "DSK-011",
    severity=Severity.WARNING,
    sources="VR",
    title="The machine is a linked or instant clone",
    why="A full copy needs many times the space, and clones share an identity.",
    remediation="Take the gold image's way, or make a full clone first.",
)
def linked_clone(vm: VmFacts, context: RuleContext) -> Parts:
    """A parent counts as a clone's only where no snapshot explains it."""
    plain = known(vm.snapshots, lambda snapshots: not snapshots)

    def question(disk: DiskFacts) -> tuple[Answer, str, Any]:
        return both(known(disk.has_parent, bool), plain), "has_parent", _first_unread(disk.has_parent, vm.snapshots)

    clones = (*disks_where(vm, "native_linked_clone", bool), *judged("forked", vm.forked, bool))
    return (*of_disks(vm, question), *clones)


def _first_unread(value: Any, other: Any) -> Any:
    return other if not isinstance(value, Unknown) and isinstance(other, Unknown) else value


@rule(
    "DSK-012",
    severity=Severity.CRITICAL,
    sources="V",
    title="A disk's datastore cannot be reached",
    why="What cannot be read cannot be copied.",
    remediation="Restore access to the datastore, or detach the disk.",
)
def disk_out_of_reach(vm: VmFacts, context: RuleContext) -> Parts:
    """No datastore at all, or one that vSphere reports as inaccessible. A disk in a package was at hand when it was read."""

    def question(disk: DiskFacts) -> tuple[Answer, str, Any]:
        store_id = disk.datastore_id
        if store_id is None:
            return known(disk.backing, lambda kind: kind != DiskBacking.STREAM), "datastore_id", _first_unread(None, disk.backing)
        if isinstance(store_id, Unknown):
            return Answer.UNKNOWN, "datastore_id", store_id
        store = context.estate.datastores.get(store_id)
        reachable = NOT_LISTED if store is None else store.accessible
        return known(reachable, lambda accessible: not accessible), "datastore_id", _first_unread(store_id, reachable)

    return of_disks(vm, question)


@rule(
    "DSK-013",
    severity=Severity.CRITICAL,
    sources="VR",
    title="The machine has more disks and CD drives than a VM can have",
    why="The device positions of a VM are used up.",
    remediation="Merge volumes, or drop drives.",
)
def too_many_disks(vm: VmFacts, context: RuleContext) -> Parts:
    """Disks and CD drives count together."""
    most = context.limits.devices_max
    if isinstance(vm.disks, Unknown):
        return (Part(Answer.UNKNOWN, "disks", vm.disks),)
    count = len(vm.disks)
    name, listed = all_of(vm, "VirtualCdrom")
    if count <= most and isinstance(listed, Unknown):
        return (Part(Answer.UNKNOWN, name, listed),)
    drives = () if isinstance(listed, Unknown) else listed
    total = count + sum(device.kind == "VirtualCdrom" for device in drives)
    return answered(Answer.TRUE, "disks", total, {"count": total, "limit": most}) if total > most else ()


@rule(
    "DSK-014",
    severity=Severity.WARNING,
    sources="VRG",
    title="More disks than a guest without PV drivers can see",
    why="Until PV drivers run, only the first few positions exist for the guest.",
    remediation="Put the system disk at position 0 and prove the drivers before the first boot.",
)
def disks_need_drivers(vm: VmFacts, context: RuleContext) -> Parts:
    """Nothing but a look into the guest proves drivers, so the number of disks decides.

    No source names the boot disk; with few enough disks it is among the first positions wherever it is.
    """
    most = context.limits.devices_without_drivers_max
    return judged("disks", _count(vm), lambda count: count > most, lambda count: {"count": count, "limit": most})


def _count(vm: VmFacts) -> int | Unknown:
    return vm.disks if isinstance(vm.disks, Unknown) else len(vm.disks)


@rule(
    "DSK-015",
    severity=Severity.WARNING,
    sources="VRP",
    title="A thin disk goes to a thick SR",
    why="Its full size is reserved there, and each snapshot can need as much again.",
    remediation="Size the SR for full capacity and snapshots, or choose a thin SR.",
)
def thin_to_thick(vm: VmFacts, context: RuleContext) -> Parts:
    """Only thin disks ask for the target's SR."""
    kinds: dict[str, str] = {sr.uuid: sr.kind for pool in context.target.pools for sr in pool.srs}

    def question(disk: DiskFacts) -> tuple[Answer, str, Any]:
        kind = _sr_kind(disk, context, kinds)
        thick = known(kind, lambda name: name.lower() in context.limits.thick_sr_kinds)
        return both(known(disk.thin, bool), thick), "thin", _first_unread(disk.thin, kind)

    return of_disks(vm, question)


def _sr_kind(disk: DiskFacts, context: RuleContext, kinds: dict[str, str]) -> str | Unknown:
    srs, store_id = context.target.srs, disk.datastore_id
    if isinstance(srs, Unknown):
        return srs
    if isinstance(store_id, Unknown):
        return store_id
    return kinds.get(srs.get(store_id or "", ""), NOT_MAPPED)


@rule(
    "DSK-016",
    severity=Severity.INFO,
    sources="VR",
    title="The guest sees serial numbers of its disks",
    why="The serials change with the move; ASM, multipath and licences may be tied to them.",
    remediation="Tie rules to partition or filesystem UUIDs instead.",
)
def serials_seen(vm: VmFacts, context: RuleContext) -> Parts:
    """The flag that shows disk ids to the guest, or the setting behind it; only the flag can say that they are hidden."""
    extra = setting(vm, "disk.EnableUUID")
    if not isinstance(extra, Unknown) and extra in {"true", "1"}:
        return answered(Answer.TRUE, "extra_config", extra)
    return judged("disk_uuid_enabled", vm.disk_uuid_enabled, bool)


@rule(
    "DSK-017",
    severity=Severity.WARNING,
    sources="VR",
    title="A disk hangs on an NVMe controller",
    why="Device names and the boot class in the guest change from NVMe to Xen's.",
    remediation="Mount by UUID in fstab and boot loader; keep SCSI class drivers enabled in Windows.",
)
def nvme_disk(vm: VmFacts, context: RuleContext) -> Parts:
    """By the controller's type."""
    return disks_where(vm, "controller_type", lambda kind: "NVME" in kind.upper())


@rule(
    "DSK-018",
    severity=Severity.CRITICAL,
    sources="V",
    title="The machine uses persistent memory",
    why="A VM has no such device.",
    remediation="Move the data to a disk.",
)
def persistent_memory(vm: VmFacts, context: RuleContext) -> Parts:
    """An NVDIMM, a disk on persistent memory, or the setting."""
    modules = judged("devices", vm.devices, lambda devices: any(device.kind == "VirtualNVDIMM" for device in devices))
    return (*modules, *judged("pmem", vm.pmem, bool), *disks_where(vm, "backing_type", lambda kind: kind == PMEM_DISK))


@rule(
    "DSK-019",
    severity=Severity.WARNING,
    sources="V",
    title="A disk belongs to a storage controller (first-class disk)",
    why="Kubernetes or a backup controller owns it and keeps its own books.",
    remediation="Move the workload with the owner's tool.",
)
def first_class_disk(vm: VmFacts, context: RuleContext) -> Parts:
    """By its first-class id."""
    return disks_where(vm, "vdisk_id", bool)


@rule(
    "DSK-020",
    severity=Severity.INFO,
    sources="VO",
    title="A disk's size is no multiple of the VDI step",
    why="The VDI is rounded up, so the GPT's backup header is no longer at its end.",
    remediation="Let it be; repair the GPT at the first boot.",
)
def uneven_disk(vm: VmFacts, context: RuleContext) -> Parts:
    """Sizes that are not full steps."""
    step_bytes = context.limits.vdi_step_bytes
    return disks_where(vm, "capacity_bytes", lambda size: size % step_bytes != 0)


@rule(
    "DSK-021",
    severity=Severity.WARNING,
    sources="V",
    title="IO filters or flash cache work on a disk",
    why="Replication or cache in the filter do not move along.",
    remediation="Replace the function and remove the filter first.",
)
def filtered_disk(vm: VmFacts, context: RuleContext) -> Parts:
    """A filter, or a cache reservation of a disk or of the machine."""
    return (
        *disks_where(vm, "io_filters", bool),
        *disks_where(vm, "vflash_reservation_bytes", lambda size: size > 0),
        *judged("vflash_reservation_bytes", vm.vflash_reservation_bytes, lambda size: size > 0),
    )
