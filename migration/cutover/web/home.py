"""The start page and the home of a project: the gate light of every wave, what is counted, and the jobs at work.

Only asks selectors; the two forms (ask the gate, sign its answer) call the services the API calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.views.generic import TemplateView

from migration.assessment import selectors as assessment
from migration.assessment.core.verdicts import Verdict
from migration.conversion import selectors as conversions
from migration.conversion.core.states import State
from migration.conversion.selectors import Conversion
from migration.cutover.core.gate import FRESH_FOR, GateState, is_stale
from migration.cutover.models import GateDecisionRow, Phase
from migration.cutover.selectors import NewestAnswer, Since, newest_answers
from migration.cutover.services import gate
from migration.inventory import selectors as inventory
from migration.planning import selectors as planning
from migration.planning.core.states import PlanState
from migration.planning.selectors import Wave
from project.backbone.accounts.policy import Role
from project.backbone.accounts.selectors import visible_projects
from project.backbone.clock import now
from project.web.joblines import JobLine, job_lines
from project.web.pages import LivePage, ProjectForm, SignedIn, permitted
from readiness.selectors import pools

ENDED_JOBS_SHOWN = 5
_PHASES = {
    Phase.ASKED: "asked by a person",
    Phase.BEFORE_COPY: "asked by the cutover before it copied",
    Phase.BEFORE_START: "asked by the cutover before it started the VMs",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A reason or a warning of the gate, as it was written down."""

    code: str
    subject: str
    detail: str
    remedy: str
    evidence: str


@dataclass(frozen=True, slots=True)
class WaveLine:
    """A wave with its light. `tone` is good (open), caution (open but not usable yet), bad (closed) or unknown (never asked)."""

    id: UUID
    name: str
    plan: str
    approved: bool
    machines: int
    states: tuple[tuple[str, int], ...]
    tone: str
    word: str
    said: str
    asked_by: str = ""
    decided_at: datetime | None = None
    phase: str = ""
    signed_by: str = ""
    signed_at: datetime | None = None
    reasons: tuple[Said, ...] = ()
    warnings: tuple[Said, ...] = ()
    may_sign: bool = False
    may_record: bool = False
    sign_note: str = ""
    since: Since | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted on the project's home. Bytes are of virtual disks."""

    hosts: int
    collected_at: datetime | None
    machines: int
    verdicts: tuple[tuple[str, int], ...]
    pools: int
    conversions: int
    done: int
    disks: int
    verified: int
    bytes_verified: int


class StartPage(SignedIn, TemplateView):
    """`/`: the projects the person has a part in."""

    template_name = "cutover/start.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = visible_projects(self.actor).order_by("customer__name", "name")
        listed = [(row, self.actor.role_in(row.pk), permitted(self.actor.require_approver, row)) for row in rows]
        return super().get_context_data(projects=listed, **kwargs)


