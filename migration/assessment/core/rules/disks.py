"""Rules on virtual disks (DSK): size, raw device mappings, sharing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from estate.facts.source import DiskBacking, DiskFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, either, known

CONTROLLERS_WITHOUT_BUS_SHARING = ("IDE", "AHCI", "SATA", "NVME")


def _disk_parts(vm: VmFacts, question: Callable[[DiskFacts], tuple[Answer, str, Any]]) -> Iterator[Part]:
    """One part per disk; `question` gives answer, field and raw value. Without a disk list there is one unknown part."""
    if isinstance(vm.disks, Unknown):
        yield Part(Answer.UNKNOWN, "disks", vm.disks)
        return
    for number, disk in enumerate(vm.disks):
        answer, name, raw = question(disk)
        if answer is Answer.FALSE:
            continue
        params = {"device_key": disk.device_key, "label": disk.label, "address": disk.address}
        if not isinstance(disk.capacity_bytes, Unknown):
            params["capacity_bytes"] = disk.capacity_bytes
        yield Part(answer, f"disks[{number}].{name}", raw, params)


@rule(
    "DSK-001",
    severity=Severity.CRITICAL,
    sources="VRO",
    title="A disk is larger than a VHD can be and the target offers only VHD",
    why="A VDI in VHD format ends at 2040 GiB; creating or copying a larger one fails.",
    remediation="Map the disk to an SR whose format holds it (GFS2 or XFS, QCOW2 on XCP-ng), split it, or serve it in the guest.",
)
def disk_over_vhd_limit(vm: VmFacts, context: RuleContext) -> Parts:
    """Within the VHD limit no target matters; above it the largest VDI of the target decides, unknown while none is known."""

    def question(disk: DiskFacts) -> tuple[Answer, str, Any]:
        size_bytes = disk.capacity_bytes
        if isinstance(size_bytes, Unknown) or size_bytes <= context.limits.vhd_vdi_bytes:
            return known(size_bytes, lambda _: False), "capacity_bytes", size_bytes
        return known(context.target.largest_vdi_bytes, lambda limit: size_bytes > limit), "capacity_bytes", size_bytes

    return _disk_parts(vm, question)


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

    def question(disk: DiskFacts) -> tuple[Answer, str, Any]:
        return known(disk.backing, lambda backing: backing is DiskBacking.RDM_PHYSICAL), "backing", disk.backing

    return _disk_parts(vm, question)


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
        name = "controller_shared_bus" if writers is Answer.FALSE else "sharing"
        return either(writers, bus), name, getattr(disk, name)

    return _disk_parts(vm, question)


def _shared_bus(disk: DiskFacts) -> Answer:
    """Only SCSI controllers share a bus, so the others need not say that they do not."""
    kind = disk.controller_type
    if not isinstance(kind, Unknown) and any(word in kind.upper() for word in CONTROLLERS_WITHOUT_BUS_SHARING):
        return Answer.FALSE
    return known(disk.controller_shared_bus, lambda bus: bus != "noSharing")
