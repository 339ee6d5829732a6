"""What a rule may know beside its subject: limits, the estate around it, and the target as far as it is known.

All values; who reads pools and inventories is decided above. What is not known yet is UNKNOWN and so is the answer then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from estate.facts.pool import PoolFacts, PoolHostFacts
from estate.facts.source import (
    ClusterFacts,
    ContainerFacts,
    DatastoreFacts,
    HostFacts,
    NetworkFacts,
    SourceAbout,
    SwitchFacts,
    VmFacts,
)
from estate.facts.unknown import UNKNOWN, Unknown
from migration.assessment.core.cpu_generations import generation_of
from migration.assessment.core.guests import GuestTable
from migration.assessment.core.limits import Limits
from migration.assessment.core.registry import When

NO_TARGET = Unknown("no target SR is known yet", everywhere=True)
NO_HOSTS = Unknown("no target host is known yet", everywhere=True)
HOSTS_NOT_SURE = Unknown("whether the emptiest host takes machines was not read")
NO_CPU_LEVEL = Unknown("the CPU level of the target pools was not read", everywhere=True)
NO_MAPPING = Unknown("no mapping to a pool is known yet", everywhere=True)
NO_PROBE = Unknown("no probe has looked into the guests", everywhere=True)

Owners = Mapping[str, tuple[str, ...]]
"""A value (lower case) to the names of the machines that carry it, one entry per carrier."""


@dataclass(frozen=True, slots=True)
class Estate:
    """What surrounds a machine: the objects of its source by native id, and who carries which value in the whole project.

    A machine whose value is unknown owns nothing here; the gap is told on that machine. `vms` are the source's own;
    nobody knows which host the `homeless_vms` of them are on. `behind_vcenter`: the source is a vCenter, which manages its hosts.
    """

    hosts: Mapping[str, HostFacts] = field(default_factory=dict)
    clusters: Mapping[str, ClusterFacts] = field(default_factory=dict)
    datastores: Mapping[str, DatastoreFacts] = field(default_factory=dict)
    networks: Mapping[str, NetworkFacts] = field(default_factory=dict)
    switches: Mapping[str, SwitchFacts] = field(default_factory=dict)
    containers: Mapping[str, ContainerFacts] = field(default_factory=dict)
    vms: tuple[VmFacts, ...] = ()
    vms_of_host: Mapping[str, tuple[VmFacts, ...]] = field(default_factory=dict)
    homeless_vms: tuple[VmFacts, ...] = ()
    behind_vcenter: bool | Unknown = UNKNOWN
    mac_owners: Owners = field(default_factory=dict)
    bios_uuid_owners: Owners = field(default_factory=dict)
    instance_uuid_owners: Owners = field(default_factory=dict)
    host_name_owners: Owners = field(default_factory=dict)
    name_owners: Owners = field(default_factory=dict)
    ipv4_owners: Owners = field(default_factory=dict)
    disk_file_owners: Owners = field(default_factory=dict)
    disk_uuid_owners: Owners = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the machines shall go. `pools` are those known; the mapping's parts are UNKNOWN until one was made.

    `networks`: source network native id to target network uuid; `srs`: datastore native id to SR uuid, the empty id for disks
    that are on none; `templates`: guest id to template name.
    `machines_unread`: why the pools may have more machines, names and MAC addresses than are told.
    `vdi_limit_bytes` is the largest VDI by the uuid of each SR for disks, `free_memory_bytes` what the emptiest host has left;
    `evc_modes` tells of EVC modes whether the pools' CPUs have their features, as far as it is known.
    """

    pools: tuple[PoolFacts, ...] = ()
    networks: Mapping[str, str] | Unknown = NO_MAPPING
    srs: Mapping[str, str] | Unknown = NO_MAPPING
    templates: Mapping[str, str] | Unknown = NO_MAPPING
    mac_owners: Owners = field(default_factory=dict)
    machines_unread: Unknown | None = None
    vm_names: frozenset[str] = frozenset()
    vdi_limit_bytes: Mapping[str, int | Unknown] = field(default_factory=dict)
    free_memory_bytes: int | Unknown = NO_HOSTS
    evc_modes: Mapping[str, bool] | Unknown = NO_CPU_LEVEL


@dataclass(frozen=True, slots=True)
class RuleContext:
    """`collected_at` is the inventory's time, `asked_at` the time of asking; `modes` beyond always: warm transfer, HA wanted."""

    collected_at: datetime
    asked_at: datetime
    limits: Limits
    guests: GuestTable
    estate: Estate = field(default_factory=Estate)
    target: Target = field(default_factory=Target)
    modes: frozenset[When] = frozenset()


class SourceFacts(Struct, frozen=True):
    """One source as its own rules look at it. `privileges_missing` are (privilege id, purpose); `hosts_unread` (host, reason).

    `disagreements` are (machine, field) where another source of the project says otherwise about the same machine.
    """

    native_id: str
    name: str
    kind: str
    about: SourceAbout | Unknown
    collected_at: datetime
    privileges_missing: tuple[tuple[str, str], ...] | Unknown
    hosts_unread: tuple[tuple[str, str], ...] | Unknown
    pins_changed: tuple[str, ...] | Unknown
    disagreements: tuple[tuple[str, str], ...] | Unknown


