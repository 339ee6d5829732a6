"""Rules on what is inside the guest (GST). Few facts decide without a look into it; all else stays open until a probe looked."""

from __future__ import annotations

from estate.facts.source import GuestDiskFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import NO_PROBE, RuleContext
from migration.assessment.core.limits import Limits
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, answered, judged, opposite
from migration.assessment.core.rules.guest_os import runs

SYSTEM_VOLUMES = frozenset({"/", "c:"})
NO_SYSTEM_VOLUME = Unknown("the system volume is not among those that Tools report")


def _unprobed() -> tuple[Part, ...]:
    return answered(Answer.UNKNOWN, "probe", NO_PROBE)


def _unless(impossible: Answer) -> tuple[Part, ...]:
    """Nothing to ask where the concern is impossible, else the question for the probe."""
    return () if impossible is Answer.TRUE else _unprobed()


def _on_windows(vm: VmFacts, context: RuleContext) -> tuple[Part, ...]:
    return _unless(opposite(runs(vm, context, "windows")))


def _off_windows(vm: VmFacts, context: RuleContext) -> tuple[Part, ...]:
    return _unless(runs(vm, context, "windows"))


@rule(
    "GST-001",
    severity=Severity.CRITICAL,
    sources="G",
    title="Windows starts no storage driver that the target has a disk for",
    why="It stops with 0x7B at the first boot.",
    remediation="Set the drivers' start values before the copy, stage the PV drivers, and prove it by a test boot.",
)
def no_boot_driver(vm: VmFacts, context: RuleContext) -> Parts:
    """Asked of Windows alone."""
    return _on_windows(vm, context)


@rule(
    "GST-002",
    severity=Severity.CRITICAL,
    sources="G",
    title="The initramfs of the default kernel lacks the Xen disk or network driver",
    why="The root device is not found at the first boot.",
    remediation="Rebuild the initramfs of every installed kernel, and list its content to verify.",
)
def initramfs_without_drivers(vm: VmFacts, context: RuleContext) -> Parts:
    """Not asked of Windows."""
    return _off_windows(vm, context)


@rule(
    "GST-003",
    severity=Severity.CRITICAL,
    sources="G",
    title="The kernel was built without support for Xen guests",
    why="It has no driver for paravirtual devices.",
    remediation="Install the distribution's generic kernel.",
)
def kernel_without_xen(vm: VmFacts, context: RuleContext) -> Parts:
    """Not asked of Windows."""
    return _off_windows(vm, context)


@rule(
    "GST-004",
    severity=Severity.WARNING,
    sources="G",
    title="Mounts, swap or the boot loader name disks by device path or serial",
    why="The devices have other names on the target.",
    remediation="Refer to file systems by UUID or label.",
)
def device_names_used(vm: VmFacts, context: RuleContext) -> Parts:
    """Not asked of Windows."""
    return _off_windows(vm, context)


@rule(
    "GST-005",
    severity=Severity.CRITICAL,
    sources="VG",
    title="A volume of the guest is full",
    why="Drivers and a new initramfs cannot be written.",
    remediation="Free space on the volume.",
)
def volume_full(vm: VmFacts, context: RuleContext) -> Parts:
    """Each volume Tools report against the minimum of its kind; the minimum is enough. No system volume among them: open."""
    if isinstance(vm.guest_disks, Unknown):
        return answered(Answer.UNKNOWN, "guest_disks", vm.guest_disks)
    parts: tuple[Part, ...] = ()
    if not any(_mount(volume) in SYSTEM_VOLUMES for volume in vm.guest_disks):
        parts = answered(Answer.UNKNOWN, "guest_disks", NO_SYSTEM_VOLUME)
    for number, volume in enumerate(vm.guest_disks):
        parts += _free(f"guest_disks[{number}].free_bytes", volume, context.limits)
    return parts


def _free(path: str, volume: GuestDiskFacts, limits: Limits) -> tuple[Part, ...]:
    least = _least_free_bytes(_mount(volume), limits)
    params = {"path": volume.path, "minimum_bytes": least}
    return judged(path, volume.free_bytes, lambda free: free < least, lambda free: {**params, "free_bytes": free})


def _mount(volume: GuestDiskFacts) -> str:
    return volume.path.rstrip("\\/").lower() or "/"


