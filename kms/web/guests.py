"""The page of the Windows guests that moved: the most urgent first, followed until they are licensed. Only asks selectors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import path

from kms.core.guests import Alarm, FollowedGuest, Stage
from kms.selectors.guests import guests_now
from project.backbone.clock import now
from project.web.pages import LivePage

TONES = {Alarm.CRITICAL: "bad", Alarm.WARN: "caution", Alarm.UNKNOWN: "unknown"}
STAGE_TONES = {Stage.LICENSED: "good", Stage.PENDING: "unknown", Stage.CONTACTED: "busy"}
MOST = 500


@dataclass(frozen=True, slots=True)
class GuestLine:
    """One guest in words. `days_left` is text: `for good`, `unknown`, or days."""

    name: str
    stage: str
    tone: str
    days_left: str
    because: str
    moved_at: datetime
    contacted_at: datetime | None
    confidence: str
    channel: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class GuestsShown:
    """All that the live part shows; `tally` is the number of guests by stage."""

    lines: tuple[GuestLine, ...]
    not_linked: tuple[str, ...]
    tally: tuple[tuple[str, int], ...]


class GuestsPage(LivePage):
    """The guests that moved."""

    page = "kms"
    template_name = "kms/guests.html"
    part_template = "kms/guests_live.html"

    def live(self) -> GuestsShown:
        told = guests_now(self.project, at=now())
        tally = tuple((stage.value, sum(guest.stage is stage for guest in told.guests)) for stage in Stage)
        lines = tuple(_line(guest) for guest in told.guests[:MOST])
        return GuestsShown(lines, told.not_linked[:MOST], tuple(each for each in tally if each[1]))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(most=MOST, **kwargs)


def _line(guest: FollowedGuest) -> GuestLine:
    return GuestLine(
        name=guest.moved.machine.label,
        stage=guest.stage.value,
        tone=TONES.get(guest.alarm) or STAGE_TONES.get(guest.stage, "none"),
        days_left=_days_left(guest),
        because=guest.because,
        moved_at=guest.moved.since,
        contacted_at=guest.contacted_at,
        confidence="" if guest.confidence is None else guest.confidence.name.lower(),
        channel=guest.channel,
        problem=guest.channel_problem.detail,
        remedy=guest.channel_problem.remedy,
    )


def _days_left(guest: FollowedGuest) -> str:
    """Whole days, rounded down: a day that has begun is no day to rely on."""
    if guest.days_left is not None:
        return f"{int(guest.days_left)} days"
    return "for good" if guest.stage is Stage.LICENSED else "unknown"


PAGES = [path("kms/guests", GuestsPage.as_view(), name="project-kms-guests")]
