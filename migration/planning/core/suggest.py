"""Suggestions for a mapping: same names first, then the VLAN, then the roomiest shared SR; templates from a guest table.

A suggestion never guesses between equals: what is not clear stays open, for a person to fill in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from estate.facts.pool import PoolFacts, SrFacts
from estate.facts.source import NetworkFacts
from estate.facts.unknown import Unknown
from migration.planning.core.placement import gib
from migration.planning.core.target import disk_srs


@dataclass(frozen=True, slots=True)
class GuestTable:
    """Guest id patterns, in order, to template names; versioned data."""

    version: str
    patterns: tuple[tuple[re.Pattern[str], str], ...]

    def template_for(self, guest_id: str) -> str | None:
        return next((template for pattern, template in self.patterns if pattern.fullmatch(guest_id)), None)


@dataclass(slots=True)
class Suggestion:
    """Proposed names, why each, and the source names that nothing fits."""

    networks: dict[str, str] = field(default_factory=dict)
    datastores: dict[str, str] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)


def guest_table_from(table: Mapping[str, Any]) -> GuestTable:
    """The table out of its parsed data file."""
    patterns = tuple((re.compile(row["guest"], re.IGNORECASE), row["template"]) for row in table["templates"])
    return GuestTable(table["version"], patterns)


def suggest(
    networks: Iterable[NetworkFacts], datastores: Iterable[str], guests: Iterable[str], pool: PoolFacts, table: GuestTable
) -> Suggestion:
    """Propose a target of `pool` for every source network, datastore name (`*` for disks on none) and guest id."""
    found = Suggestion()
    for network in sorted(networks, key=lambda network: network.name):
        _take(found, found.networks, network.name, _network_for(network, pool))
    for datastore in sorted(set(datastores)):
        _take(found, found.datastores, datastore, _sr_for(datastore, pool))
    for guest_id in sorted(set(guests)):
        _take(found, found.templates, guest_id, _template_for(guest_id, pool, table))
    return found


Proposal = tuple[str, str] | None
"""Name in the pool, and why."""


def _take(found: Suggestion, into: dict[str, str], source: str, proposal: Proposal) -> None:
    if proposal is None:
        found.open.append(source)
        return
    into[source], found.why[source] = proposal


def _network_for(network: NetworkFacts, pool: PoolFacts) -> Proposal:
    same = [target.name for target in pool.networks if target.name.casefold() == network.name.casefold()]
    if len(same) == 1:
        return same[0], "same name"
    tagged = _networks_of_vlan(network.vlan, pool)
    return (tagged[0], f"same VLAN {network.vlan}") if len(tagged) == 1 else None


def _networks_of_vlan(vlan: str | Unknown, pool: PoolFacts) -> list[str]:
    if isinstance(vlan, Unknown) or not vlan.isdecimal() or int(vlan) == 0:
        return []
    uuids = {pif.network_uuid for pif in pool.pifs if pif.vlan == int(vlan)}
    return [target.name for target in pool.networks if target.uuid in uuids]


def _sr_for(datastore: str, pool: PoolFacts) -> Proposal:
    same = [sr.name for sr in disk_srs(pool) if sr.name.casefold() == datastore.casefold()]
    if len(same) == 1:
        return same[0], "same name"
    roomy = sorted((_free(sr), sr.name) for sr in disk_srs(pool) if sr.shared is True and _free(sr) > 0)
    return (roomy[-1][1], f"shared SR with most room ({gib(roomy[-1][0])} free)") if roomy else None


def _free(sr: SrFacts) -> int:
    free_bytes = sr.free_bytes
    return 0 if isinstance(free_bytes, Unknown) else free_bytes


def _template_for(guest_id: str, pool: PoolFacts, table: GuestTable) -> Proposal:
    name = table.template_for(guest_id)
    if name is None or name not in {template.name for template in pool.templates}:
        return None
    return name, f"guest table {table.version}"
