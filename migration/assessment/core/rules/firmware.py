"""Rules on firmware (FW): BIOS or UEFI, source against target."""

from __future__ import annotations

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import Severity, rule
from migration.assessment.core.results import Answer, Case, Outcome, known, outcome

XAPI_FIRMWARE = {"efi": "uefi", "bios": "bios"}


@rule(
    "FW-001",
    severity=Severity.CRITICAL,
    sources="VRO",
    title="The machine's firmware is unlike that of its target",
    why="A disk installed for one firmware does not boot on the other, and the firmware cannot be switched afterwards.",
    remediation="Have the target VM made with HVM_boot_params:firmware like the source, whatever its template says.",
)
def firmware_differs(vm: VmFacts, context: RuleContext) -> Outcome:
    """Without a mapped template there is nothing to differ from, so only an unread firmware leaves the question open.

    Conversions force the source's firmware; the comparison matters to whoever makes the VM from its template as it is.
    """
    wanted = _template_firmware(vm, context)
    answer = known(vm.firmware, lambda firmware: wanted is not None and XAPI_FIRMWARE.get(firmware.lower(), firmware) != wanted)
    params = {} if answer is Answer.UNKNOWN else {"firmware": vm.firmware, "template_firmware": wanted}
    return outcome([Case(answer, "firmware", vm.firmware, params)], context.collected_at)


def _template_firmware(vm: VmFacts, context: RuleContext) -> str | None:
    return None if isinstance(vm.guest_id, Unknown) else context.template_firmware.get(vm.guest_id)
