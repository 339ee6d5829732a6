"""The rules, one short function each, a module per family. Importing this package enters them all in the register."""

from __future__ import annotations

from migration.assessment.core.registry import RULES, Rule
from migration.assessment.core.rules import cpu, disk_functions, disks, firmware, memory, networks, nics, snapshots, state

FAMILIES = (cpu, disk_functions, disks, firmware, memory, networks, nics, snapshots, state)


def catalogue() -> tuple[Rule, ...]:
    """All rules, by id."""
    return tuple(RULES[rule_id] for rule_id in sorted(RULES))
