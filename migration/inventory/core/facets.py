"""Facets: the few plain values that lists are filtered by, kept beside an entry, so that no list opens the facts behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FACETS = (
    "power_state",
    "connection_state",
    "firmware",
    "guest_id",
    "guest_full_name",
    "host_id",
    "cluster_id",
    "folder_path",
    "kind",
    "parent_id",
)


TAGS = "tags"
_EDGE = "\n"


def tag_mark(tag: str) -> str:
    """What the facet `TAGS` contains when this tag, as a whole, is among them."""
    return f"{_EDGE}{tag}{_EDGE}"


def facets_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Those of a fact's values; what is unknown or has none of it is left out. No tags at all are an empty line."""
    found = {name: value for name in FACETS if isinstance(value := body.get(name), str)}
    tags = body.get(TAGS)
    return found | {TAGS: tag_mark(_EDGE.join(tags))} if isinstance(tags, list | tuple) else found
