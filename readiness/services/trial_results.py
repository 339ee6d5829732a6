"""How a trial ends: a person says that all is back, then confirms what was seen as evidence, or sets the trial aside.

A fence that the service saw cannot be taken back by whoever confirms it; a trial that shows nothing is discarded, with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from project.backbone.accounts.policy import Actor, Role
from project.backbone.clock import now
from project.backbone.problems import Conflict
from readiness.core.campaign.preflight import StorageWord, storage_obstacles
from readiness.core.campaign.states import TrialEvent, TrialState
from readiness.core.campaign.watching import Fate, Observation, fates, max_latency_s, pull_seen, pull_seen_at, statefile_lost
from readiness.core.evidence import EvidenceKind
from readiness.core.timeouts import declared_dead_s
from readiness.core.wording import names_of
from readiness.models import CampaignTrial
from readiness.selectors import campaigns as selectors
from readiness.selectors.pools import latest_facts
from readiness.services.campaigns import advance, unusable
from readiness.services.evidence import record_evidence
from readiness.services.trials import TrialMoved, move


@dataclass(frozen=True, slots=True)
class Said:
    """What a person adds to what the service saw; None is what they did not measure. `fenced_hosts` are further hosts."""

    who: str
    pulled_at: datetime | None = None
    max_latency_s: float | None = None
    failover_s: float | None = None
    fenced_hosts: tuple[str, ...] = ()
    note: str = ""


def end_trial(row: CampaignTrial, *, storage_healthy: bool, mirror_in_sync: bool, actor: Actor) -> CampaignTrial:
    """A person says that node, mirror and hosts are back: the service takes a last look, then what it saw waits to be confirmed.

    Raises: RoleTooLow (operator), NotVisible, Conflict `trial_obstructed`, `trial_too_short`, `trial_moved` (409).
    """
    actor.require(row.campaign.pool.project_id, Role.OPERATOR)
    obstacles = storage_obstacles(StorageWord(storage_healthy, mirror_in_sync))
    if obstacles:
        raise Conflict(
            "The trial ends when the storage is whole again: " + " ".join(each.detail for each in obstacles),
            code="trial_obstructed",
            next_step=f"{obstacles[0].remedy[:1].upper()}{obstacles[0].remedy[1:]}, then end the trial; or discard it.",
        )
    _require_long_enough(row)
    return move(row, TrialEvent.END, actor=actor, noted={"storage_healthy": True, "mirror_in_sync": True})


def _require_long_enough(row: CampaignTrial) -> None:
    seen = selectors.observation_of(row)
    if seen is None or row.state != TrialState.WATCHING:
        return
    pulled_at, needed_s = pull_seen_at(seen) or seen.began_at, declared_dead_s(row.timeout_s)
    watched_s = (now() - pulled_at).total_seconds() * settings.TRIAL_CLOCK_FACTOR
    if watched_s < needed_s:
        raise Conflict(
            f"{watched_s:.0f} s after the pull no fence can have been seen: at {row.timeout_s} s it shows after {needed_s} s.",
            code="trial_too_short",
            next_step=f"Go on watching for {needed_s - watched_s:.0f} s, then end the trial.",
        )


def confirm_trial(row: CampaignTrial, *, said: Said, actor: Actor) -> CampaignTrial:
    """Confirm what was seen: it becomes evidence, bound to its timeout. A fence that was seen cannot be taken back here.

    Raises: RoleTooLow (operator), NotVisible, Invalid (no host's fate is known), Conflict `trial_moved` (409).
    """
    actor.require(row.campaign.pool.project_id, Role.OPERATOR)
    seen = selectors.observation_of(row)
    if seen is None or row.state != TrialState.WATCHED or row.ended_at is None:
        raise TrialMoved(f"The trial of {row.storage_node} is {row.state}.", next_step="End the trial before it is confirmed.")
    with transaction.atomic():
        value = _evidence_value(row, seen, said, _further_fenced(row, seen, said))
        evidence = record_evidence(
            row.campaign.pool,
            kind=EvidenceKind.FAILOVER_TEST.value,
            subject=row.sr_uuid,
            value=value,
            tested_at=row.ended_at,
            who=said.who,
            timeout_s=row.timeout_s,
            storage_node=row.storage_node,
            note=said.note,
            actor=actor,
        )
        noted = {"evidence": str(evidence.id)}
        confirmed = move(row, TrialEvent.CONFIRM, actor=actor, noted=noted, result=value, evidence=evidence)
        advance(row.campaign, actor=actor)
    return confirmed


def _further_fenced(row: CampaignTrial, seen: Observation, said: Said) -> set[str]:
    """Uuids of the hosts that a person saw fence, whether or not the service did. Raises: Invalid for a host nobody watched."""
    by_name = {name: uuid for uuid, name in names_of(latest_facts(row.campaign.pool_id)).items()}
    watched = {watch.uuid for watch in seen.hosts}
    named = {text: by_name.get(text, text) for text in said.fenced_hosts}
    strange = sorted(text for text, uuid in named.items() if uuid not in watched)
    if strange:
        raise unusable("fenced_hosts", f"names {', '.join(strange)}, which the trial did not watch")
    return set(named.values())


def _evidence_value(row: CampaignTrial, seen: Observation, said: Said, further: set[str]) -> dict[str, Any]:
    measured = [each for each in (max_latency_s(seen), said.max_latency_s) if each is not None]
    hosts = fates(seen, said.pulled_at, clock_factor=settings.TRIAL_CLOCK_FACTOR)
    value: dict[str, Any] = {
        "method": row.method,
        "hosts": [
            _host_value(fate, row, fate.uuid in further) for fate in hosts if fate.fenced is not None or fate.uuid in further
        ],
        "statefile_lost": statefile_lost(seen),
        "max_latency_s": max(measured, default=None),
        "mirror_in_sync": row.word["mirror_in_sync"],
        "pull_seen": pull_seen(seen),
        "timeout_held": seen.timeout_held,
        "started_at": seen.began_at.replace(microsecond=0).isoformat(),  # a pool's messages carry whole seconds
        "ended_at": seen.looked_at.isoformat(),
        "campaign": str(row.campaign_id),
        "trial": str(row.id),
    }
    if said.failover_s is not None:
        value["failover_s"] = said.failover_s
    return value


def _host_value(fate: Fate, row: CampaignTrial, said_to_fence: bool) -> dict[str, Any]:
    """`false_fence`: the host was well and so was the storage, so that nothing but the timeout took it down."""
    fenced = bool(fate.fenced) or said_to_fence
    return {
        "host_uuid": fate.uuid,
        "fenced": fenced,
        "detection_s": fate.detection_s,
        "false_fence": fenced and bool(row.word["healthy"]),
        "signs": list(fate.signs),
    }


def discard_trial(row: CampaignTrial, *, reason: str, actor: Actor) -> CampaignTrial:
    """Set a trial aside that shows nothing (the wrong node, a broken watch); it is kept and does not count.

    Raises: RoleTooLow (operator), NotVisible, Conflict `trial_moved` (409).
    """
    actor.require(row.campaign.pool.project_id, Role.OPERATOR)
    seen = selectors.observation_of(row)
    fenced = [fate.uuid for fate in fates(seen) if fate.fenced] if seen else []
    return move(row, TrialEvent.DISCARD, actor=actor, noted={"reason": reason, "fenced": fenced}, closed_because=reason)
