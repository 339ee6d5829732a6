"""Rules on a machine's standing: its state and who manages it (STA), fault tolerance (FTL)."""

from __future__ import annotations

from estate.facts.source import PowerState, VmFacts
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, judged

FT_OFF = frozenset({"notconfigured", "disabled"})


@rule(
    "STA-001",
    severity=Severity.CRITICAL,
    sources="VR",
    title="The machine is inaccessible, waits for an answer, or is failing over",
    why="Operations on it hang or fail.",
    remediation="Repair the machine, or answer its question in vCenter.",
)
def out_of_reach(vm: VmFacts, context: RuleContext) -> Parts:
    """Any of the three; all must be known to be well."""
    return (
        *judged(
            "connection_state",
            vm.connection_state,
            lambda state: state != "connected",
            lambda state: {"connection_state": state},
        ),
        *judged("question", vm.question, lambda question: question is not None, lambda question: {"question": question}),
        *judged("failover_in_progress", vm.failover_in_progress, bool),
    )


@rule(
    "STA-002",
    severity=Severity.CRITICAL,
    sources="VR",
    title="The machine is suspended or paused",
    why="Its memory image cannot be resumed on another hypervisor.",
    remediation="Resume it and shut it down cleanly.",
)
def suspended(vm: VmFacts, context: RuleContext) -> Parts:
    """To disk, to memory, or paused."""
    return (
        *judged("power_state", vm.power_state, lambda state: state is PowerState.SUSPENDED, lambda state: {"state": state.value}),
        *judged("suspended_to_memory", vm.suspended_to_memory, bool, lambda _: {"state": "suspendedToMemory"}),
        *judged("paused", vm.paused, bool, lambda _: {"state": "paused"}),
    )


@rule(
    "STA-003",
    severity=Severity.INFO,
    sources="VR",
    title="The machine is a template",
    why="It is no running workload.",
    remediation="Convert it to a machine, or make it a gold image.",
)
def template(vm: VmFacts, context: RuleContext) -> Parts:
    """As vSphere marks it; the name says nothing."""
    return judged("is_template", vm.is_template, bool)


@rule(
    "STA-004",
    severity=Severity.CRITICAL,
    sources="VR",
    title="The machine belongs to the virtualisation platform or another manager",
    why="vCLS machines, replication placeholders and appliances are made and removed by their owner; a copy does harm.",
    remediation="Set its disposition to exclude.",
)
def managed_by_another(vm: VmFacts, context: RuleContext) -> Parts:
    """A manager named by vSphere, or a name only infrastructure carries; the name alone cannot prove the opposite."""
    if any(pattern.search(vm.name) for pattern in context.limits.infrastructure_names):
        return (Part(Answer.TRUE, "name", vm.name, {"name": vm.name}),)
    return judged("managed_by", vm.managed_by, bool, lambda owner: {"managed_by": owner})


@rule(
    "STA-005",
    severity=Severity.WARNING,
    sources="V",
    title="vSphere Replication copies the machine",
    why="It holds the machine's change tracking and disks.",
    remediation="Stop the replication at cutover.",
)
def replicated(vm: VmFacts, context: RuleContext) -> Parts:
    """A replication that is configured counts, running or not."""
    return judged("replicated", vm.replicated, bool)


@rule(
    "FTL-001",
    severity=Severity.CRITICAL,
    sources="VR",
    title="vSphere Fault Tolerance is configured",
    why="The pool has no lock-step twin to offer, and a machine under FT can be neither snapshotted nor exported.",
    remediation="Turn Fault Tolerance off; plan HA restart and clustering in the application instead.",
)
def fault_tolerant(vm: VmFacts, context: RuleContext) -> Parts:
    """Either the state or a present FT configuration is enough; both must be known to be off."""
    state = judged("ft_state", vm.ft_state, lambda state: state.lower() not in FT_OFF, lambda state: {"ft_state": state})
    return (*state, *judged("ft_configured", vm.ft_configured, bool))
