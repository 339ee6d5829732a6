"""Rules on firmware (FW): BIOS or UEFI, secure boot, TPM, what boots first, and the UUIDs the firmware shows."""

from __future__ import annotations

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import NO_PROBE, Owners, RuleContext
from migration.assessment.core.guests import GuestRow
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, answered, both, judged, known
from migration.assessment.core.rules.guest_os import of_every_row, possible_rows, undecided

XAPI_FIRMWARE = {"efi": "uefi", "bios": "bios"}
DEFAULT_BOOT_PROTOCOL = "ipv4"
NO_TEMPLATE = Unknown("the guest is not mapped to a template")
TPM_NOT_PLANNED = Unknown("a conversion makes a vTPM only where its mapping's override says so, and nobody has said yet who will")


@rule(
    "FW-001",
    severity=Severity.CRITICAL,
    sources="VRO",
    title="The machine's firmware is unlike that of its target",
    why="A disk installed for one firmware does not boot on the other, and the firmware cannot be switched afterwards.",
    remediation="Map the guest to a template that boots its firmware; a VM made by hand needs HVM_boot_params:firmware set.",
)
def firmware_differs(vm: VmFacts, context: RuleContext) -> Parts:
    """By what the mapped template boots; open until there is one, and where its name does not tell.

    Conversions force the source's firmware; the comparison matters to whoever makes the VM from its template as it is.
    """
    boots = _template_firmware(vm, context)
    if isinstance(vm.firmware, Unknown) or isinstance(boots, Unknown):
        raw = vm.firmware if isinstance(vm.firmware, Unknown) else boots
        return answered(Answer.UNKNOWN, "firmware" if isinstance(vm.firmware, Unknown) else "guest_id", raw)
    wanted = XAPI_FIRMWARE.get(vm.firmware.strip().lower(), vm.firmware)
    fitting = [wanted in each for each in boots]
    if any(fitting):
        return () if all(fitting) else answered(Answer.UNKNOWN, "guest_id", undecided(vm, context))
    told = sorted({name for each in boots for name in each})
    return answered(Answer.TRUE, "firmware", vm.firmware, {"firmware": vm.firmware, "template_firmware": told})


def _template_firmware(vm: VmFacts, context: RuleContext) -> list[frozenset[str]] | Unknown:
    """What the mapped template boots, for each system the guest may be: by the guest table, else as the pool's template says."""
    templates, rows = context.target.templates, possible_rows(vm, context)
    if isinstance(templates, Unknown) or isinstance(rows, Unknown):
        return templates if isinstance(templates, Unknown) else undecided(vm, context)
    name = templates.get(str(vm.guest_id))
    if name is None:
        return NO_TEMPLATE
    anyones = _boots(name, context)
    if isinstance(anyones, Unknown) or not rows:
        return anyones if isinstance(anyones, Unknown) else [anyones]
    return [row.firmware if row.template == name else anyones for row in rows]


def _boots(template: str, context: RuleContext) -> frozenset[str] | Unknown:
    """What any guest boots with a template. The guest table knows it of those that ship; of others a pool tells their setting."""
    listed = [row.firmware for row in context.guests.rows if row.template == template]
    made = [each.firmware for pool in context.target.pools for each in pool.templates if each.name == template]
    if not listed and not made:
        return Unknown(f"neither the guest table nor a pool knows the template {template}")
    return frozenset().union(*listed) if listed else frozenset(made)


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
    why="Its template boots UEFI only, and Windows 11 demands a vTPM, which a conversion makes only when asked.",
    remediation="Convert the disk by MBR2GPT and the machine to UEFI, and set vtpm in the machine's override; then attest it.",
)
def unfit_firmware(vm: VmFacts, context: RuleContext) -> Parts:
    """Critical where the system demands a TPM, else a warning, because the system itself still boots from BIOS.

    No template's name is a plan for a TPM: who will make it is for a person to attest.
    """
    concerned = of_every_row(vm, context, _demands_uefi)
    rows = possible_rows(vm, context)
    if isinstance(rows, Unknown) or concerned is not Answer.TRUE:
        return answered(concerned, "guest_id", undecided(vm, context))
    severity = Severity.CRITICAL if rows[0].needs_vtpm else Severity.WARNING
    firmware = judged("firmware", vm.firmware, _is_bios, lambda found: {"firmware": found, "system": rows[0].name}, severity)
    return (*firmware, Part(Answer.UNKNOWN, "has_vtpm", TPM_NOT_PLANNED)) if rows[0].needs_vtpm else firmware


def _demands_uefi(row: GuestRow) -> Answer:
    if not row.identified and row.family == "other":
        return Answer.UNKNOWN
    return Answer.TRUE if row.family == "windows" and "bios" not in row.firmware else Answer.FALSE


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
