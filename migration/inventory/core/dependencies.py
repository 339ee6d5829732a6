"""What needs what: cycles, whose members only move together, and layers, so that what is needed stands before what needs it.

Pure graphs: a node to the nodes it needs. Nodes that nobody listed are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")
Needs = Mapping[K, Collection[K]]


def cycles(needs: Needs[K]) -> list[tuple[K, ...]]:
    """Sets of nodes each of which needs all others of its set, directly or by way of others."""
    return [group for group in components(needs) if len(group) > 1]


def layers(needs: Needs[K]) -> dict[K, int]:
    """0 for nodes that need nothing, else one more than the highest they need. Nodes of one cycle share a layer."""
    found: dict[K, int] = {}
    for group in components(needs):
        below = [found[other] for node in group for other in needs[node] if other in found]
        found |= dict.fromkeys(group, max(below, default=-1) + 1)
    return found


def components(needs: Needs[K]) -> list[tuple[K, ...]]:
    """Nodes that need each other, together; what is needed comes first. Source: Kosaraju's two walks."""
    known = {node: [other for other in others if other in needs] for node, others in needs.items()}
    needed_by: dict[K, list[K]] = {node: [] for node in known}
    for node, others in known.items():
        for other in others:
            needed_by[other].append(node)
    seen: set[K] = set()
    latest_first = list(_walk(known, known, set()))[::-1]
    groups = [tuple(_walk([node], needed_by, seen)) for node in latest_first if node not in seen]
    return groups[::-1]


def _walk(starts: Collection[K], graph: Needs[K], seen: set[K]) -> Iterator[K]:
    """Nodes reached and not seen before, each after all that is reached through it. No recursion: chains may be long."""
    for start in starts:
        stack = [] if start in seen else [(start, iter(graph[start]))]
        seen.add(start)
        while stack:
            following = next((other for other in stack[-1][1] if other not in seen), None)
            if following is None:
                yield stack.pop()[0]
            else:
                seen.add(following)
                stack.append((following, iter(graph[following])))
