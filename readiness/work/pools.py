"""Talks to pools: probe their certificates, read their facts, watch trials. Called by this app's jobs only; writes by services.

Nothing here changes a pool but `change_ha`, and that only under a grant for the very pool, with the old value recorded first.
Power of hosts and storage is never touched.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from estate.errors import AskPerson, EdgeError
from estate.facts.pool_look import PoolLook
from estate.facts.unknown import Unknown
from estate.xapi import XapiSession, ha, probe
from estate.xapi.pool import read_facts
from estate.xapi.pool_look import look_at, read_ha
from project.backbone.accounts.policy import Actor
from project.backbone.clock import now
from project.backbone.endpoints.selectors import connection_of
from project.backbone.jobs.context import JobContext
from readiness.core.alerts import LONGEST_TRIAL
from readiness.core.campaign.change import ChangeEvent, ChangeState, HaAction, HaSetting, goal_of, next_action
from readiness.core.campaign.preflight import Obstacle
from readiness.core.campaign.states import TrialState
from readiness.core.campaign.watching import Observation, first, folded, missed, timeout_of
from readiness.core.case import statefiles_in_use
from readiness.core.policy import Policy
from readiness.core.timeouts import derive
from readiness.models import CampaignTrial, HaChange, Pool, PoolInventory
from readiness.selectors import campaigns, profiles
from readiness.selectors.evaluations import EvaluationView
from readiness.selectors.ha_changes import before_of
from readiness.selectors.pools import facts_of, latest_facts
from readiness.selectors.watches import latencies_since
from readiness.services import ha_changes, trial_results, trials
from readiness.services.evaluation import evaluate
from readiness.services.pools import store_facts, store_probe


def probe_pool(pool: Pool, actor: Actor) -> dict[str, Any]:
    """Show the certificates of the pool's hosts, for a person to compare and confirm. Raises: EdgeError."""
    seen = probe(connection_of(pool.endpoint))
    offered = [asdict(certificate) | {"not_after": certificate.not_after.isoformat()} for certificate in seen.certificates]
    store_probe(pool, pool_uuid=seen.pool_uuid or "", offered=offered, actor=actor)
    return {"pool_uuid": seen.pool_uuid, "name": seen.name, "product": seen.product, "certificates": offered}


def read_pool(pool: Pool, actor: Actor) -> PoolInventory:
    """Read the pool and its hosts' latencies, and keep the facts. Raises: EdgeError, Conflict `another_pool`."""
    with XapiSession(connection_of(pool.endpoint)) as session:
        facts = read_facts(session, now(), latencies_since=latencies_since(pool, now()))
    return store_facts(pool, facts, actor=actor)


def collect_pool(pool: Pool, actor: Actor) -> dict[str, Any]:
    """Read the pool once and keep the facts. Raises: EdgeError, Conflict `another_pool`."""
    inventory = read_pool(pool, actor)
    unread = inventory.facts.get("unreadable", [])
    return {"facts_id": str(inventory.id), "collected_at": inventory.collected_at.isoformat(), "unreadable": unread}


def evaluate_pool(pool: Pool, job: JobContext, *, collect: bool) -> EvaluationView:
    """Judge the pool, on fresh facts when `collect`; a pool that cannot be read then is judged not ready, not skipped."""
    facts_id, unreachable = None, ""
    if collect:
        try:
            facts_id = read_pool(pool, job.actor).id
        except EdgeError as failure:
            unreachable = f"{failure.message} ({failure.code})"
    job.alive()
    return evaluate(pool.id, at=now(), actor=job.actor, facts_id=facts_id, unreachable_because=unreachable)


def watch_trial(row: CampaignTrial, actor: Actor) -> bool:
    """One look at the pool for a trial; False when there is nothing more to watch. What was seen before stays in the row, so
    that whichever worker looks next goes on from it.

    Raises: EdgeError while the first reading fails, TrialMoved when a person moved the trial in this moment.
    """
    state = TrialState(row.state)
    if state is TrialState.REQUESTED:
        return _begin_watch(row, actor)
    if state not in (TrialState.WATCHING, TrialState.ENDING):
        return False
    known = campaigns.observation_of(row)
    assert known is not None
    seen = _seen_now(row, known, is_last=state is TrialState.ENDING)
    if state is TrialState.ENDING and seen.missing_since is None and seen.looked_at > known.looked_at:
        read_pool(row.campaign.pool, actor)
        trials.last_look(row, seen, actor=actor)
        return False
    if seen.began_at + LONGEST_TRIAL <= now():
        trial_results.discard_trial(row, reason="nobody ended the trial within twelve hours", actor=actor)
        return False
    trials.keep_look(row, seen)
    return True


