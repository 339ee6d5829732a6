"""The page of a pool's HA timeout: what to do next in one sentence, its commands, what stands against it, and every trial.

Only asks selectors; the forms are in timeout_forms.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.urls import path

from project.backbone.accounts.policy import Role
from project.backbone.clock import now
from project.web.pages import LivePage, permitted
from readiness.core.campaign.change import OPEN_CHANGE, ChangeState
from readiness.core.campaign.commands import Command, emergency_runbook
from readiness.core.campaign.preflight import Obstacle
from readiness.core.campaign.states import OPEN_CAMPAIGN, OPEN_TRIAL, CampaignState, TrialState
from readiness.core.campaign.watching import fates, max_latency_s, pull_seen
from readiness.models import Campaign, CampaignTrial, HaChange, Pool
from readiness.selectors import campaigns, ha_changes, pools

STATE_TONES = {
    CampaignState.RUNNING: "busy",
    CampaignState.PREFLIGHT: "busy",
    CampaignState.PREFLIGHT_FAILED: "bad",
    CampaignState.COMPLETE: "good",
    CampaignState.ABANDONED: "none",
}


CHANGE_TONES = {ChangeState.CHANGED: "good", ChangeState.RESTORED: "caution", ChangeState.FAILED: "bad"}


@dataclass(frozen=True, slots=True)
class HostLine:
    """One host in a trial: `tone` is good (it stayed up), bad (it fenced) or unknown."""

    name: str
    tone: str
    word: str


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One trial in words."""

    id: UUID
    node: str
    timeout_s: int
    method: str
    state: str
    began_at: datetime | None
    hosts: tuple[HostLine, ...]
    latency: str
    remark: str


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """The newest change of the timeout that the service made under a grant; `because` is what the pool refused."""

    state: str
    tone: str
    timeout_s: int
    because: str


@dataclass(frozen=True, slots=True)
class CampaignNow:
    """All that the live part shows. `kind` and `node` are those of the next step; `open_id` is the trial that has not ended."""

    state: str
    tone: str
    sentence: str
    kind: str
    node: str
    commands: tuple[Command, ...]
    obstacles: tuple[Obstacle, ...]
    trials: tuple[TrialLine, ...]
    open_id: UUID | None
    open_state: str
    change: ChangeLine | None


class TimeoutPage(LivePage):
    """One pool's newest campaign."""

    page = "readiness"
    template_name = "readiness/timeout.html"
    part_template = "readiness/timeout_live.html"

    @cached_property
    def pool(self) -> Pool:
        return pools.pool_of_project(self.project, self.kwargs["pool_id"])

    def live(self) -> CampaignNow | None:
        campaign = campaigns.campaigns(self.pool).first()
        return None if campaign is None else _now(campaign)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        pool = self.pool
        read = pools.latest_inventory(pool.pk)
        context = super().get_context_data(
            pool=pool,
            may_act=permitted(self.actor.require, self.project, Role.OPERATOR),
            collected_at=read.collected_at if read else None,
            emergency=emergency_runbook(pools.facts_of(read)) if read else (),
            **kwargs,
        )
        live = context["live"]
        is_open = live is not None and live.state in {state.value for state in OPEN_CAMPAIGN}
        return {**context, "is_open": is_open, "busy": live is not None and live.open_id is not None}


def _tone(view: campaigns.CampaignView) -> str:
    """A result that is found and not in force is nothing to be content with."""
    state = CampaignState(view.campaign.state)
    return "caution" if state is CampaignState.COMPLETE and view.commands else STATE_TONES[state]


def _now(campaign: Campaign) -> CampaignNow:
    view = campaigns.view_of(campaign, now())
    open_row = next((row for row in view.trials if TrialState(row.state) in OPEN_TRIAL), None)
    return CampaignNow(
        state=campaign.state,
        tone=_tone(view),
        sentence=view.sentence,
        kind=view.step.kind.value if view.step else "",
        node=view.step.node if view.step else "",
        commands=view.commands,
        obstacles=view.obstacles,
        trials=tuple(_trial(row, view.names) for row in view.trials),
        open_id=open_row.id if open_row else None,
        open_state=open_row.state if open_row else "",
        change=_change(ha_changes.changes(campaign).first()),
    )


def _change(row: HaChange | None) -> ChangeLine | None:
    if row is None:
        return None
    state = ChangeState(row.state)
    tone = "busy" if state in OPEN_CHANGE else CHANGE_TONES[state]
    return ChangeLine(state, tone, row.timeout_s, row.failed_because)


def _trial(row: CampaignTrial, names: dict[str, str]) -> TrialLine:
    seen = campaigns.observation_of(row)
    latency_s = (row.result or {}).get("max_latency_s") if row.result else max_latency_s(seen) if seen else None
    refused = " ".join(each["detail"] for each in row.obstacles)
    nothing = "no path was seen to go away yet" if seen and pull_seen(seen) is False else ""
    return TrialLine(
        id=row.id,
        node=row.storage_node,
        timeout_s=row.timeout_s,
        method=row.method,
        state=row.state,
        began_at=row.began_at,
        hosts=_hosts(row, names),
        latency="unknown" if latency_s is None else f"{latency_s:g} s",
        remark=row.closed_because or refused or nothing,
    )


def _hosts(row: CampaignTrial, names: dict[str, str]) -> tuple[HostLine, ...]:
    """By what was confirmed, else by what was seen so far."""
    seen = campaigns.observation_of(row)
    if row.result:
        told = [(host["host_uuid"], host["fenced"]) for host in row.result["hosts"]]
    else:
        told = [(fate.uuid, fate.fenced) for fate in fates(seen)] if seen else []
    words = {True: ("bad", "fenced"), False: ("good", "stayed up"), None: ("unknown", "not known yet")}
    return tuple(HostLine(names.get(uuid, uuid), *words[fenced]) for uuid, fenced in sorted(told, key=lambda host: str(host[0])))


PAGES = [path("readiness/<uuid:pool_id>/timeout", TimeoutPage.as_view(), name="pool-timeout")]
