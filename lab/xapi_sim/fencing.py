"""Hosts going down and coming back: what a fence does to records, VMs and roles.

Who fences is ha_model.py's verdict; when, is trials.py's. Callers hold the store's lock.
"""

from __future__ import annotations

from lab.xapi_sim.coordinator import move_coordinator
from lab.xapi_sim.ha_control import recompute_plan, refresh_liveset
from lab.xapi_sim.multipath import write_all_path_counts
from lab.xapi_sim.placement import possible_hosts
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.vm_power import bring_up, take_down


def fence_hosts(pool: Pool, hosts: list[str]) -> None:
    """The hosts reset this instant: they answer nobody from now on. The records learn it later."""
    pool.fabric.fenced.update(hosts)
    pool.on_fenced()


def declare_dead(pool: Pool, hosts: list[str]) -> None:
    """The survivors notice: live goes false, HA_HOST_FAILED is posted, protected VMs restart elsewhere."""
    if not pool.fabric.live():
        return
    for host in hosts:
        record = pool.store.row("host", host).record
        pool.store.set("host_metrics", record["metrics"], live=False, last_updated=pool.clock.now())
        body = f"Server '{record['name_label']}' has failed"
        pool.alerts.post("HA_HOST_FAILED", "Host", record["uuid"], body)
    if not pool.fabric.is_up(pool.coordinator):
        move_coordinator(pool, min(pool.fabric.live(), key=lambda host: pool.uuid_of("host", host)))
    for host in hosts:
        _restart_guests(pool, host)
    refresh_liveset(pool)
    recompute_plan(pool)


def rejoin(pool: Pool, hosts: list[str]) -> None:
    """Fenced hosts have booted: live again, new boot time, HA_HOST_WAS_FENCED from each, guests left behind restart."""
    nobody_was_left = not pool.fabric.live()
    pool.fabric.fenced.difference_update(hosts)
    now = pool.clock.now()
    for host in hosts:
        record = pool.store.row("host", host).record
        pool.store.set("host_metrics", record["metrics"], live=True, last_updated=now)
        times = {"boot_time": f"{now.timestamp():.0f}.", "agent_start_time": f"{now.timestamp():.0f}."}
        pool.store.set("host", host, other_config=record["other_config"] | times, enabled=True)
        pool.alerts.post("HA_HOST_WAS_FENCED", "Host", record["uuid"])
    write_all_path_counts(pool, rebooted=frozenset(hosts))
    refresh_liveset(pool)
    if nobody_was_left:
        for host in hosts:
            _restart_guests(pool, host)
    for host in hosts:
        pool.refresh_memory(host)
    recompute_plan(pool)


def statefile_lost(pool: Pool) -> None:
    """All live hosts lost the statefile and live on by the network alone."""
    refresh_liveset(pool)
    pool.alerts.post(
        "HA_STATEFILE_LOST",
        "Host",
        pool.uuid_of("host", pool.coordinator),
        "All live servers have lost access to the HA statefile",
    )


def _restart_guests(pool: Pool, host: str) -> None:
    guests = [vm for vm in pool.store.get("host", host, "resident_VMs") if not pool.store.get("VM", vm, "is_control_domain")]
    by_order = sorted(guests, key=lambda vm: (pool.store.get("VM", vm, "order"), -pool.vm_need_bytes(vm)))
    for vm in by_order:
        wanted = pool.store.get("VM", vm, "ha_restart_priority")
        take_down(pool, vm)
        if wanted == "":
            continue
        fitting = possible_hosts(pool, vm)
        if fitting:
            bring_up(pool, vm, fitting[0])
        elif wanted == "restart":
            pool.alerts.post("HA_PROTECTED_VM_RESTART_FAILED", "VM", pool.uuid_of("VM", vm))
