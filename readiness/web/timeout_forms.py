"""The forms of the timeout page: each calls the service that the API calls, so that both refuse alike."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.shortcuts import resolve_url
from django.urls import path

from project.backbone.problems import Conflict, Invalid
from project.web.pages import ProjectForm
from readiness.core.campaign.preflight import StorageWord
from readiness.core.trials import HARD
from readiness.models import Campaign, CampaignTrial, Pool
from readiness.selectors import campaigns, pools
from readiness.services import campaigns as services
from readiness.services import pools as pool_services
from readiness.services import trial_results, trials


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
    path(f"{_HERE}/begin", BeginForm.as_view(), name="campaign-begin-form"),
    path(f"{_HERE}/look-again", LookAgainForm.as_view(), name="campaign-look-form"),
    path(f"{_HERE}/trial", TrialForm.as_view(), name="campaign-trial-form"),
    path(f"{_HERE}/abandon", AbandonForm.as_view(), name="campaign-abandon-form"),
    path(f"{_TRIAL}/end", EndForm.as_view(), name="trial-end-form"),
    path(f"{_TRIAL}/confirm", ConfirmForm.as_view(), name="trial-confirm-form"),
    path(f"{_TRIAL}/discard", DiscardForm.as_view(), name="trial-discard-form"),
]
