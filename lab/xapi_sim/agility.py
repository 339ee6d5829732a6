"""VM.assert_agile: could this VM be restarted on any enabled host? Source: xapi agility.ml."""

from __future__ import annotations

from lab.xapi_sim.failure import NULL, XapiFailure
from lab.xapi_sim.pool import Pool


def first_obstacle(pool: Pool, vm: str) -> XapiFailure | None:
    """The first reason why the VM is tied to a host, or None when it is agile."""
    record = pool.store.row("VM", vm).record
    if record["VGPUs"]:
        return XapiFailure("VM_HAS_VGPU", vm)
    if record["VUSBs"]:
        return XapiFailure("VM_HAS_VUSBS", vm)
    return _disk_obstacle(pool, record["VBDs"]) or _network_obstacle(pool, record["VIFs"])


def _disk_obstacle(pool: Pool, vbds: list[str]) -> XapiFailure | None:
    for vbd in vbds:
        vdi = pool.store.get("VBD", vbd, "VDI")
        if pool.store.get("VBD", vbd, "empty") or vdi == NULL:
            continue
        sr = pool.store.get("VDI", vdi, "SR")
        if not pool.store.get("SR", sr, "shared") or not set(pool.enabled_hosts()) <= set(pool.plugged_hosts(sr)):
            return XapiFailure("HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED", sr)
    return None


def _network_obstacle(pool: Pool, vifs: list[str]) -> XapiFailure | None:
    for vif in vifs:
        network = pool.store.get("VIF", vif, "network")
        if not set(pool.enabled_hosts()) <= hosts_on_network(pool, network):
            return XapiFailure("HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED", network)
    return None


def hosts_on_network(pool: Pool, network: str) -> set[str]:
    """Hosts with a PIF on the network that is no bond member."""
    pifs = (pool.store.row("PIF", pif).record for pif in pool.store.get("network", network, "PIFs"))
    return {pif["host"] for pif in pifs if pif["bond_slave_of"] == NULL}
