"""What of the objects with our tag may be removed from a pool: what a cancelled conversion left, or a rolled back one by name.

Pure. A tag the project does not know belongs to another project or installation, or to a copy somebody made, and is never
removed from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from migration.conversion.core.states import State


class Verdict(StrEnum):
    REMOVE = "remove"
    ON_REQUEST = "on_request"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Tagged:
    """One VM or VDI that carries a conversion's tag; `size_bytes` is a VDI's virtual size."""

    kind: str
    uuid: str
    name: str
    conversion_id: str
    size_bytes: int = 0
    runs: bool = False
    has_run: bool = False


@dataclass(frozen=True, slots=True)
class Leftover:
    """What one conversion has in the pool, and what may become of it."""

    conversion_id: str
    name: str
    state: str
    verdict: Verdict
    why: str
    objects: tuple[Tagged, ...]


_BY_STATE = {
    State.CANCELLED: (Verdict.REMOVE, "its conversion was cancelled, and its objects should be gone"),
    State.ROLLED_BACK: (Verdict.ON_REQUEST, "it was rolled back; its VM and VDIs were kept to be looked at"),
    State.DONE: (Verdict.KEEP, "it was moved: this is the machine itself"),
}


def sort_out(tagged: Iterable[Tagged], known: Mapping[str, tuple[str, State]], open_ledger: Iterable[str] = ()) -> list[Leftover]:
    """Group what is tagged by conversion. `known`: name and state by conversion id; `open_ledger`: ids of cancelled conversions
    of which the ledger still has entries, though perhaps nothing is in the pool any more.
    """
    groups: dict[str, list[Tagged]] = {key: [] for key in open_ledger}
    for each in tagged:
        groups.setdefault(each.conversion_id, []).append(each)
    return [_leftover(key, tuple(objects), known.get(key)) for key, objects in sorted(groups.items())]


def _leftover(key: str, objects: tuple[Tagged, ...], known: tuple[str, State] | None) -> Leftover:
    if known is None:
        name = objects[0].name if objects else ""
        why = "this project has no such conversion: it may be another project's or installation's, or a copy of ours"
        return Leftover(key, name, "unknown", Verdict.KEEP, why, objects)
    name, state = known
    verdict, why = _BY_STATE.get(state, (Verdict.KEEP, f"its conversion is {state}; cancel it, if it is not wanted"))
    if verdict is not Verdict.KEEP and any(each.runs for each in objects):
        verdict, why = Verdict.KEEP, f"its VM is not halted, although its conversion is {state}; shut it down first"
    elif verdict is Verdict.REMOVE and any(each.has_run for each in objects):
        verdict, why = Verdict.ON_REQUEST, "its conversion was cancelled, but its VM has run: what it wrote is nowhere else"
    if not objects:
        why = "nothing in the pool carries its tag; the ledger is closed for what is gone, and tells what is not"
    return Leftover(key, name, state.value, verdict, why, objects)


def chosen(found: Iterable[Leftover], wanted: Iterable[str]) -> list[Leftover]:
    """Those to remove: the named ones where that may be, or, with none named, all that were cancelled."""
    named = set(wanted)
    if not named:
        return [each for each in found if each.verdict is Verdict.REMOVE]
    return [each for each in found if each.conversion_id in named and each.verdict is not Verdict.KEEP]
