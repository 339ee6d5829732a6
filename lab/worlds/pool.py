"""The pool a world moves to: the lab's standard pool with a network for every port group of the estate."""

from __future__ import annotations

from dataclasses import replace

from lab.worlds.spec import EstateSpec
from lab.xapi_sim.spec import NetworkSpec, PoolSpec, small_pool

GUEST_PORTS = ("eth4",)
# Port groups of the small world, and what the pool's administrator has called the same VLAN.
NAMES = {100: "lan-100", 110: "dmz-110", 120: "servers-120", 130: "databases-130", 300: "backup-300"}


def pool_for(estate: EstateSpec) -> PoolSpec:
    """`small_pool()` with one more guest network per VLAN of `estate`; trunks get none."""
    vlans = sorted({network.vlan for network in estate.networks if 0 < network.vlan < 4095})
    added = tuple(NetworkSpec(NAMES.get(vlan, f"vlan-{vlan}"), f"xapi{vlan}", GUEST_PORTS, vlan=vlan) for vlan in vlans)
    pool = small_pool()
    return replace(pool, networks=(*pool.networks, *added))