def _begin_watch(row: CampaignTrial, actor: Actor) -> bool:
    """Ask the preflight on facts read just now, then take the look that all later ones are compared with."""
    campaign, pool = row.campaign, row.campaign.pool
    facts = facts_of(read_pool(pool, actor))
    case = campaigns.case_now(campaign, now(), facts)
    obstacles = campaigns.obstacles_of(campaign, case)
    look = _look(row, now())
    timeout_s = timeout_of(look, case.policy)
    if timeout_s != row.timeout_s:
        text = f"The timeout in force is {timeout_s or 'not known'}, not the {row.timeout_s} s the trial was asked for."
        obstacles = (
            *obstacles,
            Obstacle("timeout_moved", text, "set it with the commands of the campaign, or ask for a trial anew"),
        )
    if obstacles:
        trials.refuse(row, obstacles, actor=actor)
        return False
    trials.begin_watch(row, first(look, row.timeout_s), actor=actor)
    return True


def _seen_now(row: CampaignTrial, seen: Observation, *, is_last: bool) -> Observation:
    """What was seen with one more look in it; a worker whose clock is behind adds nothing until it has caught up."""
    try:
        look = _look(row, seen.began_at, with_latencies=is_last)
    except EdgeError:  # while storage is away no host may answer: that is part of what is watched
        return missed(seen, now())
    return folded(seen, look, timeout_of(look, profiles.policy(row.campaign.pool.project.policy_profile)))


def _look(row: CampaignTrial, since: datetime, *, with_latencies: bool = False) -> PoolLook:
    """One look. A host's statistics hold the whole trial, so they are asked for in the last one only."""
    pool = row.campaign.pool
    facts = latest_facts(pool.id)
    files = statefiles_in_use(facts) if with_latencies else []
    statefile = "" if isinstance(files, Unknown) or not files else files[0].vdi_uuid
    members = tuple(host.address for host in facts.hosts)
    return look_at(connection_of(pool.endpoint), members, row.sr_uuid, since, now(), statefile_uuid=statefile)


def change_ha(row: HaChange, actor: Actor) -> bool:
    """One step of a change: look what the pool is, then do what is missing; False when nothing is left to do.

    A refusal of the pool gives back what was there before; a refusal of that ends the change as failed, saying so.

    Raises: EdgeError that passes by itself (Retry, Wait), ChangeMoved.
    """
    try:
        return _change_step(row, actor)
    except AskPerson as refused:
        told = f"{refused.message} ({refused.code})"
        if row.state == ChangeState.RECORDED:
            ha_changes.move(row, ChangeEvent.GIVE_BACK, actor=actor, failed_because=told)
            return True
        left = "Nothing was touched." if row.state == ChangeState.WANTED else "HA may be off: look at the pool, then restore it."
        ha_changes.move(row, ChangeEvent.FAIL, actor=actor, failed_because=f"{told} {left}")
        return False


def _change_step(row: HaChange, actor: Actor) -> bool:
    policy = profiles.policy(row.campaign.pool.project.policy_profile)
    if row.state == ChangeState.WANTED:
        return _record_before(row, actor)
    before = before_of(row)
    if row.state not in (ChangeState.RECORDED, ChangeState.RESTORING) or before is None:
        return False
    is_wanted = row.state == ChangeState.RECORDED
    goal = goal_of(before, row.timeout_s, default_survives=policy.default_survives_reenable) if is_wanted else before
    with XapiSession(connection_of(row.campaign.pool.endpoint)) as session:
        action = next_action(_setting(read_ha(session, now()), policy), goal)
        if action is HaAction.KEEP_DEFAULT:
            ha.keep_default(session, goal.default)
        elif action is HaAction.SWITCH_OFF:
            ha.switch_off(session)
        elif action is HaAction.SWITCH_ON:
            join_s = derive(goal.timeout_s or policy.default_timeout_s).join_s
            ha.switch_on(session, row.sr_uuid, goal.configuration, join_s)
    if action is not HaAction.NOTHING:
        return True
    read_pool(row.campaign.pool, actor)
    ha_changes.move(row, ChangeEvent.FINISH, actor=actor)
    return False


def _record_before(row: HaChange, actor: Actor) -> bool:
    """Ask the preflight on facts read just now, and record what HA is; nothing is touched before that is stored."""
    campaign = row.campaign
    case = campaigns.case_now(campaign, now(), facts_of(read_pool(campaign.pool, actor)))
    obstacles = campaigns.obstacles_of(campaign, case)
    with XapiSession(connection_of(campaign.pool.endpoint)) as session:
        before = _setting(read_ha(session, now()), case.policy)
    if obstacles or not before.enabled:
        told = " ".join(each.detail for each in obstacles) or "HA is off."
        ha_changes.move(row, ChangeEvent.FAIL, actor=actor, failed_because=f"Nothing was touched. {told}")
        return False
    ha_changes.record_before(row, before, actor=actor)
    return True


def _setting(look: PoolLook, policy: Policy) -> HaSetting:
    """HA as a look shows it. Raises: AskPerson when the pool does not tell all of it."""
    if look.ha_enabled is None or look.ha_configuration is None or look.other_config is None:
        raise AskPerson(
            "The pool does not tell how HA is set.", code="pool_unreadable", next_step="Give the account more rights."
        )
    kept = look.other_config.get(ha.DEFAULT_KEY)
    return HaSetting(look.ha_enabled, look.ha_configuration, kept, timeout_of(look, policy))
