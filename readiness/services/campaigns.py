"""Tuning campaigns: begin one, look how it stands, record the VMware owner's change window, abandon it.

Nothing here touches a pool; its commands are printed for a person. Trials are in trials.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from estate.facts.codec import to_json
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.problems import Conflict, Invalid
from readiness.core.campaign.ladder import FIRST_RUNGS_S, HIGHEST_RUNG_S, StepKind, next_step
from readiness.core.campaign.pbd_listing import ListingRefused, sr_of_listing
from readiness.core.campaign.states import (
    OPEN_CAMPAIGN,
    OPEN_TRIAL,
    CampaignEvent,
    CampaignState,
    IllegalTransition,
    next_campaign_state,
)
from readiness.core.timeouts import TIMEOUT_FLOOR_S
from readiness.models import Campaign, Intent, Pool
from readiness.selectors import campaigns as selectors
from readiness.selectors.pools import latest_facts
from readiness.services.moving import moved

LONGEST_WINDOW = timedelta(days=7)
"""A change window longer than this is no window: its owner would have to agree anew."""


class CampaignMoved(Conflict):
    """The campaign does not take this step in its state, or somebody else moved it first."""

    code = "campaign_moved"


def begin_campaign(
    pool: Pool,
    *,
    start_s: int = FIRST_RUNGS_S[0],
    start_reason: str = "",
    expendable_vms: Sequence[str] = (),
    actor: Actor,
) -> Campaign:
    """A new campaign on the pool's newest facts. It begins at 60 s unless `start_reason` says why it begins elsewhere.

    Raises: RoleTooLow (operator), NotVisible, Invalid, Conflict `campaign_open`, `ha_not_intended`, `pool_not_collected` (409).
    """
    actor.require(pool.project_id, Role.OPERATOR)
    _require_tunable(pool, start_s, start_reason)
    latest_facts(pool.id)
    campaign = Campaign(
        pool=pool,
        start_s=start_s,
        start_reason=start_reason.strip(),
        expendable_vms=sorted(set(expendable_vms)),
        created_by_id=actor.user_id,
    )
    try:
        with transaction.atomic():
            campaign.save(force_insert=True)
            after = {"start_s": start_s, "start_reason": campaign.start_reason, "expendable_vms": campaign.expendable_vms}
            record(actor, "campaign.begun", campaign, project=pool.project, after=after)
    except IntegrityError:
        raise Conflict(
            f"Pool {pool.name} has a campaign that has not ended.",
            code="campaign_open",
            next_step="Go on with it, or abandon it first.",
        ) from None
    return advance(campaign, actor=actor)


def _require_tunable(pool: Pool, start_s: int, start_reason: str) -> None:
    if pool.ha_intent != Intent.REQUIRED:
        raise Conflict(
            f"Pool {pool.name} is meant to run without HA, so it has no timeout to tune.",
            code="ha_not_intended",
            next_step="Change its ha_intent to required first.",
        )
    if not TIMEOUT_FLOOR_S <= start_s <= HIGHEST_RUNG_S:
        raise unusable("start_s", f"must be between {TIMEOUT_FLOOR_S} and {HIGHEST_RUNG_S} seconds")
    if start_s != FIRST_RUNGS_S[0] and not start_reason.strip():
        raise unusable("start_reason", f"must say why the campaign does not begin at {FIRST_RUNGS_S[0]} s")


def unusable(field: str, detail: str) -> Invalid:
    """One field of a request that cannot be used, and why."""
    return Invalid(
        f"{field} {detail}.",
        errors=[{"field": field, "code": "unusable", "detail": detail}],
        next_step="Correct the field and send it again.",
    )


def advance(campaign: Campaign, *, actor: Actor) -> Campaign:
    """Ask the preflight on the newest facts, and end the campaign when nothing is left to test. The state follows.

    Raises: RoleTooLow (operator), NotVisible, Conflict `campaign_moved`, `pool_not_collected` (409).
    """
    actor.require(campaign.pool.project_id, Role.OPERATOR)
    case = selectors.case_now(campaign, now())
    step = next_step(selectors.progress_of(campaign, case))
    if step.kind is StepKind.FINISHED:
        running = move(campaign, CampaignEvent.PASS_PREFLIGHT, actor=actor)
        ended: dict[str, Any] = {"tuned_timeout_s": step.timeout_s, "ended_at": now()}
        return move(running, CampaignEvent.COMPLETE, actor=actor, **ended)
    return judge_preflight(campaign, [to_json(each) for each in selectors.obstacles_of(campaign, case)], actor=actor)


def judge_preflight(campaign: Campaign, obstacles: Sequence[dict[str, Any]], *, actor: Actor) -> Campaign:
    """Move the campaign by what stands against a trial. Raises: CampaignMoved (409)."""
    event = CampaignEvent.FAIL_PREFLIGHT if obstacles else CampaignEvent.PASS_PREFLIGHT
    return move(campaign, event, actor=actor, noted={"obstacles": [each["code"] for each in obstacles]})


def move(
    campaign: Campaign, event: CampaignEvent, *, actor: Actor, noted: dict[str, Any] | None = None, **fields: Any
) -> Campaign:
    """Apply an event and set `fields` with it, unless that changes nothing. Raises: CampaignMoved (409)."""
    try:
        target = next_campaign_state(CampaignState(campaign.state), event)
    except IllegalTransition:
        raise CampaignMoved(
            f"The campaign of pool {campaign.pool.name} is {campaign.state}.", next_step="Read it again, then decide."
        ) from None
    if target == campaign.state and not fields:
        return campaign
    stale = CampaignMoved("The campaign has moved on meanwhile.", next_step="Read it again, then decide.")
    told = {**{key: value for key, value in fields.items() if key != "ended_at"}, **(noted or {})}
    pool, action = campaign.pool, f"campaign.{event}"
    return moved(campaign, target, action=action, pool=pool, stale=stale, noted=told, actor=actor, **fields)


def record_window(
    campaign: Campaign, *, owner: str, starts_at: datetime, ends_at: datetime, document: dict[str, str], actor: Actor
) -> Campaign:
    """The VMware side's owner signed a change window, by the signed document's name and hash. A later one replaces it.

    Raises: RoleTooLow (operator), NotVisible, Invalid, Conflict `campaign_moved` (409).
    """
    actor.require(campaign.pool.project_id, Role.OPERATOR)
    if not timedelta(0) < ends_at - starts_at <= LONGEST_WINDOW:
        raise unusable("ends_at", f"must come after starts_at, by at most {LONGEST_WINDOW.days} days")
    window = {"owner": owner, "starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat(), "document": document}
    _require_open(campaign)
    with transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(window=window)
        before = {"window": campaign.window}
        record(actor, "campaign.window_signed", campaign, project=campaign.pool.project, before=before, after={"window": window})
    campaign.refresh_from_db()
    return advance(campaign, actor=actor)


def _require_open(campaign: Campaign) -> None:
    if CampaignState(campaign.state) not in OPEN_CAMPAIGN:
        raise CampaignMoved(
            f"The campaign of pool {campaign.pool.name} is {campaign.state}.", next_step="Start another campaign to go on."
        )


def abandon_campaign(campaign: Campaign, *, reason: str, actor: Actor) -> Campaign:
    """End a campaign without a result; what its trials showed stays evidence.

    Raises: RoleTooLow (operator), NotVisible, Conflict `campaign_moved`, `trial_open` (409).
    """
    actor.require(campaign.pool.project_id, Role.OPERATOR)
    if selectors.trials(campaign).filter(state__in=[state.value for state in OPEN_TRIAL]).exists():
        raise Conflict(
            "A trial of this campaign is not ended.", code="trial_open", next_step="Confirm or discard that trial first."
        )
    return move(campaign, CampaignEvent.ABANDON, actor=actor, abandoned_because=reason, ended_at=now())


def sr_by_listing(campaign: Campaign, listing: str) -> str:
    """The heartbeat SR's uuid out of what the lookup command printed. Raises: Conflict `pbd_listing_refused` (409)."""
    hosts = [host.uuid for host in latest_facts(campaign.pool_id).hosts]
    try:
        return sr_of_listing(listing, hosts)
    except ListingRefused as refused:
        raise Conflict(
            str(refused),
            code=refused.code,
            next_step="Attach the SR on every host (xe pbd-plug), run the lookup command again and paste all of it.",
        ) from None
