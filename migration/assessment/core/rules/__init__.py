"""The rules, one short function each, a module per family. Importing this package enters them all in the register."""

from __future__ import annotations

from migration.assessment.core.registry import RULES, Rule
from migration.assessment.core.rules import (
    affinity,
    changes,
    cpu,
    devices,
    disk_functions,
    disks,
    firmware,
    guest_os,
    guest_probe,
    hosts,
    identity,
    memory,
    networks,
    nics,
    pool_imports,
    pools,
    snapshots,
    source_hosts,
    sources,
    state,
)

FAMILIES = (
    affinity,
    changes,
    cpu,
    devices,
    disk_functions,
    disks,
    firmware,
    guest_os,
    guest_probe,
    hosts,
    identity,
    memory,
    networks,
    nics,
    pool_imports,
    pools,
    snapshots,
    source_hosts,
    sources,
    state,
)


def catalogue() -> tuple[Rule, ...]:
    """All rules, by id."""
    return tuple(RULES[rule_id] for rule_id in sorted(RULES))
