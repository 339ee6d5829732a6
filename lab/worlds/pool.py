"""The pools of the lab: the standard one with a network for every port group of the estate, and those that stories are told with.

`slow-failover`: hosts get their paths back 40, 70 and 100 s after a storage node lost its power, and no VM runs, so that its HA
timeout can be tuned. `two-hosts`: two hosts, management on one NIC each, HA on: what ruins a weekend.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lab.worlds.spec import EstateSpec
from lab.xapi_sim.spec import NetworkRole, NetworkSpec, PoolSpec, small_pool

GUEST_PORTS = ("eth4",)
# Port groups of the small world, and what the pool's administrator has called the same VLAN.
NAMES = {100: "lan-100", 110: "dmz-110", 120: "servers-120", 130: "databases-130", 300: "backup-300"}
RECOVERY_S = (40.0, 70.0, 100.0)


def slow_failover_pool() -> PoolSpec:
    """Fences two hosts at T = 60 s and one at 90 s, whichever node goes; none at 120 s."""
    pool = small_pool()
    slow = [replace(host, failover_s=dict.fromkeys(host.failover_s, s)) for host, s in zip(pool.hosts, RECOVERY_S, strict=True)]
    return replace(pool, hosts=tuple(slow), vms=())


def two_host_pool() -> PoolSpec:
    """When the hosts no longer hear each other the one with the higher uuid fences, whichever of them was cut off."""
    pool = small_pool()
    plain = NetworkSpec("management", "xenbr0", ("eth0",), NetworkRole.MANAGEMENT, disallow_unplug=True)
    networks = tuple(plain if network.role is NetworkRole.MANAGEMENT else network for network in pool.networks)
    hosts = pool.hosts[:2]
    there = tuple(vm for vm in pool.vms if vm.host in {host.name for host in hosts})
    return replace(pool, hosts=hosts, networks=networks, vms=there)


POOLS: dict[str, Callable[[], PoolSpec]] = {
    "standard": small_pool,
    "slow-failover": slow_failover_pool,
    "two-hosts": two_host_pool,
}


def pool_for(estate: EstateSpec, name: str = "standard") -> PoolSpec:
    """The pool of that name with one more guest network per VLAN of `estate`; trunks get none.

    Raises:
        KeyError: there is no pool of that name.
    """
    pool = POOLS[name]()
    vlans = sorted({network.vlan for network in estate.networks if 0 < network.vlan < 4095})
    added = tuple(NetworkSpec(NAMES.get(vlan, f"vlan-{vlan}"), f"xapi{vlan}", GUEST_PORTS, vlan=vlan) for vlan in vlans)
    return replace(pool, networks=(*pool.networks, *added))