def _least_free_bytes(mount: str, limits: Limits) -> int:
    if mount in SYSTEM_VOLUMES:
        return limits.system_free_min_bytes
    return limits.boot_free_min_bytes if mount == "/boot" else limits.volume_free_min_bytes


@rule(
    "GST-006",
    severity=Severity.CRITICAL,
    sources="G",
    title="Windows starts from a dynamic disk, Storage Spaces or a mirror",
    why="Tools that work on the powered-off disk cannot mount it.",
    remediation="Convert the disk to basic, or install the drivers while Windows runs.",
)
def unmountable_system_disk(vm: VmFacts, context: RuleContext) -> Parts:
    """Asked of Windows alone."""
    return _on_windows(vm, context)


@rule(
    "GST-007",
    severity=Severity.CRITICAL,
    sources="G",
    title="The system disk is encrypted with a key sealed to the TPM",
    why="Every boot asks for the recovery key.",
    remediation="Suspend the protection, and keep the recovery key in escrow.",
)
def sealed_system_disk(vm: VmFacts, context: RuleContext) -> Parts:
    """Only a probe can tell."""
    return _unprobed()


@rule(
    "GST-008",
    severity=Severity.WARNING,
    sources="G",
    title="Windows is hibernated or its file system is marked dirty",
    why="The volume mounts read-only, and data may be lost.",
    remediation="Run powercfg /h off, shut down fully, and run chkdsk.",
)
def hibernated(vm: VmFacts, context: RuleContext) -> Parts:
    """Asked of Windows alone."""
    return _on_windows(vm, context)


@rule(
    "GST-009",
    severity=Severity.WARNING,
    sources="G",
    title="Policy or endpoint protection blocks drivers or scripts",
    why="What runs at the first boot is stopped.",
    remediation="Have the publisher and the scripts approved beforehand.",
)
def installs_blocked(vm: VmFacts, context: RuleContext) -> Parts:
    """Only a probe can tell."""
    return _unprobed()


@rule(
    "GST-010",
    severity=Severity.WARNING,
    sources="G",
    title="VMware Tools are installed",
    why="Their time sync, services and filter drivers get in the way on the target.",
    remediation="Remove them by script once the target is accepted; without their drivers there is no way back to the source.",
)
def tools_installed(vm: VmFacts, context: RuleContext) -> Parts:
    """vSphere itself tells whether it has seen Tools, packages of the distribution included."""
    return judged(
        "tools_version_status",
        vm.tools_version_status,
        lambda status: status != "guestToolsNotInstalled",
        lambda status: {"tools_version_status": status},
    )


@rule(
    "GST-011",
    severity=Severity.WARNING,
    sources="G",
    title="cloud-init will run again with a VMware or OVF data source",
    why="It rewrites the network and the host name.",
    remediation="Disable the data source, or pin it.",
)
def cloud_init_reruns(vm: VmFacts, context: RuleContext) -> Parts:
    """Not asked of Windows."""
    return _off_windows(vm, context)


@rule(
    "GST-012",
    severity=Severity.WARNING,
    sources="G",
    title="The activation of Windows may lapse",
    why="Changed hardware asks for activation again: OEM and MAK keys, or a KMS host near its minimum count.",
    remediation="Record it in the KMS ledger, and verify it after the first boot.",
)
def activation_lapses(vm: VmFacts, context: RuleContext) -> Parts:
    """Asked of Windows alone."""
    return _on_windows(vm, context)


@rule(
    "GST-013",
    severity=Severity.WARNING,
    sources="G",
    title="The guest is a domain controller or replicates an application",
    why="A copy started a second time rolls its partners back or leaves lingering objects.",
    remediation="Move it cold, test it isolated, and never run two copies.",
)
def replication_member(vm: VmFacts, context: RuleContext) -> Parts:
    """Only a probe can tell."""
    return _unprobed()


@rule(
    "GST-014",
    severity=Severity.WARNING,
    sources="G",
    title="The guest bonds its NICs or balances load by MAC",
    why="Adapter names change, and unicast balancing floods the network.",
    remediation="Build it again after the cutover.",
)
def guest_bond(vm: VmFacts, context: RuleContext) -> Parts:
    """Only a probe can tell."""
    return _unprobed()
