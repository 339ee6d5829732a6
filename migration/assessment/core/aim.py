"""From the names a mapping gives to the ids that rules compare: one inventory's networks and datastores, one pool's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from estate.facts.pool import PoolFacts
from migration.assessment.core.context import (
    NO_MAPPING,
    Target,
    evc_modes,
    free_memory_bytes,
    machines_unread,
    pool_mac_owners,
    vdi_limits_bytes,
)
from migration.assessment.core.guests import GuestTable
from migration.assessment.core.limits import Limits

ANY = "*"


class Named(Protocol):
    @property
    def uuid(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Aim:
    """A mapping by name: source network to pool network, datastore (or `*`) to SR, guest (id, family or `*`) to template."""

    networks: Mapping[str, str]
    srs: Mapping[str, str]
    templates: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Names:
    """Native id to name, of one inventory; `guest_ids` are those its machines run."""

    networks: Mapping[str, str]
    datastores: Mapping[str, str]
    guest_ids: frozenset[str]


def target_of(pools: tuple[PoolFacts, ...], aim: Aim | None, names: Names, limits: Limits, guests: GuestTable) -> Target:
    """The target of rules: what the pools say by themselves, and what the mapping adds once there is one."""
    return Target(
        pools=pools,
        networks=_by_id(names.networks, aim.networks, _uuids(n for p in pools for n in p.networks)) if aim else NO_MAPPING,
        srs=_srs(aim, names, _uuids(sr for p in pools for sr in p.srs)) if aim else NO_MAPPING,
        templates=_templates(aim, names, guests, {t.uuid: t.name for p in pools for t in p.templates}) if aim else NO_MAPPING,
        mac_owners=pool_mac_owners(pools),
        machines_unread=machines_unread(pools),
        vm_names=frozenset(vm.name for pool in pools for vm in pool.vms if not vm.conversion_id),
        vdi_limit_bytes=vdi_limits_bytes(pools, limits),
        free_memory_bytes=free_memory_bytes(pools),
        evc_modes=evc_modes(pools, limits),
    )


def _uuids(named: Iterable[Named]) -> dict[str, str]:
    """By name, and by the uuid itself, which a mapping may give where two objects carry one name."""
    return {key: each.uuid for each in named for key in (each.name, each.uuid)}


def _by_id(names: Mapping[str, str], wanted: Mapping[str, str], uuids: Mapping[str, str]) -> dict[str, str]:
    """Native ids whose name is mapped to something the pool has."""
    return {native_id: uuids[wanted[name]] for native_id, name in names.items() if wanted.get(name) in uuids}


def _srs(aim: Aim, names: Names, uuids: Mapping[str, str]) -> dict[str, str]:
    """SRs by datastore; `*` stands for each without a row, and under the empty id for disks that are on none."""
    rest = aim.srs.get(ANY, "")
    wanted = {**dict.fromkeys(names.datastores.values(), rest), **aim.srs}
    found = _by_id(names.datastores, wanted, uuids)
    return {**found, "": uuids[rest]} if rest in uuids else found


def _templates(aim: Aim, names: Names, guests: GuestTable, names_by_uuid: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for guest_id in names.guest_ids:
        families = {row.family for row in guests.rows_of(guest_id)} or {"other"}
        keys = (guest_id, *sorted(families), ANY)
        template = next((aim.templates[key] for key in keys if key in aim.templates), None)
        if template is not None:
            found[guest_id] = names_by_uuid.get(template, template)
    return found
