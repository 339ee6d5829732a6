"""Rules on virtual disks (DSK): size, raw device mappings, sharing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from estate.facts.source import DiskBacking, DiskFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import NO_TARGET, RuleContext
from migration.assessment.core.registry import When, rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, either, known

CONTROLLERS_WITHOUT_BUS_SHARING = ("IDE", "AHCI", "SATA", "NVME")
SRS_DIFFER = Unknown("the disk's datastore is not mapped to an SR, and only some SRs of the target hold it")
VOLATILE_MODES = frozenset({"independent_nonpersistent", "nonpersistent", "undoable", "append"})


def of_disks(vm: VmFacts, question: Callable[[DiskFacts], tuple[Answer, str, Any]]) -> Parts:
    """One part per disk; `question` gives answer, field and raw value. Without a disk list there is one unknown part."""
    if isinstance(vm.disks, Unknown):
        return (Part(Answer.UNKNOWN, "disks", vm.disks),)
    parts: tuple[Part, ...] = ()
    for number, disk in enumerate(vm.disks):
        answer, name, raw = question(disk)
        if answer is not Answer.FALSE:
            parts += (Part(answer, f"disks[{number}].{name}", raw, disk_params(disk)),)
    return parts


def disks_where(vm: VmFacts, name: str, test: Callable[[Any], bool], severity: Severity | None = None) -> tuple[Part, ...]:
    """The parts for one field of every disk: true where the test holds, unknown where it was not read."""
    if isinstance(vm.disks, Unknown):
        return (Part(Answer.UNKNOWN, "disks", vm.disks),)
    parts: tuple[Part, ...] = ()
    for number, disk in enumerate(vm.disks):
        value = getattr(disk, name)
        if isinstance(value, Unknown):
            parts += (Part(Answer.UNKNOWN, f"disks[{number}].{name}", value, disk_params(disk)),)
        elif test(value):
            parts += (Part(Answer.TRUE, f"disks[{number}].{name}", value, disk_params(disk), severity),)
    return parts


def disk_params(disk: DiskFacts) -> dict[str, Any]:
    """What reports group disks by, and waivers match."""
    params: dict[str, Any] = {"device_key": disk.device_key, "label": disk.label}
    if not any(isinstance(value, Unknown) for value in (disk.controller_type, disk.bus_number, disk.unit_number)):
        params["address"] = disk.address
    if not isinstance(disk.capacity_bytes, Unknown):
        params["capacity_bytes"] = disk.capacity_bytes
    return params


@rule(
    "DSK-001",
    severity=Severity.CRITICAL,
    sources="VRO",
    title="A disk is larger than a VHD can be and the target offers only VHD",
    why="A VDI in VHD format ends at 2040 GiB; creating or copying a larger one fails.",
    remediation="Map the disk to an SR whose format holds it (GFS2 or XFS, QCOW2 on XCP-ng), split it, or serve it in the guest.",
)
def disk_over_vhd_limit(vm: VmFacts, context: RuleContext) -> Parts:
    """Within the VHD limit no target matters. Above it the mapped SR decides, without one all SRs as far as they agree."""

    def question(disk: DiskFacts) -> tuple[Answer, str, Any]:
        size_bytes = disk.capacity_bytes
        if isinstance(size_bytes, Unknown) or size_bytes <= context.limits.vhd_vdi_bytes:
            return known(size_bytes, lambda _: False), "capacity_bytes", size_bytes
        limits = _vdi_limits(disk, context)
        answers = {known(limit, lambda most: size_bytes > most) for limit in limits}
        if len(answers) == 1 and Answer.UNKNOWN not in answers:
            return answers.pop(), "capacity_bytes", size_bytes
        unread = next((limit for limit in limits if isinstance(limit, Unknown)), SRS_DIFFER if limits else NO_TARGET)
        return Answer.UNKNOWN, "capacity_bytes", unread

    return of_disks(vm, question)


def _vdi_limits(disk: DiskFacts, context: RuleContext) -> list[int | Unknown]:
    limits, srs = context.target.vdi_limit_bytes, context.target.srs
    if not isinstance(srs, Unknown) and not isinstance(disk.datastore_id, Unknown):
        sr_uuid = srs.get(disk.datastore_id or "", "")
        if sr_uuid in limits:
            return [limits[sr_uuid]]
    return list(limits.values())


@rule(
    "DSK-004",
    severity=Severity.CRITICAL,
    sources="VR",
    title="A disk is a raw device mapping in physical mode",
    why="Its blocks belong to a LUN: exports and snapshots leave it out, and SAN or cluster tools may address it directly.",
    remediation="Move its content to a virtual disk first, or give the LUN to the guest again after cutover.",
)
def physical_rdm(vm: VmFacts, context: RuleContext) -> Parts:
    """A physical-mode mapping cannot be read through vSphere."""
    return disks_where(vm, "backing", lambda backing: backing is DiskBacking.RDM_PHYSICAL)


@rule(
    "DSK-008",
    severity=Severity.CRITICAL,
    sources="VR",
    title="A disk is shared with other machines (multi-writer, or a shared SCSI bus)",
    why="A VDI knows no SCSI-3 reservations: a failover cluster loses its quorum disk, and each owner would get its own copy.",
    remediation="Move the members as one unit with in-guest iSCSI, application replication, or a file share instead of the disk.",
)
def shared_disk(vm: VmFacts, context: RuleContext) -> Parts:
    """Either way of sharing counts; both must be known to be absent."""

    def question(disk: DiskFacts) -> tuple[Answer, str, Any]:
        writers = known(disk.sharing, lambda sharing: sharing == "sharingMultiWriter")
        bus = _shared_bus(disk)
        answer = either(writers, bus)
        name = "sharing" if writers is answer else "controller_shared_bus"
        return answer, name, getattr(disk, name)

    return of_disks(vm, question)


def _shared_bus(disk: DiskFacts) -> Answer:
    """Only SCSI controllers share a bus, so the others need not say that they do not."""
    bus, kind = disk.controller_shared_bus, disk.controller_type
    cannot = not isinstance(kind, Unknown) and any(word in kind.upper() for word in CONTROLLERS_WITHOUT_BUS_SHARING)
    return Answer.FALSE if isinstance(bus, Unknown) and cannot else known(bus, lambda sharing: sharing not in {"", "noSharing"})


@rule(
    "DSK-002",
    severity=Severity.CRITICAL,
    sources="VRO",
    title="A disk is larger than any virtual disk of the target",
    why="No SR of the product holds a VDI of this size.",
    remediation="Split the disk, or serve its content over NFS or iSCSI inside the guest.",
)
def disk_over_every_limit(vm: VmFacts, context: RuleContext) -> Parts:
    """The largest VDI of the product, whatever the SR."""
    limit_bytes = context.limits.vdi_max_bytes
    return disks_where(vm, "capacity_bytes", lambda size: size > limit_bytes)


@rule(
    "DSK-003",
    severity=Severity.CRITICAL,
    sources="VRO",
    title="A disk has no valid size",
    why="A VDI cannot be made without a size.",
    remediation="Collect the inventory again; repair the disk or detach it.",
)
def disk_without_size(vm: VmFacts, context: RuleContext) -> Parts:
    """An unread size stays an open question; zero and less are no size."""
    return disks_where(vm, "capacity_bytes", lambda size: size <= 0)


@rule(
    "DSK-005",
    severity=Severity.WARNING,
    sources="VR",
    title="A disk is a raw device mapping in virtual mode",
    why="It becomes a plain VDI: the LUN's identity and the array's functions stay behind.",
    remediation="Move it to a flat disk with storage migration first, or accept the conversion.",
)
def virtual_rdm(vm: VmFacts, context: RuleContext) -> Parts:
    """A virtual-mode mapping can be read, but loses its LUN."""
    return disks_where(vm, "backing", lambda backing: backing is DiskBacking.RDM_VIRTUAL)


@rule(
    "DSK-006",
    severity=Severity.WARNING,
    sources="VR",
    title="A disk is independent of snapshots",
    why="Snapshots leave it out: there is no consistent copy of it while the machine runs, and no delta.",
    remediation="Set its mode to persistent while powered off, or copy it cold.",
)
def independent_disk(vm: VmFacts, context: RuleContext) -> Parts:
    """Critical once a warm transfer is wanted."""
    severity = Severity.CRITICAL if When.WARM in context.modes else None
    return disks_where(vm, "mode", lambda mode: mode.startswith("independent_"), severity)


@rule(
    "DSK-007",
    severity=Severity.WARNING,
    sources="VR",
    title="A disk forgets or holds back its writes",
    why="A VDI keeps what is written; only some SRs can reset one at boot.",
    remediation="Agree on the wanted behaviour; a non-persistent desktop belongs in its own tool.",
)
def volatile_disk(vm: VmFacts, context: RuleContext) -> Parts:
    """Modes other than plain or independent persistence."""
    return disks_where(vm, "mode", lambda mode: mode in VOLATILE_MODES)
