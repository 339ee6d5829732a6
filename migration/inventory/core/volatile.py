"""Volatile paths: values that change without the machine changing. They are kept with the inventory entry, outside the hash.

A path belongs here when (1) it moves on its own, day by day, and (2) no diff shall show it. `boot_time` and
`change_version` matter to the freshness question at cutover, but that asks the vCenter itself, never a stored inventory.
Power state, host placement and IP addresses stay inside the hash: a person wants to see them change.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from msgspec.structs import fields

from estate.facts.source import SourceFact
from migration.inventory.core.kinds import FACTS_CLASS, FactKind

VOLATILE_PATHS: dict[FactKind, frozenset[str]] = {
    # A thin disk grows with every write, Tools come and go with the guest, and every setting saved bumps the change version.
    FactKind.VM: frozenset(
        {
            "boot_time",
            "change_version",
            "modified_at",
            "guest_operations_ready",
            "guest_state_change_supported",
            "files",
            "tools_running",
            "tools_status",
            "committed_bytes",
            "ballooned_bytes",
            "swapped_bytes",
            "active_memory_bytes",
            "guest_disks",
        }
    ),
    FactKind.HOST: frozenset({"memory_used_bytes", "cpu_used_mhz"}),
    FactKind.CLUSTER: frozenset(),
    FactKind.DATASTORE: frozenset({"free_bytes", "uncommitted_bytes"}),
    FactKind.NETWORK: frozenset(),
    FactKind.SWITCH: frozenset(),
    FactKind.CONTAINER: frozenset({"free_bytes"}),
}


@cache
def _paths(kind: FactKind) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lasting and the volatile fields of a kind of facts."""
    names, volatile = [part.name for part in fields(FACTS_CLASS[kind])], VOLATILE_PATHS[kind]
    return tuple(name for name in names if name not in volatile), tuple(name for name in names if name in volatile)


def split(kind: FactKind, fact: SourceFact) -> tuple[dict[str, Any], dict[str, Any]]:
    """The lasting and the volatile values of a fact, by field; together they are the whole."""
    lasting, volatile = _paths(kind)
    return {name: getattr(fact, name) for name in lasting}, {name: getattr(fact, name) for name in volatile}


def joined(lasting: str, volatile: str) -> str:
    """The whole facts object as JSON text again; both are objects, and they share no field."""
    return f"{lasting[:-1]},{volatile[1:]}" if volatile != "{}" else lasting
