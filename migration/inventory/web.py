"""The page of changes: what came, went and changed between two inventories of one source, a hundred objects at a time.

Only asks selectors. How values are put into words is here; what counts as a change is core.diff's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.urls import path
from django.utils.http import urlencode

from estate.facts.unknown import Unknown
from migration.inventory import selectors
from migration.inventory.core.diff import DEVICES, THINGS, Change, PathChange
from migration.inventory.core.kinds import FactKind
from migration.inventory.models import Inventory, Source
from migration.inventory.selectors import Difference, Moved, Opened, Value
from project.web.pages import ProjectPage
from project.web.templatetags.xenbound import size

OBJECTS_PER_PAGE = 100
OFFERED_MOST = 200
VALUES_SHOWN = 12
TEXT_MOST = 300
THING_WORDS = {"vm": "machine", "nic": "NIC", "host": "ESXi host", "switch": "distributed switch", "container": "folder or pool"}
TONES = {Change.ADDED: "good", Change.GONE: "bad", Change.CHANGED: "caution", Change.VOLATILE: "none"}
IN_SHORT = {
    "disk": ("capacity_bytes", "file_name", "backing"),
    "nic": ("mac_address", "network_name", "adapter"),
}
"""What tells a disk or NIC that came or went as a whole."""
NAMED_BY_ID = {"host_id": "host", "cluster_id": "cluster", "network_id": "network", "datastore_id": "datastore"}
"""Ids that are shown with the name of what they point to."""

Shown = str | Unknown


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page is narrowed to. A value nobody offered narrows nothing."""

    source: Source
    old: Inventory
    new: Inventory
    thing: str
    change: Change | None

    @property
    def query(self) -> str:
        """All of it as the query part of a link, without a page number."""
        ids = {"source": str(self.source.pk), "old": str(self.old.pk), "new": str(self.new.pk)}
        return urlencode({**ids, "kind": self.thing, "change": self.change.value if self.change else ""})


@dataclass(frozen=True, slots=True)
class ValueLine:
    what: str
    change: Change
    old: Shown
    new: Shown


@dataclass(frozen=True, slots=True)
class ObjectLine:
    """One row; `summary` tells one that came or went, `more` are values beyond those shown at once."""

    moved: Moved
    tone: str
    kind: str
    summary: str
    values: tuple[ValueLine, ...]
    more: tuple[ValueLine, ...]
    volatile: tuple[ValueLine, ...]


class ChangesPage(ProjectPage):
    """The newest inventory of a source beside the one before, or any two."""

    page = "inventory"
    extra_context = {"estate_page": "changes"}
    template_name = "inventory/changes.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        sources = [source for source in selectors.sources(self.project) if source.latest_id]
        if not sources:
            return super().get_context_data(sources=(), **kwargs)
        source = _chosen(sources, self.request.GET.get("source", "")) or _comparable(sources)
        inventories = list(selectors.complete_inventories(source)[:OFFERED_MOST])
        told = self._compared(source, inventories) if len(inventories) > 1 else {}
        return super().get_context_data(sources=sources, source=source, inventories=inventories, **told, **kwargs)

    def _compared(self, source: Source, inventories: list[Inventory]) -> dict[str, Any]:
        asked = _asked(self.request.GET, source, inventories)
        found = selectors.difference(asked.old, asked.new, volatile=asked.change is Change.VOLATILE)
        shown = Paginator(found.narrowed(thing=asked.thing, change=asked.change), OBJECTS_PER_PAGE).get_page(
            self.request.GET.get("page")
        )
        return {
            "asked": asked,
            "cards": _cards(found),
            "things": [(thing, word(thing)) for thing in THINGS],
            "changes": [(change, _change_words(change)) for change in Change],
            "shown": shown,
            "pages": _page_links(shown),
            "lines": [_line(opened, found.names) for opened in found.opened(list(shown))],
        }


def _chosen(rows: Sequence[Any], text: str) -> Any:
    return next((row for row in rows if str(row.pk) == text), None)


def _comparable(sources: Sequence[Source]) -> Source:
    """The first that was collected more than once; the first of all where none was."""
    several = selectors.collected_again([source.id for source in sources])
    return next((source for source in sources if source.id in several), sources[0])


