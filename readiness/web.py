"""The page of readiness: each pool's verdict, the pool drawn, every check with what to do, every simulated fault. Only asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import path
from django.utils.safestring import SafeString, mark_safe

from project.backbone.clock import now
from project.web.pages import ProjectPage
from readiness.core.drift import Drift
from readiness.core.faults import SimulatedFault
from readiness.core.results import CheckResult, Result
from readiness.core.verdict import VerdictState
from readiness.models import Pool
from readiness.selectors import cases
from readiness.selectors import pools as pool_selectors
from readiness.selectors.evaluations import EvaluationView, latest_evaluation

TONES = {
    Result.PASS: "good",
    Result.WARN: "caution",
    Result.FAIL: "bad",
    Result.UNKNOWN: "unknown",
    Result.NOT_APPLICABLE: "unknown",
}
VERDICT_TONES = {VerdictState.READY: "good", VerdictState.READY_WITH_WAIVERS: "caution", VerdictState.NOT_READY: "bad"}


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check as the table shows it."""

    check: CheckResult
    tone: str
    label: str


@dataclass(frozen=True, slots=True)
class FaultLine:
    """One simulated fault as the table shows it."""

    fault: SimulatedFault
    kind: str
    tone: str


@dataclass(frozen=True, slots=True)
class PoolPanel:
    """One pool on the page. Without a collection there is neither drawing nor drift, without an evaluation no verdict."""

    pool: Pool
    collected_at: datetime | None
    drawing: SafeString
    drift: Drift | None
    seen: EvaluationView | None
    verdict: str
    tone: str
    checks: tuple[CheckLine, ...]
    faults: tuple[FaultLine, ...]


def _line(check: CheckResult) -> CheckLine:
    return CheckLine(check, TONES[check.result], check.result.value.replace("_", " "))


def _fault(fault: SimulatedFault) -> FaultLine:
    return FaultLine(fault, fault.kind.replace("_", " "), TONES[fault.result])


def _panel(pool: Pool, at: datetime) -> PoolPanel:
    collected, seen = pool_selectors.collected_at(pool.pk), latest_evaluation(pool.pk)
    drawn = cases.pool_drawing(pool.pk, at) if collected else ""
    return PoolPanel(
        pool=pool,
        collected_at=collected,
        drawing=mark_safe(drawn),  # noqa: S308 - our own drawing, which escapes every name in it
        drift=cases.drift(pool.pk, at) if collected else None,
        seen=seen,
        verdict=seen.verdict.value.replace("_", " ") if seen else "",
        tone=VERDICT_TONES[seen.verdict] if seen else "unknown",
        checks=tuple(_line(check) for check in seen.checks) if seen else (),
        faults=tuple(_fault(fault) for fault in seen.simulated_faults) if seen else (),
    )


class ReadinessPage(ProjectPage):
    """All pools of a project."""

    page = "readiness"
    template_name = "readiness/page.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        at = now()
        panels = [_panel(pool, at) for pool in pool_selectors.pools(self.project)]
        return super().get_context_data(panels=panels, **kwargs)


PAGES = [path("readiness", ReadinessPage.as_view(), name="project-readiness")]
