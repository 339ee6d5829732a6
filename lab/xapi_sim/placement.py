"""Where a VM can run: memory, storage and networks of a host, as VM.start and start_on see them."""

from __future__ import annotations

from lab.xapi_sim.agility import hosts_on_network
from lab.xapi_sim.failure import NULL, XapiFailure
from lab.xapi_sim.pool import Pool


def assert_can_boot_here(pool: Pool, vm: str, host: str) -> None:
    """Refuse a host that cannot take the VM.

    Raises:
        XapiFailure: HOST_NOT_LIVE, HOST_DISABLED, VM_REQUIRES_SR, VM_REQUIRES_NETWORK, HOST_NOT_ENOUGH_FREE_MEMORY.
    """
    if not pool.fabric.is_up(host):
        raise XapiFailure("HOST_NOT_LIVE")
    if not pool.store.get("host", host, "enabled"):
        raise XapiFailure("HOST_DISABLED", host)
    for sr in needed_srs(pool, vm):
        if host not in pool.plugged_hosts(sr):
            raise XapiFailure("VM_REQUIRES_SR", vm, sr)
    for vif in pool.store.get("VM", vm, "VIFs"):
        network = pool.store.get("VIF", vif, "network")
        if pool.store.get("network", network, "PIFs") and host not in hosts_on_network(pool, network):
            raise XapiFailure("VM_REQUIRES_NETWORK", vm, network)
    needed, free = pool.vm_need_bytes(vm), pool.free_memory_bytes(host)
    if needed > free:
        raise XapiFailure("HOST_NOT_ENOUGH_FREE_MEMORY", str(needed), str(free))


def possible_hosts(pool: Pool, vm: str) -> list[str]:
    """Hosts that could take the VM now, most free memory first."""
    fitting = []
    for host in pool.enabled_hosts():
        try:
            assert_can_boot_here(pool, vm, host)
        except XapiFailure:
            continue  # the reason matters only when one host was asked for
        fitting.append(host)
    return sorted(fitting, key=pool.free_memory_bytes, reverse=True)


def choose_host(pool: Pool, vm: str) -> str:
    """The host VM.start picks: its affinity if possible, else the emptiest.

    Raises:
        XapiFailure: NO_HOSTS_AVAILABLE, or the one host's own reason in a pool of one.
    """
    fitting = possible_hosts(pool, vm)
    if not fitting:
        if len(pool.fabric.hosts) == 1:
            assert_can_boot_here(pool, vm, next(iter(pool.fabric.hosts)))
        raise XapiFailure("NO_HOSTS_AVAILABLE")
    affinity = pool.store.get("VM", vm, "affinity")
    return affinity if affinity in fitting else fitting[0]


def needed_srs(pool: Pool, vm: str) -> set[str]:
    """SRs of all non-empty drives."""
    vdis = (pool.store.get("VBD", vbd, "VDI") for vbd in pool.store.get("VM", vm, "VBDs"))
    return {pool.store.get("VDI", vdi, "SR") for vdi in vdis if vdi != NULL}
