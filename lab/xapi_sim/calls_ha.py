"""The API's HA calls on pool, SR and VM."""

from __future__ import annotations

from typing import Any

from lab.xapi_sim import ha_control
from lab.xapi_sim.agility import first_obstacle
from lab.xapi_sim.context import Context, api_call
from lab.xapi_sim.failure import NULL, XapiFailure, invalid_value
from lab.xapi_sim.ha_plan import ProtectedVm, failover_plan, largest_tolerable_failures, plan_exists

PRIORITIES = ("restart", "best-effort", "")


@api_call("pool.enable_ha")
def enable_ha(context: Context, heartbeat_srs: list[str], configuration: dict[str, str]) -> None:
    """Switch HA on for the pool."""
    ha_control.enable(context.pool, heartbeat_srs, configuration)


@api_call("pool.disable_ha")
def disable_ha(context: Context) -> None:
    """Switch HA off for the pool."""
    ha_control.disable(context.pool)


@api_call("SR.assert_can_host_ha_statefile")
def assert_can_host_ha_statefile(context: Context, sr: str) -> None:
    """Refuse SRs that cannot hold the statefile."""
    ha_control.assert_can_host_statefile(context.pool, sr)


@api_call("pool.set_ha_host_failures_to_tolerate")
def set_failures_to_tolerate(context: Context, self: str, value: int) -> None:
    """Set ntol.

    Raises:
        XapiFailure: INVALID_VALUE below 0; HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN beyond what the plan holds.
    """
    if value < 0:
        raise invalid_value("ha_host_failures_to_tolerate", value)
    pool = context.pool
    most = largest_tolerable_failures(ha_control.plan_input(pool))
    allowed = context.store.get("pool", self, "ha_allow_overcommit")
    if pool.armed_timeout_s is not None and value > most and not allowed:
        raise XapiFailure("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN")
    context.store.set("pool", self, ha_host_failures_to_tolerate=value)
    ha_control.recompute_plan(pool)


@api_call("pool.ha_compute_max_host_failures_to_tolerate")
def compute_max(context: Context) -> int:
    """The maximum with the VMs protected now."""
    return ha_control.recompute_plan(context.pool)


@api_call("pool.ha_compute_hypothetical_max_host_failures_to_tolerate")
def compute_hypothetical(context: Context, configuration: dict[str, str]) -> int:
    """The maximum if exactly the given VMs were protected; changes nothing.

    Raises:
        XapiFailure: HANDLE_INVALID, INVALID_VALUE for an unknown priority.
    """
    for vm, priority in configuration.items():
        context.store.row("VM", vm)
        if priority not in PRIORITIES:
            raise invalid_value("ha_restart_priority", priority)
    return largest_tolerable_failures(ha_control.plan_input(context.pool, configuration))


@api_call("pool.ha_failover_plan_exists")
def failover_plan_exists(context: Context, n: int) -> bool:
    """Whether the protected VMs survive any n host failures."""
    return n <= 0 or plan_exists(ha_control.plan_input(context.pool), n)


@api_call("pool.ha_compute_vm_failover_plan")
def compute_vm_failover_plan(context: Context, failed_hosts: list[str], failed_vms: list[str]) -> dict[str, Any]:
    """Where each of the VMs would go if the hosts failed."""
    plan = ha_control.plan_input(context.pool, dict.fromkeys(failed_vms, "restart"))
    places = failover_plan(plan, frozenset(failed_hosts))
    return {vm: {"host": place} if place else {"error_code": "HOST_NOT_ENOUGH_FREE_MEMORY"} for vm, place in places.items()}


@api_call("VM.assert_agile")
def assert_agile(context: Context, self: str) -> None:
    """Refuse VMs that are tied to a host, with the first reason."""
    obstacle = first_obstacle(context.pool, self)
    if obstacle is not None:
        raise obstacle


@api_call("VM.set_ha_restart_priority")
def set_ha_restart_priority(context: Context, self: str, value: str) -> None:
    """Protect a VM, or not.

    Raises:
        XapiFailure: INVALID_VALUE; HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN for a running VM.
    """
    if value not in PRIORITIES:
        raise invalid_value("ha_restart_priority", value)
    pool, running = context.pool, context.store.get("VM", self, "power_state") != "Halted"
    if value == "restart" and running:
        host = context.store.get("VM", self, "resident_on")
        agile = first_obstacle(pool, self) is None
        added = ProtectedVm(self, pool.vm_need_bytes(self), host if host != NULL else None, agile)
        ha_control.assert_plan_survives(pool, added, {})
    context.store.set("VM", self, ha_restart_priority=value)
    if running:
        context.store.set("VM", self, ha_always_run=value == "restart")
    ha_control.recompute_plan(pool)
