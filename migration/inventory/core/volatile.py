"""Volatile paths: values that change without the machine changing. They are kept with the inventory entry, outside the hash.

A path belongs here when (1) it moves on its own, day by day, and (2) no diff shall show it. `boot_time` and
`change_version` matter to the freshness question at cutover, but that asks the vCenter itself, never a stored inventory.
Power state, host placement and IP addresses stay inside the hash: a person wants to see them change.
"""

from __future__ import annotations

from typing import Any

from migration.inventory.core.kinds import FactKind

VOLATILE_PATHS: dict[FactKind, frozenset[str]] = {
    # A thin disk grows with every write, Tools come and go with the guest, and every setting saved bumps the change version.
    FactKind.VM: frozenset(
        {
            "boot_time",
            "change_version",
            "tools_running",
            "tools_status",
            "committed_bytes",
            "ballooned_bytes",
            "swapped_bytes",
            "active_memory_bytes",
            "guest_disks",
        }
    ),
    FactKind.HOST: frozenset({"memory_used_bytes"}),
    FactKind.CLUSTER: frozenset(),
    FactKind.DATASTORE: frozenset({"free_bytes", "uncommitted_bytes"}),
    FactKind.NETWORK: frozenset(),
    FactKind.SWITCH: frozenset(),
    FactKind.CONTAINER: frozenset(),
}


def split(kind: FactKind, facts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The lasting part and the volatile part of a facts object in JSON form; together they are the whole."""
    paths = VOLATILE_PATHS[kind]
    lasting = {path: value for path, value in facts.items() if path not in paths}
    volatile = {path: value for path, value in facts.items() if path in paths}
    return lasting, volatile


def joined(lasting: dict[str, Any], volatile: dict[str, Any]) -> dict[str, Any]:
    """The whole facts object in JSON form again."""
    return {**lasting, **volatile}
