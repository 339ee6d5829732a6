"""Rules on a machine's standing: who manages it (STA), fault tolerance (FTL)."""

from __future__ import annotations

from estate.facts.source import VmFacts
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, judged

FT_OFF = frozenset({"notConfigured", "disabled"})


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
    "FTL-001",
    severity=Severity.CRITICAL,
    sources="VR",
    title="vSphere Fault Tolerance is configured",
    why="The pool has no lock-step twin to offer, and a machine under FT can be neither snapshotted nor exported.",
    remediation="Turn Fault Tolerance off; plan HA restart and clustering in the application instead.",
)
def fault_tolerant(vm: VmFacts, context: RuleContext) -> Parts:
    """Either the state or a present FT configuration is enough; both must be known to be off."""
    state = judged("ft_state", vm.ft_state, lambda state: state not in FT_OFF, lambda state: {"ft_state": state})
    return (*state, *judged("ft_configured", vm.ft_configured, bool))
