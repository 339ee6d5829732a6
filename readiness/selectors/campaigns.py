"""Tuning campaigns as rows and as views: where one stands, what stands against it, and what to do next. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from estate.facts.codec import from_json
from estate.facts.pool import PoolFacts
from estate.facts.unknown import Unknown
from project.backbone.problems import NotVisible
from readiness.core.cabling import cabling_of
from readiness.core.campaign.commands import Command, emergency_runbook, latency_commands, lookup_commands, timeout_commands
from readiness.core.campaign.ladder import OpenTrial, Progress, Step, StepKind, next_step, target_s
from readiness.core.campaign.overlap import overlap_of, pool_storage
from readiness.core.campaign.preflight import ChangeWindow, Conditions, Obstacle, preflight
from readiness.core.campaign.sentences import ended_sentence, sentence
from readiness.core.campaign.states import OPEN_CAMPAIGN, OPEN_TRIAL, CampaignState, TrialState
from readiness.core.campaign.watching import Observation
from readiness.core.case import Case, heartbeat_sr
from readiness.core.evidence import what_changed
from readiness.core.timeouts import effective_timeout
from readiness.core.trials import Trial, trials_of
from readiness.core.wording import names_of
from readiness.models import Campaign, CampaignTrial, Pool
from readiness.selectors.cases import case_of
from readiness.selectors.pools import latest_facts
from readiness.selectors.vmware import esxi_storage


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign now: the step in one sentence, the commands for it, and what stands against a trial."""

    campaign: Campaign
    step: Step | None
    sentence: str
    commands: tuple[Command, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    trials: tuple[CampaignTrial, ...] = ()
    names: dict[str, str] = field(default_factory=dict)


def campaigns(pool: Pool) -> QuerySet[Campaign]:
    """The pool's campaigns, newest first."""
    return Campaign.objects.filter(pool=pool).select_related("pool__project", "created_by").order_by("-created_at")


def campaign_of_pool(pool: Pool, campaign_id: UUID | str) -> Campaign:
    """A campaign that must belong to this pool. Raises: NotVisible (404)."""
    found = campaigns(pool).filter(pk=campaign_id).first()
    if found is None:
        raise NotVisible("campaign")
    return found


def open_campaign(pool: Pool) -> Campaign | None:
    """The pool's campaign that has not ended."""
    return campaigns(pool).filter(state__in=[state.value for state in OPEN_CAMPAIGN]).first()


def trials(campaign: Campaign) -> QuerySet[CampaignTrial]:
    """The campaign's trials in the order they were asked for."""
    rows = CampaignTrial.objects.filter(campaign=campaign).select_related("campaign__pool__project", "created_by")
    return rows.order_by("created_at")


def trial_of_campaign(campaign: Campaign, trial_id: UUID | str) -> CampaignTrial:
    """A trial that must belong to this campaign. Raises: NotVisible (404)."""
    found = trials(campaign).filter(pk=trial_id).first()
    if found is None:
        raise NotVisible("trial")
    return found


def trial(trial_id: UUID | str) -> CampaignTrial | None:
    """One trial by id, for jobs; None when it is gone."""
    rows = CampaignTrial.objects.select_related("campaign__pool__project", "campaign__pool__endpoint", "created_by")
    return rows.filter(pk=trial_id).first()


def observation_of(row: CampaignTrial) -> Observation | None:
    """What the service saw of a trial so far; None before its first look."""
    return None if row.observation is None else from_json(row.observation, Observation)


def case_now(campaign: Campaign, at: datetime, facts: PoolFacts | None = None) -> Case:
    """The pool's case by these facts, else its newest. Raises: Conflict `pool_not_collected` (409)."""
    return case_of(campaign.pool, facts or latest_facts(campaign.pool_id), at)


def conditions_of(campaign: Campaign, case: Case) -> Conditions:
    """What the campaign adds to a case: expendable VMs, the storage ESXi shares, the change window."""
    sr = heartbeat_sr(case.facts)
    ours = sr if isinstance(sr, Unknown) else pool_storage(case.facts, cabling_of(case), sr.uuid)
    window = campaign.window and ChangeWindow(
        campaign.window["owner"],
        datetime.fromisoformat(campaign.window["starts_at"]),
        datetime.fromisoformat(campaign.window["ends_at"]),
    )
    overlap = overlap_of(ours, esxi_storage(campaign.pool.project))
    return Conditions(frozenset(campaign.expendable_vms), overlap, window or None)


def obstacles_of(campaign: Campaign, case: Case) -> tuple[Obstacle, ...]:
    """What stands against a trial by this case."""
    return preflight(case, conditions_of(campaign, case))


def _is_current(case: Case, trial: Trial) -> bool:
    """Whether a trial still covers: its ground did not move, and it is neither expired nor too old."""
    item = trial.item
    expired = item.expires_at is not None and case.at >= item.expires_at
    old = case.at - item.tested_at > timedelta(days=case.policy.failover_test_max_age_days)
    return not expired and not old and not what_changed(item, case.facts)


def progress_of(campaign: Campaign, case: Case) -> Progress:
    """How far the tuning is by all trials in force, whichever campaign or person recorded them."""
    sr = heartbeat_sr(case.facts)
    known = () if isinstance(sr, Unknown) else tuple(trials_of(case.evidence, (sr.uuid, sr.name)))
    open_row = trials(campaign).filter(state__in=[state.value for state in OPEN_TRIAL]).first()
    return Progress(
        start_s=campaign.start_s,
        trials=known,
        current=tuple(trial for trial in known if _is_current(case, trial)),
        nodes=cabling_of(case).node_names(),
        hosts=tuple(host.uuid for host in case.facts.hosts),
        now=effective_timeout(case.facts, case.policy),
        open_trial=OpenTrial(TrialState(open_row.state), open_row.storage_node) if open_row else None,
    )


def view_of(campaign: Campaign, at: datetime) -> CampaignView:
    """The campaign with its next step. Raises: Conflict `pool_not_collected` (409)."""
    case = case_now(campaign, at)
    rows, names = tuple(trials(campaign)), names_of(case.facts)
    state = CampaignState(campaign.state)
    if state not in OPEN_CAMPAIGN:
        tuned_s = campaign.tuned_timeout_s
        in_force = tuned_s is not None and _is_in_force(case, tuned_s)
        text = ended_sentence(state, tuned_s, in_force=in_force)
        commands = timeout_commands(case, tuned_s) if tuned_s is not None and not in_force else ()
        return CampaignView(campaign, None, text, commands, trials=rows, names=names)
    obstacles = obstacles_of(campaign, case)
    progress = progress_of(campaign, case)
    step = step_of(progress, obstacles)
    commands = _commands(case, step, obstacles, target_s(progress))
    return CampaignView(campaign, step, sentence(step, names), commands, obstacles, rows, names)


def _is_in_force(case: Case, timeout_s: int) -> bool:
    """Whether the pool runs with this timeout and, where the product can, keeps it as the default of the next enable."""
    config = case.facts.other_config
    kept = None if isinstance(config, Unknown) else config.get("default_ha_timeout")
    survives = not case.policy.default_survives_reenable or kept == str(timeout_s)
    return effective_timeout(case.facts, case.policy).timeout_s == timeout_s and survives


def step_of(progress: Progress, obstacles: Iterable[Obstacle]) -> Step:
    """The next step; before one that pulls or waits for nothing, what stands against a trial has to go."""
    step = next_step(progress)
    standing = tuple(obstacles)
    if not standing or step.kind not in (StepKind.TRIAL, StepKind.READ_POOL):
        return step
    because = " ".join(f"{obstacle.detail} {obstacle.remedy[:1].upper()}{obstacle.remedy[1:]}." for obstacle in standing)
    return Step(StepKind.PASS_PREFLIGHT, step.timeout_s, step.node, step.hosts, because)


def _commands(case: Case, step: Step, obstacles: Iterable[Obstacle], wanted_s: int | None) -> tuple[Command, ...]:
    is_off = any(obstacle.code == "ha_off" for obstacle in obstacles)
    if wanted_s is not None and (step.kind is StepKind.SET_TIMEOUT or (is_off and step.kind is StepKind.PASS_PREFLIGHT)):
        return timeout_commands(case, wanted_s)
    return ()


def commands_of(campaign: Campaign, at: datetime) -> dict[str, tuple[Command, ...]]:
    """All commands of a campaign by purpose. Raises: Conflict `pool_not_collected` (409)."""
    case = case_now(campaign, at)
    wanted_s = campaign.tuned_timeout_s or target_s(progress_of(campaign, case))
    return {
        "lookup": lookup_commands(case),
        "set_timeout": timeout_commands(case, wanted_s) if wanted_s else (),
        "record_latency": latency_commands(case),
        "emergency": emergency_runbook(case.facts),
    }
