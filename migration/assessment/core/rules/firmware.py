"""Rules on firmware (FW): BIOS or UEFI, secure boot, TPM, what boots first, and the UUIDs the firmware shows."""

from __future__ import annotations

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import NO_PROBE, Owners, RuleContext
from migration.assessment.core.guests import GuestRow
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Parts, Severity, answered, both, judged, known
from migration.assessment.core.rules.guest_os import of_every_row, possible_rows, undecided

XAPI_FIRMWARE = {"efi": "uefi", "bios": "bios"}
DEFAULT_BOOT_PROTOCOL = "ipv4"


@rule(
    "FW-001",
    severity=Severity.CRITICAL,
    sources="VRO",
    title="The machine's firmware is unlike that of its target",
    why="A disk installed for one firmware does not boot on the other, and the firmware cannot be switched afterwards.",
    remediation="Have the target VM made with HVM_boot_params:firmware like the source, whatever its template says.",
)
def firmware_differs(vm: VmFacts, context: RuleContext) -> Parts:
    """Without a mapped template there is nothing to differ from; with one, an unread guest leaves open which it is.

    Conversions force the source's firmware; the comparison matters to whoever makes the VM from its template as it is.
    """
    wanted = _template_firmware(vm, context)
    if isinstance(wanted, Unknown):
        return answered(Answer.UNKNOWN, "guest_id", wanted)
    return judged(
        "firmware",
        vm.firmware,
        lambda firmware: wanted is not None and XAPI_FIRMWARE.get(firmware.lower(), firmware) != wanted,
        lambda firmware: {"firmware": firmware, "template_firmware": wanted},
    )


def _template_firmware(vm: VmFacts, context: RuleContext) -> str | Unknown | None:
    templates = context.target.firmware_of_template
    if isinstance(vm.guest_id, Unknown):
        return vm.guest_id if templates else None
    return templates.get(vm.guest_id)


def _is_bios(firmware: str) -> bool:
    return firmware.strip().lower() == "bios"


@rule(
    "FW-002",
    severity=Severity.WARNING,
    sources="VRP",
    title="The machine boots with Secure Boot",
    why="The pool needs the Secure Boot certificates of 2023, and every driver a signature they vouch for.",
    remediation="Install the certificates on the pool and propagate them, or turn Secure Boot off with its owner's consent.",
)
def secure_boot(vm: VmFacts, context: RuleContext) -> Parts:
    """BIOS has no Secure Boot, whatever the switch says."""
    on = known(vm.secure_boot, bool)
    answer = both(known(vm.firmware, lambda firmware: not _is_bios(firmware)), on)
    unread = vm.secure_boot if isinstance(vm.secure_boot, Unknown) else vm.firmware
    path = "firmware" if answer is Answer.UNKNOWN and on is Answer.TRUE else "secure_boot"
    return answered(answer, path, unread if answer is Answer.UNKNOWN else True)


@rule(
    "FW-003",
    severity=Severity.WARNING,
    sources="VG",
    title="The EFI guest has no fallback boot loader",
    why="Boot entries live in NVRAM, which is not copied; only \\EFI\\BOOT\\BOOTX64.EFI is found without them.",
    remediation="Add the fallback loader before the cutover.",
)
def no_fallback_loader(vm: VmFacts, context: RuleContext) -> Parts:
    """BIOS needs none; of an EFI guest only a probe can tell."""
    if isinstance(vm.firmware, Unknown):
        return answered(Answer.UNKNOWN, "firmware", vm.firmware)
    return () if _is_bios(vm.firmware) else answered(Answer.UNKNOWN, "probe", NO_PROBE)


@rule(
    "FW-004",
    severity=Severity.WARNING,
    sources="V",
    title="The machine has a virtual TPM",
    why="What the TPM holds does not move; a new one is empty.",
    remediation="Suspend BitLocker, export the keys, and give the VM a vTPM on the target (UEFI only).",
)
def has_tpm(vm: VmFacts, context: RuleContext) -> Parts:
    """The device, or the summary that tells of it."""
    return judged("has_vtpm", vm.has_vtpm, bool)


