"""Rules on devices other than disks and NICs (DEV)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from estate.facts.source import DeviceFacts, PowerState, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, answered, both, either, known

VGPU_BACKING = "VirtualPCIPassthroughVmiopBackingInfo"
PCI_BACKINGS = frozenset(
    {
        "VirtualPCIPassthroughDeviceBackingInfo",
        "VirtualPCIPassthroughDynamicBackingInfo",
        "VirtualPCIPassthroughDvxBackingInfo",
    }
)
USB_CONTROLLERS = frozenset({"VirtualUSBController", "VirtualUSBXHCIController"})
PORTS = frozenset({"VirtualSerialPort", "VirtualParallelPort"})
TIME_KEEPERS = frozenset({"VirtualWDT", "VirtualPrecisionClock"})
LISTED_APART = {"VirtualCdrom": "cd_drives", "VirtualUSB": "usb_devices"}
"""Kinds that a source without a whole list of devices may list."""
WHICH_PASSTHROUGH = Unknown("the source does not say whether a PCI device or a vGPU stands behind it")

Question = Callable[[DeviceFacts], tuple[Answer, str, Any]]


def all_of(vm: VmFacts, kind: str) -> tuple[str, tuple[DeviceFacts, ...] | Unknown]:
    """A list that has all devices of this kind, among others, and its name; unknown, by the whole list's name, where none has."""
    apart = LISTED_APART.get(kind)
    if not isinstance(vm.devices, Unknown) or apart is None or isinstance(getattr(vm, apart), Unknown):
        return "devices", vm.devices
    return apart, getattr(vm, apart)


def of_devices(vm: VmFacts, kinds: frozenset[str], question: Question) -> Parts:
    """One part per device of these kinds; `question` gives answer, field and raw value. An unread list is one unknown part.

    The kinds of one rule stand in one list.
    """
    name, listed = all_of(vm, next(iter(kinds)))
    if isinstance(listed, Unknown):
        return (Part(Answer.UNKNOWN, name, listed),)
    parts: tuple[Part, ...] = ()
    for number, device in enumerate(listed):
        if device.kind in kinds:
            answer, field, raw = question(device)
            parts += answered(answer, f"{name}[{number}].{field}", raw, device_params(device))
    return parts


def device_params(device: DeviceFacts) -> dict[str, Any]:
    """What reports group devices by, and waivers match."""
    params: dict[str, Any] = {"device_key": device.device_key, "kind": device.kind, "label": device.label}
    if isinstance(device.backing, str) and device.backing:
        params["backing"] = device.backing
    return params


def _present(device: DeviceFacts) -> tuple[Answer, str, Any]:
    return Answer.TRUE, "kind", device.kind


def _backed(device: DeviceFacts) -> Answer:
    """A device of the client has an empty name behind it."""
    return known(device.backing, lambda backing: backing is not None)


def _connected(device: DeviceFacts) -> tuple[Answer, str, Any]:
    """Connected to something now."""
    name = "backing" if isinstance(device.backing, Unknown) else "connected"
    return both(_backed(device), known(device.connected, bool)), name, getattr(device, name)


def _in_use(vm: VmFacts) -> Question:
    """Connected to something, or will be: no device is connected while its machine is off."""
    at_rest = known(vm.power_state, lambda state: state is not PowerState.ON)

    def question(device: DeviceFacts) -> tuple[Answer, str, Any]:
        answer = both(_backed(device), either(known(device.connected, bool), at_rest))
        unread = [fact for fact in (device.backing, device.connected, vm.power_state) if isinstance(fact, Unknown)]
        name = "connected" if isinstance(device.connected, Unknown) and not isinstance(device.backing, Unknown) else "backing"
        return answer, name, unread[0] if answer is Answer.UNKNOWN else device.backing

    return question


@rule(
    "DEV-001",
    severity=Severity.CRITICAL,
    sources="VR",
    title="A PCI device of the host is passed through",
    why="The device stays with its host: without it the guest loses a function, and with one like it live migration and HA.",
    remediation="Detach the device; plan PCI or GPU passthrough on the target anew.",
)
def pci_passthrough(vm: VmFacts, context: RuleContext) -> Parts:
    """A vGPU is another rule's; where the source does not say which it is, both stay open."""
    return of_devices(vm, frozenset({"VirtualPCIPassthrough"}), lambda device: _behind(device, PCI_BACKINGS))


@rule(
    "DEV-002",
    severity=Severity.CRITICAL,
    sources="V",
    title="The machine uses a vGPU",
    why="The target needs the vendor's licensed host software, if there is any; HA restarts it only where a GPU is free.",
    remediation="Design a GPU pool first.",
)
def vgpu(vm: VmFacts, context: RuleContext) -> Parts:
    """Told from the backing, which names the profile."""
    return of_devices(vm, frozenset({"VirtualPCIPassthrough"}), lambda device: _behind(device, frozenset({VGPU_BACKING})))


def _behind(device: DeviceFacts, wanted: frozenset[str]) -> tuple[Answer, str, Any]:
    if device.backing_type not in PCI_BACKINGS | {VGPU_BACKING}:
        return Answer.UNKNOWN, "backing_type", WHICH_PASSTHROUGH
    return Answer.TRUE if device.backing_type in wanted else Answer.FALSE, "backing_type", device.backing_type


