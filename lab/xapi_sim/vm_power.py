"""A VM starting and stopping: what changes in its records, and the agent reporting in later.

Used by the VM calls and by HA restarts. Permission and preconditions are the callers' business.
"""

from __future__ import annotations

import threading

from lab.xapi_sim import populate_vms
from lab.xapi_sim.failure import NULL, XapiFailure
from lab.xapi_sim.ha_control import recompute_plan
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.vm_rules import refresh_allowed_operations

AGENT_LAB_S = 30.0


def assert_disks_free(pool: Pool, vm: str) -> None:
    """No disk of the VM is attached elsewhere for writing.

    Raises:
        XapiFailure: VDI_IN_USE [vdi, operation].
    """
    for vbd in pool.store.get("VM", vm, "VBDs"):
        vdi = pool.store.get("VBD", vbd, "VDI")
        if vdi != NULL and in_use(pool, vdi, writing=pool.store.get("VBD", vbd, "mode") == "RW"):
            raise XapiFailure("VDI_IN_USE", vdi, "attach")


def in_use(pool: Pool, vdi: str, writing: bool) -> bool:
    """Whether attaching the VDI now would collide: one writer, or many readers."""
    if pool.store.get("VDI", vdi, "sharable"):
        return False
    for vbd in pool.store.get("VDI", vdi, "VBDs"):
        record = pool.store.row("VBD", vbd).record
        if record["currently_attached"] and (writing or record["mode"] == "RW"):
            return True
    return False


def bring_up(pool: Pool, vm: str, host: str, paused: bool = False) -> None:
    """Make the VM run on `host`; its agent reports after a while."""
    record = pool.store.row("VM", vm).record
    protected = record["ha_restart_priority"] == "restart"
    domid = 1 + max((row.record["domid"] for _, row in pool.store.rows("VM")), default=0)
    pool.store.set(
        "VM",
        vm,
        power_state="Paused" if paused else "Running",
        resident_on=host,
        domid=domid,
        memory_overhead=pool.vm_overhead_bytes(vm),
        memory_target=record["memory_dynamic_max"],
        ha_always_run=protected,
    )
    pool.store.set(
        "VM_metrics",
        record["metrics"],
        memory_actual=record["memory_static_max"],
        VCPUs_number=record["VCPUs_at_startup"],
        start_time=pool.clock.now(),
        last_updated=pool.clock.now(),
    )
    refresh_allowed_operations(pool, vm)
    _attach_devices(pool, vm, attached=True)
    pool.refresh_memory(host)
    threading.Thread(target=_agent_reports, args=(pool, vm, domid), name="guest-agent", daemon=True).start()


def take_down(pool: Pool, vm: str) -> None:
    """Make the VM Halted and free what it had."""
    record = pool.store.row("VM", vm).record
    host, agent = record["resident_on"], record["guest_metrics"]
    pool.store.set("VM", vm, power_state="Halted", resident_on=NULL, domid=-1, guest_metrics=NULL)
    if agent != NULL:
        pool.store.destroy("VM_guest_metrics", agent)
    pool.store.set("VM_metrics", record["metrics"], memory_actual=0, last_updated=pool.clock.now())
    refresh_allowed_operations(pool, vm)
    _attach_devices(pool, vm, attached=False)
    if host != NULL:
        pool.refresh_memory(host)


def shut_down(pool: Pool, vm: str) -> None:
    """An ordered shutdown: HA will not restart the VM."""
    pool.store.set("VM", vm, ha_always_run=False)
    take_down(pool, vm)
    pool.alerts.post("VM_SHUTDOWN", "VM", pool.uuid_of("VM", vm), f"VM '{pool.store.get('VM', vm, 'name_label')}' shut down")
    recompute_plan(pool)


def _attach_devices(pool: Pool, vm: str, attached: bool) -> None:
    for vbd in pool.store.get("VM", vm, "VBDs"):
        number = int(pool.store.get("VBD", vbd, "userdevice"))
        pool.store.set("VBD", vbd, currently_attached=attached, device=device_name(number) if attached else "")
    for vif in pool.store.get("VM", vm, "VIFs"):
        pool.store.set("VIF", vif, currently_attached=attached)


def device_name(number: int) -> str:
    """The paravirtual name of disk `number`: xvda, xvdb, ... xvdaa."""
    letters = ""
    number += 1
    while number:
        number, last = divmod(number - 1, 26)
        letters = chr(ord("a") + last) + letters
    return f"xvd{letters}"


def _agent_reports(pool: Pool, vm: str, domid: int) -> None:
    if not pool.clock.sleep(AGENT_LAB_S):
        return
    with pool.store.lock:
        same_boot = pool.store.has("VM", vm) and pool.store.get("VM", vm, "domid") == domid
        if same_boot and pool.store.get("VM", vm, "guest_metrics") == NULL:
            pool.store.set("VM", vm, guest_metrics=populate_vms.guest_metrics(pool))
