"""Rules on what a machine is known by (IDN): host name, name, activation id, security id."""

from __future__ import annotations

import unicodedata

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import NO_PROBE, RuleContext
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Parts, Severity, answered, judged
from migration.assessment.core.rules.guest_os import possible_rows, runs

NO_HOST_NAMES = frozenset({"", "localhost", "localhost.localdomain"})


@rule(
    "IDN-001",
    severity=Severity.WARNING,
    sources="VR",
    title="The guest has no host name of its own",
    why="The KMS ledger, DNS and probes have nothing to find it by.",
    remediation="Set the name in the guest, or enter it by hand.",
)
def no_host_name(vm: VmFacts, context: RuleContext) -> Parts:
    """Empty, or what a guest calls itself before it was named."""
    return judged("guest_host_name", vm.guest_host_name, lambda name: name.strip().lower() in NO_HOST_NAMES)


@rule(
    "IDN-002",
    severity=Severity.WARNING,
    sources="VRG",
    title="Another machine has the same host name or activation id",
    why="They clash in the domain; machines with one CMID count once at the KMS host.",
    remediation="Rename one of them; slmgr /rearm gives it a CMID of its own.",
)
def host_name_of_two_machines(vm: VmFacts, context: RuleContext) -> Parts:
    """Host names regardless of case; only a probe reads the CMID, which only Windows has."""

    def machines(name: str) -> tuple[str, ...]:
        return context.estate.host_name_owners.get(name.strip().lower(), ())

    named = judged(
        "guest_host_name",
        vm.guest_host_name,
        lambda name: len(machines(name)) > 1,
        lambda name: {"host_name": name, "machines": list(machines(name))},
    )
    if runs(vm, context, "windows") is Answer.FALSE:
        return named
    return (*named, *answered(Answer.UNKNOWN, "probe", NO_PROBE))


@rule(
    "IDN-003",
    severity=Severity.WARNING,
    sources="VRP",
    title="The machine's name is not unique, too long or misspelt",
    why="XAPI takes any name, so people and scripts act on the wrong VM.",
    remediation="Rename the machine, or have it named by a template.",
)
def unfit_name(vm: VmFacts, context: RuleContext) -> Parts:
    """Regardless of case in the project, as it is spelt in the target pools; the longest allowed name is still fine."""
    problems, gap = _problems(vm.name, context), context.target.machines_unread
    if problems or gap is None:
        return answered(Answer.TRUE if problems else Answer.FALSE, "name", vm.name, {"name": vm.name, "problems": problems})
    return answered(Answer.UNKNOWN, "target.vm_names", gap)


def _problems(name: str, context: RuleContext) -> list[str]:
    found = {
        "duplicate": len(context.estate.name_owners.get(name.strip().lower(), ())) > 1,
        "in_pool": name in context.target.vm_names,
        "too_long": len(name) > context.limits.name_length_max,
        "control_character": any(unicodedata.category(character) == "Cc" for character in name),
        "not_normalised": not unicodedata.is_normalized("NFC", name),
    }
    return [problem for problem, is_so in found.items() if is_so]


@rule(
    "IDN-004",
    severity=Severity.CRITICAL,
    sources="G",
    title="Another Windows machine has the same security id",
    why="With updates since August 2025 machines of one SID refuse each other's logons, and rearming does not cure it.",
    remediation="Rebuild the machine from a generalised image.",
)
def sid_of_two_machines(vm: VmFacts, context: RuleContext) -> Parts:
    """Only a probe reads it, and only Windows has one. A warning for systems whose updates do not refuse."""
    if runs(vm, context, "windows") is Answer.FALSE:
        return ()
    rows = possible_rows(vm, context)
    spared = not isinstance(rows, Unknown) and rows and all(row.identified and not row.refuses_equal_sids for row in rows)
    return answered(Answer.UNKNOWN, "probe", NO_PROBE, severity=Severity.WARNING if spared else Severity.CRITICAL)