def _asked(given: Mapping[str, str], source: Source, inventories: list[Inventory]) -> Asked:
    new = _chosen(inventories, given.get("new", "")) or inventories[0]
    before = next((each for each in inventories if each.collected_at < new.collected_at), inventories[-1])  # type: ignore[operator]
    thing, change = given.get("kind", ""), given.get("change", "")
    return Asked(
        source=source,
        old=_chosen(inventories, given.get("old", "")) or before,
        new=new,
        thing=thing if thing in THINGS else "",
        change=Change(change) if change in set(Change) else None,
    )


def word(thing: str) -> str:
    """A thing as people call it."""
    return THING_WORDS.get(thing, thing)


def _change_words(change: Change) -> str:
    return "only what moves by itself" if change is Change.VOLATILE else change.value


def _cards(found: Difference) -> list[tuple[str, str, str, int]]:
    """Thing, its word, change, how many; what did not happen is left out."""
    counts = found.counts()
    return [
        (thing, word(thing), change, number)
        for thing, numbers in counts.items()
        for change, number in numbers.items()
        if number and change != Change.VOLATILE
    ]


def _page_links(shown: Page[Moved]) -> list[int | str]:
    return list(shown.paginator.get_elided_page_range(shown.number, on_each_side=2, on_ends=1))


def _line(opened: Opened, names: Mapping[str, str]) -> ObjectLine:
    values = tuple(_value_line(value, names) for value in opened.values)
    return ObjectLine(
        moved=opened.moved,
        tone=TONES[opened.moved.change],
        kind=word(opened.moved.kind.value),
        summary=_summary(opened),
        values=values[:VALUES_SHOWN],
        more=values[VALUES_SHOWN:],
        volatile=tuple(_volatile_line(value, names) for value in opened.volatile),
    )


def _summary(opened: Opened) -> str:
    """A machine that came or went in one line; nothing for anything else."""
    if opened.moved.kind is not FactKind.VM or not opened.facts:
        return ""
    told = [(member, opened.facts.get(member)) for member in ("power_state", "guest_full_name", "memory_bytes", *DEVICES)]
    return "; ".join(_plain(shown(member, value, {})) for member, value in told if value)


def _plain(value: Shown) -> str:
    return "unknown" if isinstance(value, Unknown) else value


def _value_line(value: Value, names: Mapping[str, str]) -> ValueLine:
    rest = value.path.partition("]")[2].lstrip(".") if value.label else value.path
    whole = bool(value.label) and not rest
    what = " ".join(part for part in (value.label, _words(rest)) if part)
    old, new = (_in_short(value.thing, side) if whole else shown(rest, side, names) for side in (value.old, value.new))
    return ValueLine(what, value.change, old, new)


def _volatile_line(change: PathChange, names: Mapping[str, str]) -> ValueLine:
    old, new = (shown(change.path, side, names) for side in (change.old, change.new))
    return ValueLine(_words(change.path), Change.CHANGED, old, new)


def _words(path: str) -> str:
    """`memory_bytes` as `memory`: the unit stands with the value."""
    return NAMED_BY_ID.get(path, path.removesuffix("_bytes")).replace("_", " ").replace(".", ", ")


def _in_short(thing: str, device: Any) -> Shown:
    """A whole device in one line; a side on which it is not shows as nothing."""
    if not isinstance(device, dict):
        return ""
    parts = [shown(member, device.get(member), {}) for member in IN_SHORT.get(thing, ())]
    return ", ".join(_plain(part) for part in parts if part)


def shown(path: str, value: Any, names: Mapping[str, str]) -> Shown:
    """A value in words: bytes with their unit, ids with their names, an unread one as unknown with its reason."""
    if isinstance(value, dict) and set(value) == {"unknown"}:
        return Unknown(str(value["unknown"]))
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and path.endswith("_bytes"):
        return str(size(value))
    if path in DEVICES and isinstance(value, list):
        return _cut("; ".join(f"{device.get('label', '')} {_in_short(DEVICES[path], device)}".strip() for device in value))
    return _cut(_joined(value, names))


def _joined(value: Any, names: Mapping[str, str]) -> str:
    if isinstance(value, list):
        return ", ".join(_joined(part, names) for part in value)
    if isinstance(value, dict):
        return "; ".join(f"{_words(name)}: {_joined(part, names)}" for name, part in value.items())
    text = str(value)
    return f"{names[text]} ({text})" if text in names and names[text] != text else text


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_MOST else f"{text[:TEXT_MOST]}…"


PAGES = [path("changes", ChangesPage.as_view(), name="project-changes")]
