"""Who is expected to ask a KMS host, and when, under a plan. Pure; what the requests add up to is forecast.py's.

Everybody who asked lately is expected, also those a full cache has pushed out: they go on asking.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from estate.facts.kms import KmsContact
from kms.core.observed import HostHistory
from kms.core.plan import CmidPolicy, Plan, PlannedMove, Rebuild
from kms.core.policy import KmsPolicy


class Expected(Struct, frozen=True, gc=False):
    """One request to come."""

    at: datetime
    cmid: str
    required_count: int
    is_vm: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """How the plan's open questions turn out."""

    cmids_kept: bool
    images_generalised: bool
    cache_lost: bool = False


def endings(plan: Plan) -> tuple[Ending, ...]:
    """The ends between which the truth lies; one where nothing is open."""
    open_moves = any(move.cmid_policy is CmidPolicy.UNKNOWN for move in plan.moves)
    open_images = any(rebuild.generalised is None for rebuild in plan.rebuilds)
    return tuple(
        Ending(kept, generalised, lost)
        for kept in ((True, False) if open_moves else (True,))
        for generalised in ((True, False) if open_images else (True,))
        for lost in ((False, True) if plan.host_moves_at else (False,))
    )


def last_contacts(history: HostHistory, now: datetime) -> tuple[KmsContact, ...]:
    """Every client's last counted request up to `now`, in order of time."""
    last: dict[str, KmsContact] = {}
    for contact in history.contacts(now):
        last.pop(contact.cmid, None)
        last[contact.cmid] = contact
    return tuple(last.values())


def expected_requests(
    known: tuple[KmsContact, ...], *, now: datetime, horizon: datetime, plan: Plan, policy: KmsPolicy, ending: Ending
) -> list[Expected]:
    """Every request until `horizon`, in order of time; at the same moment in the order the clients were last seen in.

    Clients silent for more than `policy.silent_after` are taken not to come back.
    """
    moves = {move.cmid: move for move in plan.moves}
    rebuilds = {rebuild.cmid: rebuild for rebuild in plan.rebuilds}
    leaves_at = {departure.cmid: departure.at for departure in plan.departures}
    requests: list[Expected] = []
    for client in known:
        if now - client.seen_at > policy.silent_after:
            continue
        ends_at = min(horizon, leaves_at.get(client.cmid, horizon))
        change = rebuilds.get(client.cmid) or moves.get(client.cmid)
        for track in _tracks(client, change, now, ends_at, policy, ending):
            requests.extend(track.requests(policy))
    return sorted(requests, key=lambda request: request.at)


@dataclass(frozen=True, slots=True)
class _Track:
    """One CMID's expected requests: weekly from `begins_at` until before `ends_at`."""

    client: KmsContact
    cmid: str
    begins_at: datetime
    ends_at: datetime

    def requests(self, policy: KmsPolicy) -> Iterator[Expected]:
        at = self.begins_at
        while at < self.ends_at:
            yield Expected(at, self.cmid, self.client.required_count, self.client.is_vm)
            at += policy.renewal


def _tracks(
    client: KmsContact,
    change: PlannedMove | Rebuild | None,
    now: datetime,
    ends_at: datetime,
    policy: KmsPolicy,
    ending: Ending,
) -> tuple[_Track, ...]:
    """A client's own requests and, if its machine changes, those of what comes up afterwards."""
    due_at = max(now, client.seen_at + policy.renewal)
    if change is None:
        return (_Track(client, client.cmid, due_at, ends_at),)
    changes_at = max(now, change.at)
    after = _cmid_after(change, ending)
    return (_Track(client, client.cmid, due_at, min(changes_at, ends_at)), _Track(client, after, changes_at, ends_at))


def _cmid_after(change: PlannedMove | Rebuild, ending: Ending) -> str:
    if isinstance(change, Rebuild):
        generalised = ending.images_generalised if change.generalised is None else change.generalised
        return f"rebuilt:{change.cmid}" if generalised else f"image:{change.image}"
    kept = ending.cmids_kept if change.cmid_policy is CmidPolicy.UNKNOWN else change.cmid_policy is CmidPolicy.PRESERVED
    return change.cmid if kept else f"after-move:{change.cmid}"
