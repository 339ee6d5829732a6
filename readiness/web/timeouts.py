"""The page of a pool's HA timeout: what to do next in one sentence, its commands, what stands against it, and every trial.

Only asks selectors; the forms call the services the API calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.shortcuts import resolve_url
from django.urls import path

from project.backbone.accounts.policy import Role
from project.backbone.clock import now
from project.backbone.problems import Conflict, Invalid
from project.web.pages import LivePage, ProjectForm, permitted
from readiness.core.campaign.commands import Command, emergency_runbook
from readiness.core.campaign.preflight import Obstacle, StorageWord
from readiness.core.campaign.states import OPEN_CAMPAIGN, OPEN_TRIAL, CampaignState, TrialState
from readiness.core.campaign.watching import fates, max_latency_s, pull_seen
from readiness.core.trials import HARD
from readiness.models import Campaign, CampaignTrial, Pool
from readiness.selectors import campaigns, pools
from readiness.services import campaigns as services
from readiness.services import pools as pool_services
from readiness.services import trial_results, trials

STATE_TONES = {
    CampaignState.RUNNING: "busy",
    CampaignState.PREFLIGHT: "busy",
    CampaignState.PREFLIGHT_FAILED: "bad",
    CampaignState.COMPLETE: "good",
    CampaignState.ABANDONED: "none",
}


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


def _now(campaign: Campaign) -> CampaignNow:
    view = campaigns.view_of(campaign, now())
    open_row = next((row for row in view.trials if TrialState(row.state) in OPEN_TRIAL), None)
    return CampaignNow(
        state=campaign.state,
        tone=STATE_TONES[CampaignState(campaign.state)],
        sentence=view.sentence,
        kind=view.step.kind.value if view.step else "",
        node=view.step.node if view.step else "",
        commands=view.commands,
        obstacles=view.obstacles,
        trials=tuple(_trial(row, view.names) for row in view.trials),
        open_id=open_row.id if open_row else None,
        open_state=open_row.state if open_row else "",
    )


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


class _OfPool(ProjectForm):
    """A form of the timeout page."""

    @cached_property
    def pool(self) -> Pool:
        return pools.pool_of_project(self.project, self.kwargs["pool_id"])

    @property
    def campaign(self) -> Campaign:
        found = campaigns.open_campaign(self.pool)
        if found is None:
            raise Conflict("This pool has no open campaign.", next_step="Begin one.")
        return found

    @property
    def trial(self) -> CampaignTrial:
        return campaigns.trial_of_campaign(self.campaign, self.kwargs["trial_id"])

    def back_url(self, **kwargs: Any) -> str:
        return resolve_url("pool-timeout", self.project.pk, kwargs["pool_id"])

    def said(self, name: str) -> str:
        return self.request.POST.get(name, "").strip()

    def ticked(self, name: str) -> bool:
        return self.request.POST.get(name) == "yes"

    def seconds(self, name: str) -> float | None:
        """A number of seconds, None where the field was left empty. Raises: Invalid."""
        text = self.said(name).replace(",", ".")
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 86_400:
            raise Invalid(f"{name} is no number of seconds.", next_step="Type a number, or leave the field empty if unknown.")
        return value

    def reason(self) -> str:
        """Raises: Invalid without one."""
        if not self.said("reason"):
            raise Invalid("A reason is needed.", next_step="Say in a few words why.")
        return self.said("reason")


class BeginForm(_OfPool):
    """Begin a campaign at 60 s."""

    def act(self, **kwargs: Any) -> str:
        named = [each.strip() for each in self.said("expendable").split(",")]
        services.begin_campaign(self.pool, expendable_vms=[each for each in named if each], actor=self.actor)
        return f"The campaign of pool {self.pool.name} has begun."


class LookAgainForm(_OfPool):
    """Read the pool, and ask the preflight again on what is known by now."""

    def act(self, **kwargs: Any) -> str:
        services.advance(self.campaign, actor=self.actor)
        pool_services.request_collect(self.pool, actor=self.actor)
        return "The pool is being read; this page follows by itself, or load it again in some seconds."


class TrialForm(_OfPool):
    """Begin the trial that comes next."""

    def act(self, **kwargs: Any) -> str:
        word = StorageWord(self.ticked("storage_healthy"), self.ticked("mirror_in_sync"))
        node = self.said("storage_node")
        trials.ask_for_trial(self.campaign, storage_node=node, method=HARD, word=word, actor=self.actor)
        return f"The pool is being looked at. Do not touch {node} before this page says so."


class EndForm(_OfPool):
    """Node, mirror and hosts are back."""

    def act(self, **kwargs: Any) -> str:
        healthy, in_sync = self.ticked("storage_healthy"), self.ticked("mirror_in_sync")
        row = trial_results.end_trial(self.trial, storage_healthy=healthy, mirror_in_sync=in_sync, actor=self.actor)
        return f"The service takes its last look at the trial of {row.storage_node}."


class ConfirmForm(_OfPool):
    """Confirm what was seen, with what was measured by hand."""

    def act(self, **kwargs: Any) -> str:
        said = trial_results.Said(
            who=self.said("who") or self.actor.username,
            max_latency_s=self.seconds("max_latency_s"),
            failover_s=self.seconds("failover_s"),
            note=self.said("note"),
        )
        row = trial_results.confirm_trial(self.trial, said=said, actor=self.actor)
        return f"The trial of {row.storage_node} at {row.timeout_s} s is evidence now."


class DiscardForm(_OfPool):
    """Set the open trial aside."""

    def act(self, **kwargs: Any) -> str:
        row = trial_results.discard_trial(self.trial, reason=self.reason(), actor=self.actor)
        return f"The trial of {row.storage_node} is kept and does not count."


class AbandonForm(_OfPool):
    """End the campaign without a result."""

    def act(self, **kwargs: Any) -> str:
        services.abandon_campaign(self.campaign, reason=self.reason(), actor=self.actor)
        return "The campaign is abandoned; what its trials showed stays evidence."


_HERE = "readiness/<uuid:pool_id>/timeout"
_TRIAL = f"{_HERE}/trials/<uuid:trial_id>"
PAGES = [
    path(_HERE, TimeoutPage.as_view(), name="pool-timeout"),
    path(f"{_HERE}/begin", BeginForm.as_view(), name="campaign-begin-form"),
    path(f"{_HERE}/look-again", LookAgainForm.as_view(), name="campaign-look-form"),
    path(f"{_HERE}/trial", TrialForm.as_view(), name="campaign-trial-form"),
    path(f"{_HERE}/abandon", AbandonForm.as_view(), name="campaign-abandon-form"),
    path(f"{_TRIAL}/end", EndForm.as_view(), name="trial-end-form"),
    path(f"{_TRIAL}/confirm", ConfirmForm.as_view(), name="trial-confirm-form"),
    path(f"{_TRIAL}/discard", DiscardForm.as_view(), name="trial-discard-form"),
]