class HomePage(LivePage):
    """A project's home. Lights, figures and jobs refresh themselves."""

    page = "home"
    template_name = "cutover/home.html"
    part_template = "cutover/home_live.html"

    def live(self) -> tuple[tuple[WaveLine, ...], Figures, tuple[JobLine, ...]]:
        rows = list(conversions.conversions_of_project(self.project.pk))
        jobs = job_lines(self.project, actor=self.actor, ended_most=ENDED_JOBS_SHOWN)
        return self._waves(rows), self._figures(rows), jobs

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(may_ask=permitted(self.actor.require, self.project, Role.OPERATOR), **kwargs)
        waves, figures, jobs = context["live"]
        return {**context, "waves": waves, "figures": figures, "jobs": jobs, "busy": any(job.running for job in jobs)}

    def _waves(self, rows: Iterable[Conversion]) -> tuple[WaveLine, ...]:
        states: dict[UUID, Counter[str]] = {}
        for row in rows:
            states.setdefault(row.wave_id, Counter())[row.state.replace("_", " ")] += 1
        answers, at = newest_answers(self.project.pk), now()
        approver = permitted(self.actor.require_approver, self.project)
        waves = planning.waves(self.project).annotate(machine_count=Count("machines"))
        counted = {wave_id: tuple(numbers.items()) for wave_id, numbers in states.items()}
        return tuple(self._wave(wave, counted.get(wave.pk, ()), answers.get(wave.pk), at, approver) for wave in waves)

    def _wave(
        self,
        wave: Wave,
        states: tuple[tuple[str, int], ...],
        answer: NewestAnswer | None,
        at: datetime,
        approver: bool,
    ) -> WaveLine:
        approved = wave.plan.state == PlanState.APPROVED
        machines: int = wave.machine_count  # type: ignore[attr-defined]  # annotated above
        base = (wave.pk, wave.name, wave.plan.name, approved, machines, states)
        if answer is None:
            return WaveLine(*base, "unknown", "never asked", "Nobody has asked the gate of this wave yet.")
        row = answer.row
        tone, word, said = _light(row, at)
        unsigned = tone == "caution" and row.signed_at is None and not is_stale(row.decided_at, at)
        asked_it = row.asked_by_id is not None and row.asked_by_id == self.actor.user_id
        return WaveLine(
            *base,
            tone,
            word,
            said,
            asked_by=row.asked_by.username if row.asked_by else row.asked_by_name,
            decided_at=row.decided_at,
            phase=_PHASES[Phase(row.phase)],
            signed_by=row.signed_by_name,
            signed_at=row.signed_at,
            reasons=_said(row.reasons),
            warnings=_said(row.warnings),
            since=answer.since,
            may_sign=unsigned and approver and not asked_it,
            may_record=(unsigned and not asked_it) or bool(row.signed_document),
            sign_note="You asked for this answer; another approver has to sign it." if unsigned and approver and asked_it else "",
        )

    def _figures(self, rows: list[Conversion]) -> Figures:
        latest = inventory.latest_inventories(self.project)
        verdicts = Counter(verdict.value for verdict in assessment.verdicts(self.project, at=now()).values())
        disks = [disk for row in rows for disk in row.disks.all()]
        return Figures(
            hosts=sum(each.counts.get("hosts", 0) for each in latest),
            collected_at=max((each.collected_at for each in latest if each.collected_at), default=None),
            machines=verdicts.total(),
            verdicts=tuple((verdict.value, verdicts[verdict.value]) for verdict in Verdict if verdicts[verdict.value]),
            pools=pools.pools(self.project).count(),
            conversions=len(rows),
            done=sum(row.state == State.DONE for row in rows),
            disks=len(disks),
            verified=sum(disk.is_proven for disk in disks),
            bytes_verified=sum(disk.bytes_total for disk in disks if disk.is_proven),
        )


def _light(row: GateDecisionRow, at: datetime) -> tuple[str, str, str]:
    """Tone, word and sentence of an answer. Only an open, fresh, signed one is green."""
    if row.state != GateState.OPEN:
        return "bad", "closed", f"{len(row.reasons)} reason{'s' if len(row.reasons) != 1 else ''} to work through."
    if is_stale(row.decided_at, at):
        hours = FRESH_FOR.total_seconds() / 3600
        return "caution", "open, too old", f"Nobody may cut over on an answer older than {hours:g} hours: ask the gate again."
    if row.signed_at is None:
        return "caution", "open, not signed", "A second person has to sign it before the wave may cut over."
    if row.phase != Phase.ASKED:
        return "good", "open", "The cutover asked it again by itself and went on."
    return "good", "open", "The wave may cut over."


def _said(entries: list[dict[str, str]]) -> tuple[Said, ...]:
    return tuple(Said(*(str(entry.get(name, "")) for name in Said.__slots__)) for entry in entries)


class AskGateForm(ProjectForm):
    """Ask the gate now."""

    back = "project-home"

    def act(self, **kwargs: Any) -> str:
        job = gate.ask(self.project, wave_id=kwargs["wave_id"], actor=self.actor)
        return f"The gate of {job.subject} is being asked; the pool is read first. The light changes by itself."


class SignGateForm(ProjectForm):
    """Sign the gate's newest answer."""

    back = "project-home"

    def act(self, **kwargs: Any) -> str:
        row = gate.sign(self.project, wave_id=kwargs["wave_id"], actor=self.actor)
        return f"Signed by {row.signed_by_name}. The wave may cut over while this answer is the newest and fresh."
