"""What moved on a pool since the last look: `event.from` with a token, that does not wait, over the classes HA depends on.

Pools write much that says nothing (free memory, heartbeats' times), so only the fields below count: each object's are kept as a
digest. A token that the pool does not know, another coordinator, or a count of objects that does not fit begins anew.
Source: xen-api `event_types.ml`, `xapi_event.ml` (token, valid_ref_counts).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from estate.facts.pool_watch import PoolMoves, PoolStanding
from estate.xapi.errors import XapiError
from estate.xapi.pool_look import read_messages
from estate.xapi.records import Snapshot
from estate.xapi.session import XapiSession

WATCHED: dict[str, tuple[str, ...]] = {
    "pool": (
        "ha_enabled", "ha_configuration", "ha_statefiles", "ha_overcommitted", "ha_plan_exists_for",
        "ha_host_failures_to_tolerate", "ha_allow_overcommit", "ha_cluster_stack", "master", "other_config:default_ha_timeout",
    ),
    "host": ("enabled", "ha_statefiles", "ha_network_peers", "multipathing", "other_config:boot_time", "software_version"),
    "host_metrics": ("live",),
    "bond": ("links_up", "slaves", "mode", "master"),
    "pif": ("currently_attached", "management", "IP", "ip_configuration_mode", "MTU"),
    "pif_metrics": ("carrier",),
    "pbd": ("currently_attached", "device_config", "other_config"),
    "sr": ("shared", "type", "PBDs"),
}  # fmt: skip
"""Class -> the fields that count; `map:key` is one key of a map."""

TOKEN_IS_LOST = ("EVENTS_LOST", "EVENT_FROM_TOKEN_PARSE_FAILURE")
NO_WAIT_S = 0.0


def peek(session: XapiSession, standing: PoolStanding, now: datetime) -> PoolMoves:
    """What moved since `standing`; an empty one begins the watch, for which everything is new.

    Raises:
        EdgeError: the pool does not answer, or refuses.
    """
    moves = _changes(session, standing)
    told = read_messages(session, Snapshot(session), now)
    messages = None if told is None else tuple(sorted(message.uuid for message in told))
    new = [message.name for message in told or () if message.uuid not in (standing.messages or ())]
    reasons = (*moves.reasons, *(f"message {name}" for name in dict.fromkeys(new)))
    at = moves.standing
    return PoolMoves(PoolStanding(at.coordinator, at.token, at.seen, messages), reasons)


def _changes(session: XapiSession, standing: PoolStanding) -> PoolMoves:
    if not standing.token:
        return _from_the_beginning(session, "the watch begins")
    if session.address != standing.coordinator:
        return _from_the_beginning(session, f"the coordinator is {session.address} now")
    try:
        answer = session.call("event.from", list(WATCHED), standing.token, NO_WAIT_S)
    except XapiError as error:
        if error.xapi_code not in TOKEN_IS_LOST:
            raise
        return _from_the_beginning(session, f"the pool no longer tells what happened since the last look ({error.xapi_code})")
    seen, moved = _folded(standing.seen, answer["events"])
    if not _counts_fit(seen, answer):
        return _from_the_beginning(session, "the pool has other objects than it told of")
    return PoolMoves(PoolStanding(session.address, str(answer["token"]), seen), moved)


def _from_the_beginning(session: XapiSession, why: str) -> PoolMoves:
    answer = session.call("event.from", list(WATCHED), "", NO_WAIT_S)
    seen, _ = _folded({}, answer["events"])
    return PoolMoves(PoolStanding(session.address, str(answer["token"]), seen), (why,))


def _folded(seen: Mapping[str, str], events: list[dict[str, Any]]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The digests after these events, and the classes whose watched fields are others now."""
    after, moved = dict(seen), dict[str, None]()
    for event in events:
        kind, ref = str(event["class"]).lower(), str(event["ref"])
        if kind not in WATCHED:
            continue
        key = f"{kind}/{ref}"
        if event["operation"] == "del":
            gone = after.pop(key, None)
            moved |= {f"{kind} is gone": None} if gone is not None else {}
            continue
        digest = _digest(kind, event.get("snapshot") or {})
        if after.get(key) != digest:
            after[key] = digest
            moved[f"{kind} has changed"] = None
    return after, tuple(moved)


def _digest(kind: str, record: Mapping[str, Any]) -> str:
    values = [_plain(_value(record, name)) for name in WATCHED[kind]]
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _value(record: Mapping[str, Any], name: str) -> Any:
    field, _, key = name.partition(":")
    found = record.get(field)
    return (found or {}).get(key) if key else found


def _plain(value: Any) -> Any:
    """A set of references has no order that means anything."""
    return sorted(value, key=str) if isinstance(value, list) else value


def _counts_fit(seen: Mapping[str, str], answer: Mapping[str, Any]) -> bool:
    """Whether as many objects of each class are known as the pool says it has; a class it says nothing of fits."""
    known = Counter(key.partition("/")[0] for key in seen)
    told = {str(kind).lower(): int(number) for kind, number in (answer.get("valid_ref_counts") or {}).items()}
    return all(known[kind] == number for kind, number in told.items() if kind in WATCHED)
