"""Asks one check of one pool; the tables of the check tests are made of these."""

from __future__ import annotations

from collections.abc import Sequence

from estate.facts.planned import PlannedVm
from estate.facts.pool import PoolFacts
from readiness.core.case import Case
from readiness.core.engine import HaIntent, run_checks
from readiness.core.evidence import EvidenceItem
from readiness.core.results import CheckResult
from readiness.selectors.profiles import policy
from tests.builders.pools import NOW


def a_case(
    facts: PoolFacts,
    evidence: Sequence[EvidenceItem] = (),
    *,
    planned: Sequence[PlannedVm] = (),
    profile: str = "xenserver-8",
    for_cutover: bool = False,
) -> Case:
    return Case(facts, policy(profile), NOW, tuple(evidence), tuple(planned), for_cutover)


def ask(check_id: str, case: Case) -> CheckResult:
    """The result of one check, its prerequisites waived so that it answers for itself."""
    everything = [f"HA-{n:03}" for n in range(100)]
    return next(result for result in run_checks(case, HaIntent.REQUIRED, waived=everything) if result.id == check_id)
