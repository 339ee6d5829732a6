"""Trials of a campaign: ask for one, keep what the service sees, end it, confirm it as evidence, or discard it.

The state of a trial moves only here, by compare-and-set with its audit row. Looking at the pool is the work room's task.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from estate.facts.codec import to_json
from estate.facts.unknown import Unknown
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.endpoints.selectors import require_confirmed
from project.backbone.jobs.services import IdempotencyKey, enqueue, job_of_key
from project.backbone.models import Job
from project.backbone.problems import Conflict
from readiness.core.campaign.ladder import Step, StepKind
from readiness.core.campaign.preflight import Obstacle, StorageWord, storage_obstacles
from readiness.core.campaign.states import IllegalTransition, TrialEvent, TrialState, next_trial_state
from readiness.core.campaign.watching import Observation
from readiness.core.case import Case, heartbeat_sr
from readiness.core.timeouts import effective_timeout
from readiness.core.trials import HARD
from readiness.models import Campaign, CampaignTrial
from readiness.selectors import campaigns as selectors
from readiness.selectors.ha_changes import is_changing
from readiness.services.campaigns import judge_preflight
from readiness.services.moving import moved

WATCH = "readiness.watch_trial"


class TrialMoved(Conflict):
    """The trial does not take this step in its state, or somebody else moved it first."""

    code = "trial_moved"


def ask_for_trial(
    campaign: Campaign,
    *,
    storage_node: str,
    method: str,
    word: StorageWord,
    actor: Actor,
    idempotency_key: IdempotencyKey | None = None,
) -> Job:
    """Ask for a trial: the job reads the pool, asks the preflight once more, and then watches until a person ends the trial.

    A hard trial has to be the campaign's next step at the timeout in force; a graceful stop may be stored at any time.

    Raises: RoleTooLow (operator), NotVisible, Conflict `trial_obstructed`, `step_out_of_order`, `trial_open`, `campaign_moved`,
    `pins_not_confirmed`, `pool_not_collected` (409).
    """
    pool = campaign.pool
    actor.require(pool.project_id, Role.OPERATOR)
    earlier = job_of_key(idempotency_key, project=pool.project, actor=actor)
    if earlier is not None:
        return earlier
    require_confirmed(pool.endpoint)
    case = selectors.case_now(campaign, now())
    _require_no_obstacles(campaign, (*storage_obstacles(word), *selectors.obstacles_of(campaign, case)), actor)
    timeout_s, sr_uuid = _step_in_order(campaign, case, storage_node, method)
    row = CampaignTrial(
        campaign=campaign,
        storage_node=storage_node,
        method=method,
        timeout_s=timeout_s,
        sr_uuid=sr_uuid,
        word=to_json(word),
        created_by_id=actor.user_id,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            after = {"storage_node": storage_node, "timeout_s": timeout_s, "method": method, "word": row.word}
            record(actor, "trial.asked_for", row, project=pool.project, after=after)
            return enqueue(
                WATCH,
                project=pool.project,
                params={"trial_id": str(row.id)},
                actor=actor,
                subject=f"{pool.name}: {storage_node} at {timeout_s} s",
                idempotency_key=idempotency_key,
            )
    except IntegrityError:
        raise Conflict(
            "A trial of this campaign is not ended.", code="trial_open", next_step="Confirm or discard that trial first."
        ) from None


def _require_no_obstacles(campaign: Campaign, obstacles: Sequence[Obstacle], actor: Actor) -> None:
    judge_preflight(campaign, [to_json(each) for each in obstacles], actor=actor)
    if obstacles:
        raise Conflict(
            "No node may be powered off now: " + " ".join(each.detail for each in obstacles),
            code="trial_obstructed",
            errors=[{"field": each.code, "code": each.code, "detail": f"{each.detail} {each.remedy}."} for each in obstacles],
            next_step=f"{obstacles[0].remedy[:1].upper()}{obstacles[0].remedy[1:]}.",
        )


def _step_in_order(campaign: Campaign, case: Case, storage_node: str, method: str) -> tuple[int, str]:
    """Timeout in force and heartbeat SR for a trial that may begin now. Raises: Conflict `step_out_of_order`."""
    progress = selectors.progress_of(campaign, case)
    step = selectors.step_of(progress, ())
    sr, timeout_s, nodes = heartbeat_sr(case.facts), effective_timeout(case.facts, case.policy).timeout_s, progress.nodes
    if is_changing(campaign):
        raise _out_of_order(step, "the service is changing HA on this pool")
    if isinstance(nodes, Unknown) or storage_node not in nodes:
        raise _out_of_order(step, f"{storage_node} is none of the attested storage nodes")
    if isinstance(sr, Unknown) or isinstance(timeout_s, Unknown):
        raise _out_of_order(step, "the heartbeat SR or the timeout in force is not known")
    if step.kind is StepKind.TRIAL or method != HARD:
        return timeout_s, sr.uuid
    raise _out_of_order(step, "a hard trial is not what comes next")


def _out_of_order(step: Step, why: str) -> Conflict:
    at = f" at {step.timeout_s} s" if step.timeout_s else ""
    return Conflict(
        f"This trial cannot begin: {why}.",
        code="step_out_of_order",
        next_step=f"The campaign's next step is {step.kind.replace('_', ' ')}{at}; GET the campaign for its commands.",
    )


def move(
    row: CampaignTrial, event: TrialEvent, *, actor: Actor, noted: dict[str, Any] | None = None, **fields: Any
) -> CampaignTrial:
    """Apply an event and set `fields` with it. Raises: TrialMoved (409)."""
    try:
        target = next_trial_state(TrialState(row.state), event)
    except IllegalTransition:
        raise TrialMoved(f"The trial of {row.storage_node} is {row.state}.", next_step="Read it again, then decide.") from None
    stale = TrialMoved(f"The trial of {row.storage_node} has moved on meanwhile.", next_step="Read it again, then decide.")
    pool, action = row.campaign.pool, f"trial.{event}"
    return moved(row, target, action=action, pool=pool, stale=stale, noted=noted or {}, actor=actor, **fields)


def begin_watch(row: CampaignTrial, seen: Observation, *, actor: Actor) -> None:
    """The pool was read and nothing stands against it: the node may be pulled from now on. Raises: TrialMoved."""
    move(row, TrialEvent.BEGIN, actor=actor, observation=to_json(seen), began_at=seen.began_at)


def refuse(row: CampaignTrial, obstacles: Sequence[Obstacle], *, actor: Actor) -> None:
    """What the fresh reading showed stands against the trial. Raises: TrialMoved."""
    listed = [to_json(each) for each in obstacles]
    with transaction.atomic():
        move(row, TrialEvent.REFUSE, actor=actor, noted={"obstacles": [each.code for each in obstacles]}, obstacles=listed)
        judge_preflight(row.campaign, listed, actor=actor)


def keep_look(row: CampaignTrial, seen: Observation) -> bool:
    """Store what was seen so far; False when the trial moved or another worker looked meanwhile: what it saw must not be lost.

    Not audited: the whole is, when it is confirmed.
    """
    known = selectors.observation_of(row)
    assert known is not None
    unchanged = {"observation__looks": known.looks, "observation__misses": known.misses}
    kept = CampaignTrial.objects.filter(pk=row.pk, state=row.state, **unchanged).update(observation=to_json(seen))
    return bool(kept)


def last_look(row: CampaignTrial, seen: Observation, *, actor: Actor) -> None:
    """The look after the end: from now on what was seen does not change. Raises: TrialMoved."""
    with transaction.atomic():
        if not keep_look(row, seen):
            raise TrialMoved(f"The trial of {row.storage_node} was looked at meanwhile.", next_step="Look at it again.")
        move(row, TrialEvent.LAST_LOOK, actor=actor, observation=to_json(seen), ended_at=seen.looked_at)
