"""Rules on change tracking (CBT) and VMware Tools (VMT): what a warm transfer and a clean shutdown stand on."""

from __future__ import annotations

import re
from typing import Any

from estate.facts.source import DiskFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import When, rule
from migration.assessment.core.results import Answer, Parts, Severity, either, judged, known
from migration.assessment.core.rules.cpu import setting
from migration.assessment.core.rules.disks import of_disks

FIRST_HARDWARE_WITH_TRACKING = 7
HARDWARE = re.compile(r"vmx-(\d+)")
NO_TOOLS = "guestToolsNotInstalled"
BUSES = {"SCSI": "scsi", "LsiLogic": "scsi", "BusLogic": "scsi", "NVME": "nvme", "AHCI": "sata", "SATA": "sata", "IDE": "ide"}


@rule(
    "CBT-001",
    severity=Severity.CRITICAL,
    sources="VR",
    title="Change tracking is off",
    why="Nothing tells what changed since the first copy.",
    remediation="Turn change tracking on, then take and remove a snapshot so that it starts.",
    when=When.WARM,
)
def tracking_off(vm: VmFacts, context: RuleContext) -> Parts:
    """The machine's own switch; its disks have theirs."""
    return judged("change_tracking", vm.change_tracking, lambda on: not on)


@rule(
    "CBT-002",
    severity=Severity.CRITICAL,
    sources="V",
    title="Changes of a disk are not tracked",
    why="The disk's changes since the first copy cannot be read.",
    remediation="Turn tracking on for the disk, then take and remove a snapshot so that it starts.",
    when=When.WARM,
)
def disk_not_tracked(vm: VmFacts, context: RuleContext) -> Parts:
    """A tracked disk has its own setting and a change id; lacking either is enough."""

    def question(disk: DiskFacts) -> tuple[Answer, str, Any]:
        switch = _tracking_switch(vm, disk)
        no_id, is_off = known(disk.change_id, lambda change_id: not change_id), known(switch, lambda told: told != "true")
        if no_id is Answer.TRUE or (no_id is Answer.UNKNOWN and is_off is not Answer.TRUE):
            return no_id, "change_id", disk.change_id
        return either(no_id, is_off), "ctkEnabled", switch

    return of_disks(vm, question)


def _tracking_switch(vm: VmFacts, disk: DiskFacts) -> str | Unknown:
    """The disk's own setting, in lower case; its key names the disk's place, e.g. `scsi0:1.ctkEnabled`."""
    place = (disk.controller_type, disk.bus_number, disk.unit_number)
    unread = next((value for value in place if isinstance(value, Unknown)), None)
    if unread is not None:
        return unread
    bus = next((bus for part, bus in BUSES.items() if part in str(disk.controller_type)), None)
    if bus is None:
        return Unknown(f"no setting is known for a disk on {disk.controller_type}")
    return setting(vm, f"{bus}{disk.bus_number}:{disk.unit_number}.ctkEnabled")


@rule(
    "CBT-003",
    severity=Severity.CRITICAL,
    sources="VR",
    title="The virtual hardware cannot track changes",
    why="Change tracking came with hardware version 7; a host or machine below it has none.",
    remediation="Raise the hardware version, or transfer the machine cold.",
    when=When.WARM,
)
def tracking_unsupported(vm: VmFacts, context: RuleContext) -> Parts:
    """What vSphere says of the machine, and its hardware version."""
    return (
        *judged("change_tracking_supported", vm.change_tracking_supported, lambda supported: not supported),
        *judged(
            "hardware_version",
            _hardware_number(vm.hardware_version),
            lambda number: number < FIRST_HARDWARE_WITH_TRACKING,
            lambda number: {"hardware_version": f"vmx-{number:02}"},
        ),
    )


def _hardware_number(version: str | Unknown) -> int | Unknown:
    """The newest number a version names; an OVF can name several the machine runs on."""
    if isinstance(version, Unknown):
        return version
    numbers = [int(number) for number in HARDWARE.findall(version)]
    return max(numbers) if numbers else Unknown(f"{version!r} is no hardware version of VMware's")


@rule(
    "VMT-001",
    severity=Severity.WARNING,
    sources="VR",
    title="VMware Tools do not run in the guest",
    why="Without them there is no quiescing, no clean shutdown, and no fact from inside the guest.",
    remediation="Install or update them, or plan a cold transfer and a probe.",
)
def tools_missing(vm: VmFacts, context: RuleContext) -> Parts:
    """Not installed, or not running. They never run in a machine that is off: its power state stands beside the answer."""
    power = {} if isinstance(vm.power_state, Unknown) else {"power_state": vm.power_state.value}
    return (
        *judged("tools_running", vm.tools_running, lambda runs: not runs, lambda _: {"problem": "not running", **power}),
        *judged(
            "tools_version_status",
            vm.tools_version_status,
            lambda status: status == NO_TOOLS,
            lambda _: {"problem": "not installed", **power},
        ),
    )
