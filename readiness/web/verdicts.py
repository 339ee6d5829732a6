"""The readiness page: a pool drawn, its verdict with every check, the simulated faults and what people attest.

Only asks selectors; the form evaluates the pool by the service the API calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.shortcuts import resolve_url
from django.urls import path
from django.utils.safestring import SafeString, mark_safe

from project.backbone.accounts.policy import Role
from project.backbone.clock import now
from project.web.pages import ProjectForm, ProjectPage, permitted
from readiness.core.faults.singles import SimulatedFault
from readiness.core.results import CheckResult, Result
from readiness.core.verdict import VerdictState
from readiness.core.wording import attested, names_of, plain
from readiness.models import Pool
from readiness.selectors import cases, evaluations, pools, watches
from readiness.selectors.evaluations import EvaluationView
from readiness.services.pools import request_evaluation

TONES = {
    Result.PASS: "good",
    Result.WARN: "caution",
    Result.FAIL: "bad",
    Result.UNKNOWN: "unknown",
    Result.NOT_APPLICABLE: "none",
}
VERDICTS = {
    VerdictState.READY: ("good", "ready"),
    VerdictState.READY_WITH_WAIVERS: ("caution", "ready with waivers"),
    VerdictState.NOT_READY: ("bad", "not ready"),
}
_ORDER = (Result.FAIL, Result.UNKNOWN, Result.WARN, Result.PASS, Result.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class CheckLine:
    """A check's answer with the facts behind it: (path, value in words, when it was seen)."""

    check: CheckResult
    tone: str
    seen: tuple[tuple[str, str, datetime | None], ...]


class ReadinessPage(ProjectPage):
    """One pool of the project: the one named in the address, else the first by name."""

    page = "readiness"
    template_name = "readiness/readiness.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        everyone = list(pools.pools(self.project))
        wanted: UUID | None = kwargs.get("pool_id")
        pool = pools.pool_of_project(self.project, wanted) if wanted else next(iter(everyone), None)
        shown = _shown(pool) if pool else {}
        may_evaluate = permitted(self.actor.require, self.project, Role.OPERATOR)
        return super().get_context_data(pools=everyone, pool=pool, may_evaluate=may_evaluate, **shown, **kwargs)


def _shown(pool: Pool) -> dict[str, Any]:
    """What the page says of a pool; what nobody read or evaluated yet is None."""
    at, seen = now(), evaluations.latest_evaluation(pool.pk)
    read = pools.latest_inventory(pool.pk)
    names = names_of(pools.facts_of(read)) if read else {}
    tone, word = VERDICTS[seen.verdict] if seen else ("unknown", "never evaluated")
    return {
        "collected_at": read.collected_at if read else None,
        "drawing": _inline(cases.pool_drawing(pool.pk, at)) if read else None,
        "seen": seen,
        "tone": tone,
        "word": word,
        "checks": [_check(check, names) for check in _worst_first(seen)],
        "tally": _tally(seen),
        "faults": _faults(seen),
        "drift": cases.drift(pool.pk, at).lines if read else (),
        "watch": watches.watch_of(pool),
        "alarms": list(watches.open_alarms(pool)),
        "attested": attested(cases.evidence_in_force(pool, at), names),
    }


def _inline(svg: str) -> SafeString:
    """The drawing escapes every name it writes (core/drawing.py, and a test with a hostile pool), so it may stand in the page."""
    return mark_safe(svg)  # noqa: S308 - see above


def _worst_first(seen: EvaluationView | None) -> list[CheckResult]:
    return sorted(seen.checks, key=lambda check: (not check.blocks, _ORDER.index(check.result), check.id)) if seen else []


def _faults(seen: EvaluationView | None) -> list[tuple[SimulatedFault, str]]:
    """The worst first, otherwise in the order of the pool's things."""
    told = sorted(seen.simulated_faults, key=lambda fault: _ORDER.index(fault.result)) if seen else []
    return [(fault, TONES[fault.result]) for fault in told]


def _tally(seen: EvaluationView | None) -> list[tuple[str, str, int]]:
    """How many checks gave which result, as (word, tone, number)."""
    results = [check.result for check in seen.checks] if seen else []
    return [(result.value.replace("_", " "), TONES[result], results.count(result)) for result in _ORDER if result in results]


def _check(check: CheckResult, names: dict[str, str]) -> CheckLine:
    seen = tuple((point.path, plain(point.value, names) or "–", point.at) for point in check.evidence)
    return CheckLine(check, TONES[check.result], seen)


class EvaluateForm(ProjectForm):
    """Read the pool and evaluate it."""

    def act(self, **kwargs: Any) -> str:
        pool = pools.pool_of_project(self.project, kwargs["pool_id"])
        request_evaluation(pool, collect=True, actor=self.actor)
        return f"Pool {pool.name} is being read and evaluated; load this page again in some seconds."

    def back_url(self, **kwargs: Any) -> str:
        return resolve_url("pool-readiness", self.project.pk, kwargs["pool_id"])


PAGES = [
    path("readiness", ReadinessPage.as_view(), name="project-readiness"),
    path("readiness/<uuid:pool_id>", ReadinessPage.as_view(), name="pool-readiness"),
    path("readiness/<uuid:pool_id>/evaluate", EvaluateForm.as_view(), name="pool-evaluate-form"),
]
