"""Runs the checks over a case: prerequisites first, dependants of a failed one set aside, texts and commands filled in.

Decides nothing about the gate; that is verdict.py.
"""

from __future__ import annotations

import shlex
import string
from collections.abc import Collection
from enum import StrEnum

import readiness.core.checks  # noqa: F401 - registers the checks
from readiness.core.case import Case
from readiness.core.policy import Policy
from readiness.core.registry import CheckSpec, registered
from readiness.core.results import Answer, CheckResult, Result


class HaIntent(StrEnum):
    """Whether a pool is meant to run with HA; decided by a named person."""

    REQUIRED = "required"
    OFF = "off"


def _filled(line: str, fill: dict[str, str]) -> str:
    """A remediation line with its values in, quoted for a shell: what a pool calls itself must not become a command."""
    quoted = {key: value if value.startswith("<") else shlex.quote(value) for key, value in fill.items()}
    wanted = {name for _, name, _, _ in string.Formatter().parse(line) if name}
    return line.format_map({name: quoted.get(name, "…") for name in wanted})


def remediation(spec: CheckSpec, answer: Answer) -> tuple[str, ...]:
    """The commands and steps of a check for this answer, each once, in order; none for a pass."""
    if answer.result in (Result.PASS, Result.NOT_APPLICABLE):
        return ()
    lines = [_filled(line, fill) for fill in (answer.fills or ({},)) for line in spec.remedy]
    return tuple(dict.fromkeys(lines))


def _waiver_class(spec: CheckSpec, policy: Policy) -> str:
    return policy.waiver_classes.get(spec.id, spec.waiver.value)


def waiver_classes(policy: Policy) -> dict[str, str]:
    """Check id -> waiver class of every check, as a policy profile has it."""
    return {spec.id: _waiver_class(spec, policy) for spec in registered()}


def _result(case: Case, spec: CheckSpec, answer: Answer, blocked_by: str = "") -> CheckResult:
    return CheckResult(
        id=spec.id,
        title=spec.title,
        family=spec.family,
        severity=spec.severity.value,
        waiver_class=_waiver_class(spec, case.policy),
        result=answer.result,
        detail=answer.detail,
        evidence=answer.evidence,
        remediation=remediation(spec, answer),
        blocked_by=blocked_by,
        why=spec.why,
    )


def _not_wanted(case: Case, spec: CheckSpec) -> CheckResult:
    text = "This pool is meant to run without HA (ha_intent off); a manual restart runbook stands in its place."
    return _result(case, spec, Answer(Result.NOT_APPLICABLE, text))


def _asked(case: Case, spec: CheckSpec, failed: set[str]) -> CheckResult:
    first = next((wanted for wanted in spec.prerequisites if wanted in failed), "")
    if first:
        return _result(case, spec, Answer(Result.NOT_APPLICABLE, f"blocked by {first}"), blocked_by=first)
    return _result(case, spec, spec.ask(case))


def _ordered() -> tuple[CheckSpec, ...]:
    """Prerequisites before dependants; within that by id."""
    waiting, done, ordered = list(registered()), set[str](), []
    while waiting:
        spec = next(s for s in waiting if done.issuperset(s.prerequisites))
        waiting.remove(spec)
        done.add(spec.id)
        ordered.append(spec)
    return tuple(ordered)


def run_checks(case: Case, intent: HaIntent, waived: Collection[str] = ()) -> tuple[CheckResult, ...]:
    """All checks of the catalogue for a case, in the order of their ids.

    A failed prerequisite sets its dependants aside, unless it is waived: then they are asked after all, because a waiver
    accepts one risk and must not hide others.
    """
    if intent is HaIntent.OFF:
        return tuple(_not_wanted(case, spec) for spec in registered())
    failed: set[str] = set()
    results: list[CheckResult] = []
    for spec in _ordered():
        result = _asked(case, spec, failed)
        if result.result is Result.FAIL and spec.id not in waived:
            failed.add(spec.id)
        results.append(result)
    return tuple(sorted(results, key=lambda result: result.id))
