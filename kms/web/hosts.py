"""The KMS page: one host's count over time as a chart and as a table, under a wave where one is chosen. Only asks selectors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.urls import path
from django.utils.safestring import SafeString, mark_safe

from kms import selectors, waves
from kms.core.alarm import Level
from kms.core.chart import draw, rows
from kms.core.network import NetworkFinding
from kms.models import KmsHost
from kms.selectors.charts import host_chart
from kms.selectors.collecting import collection_of
from kms.selectors.network import wave_firewall
from kms.selectors.recommending import recommendations
from kms.web.network import told
from project.backbone.accounts.policy import Role
from project.backbone.clock import now
from project.backbone.models import Project
from project.backbone.problems import Problem
from project.web.pages import ProjectPage, permitted

TONES = {
    Level.OK: "good",
    Level.TIGHT: "caution",
    Level.PARTIAL: "caution",
    Level.LOW: "bad",
    Level.UNKNOWN: "unknown",
}
FARTHEST = timedelta(days=180)


class KmsPage(ProjectPage):
    """One KMS host of the project: the one named in the address, else the first by name."""

    page = "kms"
    template_name = "kms/kms.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        everyone = list(selectors.hosts(self.project))
        wanted: UUID | None = kwargs.get("host_id")
        host = selectors.host(self.project, wanted) if wanted else next(iter(everyone), None)
        known = waves.known_waves(self.project)
        asked = {"wave": self.request.GET.get("wave", ""), "moves_at": self.request.GET.get("moves_at", "")}
        shown = _shown(host, asked) if host else {}
        verdict = selectors.verdict(self.project)
        return super().get_context_data(
            hosts=everyone,
            host=host,
            waves=known,
            asked=asked,
            verdict=verdict,
            tone=TONES[verdict.state],
            may_act=permitted(self.actor.require, self.project, Role.OPERATOR),
            network=told(self.project, _firewall(self.project, asked["wave"])),
            recommended=recommendations(self.project, at=now()) if everyone else (),
            **shown,
            **kwargs,
        )


def _shown(host: KmsHost, asked: dict[str, str]) -> dict[str, Any]:
    """The chart under the wave asked about; a wave that cannot be told leads to the chart without it, and says why."""
    at, refused = now(), ""
    try:
        chart = host_chart(host, at=at, wave_id=asked["wave"], moves_at=_moves_at(asked["moves_at"], at))
    except (Problem, ValueError) as problem:
        refused = problem.detail if isinstance(problem, Problem) else str(problem)
        chart = host_chart(host, at=at)
    return {
        "chart": chart,
        "drawing": _inline(draw(chart)),
        "rows": rows(chart),
        "refused": refused,
        "collection": collection_of(host),
    }


def _firewall(project: Project, wave_id: str) -> tuple[NetworkFinding, ...]:
    """What is to be asked of the wave's networks; a wave that cannot be told says so beside the chart."""
    try:
        return wave_firewall(project, wave_id=wave_id, at=now()) if wave_id else ()
    except Problem:
        return ()


def _moves_at(text: str, at: datetime) -> datetime | None:
    """A time as a browser's field writes it, in UTC. Raises: ValueError with a sentence."""
    if not text:
        return None
    try:
        moves_at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no time; write it like 2026-03-12T10:00, in UTC.") from None
    moves_at = moves_at.replace(tzinfo=UTC) if moves_at.tzinfo is None else moves_at
    if moves_at > at + FARTHEST:
        raise ValueError(f"No count can be projected further than {FARTHEST.days} days ahead.")
    return moves_at


def _inline(svg: str) -> SafeString:
    """The drawing escapes every name it writes (core/chart.py, and a test with a hostile host), so it may stand in the page."""
    return mark_safe(svg)  # noqa: S308 - see above


PAGES = [
    path("kms", KmsPage.as_view(), name="project-kms"),
    path("kms/<uuid:host_id>", KmsPage.as_view(), name="kms-host"),
]