@rule(
    "DEV-003",
    severity=Severity.CRITICAL,
    sources="VR",
    title="A USB device is connected",
    why="A dongle or scanner does not move with the machine, and one passed through on the target ends live migration and HA.",
    remediation="Serve it by USB over IP, or pass it through without HA.",
)
def usb_device(vm: VmFacts, context: RuleContext) -> Parts:
    """A device of a machine that is off counts."""
    return of_devices(vm, frozenset({"VirtualUSB"}), _in_use(vm))


@rule(
    "DEV-004",
    severity=Severity.INFO,
    sources="VR",
    title="The machine has a USB controller without a device",
    why="The controller is not made again.",
    remediation="Nothing to do.",
)
def usb_controller_alone(vm: VmFacts, context: RuleContext) -> Parts:
    """Any USB device on the machine makes this the other rule's matter."""
    _, listed = all_of(vm, "VirtualUSB")
    if not isinstance(listed, Unknown) and any(device.kind == "VirtualUSB" for device in listed):
        return ()
    return of_devices(vm, USB_CONTROLLERS, _present)


@rule(
    "DEV-005",
    severity=Severity.WARNING,
    sources="VR",
    title="The machine has a CD in a drive, or more drives than a VM can have",
    why="A VM has one drive, and a local medium in it stops HA and live migration.",
    remediation="Disconnect the media; drop the further drives.",
)
def cd_drives(vm: VmFacts, context: RuleContext) -> Parts:
    """An ISO, a host's drive or a client's: connected is enough."""
    most = context.limits.cd_drives_max
    media = tuple(of_devices(vm, frozenset({"VirtualCdrom"}), _connected))
    name, listed = all_of(vm, "VirtualCdrom")
    if isinstance(listed, Unknown):
        return media
    count = sum(device.kind == "VirtualCdrom" for device in listed)
    too_many = Answer.TRUE if count > most else Answer.FALSE
    return (*media, *answered(too_many, name, count, {"count": count, "limit": most}))


@rule(
    "DEV-006",
    severity=Severity.WARNING,
    sources="VR",
    title="A serial or parallel port is in use",
    why="What hangs on it (a modem, a UPS, a console) does not move along.",
    remediation="Use a serial port over the network.",
)
def ports(vm: VmFacts, context: RuleContext) -> Parts:
    """A port of a machine that is off counts."""
    return of_devices(vm, PORTS, _in_use(vm))


@rule(
    "DEV-007",
    severity=Severity.CRITICAL,
    sources="VR",
    title="A SCSI device is passed through",
    why="Tape drives and changers cannot be passed through on the target.",
    remediation="Move the role to a physical machine.",
)
def scsi_passthrough(vm: VmFacts, context: RuleContext) -> Parts:
    """Connected or not."""
    return of_devices(vm, frozenset({"VirtualSCSIPassthrough"}), _present)


@rule(
    "DEV-008",
    severity=Severity.INFO,
    sources="VR",
    title="The machine has a floppy image, a sound card, or graphics beyond one plain screen",
    why="They are dropped; the target offers a standard VGA.",
    remediation="Confirm that nobody uses them.",
)
def desktop_devices(vm: VmFacts, context: RuleContext) -> Parts:
    """An empty floppy drive and a plain graphics card are on many machines and say nothing."""
    if isinstance(vm.devices, Unknown):
        return (Part(Answer.UNKNOWN, "devices", vm.devices),)
    return (
        *of_devices(vm, frozenset({"VirtualFloppy"}), _floppy_image),
        *of_devices(vm, frozenset({"VirtualSoundCard"}), _present),
        *of_devices(vm, frozenset({"VirtualMachineVideoCard"}), _graphics),
    )


def _floppy_image(device: DeviceFacts) -> tuple[Answer, str, Any]:
    """Host's and client's drives have a device backing; anything else that is named is an image."""
    if "Device" in device.backing_type:
        return Answer.FALSE, "backing_type", device.backing_type
    return _backed(device), "backing", device.backing


def _graphics(device: DeviceFacts) -> tuple[Answer, str, Any]:
    """Which renderer is chosen says nothing: it is chosen on every machine."""
    traits = dict(device.traits)
    displays = traits.get("numDisplays", "")
    many = known(int(displays) if displays.isdecimal() else Unknown("the number of displays was not told"), lambda n: n > 1)
    three_d = known(traits.get("enable3DSupport", Unknown("3D support was not told")), lambda told: told.lower() in {"true", "1"})
    answer = either(many, three_d)
    return answer, "traits", Unknown("3D support or displays were not told") if answer is Answer.UNKNOWN else list(device.traits)


@rule(
    "DEV-009",
    severity=Severity.WARNING,
    sources="V",
    title="The machine has a virtual watchdog or precision clock",
    why="The target offers neither.",
    remediation="Use HA, or an alternative inside the guest.",
)
def watchdog_or_clock(vm: VmFacts, context: RuleContext) -> Parts:
    """Present is enough."""
    return of_devices(vm, TIME_KEEPERS, _present)
