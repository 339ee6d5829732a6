"""Rules on firmware (FW): BIOS or UEFI, source against target."""

from __future__ import annotations

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Parts, Severity, judged

XAPI_FIRMWARE = {"efi": "uefi", "bios": "bios"}


@rule(
    "FW-001",
    severity=Severity.CRITICAL,
    sources="VRO",
    title="The machine's firmware is unlike that of its target",
    why="A disk installed for one firmware does not boot on the other, and the firmware cannot be switched afterwards.",
    remediation="Have the target VM made with HVM_boot_params:firmware like the source, whatever its template says.",
)
def firmware_differs(vm: VmFacts, context: RuleContext) -> Parts:
    """Without a mapped template there is nothing to differ from, so only an unread firmware leaves the question open.

    Conversions force the source's firmware; the comparison matters to whoever makes the VM from its template as it is.
    """
    wanted = _template_firmware(vm, context)
    return judged(
        "firmware",
        vm.firmware,
        lambda firmware: wanted is not None and XAPI_FIRMWARE.get(firmware.lower(), firmware) != wanted,
        lambda firmware: {"firmware": firmware, "template_firmware": wanted},
    )


def _template_firmware(vm: VmFacts, context: RuleContext) -> str | None:
    return None if isinstance(vm.guest_id, Unknown) else context.target.firmware_of_template.get(vm.guest_id)
