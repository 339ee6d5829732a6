"""The snapshot tree of one VM as a list."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from estate.facts.source import PowerState, SnapshotFacts
from estate.facts.unknown import Unknown
from estate.vsphere.inventory.told import Told
from estate.vsphere.inventory.values import children, decoded_name, moment, plain, text


def snapshot_tree(told: Told) -> tuple[SnapshotFacts, ...] | Unknown:
    """Every snapshot, parents before children."""
    tree = told.element("snapshot")
    if isinstance(tree, Unknown):
        return () if told.is_silent(tree) else tree
    return tuple(_walk(tree))


def _walk(tree: Element) -> Iterator[SnapshotFacts]:
    """A loop, not recursion: a hostile tree could be deep."""
    waiting = [(root, 1) for root in children(tree, "rootSnapshotList")]
    while waiting:
        node, depth = waiting.pop(0)
        yield _snapshot(node, depth)
        waiting[:0] = [(below, depth + 1) for below in children(node, "childSnapshotList")]


def _snapshot(node: Element, depth: int) -> SnapshotFacts:
    state = text(node, "state")
    return SnapshotFacts(
        native_id=plain(text(node, "snapshot")),
        name=decoded_name(plain(text(node, "name"))),
        created_at=moment(node, "createTime"),
        with_memory=state if isinstance(state, Unknown) else state == PowerState.ON,
        depth=depth,
    )
