"""What changed since a token: the arithmetic behind event.from.

Generations come from the store; nothing is queued per client. Tokens are two zero-padded numbers, as the real ones are.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from lab.xapi_sim import tables
from lab.xapi_sim.failure import XapiFailure
from lab.xapi_sim.store import Row, Store, copy_record
from lab.xapi_sim.values import Int32


@dataclass(frozen=True, slots=True)
class Subscription:
    """Classes asked for (lower case), and single objects of a class."""

    classes: frozenset[str]
    refs: frozenset[tuple[str, str]]
    everything: bool

    def wants_class(self, class_name: str) -> bool:
        """Whether anything of this class is asked for."""
        name = class_name.lower()
        return self.everything or name in self.classes or any(name == each for each, _ in self.refs)

    def wants(self, class_name: str, ref: str) -> bool:
        """Whether this object is asked for."""
        name = class_name.lower()
        return self.everything or name in self.classes or (name, ref) in self.refs


def parse_subscription(wanted: list[str]) -> Subscription:
    """Read `*`, `vm`, `VM/OpaqueRef:...`; case of the class does not matter.

    Raises:
        XapiFailure: EVENT_SUBSCRIPTION_PARSE_FAILURE [text].
    """
    classes, refs = set(), set()
    for text in wanted:
        name, slash, ref = text.partition("/")
        if not name or "/" in ref or (slash and not ref):
            raise XapiFailure("EVENT_SUBSCRIPTION_PARSE_FAILURE", text)
        if slash:
            refs.add((name.lower(), ref))
        else:
            classes.add(name.lower())
    return Subscription(frozenset(classes), frozenset(refs), "*" in classes)


def parse_token(token: str) -> int:
    """The generation a token stands for; the empty token is the beginning.

    Raises:
        XapiFailure: EVENT_FROM_TOKEN_PARSE_FAILURE [token].
    """
    if token == "":
        return 0
    first, _, second = token.partition(",")
    if not (first.isdigit() and second.isdigit()):
        raise XapiFailure("EVENT_FROM_TOKEN_PARSE_FAILURE", token)
    return int(first)


def collect(store: Store, subscription: Subscription, since: int) -> dict[str, Any]:
    """The reply of event.from as of now: events, token and valid_ref_counts."""
    found: list[tuple[int, dict[str, Any]]] = []
    counts: dict[str, Int32] = {}
    stamp = f"{time.time():.1f}"
    for api_class in tables.classes().values():
        if not api_class.has_events or not subscription.wants_class(api_class.name):
            continue
        counts[api_class.name.lower()] = Int32(len(store.refs(api_class.name)))
        for ref, row in store.rows(api_class.name):
            if row.changed > since and subscription.wants(api_class.name, ref):
                found.append((row.changed, _alive(ref, row, since, stamp)))
    for gone in store.deletions:
        known = gone.created <= since < gone.deleted and gone.class_name.lower() in counts
        if known and subscription.wants(gone.class_name, gone.ref):
            found.append((gone.deleted, _event(gone.deleted, stamp, gone.class_name, "del", gone.ref)))
    found.sort(key=lambda pair: pair[0])
    token = f"{store.generation:020d},{store.generation:020d}"
    return {"events": [event for _, event in found], "token": token, "valid_ref_counts": counts}


def _alive(ref: str, row: Row, since: int, stamp: str) -> dict[str, Any]:
    operation = "add" if row.created > since else "mod"
    event = _event(row.changed, stamp, row.class_name, operation, ref)
    return event | {"snapshot": copy_record(row.record)}


def _event(number: int, stamp: str, class_name: str, operation: str, ref: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "timestamp": stamp,
        "class": class_name.lower(),
        "operation": operation,
        "ref": ref,
    }