@rule(
    "FW-005",
    severity=Severity.CRITICAL,
    sources="VRG",
    title="This Windows wants UEFI or a TPM that it would not have",
    why="Its template boots UEFI only, and Windows 11 demands the vTPM which only its own template brings.",
    remediation="Convert the disk by MBR2GPT and the machine to UEFI, map the guest to its own template, or rebuild it.",
)
def unfit_firmware(vm: VmFacts, context: RuleContext) -> Parts:
    """Critical where the system demands a TPM, else a warning, because the system itself still boots from BIOS."""
    concerned = of_every_row(vm, context, _demands_uefi)
    rows = possible_rows(vm, context)
    if isinstance(rows, Unknown) or concerned is not Answer.TRUE:
        return answered(concerned, "guest_id", undecided(vm, context))
    severity = Severity.CRITICAL if rows[0].needs_vtpm else Severity.WARNING
    firmware = judged("firmware", vm.firmware, _is_bios, lambda found: {"firmware": found, "system": rows[0].name}, severity)
    return (*firmware, *_tpm_plan(rows[0], vm, context)) if rows[0].needs_vtpm else firmware


def _demands_uefi(row: GuestRow) -> Answer:
    if not row.identified and row.family == "other":
        return Answer.UNKNOWN
    return Answer.TRUE if row.family == "windows" and "bios" not in row.firmware else Answer.FALSE


def _tpm_plan(row: GuestRow, vm: VmFacts, context: RuleContext) -> Parts:
    """The plan is the mapping to the template that makes the vTPM."""
    template = known(context.target.templates, lambda templates: templates.get(str(vm.guest_id)) != row.template)
    raw = context.target.templates if isinstance(context.target.templates, Unknown) else vm.guest_id
    return answered(template, "guest_id", raw, {"template_wanted": row.template})


@rule(
    "FW-006",
    severity=Severity.WARNING,
    sources="V",
    title="Windows relies on virtualisation-based security",
    why="Credential Guard and code integrity lose the hypervisor they run on.",
    remediation="Turn it off, signed off by whoever answers for security.",
)
def virtualisation_based_security(vm: VmFacts, context: RuleContext) -> Parts:
    """VBS or the virtual IOMMU that it uses."""
    return (*judged("vbs", vm.vbs, bool), *judged("vvtd", vm.vvtd, bool))


@rule(
    "FW-007",
    severity=Severity.WARNING,
    sources="VO",
    title="The machine boots from the network",
    why="It may be a PXE or PVS target whose disk is no more than a cache.",
    remediation="Follow the PVS runbook; make its device record anew by MAC address.",
)
def network_boot(vm: VmFacts, context: RuleContext) -> Parts:
    """Ethernet as the first device, or a protocol someone chose; the default protocol says nothing."""
    return (
        *judged("boot_order", vm.boot_order, lambda order: order[:1] == ("ethernet",), lambda order: {"boot_order": list(order)}),
        *judged(
            "network_boot_protocol",
            vm.network_boot_protocol,
            lambda protocol: protocol is not None and protocol.lower() != DEFAULT_BOOT_PROTOCOL,
            lambda protocol: {"protocol": protocol},
        ),
    )


@rule(
    "FW-008",
    severity=Severity.WARNING,
    sources="VR",
    title="Another machine carries the same UUID",
    why="Machines can no longer be told apart by it, neither in the inventory nor in the KMS ledger.",
    remediation="Tell them apart by source id and name, or give one of them a new UUID.",
)
def uuid_of_two_machines(vm: VmFacts, context: RuleContext) -> Parts:
    """The UUID of the firmware, and the one vCenter gives."""
    return (
        *_shared("bios_uuid", vm.bios_uuid, context.estate.bios_uuid_owners),
        *_shared("instance_uuid", vm.instance_uuid, context.estate.instance_uuid_owners),
    )


def _shared(path: str, uuid: str | Unknown, owners: Owners) -> Parts:
    def machines(value: str) -> tuple[str, ...]:
        return owners.get(value.strip().lower(), ())

    return judged(path, uuid, lambda value: len(machines(value)) > 1, lambda value: {"machines": list(machines(value))})


@rule(
    "FW-009",
    severity=Severity.INFO,
    sources="VR",
    title="The guest will see another machine UUID",
    why="It sees the new VM's own UUID; licences, backup agents and tools that hold to the old one see a new machine.",
    remediation="List software bound to it; carry vendor and serial by VM.set_bios_strings before the first start.",
)
def uuid_changes(vm: VmFacts, context: RuleContext) -> Parts:
    """True of every machine, whether or not its UUID was read."""
    path, raw = ("name", vm.name) if isinstance(vm.bios_uuid, Unknown) else ("bios_uuid", vm.bios_uuid)
    return answered(Answer.TRUE, path, raw)