def normal_mac(mac_address: str) -> str:
    """A MAC address in lower case with colons, as all comparisons want it."""
    return mac_address.strip().lower().replace("-", ":")


def owners(carried: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Owners out of (value, machine name) pairs; empty values own nothing."""
    found: dict[str, list[str]] = {}
    for value, name in carried:
        if value:
            found.setdefault(value, []).append(name)
    return {value: tuple(names) for value, names in found.items()}


def mac_owners(vms: Iterable[VmFacts]) -> dict[str, tuple[str, ...]]:
    """Who carries which MAC in the estate; NICs whose MAC is unknown or empty own nothing."""
    return owners(
        (normal_mac(nic.mac_address), vm.name)
        for vm in vms
        if not isinstance(vm.nics, Unknown)
        for nic in vm.nics
        if not isinstance(nic.mac_address, Unknown)
    )


def pool_mac_owners(pools: Iterable[PoolFacts]) -> dict[str, tuple[str, ...]]:
    """Who carries which MAC in the target pools. A VM with our conversion tag is our own earlier import: no conflict."""
    return owners(
        (normal_mac(mac), f"{vm.name} (pool {pool.name})")
        for pool in pools
        for vm in pool.vms
        if not vm.conversion_id
        for mac in vm.mac_addresses
    )


def vdi_limits_bytes(pools: Iterable[PoolFacts], limits: Limits) -> dict[str, int | Unknown]:
    """The largest VDI that each SR for disks can hold, by its uuid; unknown where its kind alone does not decide."""
    return {sr.uuid: limits.vdi_limit_bytes(sr.kind) for pool in pools for sr in pool.srs if sr.content_type in {"", "user"}}


def free_memory_bytes(pools: Iterable[PoolFacts]) -> int | Unknown:
    """What the emptiest host that takes machines has left for one more, after dom0 and the machines on it.

    Unknown where a host might have more, were it known whether it takes any.
    """
    sure: list[int] = []
    maybe: list[int] = []
    there = False
    for pool in pools:
        if reason := pool.unread("VM") or pool.unread("host"):
            return Unknown(f"not all of pool {pool.name} was read: {reason}")
        for host in pool.hosts:
            there = True
            takes = _takes_machines(host)
            if takes is False:
                continue
            free = _free_bytes(host, pool)
            if isinstance(free, Unknown):
                return free
            (maybe if isinstance(takes, Unknown) else sure).append(free)
    most = max(sure, default=0)
    if not there or any(free > most for free in maybe):
        return HOSTS_NOT_SURE if there else NO_HOSTS
    return most


def machines_unread(pools: Iterable[PoolFacts]) -> Unknown | None:
    """Why VMs of a pool, or their interfaces, may be missing from its facts; None when all were read."""
    gaps = ((pool, pool.unread("VM") or pool.unread("VIF")) for pool in pools)
    return next((Unknown(f"not all VMs of pool {pool.name} were read: {reason}") for pool, reason in gaps if reason), None)


def evc_modes(pools: Iterable[PoolFacts], limits: Limits) -> dict[str, bool] | Unknown:
    """Whether all hosts of a pool have the features of each EVC mode; a mode that only some of the pools have is left out."""
    tops: list[list[str]] = []
    for pool in pools:
        if reason := pool.unread("host"):
            return Unknown(f"not all of pool {pool.name} was read: {reason}")
        modes = [_evc_mode_of(host, limits) for host in pool.hosts]
        unread = next((mode for mode in modes if isinstance(mode, Unknown)), None)
        if unread is not None:
            return unread
        if modes:
            tops.append([mode for mode in modes if not isinstance(mode, Unknown)])
    if not tops:
        return NO_CPU_LEVEL
    listed = {mode: {_all_have(mode, hosts, limits) for hosts in tops} for ladder in limits.evc_ladders for mode in ladder}
    return {mode: found.pop() for mode, found in listed.items() if len(found) == 1}


def _evc_mode_of(host: PoolHostFacts, limits: Limits) -> str | Unknown:
    if isinstance(host.cpu_model, Unknown):
        return host.cpu_model
    mode = limits.evc_mode_of_generation.get(generation_of(host.cpu_model) or "")
    return mode or Unknown(f"the table of EVC modes does not know the processors of host {host.name}: {host.cpu_model}")


def _all_have(mode: str, tops: list[str], limits: Limits) -> bool:
    """Whether a mode is not above any of these newest ones, on one ladder with them."""
    return all(any(mode in ladder[: ladder.index(top) + 1] for ladder in limits.evc_ladders if top in ladder) for top in tops)


def _takes_machines(host: PoolHostFacts) -> bool | Unknown:
    """A host that is down or disabled starts nothing."""
    states = (host.enabled, host.live)
    if False in states:
        return False
    return next((state for state in states if isinstance(state, Unknown)), True)


def _free_bytes(host: PoolHostFacts, pool: PoolFacts) -> int | Unknown:
    if isinstance(host.memory_total_bytes, Unknown) or isinstance(host.memory_overhead_bytes, Unknown):
        return Unknown(f"memory of host {host.name} was not read")
    there = (vm for vm in pool.vms if vm.resident_on_uuid == host.uuid)
    used = sum(vm.memory_static_max_bytes + vm.memory_overhead_bytes for vm in there)
    return host.memory_total_bytes - host.memory_overhead_bytes - used
