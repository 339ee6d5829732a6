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


def facets_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Those of a fact's values; what is unknown or has none of it is left out."""
    return {name: value for name in FACETS if isinstance(value := body.get(name), str)}
