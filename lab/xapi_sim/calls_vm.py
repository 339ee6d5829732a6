"""VM.*: making, starting, stopping, copying and removing VMs."""

from __future__ import annotations

import uuid
from typing import Any

from lab.xapi_sim import placement, populate_vms, vm_rules
from lab.xapi_sim.agility import first_obstacle
from lab.xapi_sim.construct import constructor_values
from lab.xapi_sim.context import Context, api_call
from lab.xapi_sim.failure import NULL, XapiFailure
from lab.xapi_sim.ha_control import assert_plan_survives, recompute_plan
from lab.xapi_sim.ha_plan import ProtectedVm
from lab.xapi_sim.operations import at_work, check_idle
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.vm_power import assert_disks_free, bring_up, shut_down

MEMORY_FIELDS = ("memory_static_min", "memory_dynamic_min", "memory_dynamic_max", "memory_static_max")
NOT_COPIED = {"uuid", "consoles", "VIFs", "VBDs", "VTPMs", "snapshots", "children", "metrics", "guest_metrics",
              "resident_on", "domid", "power_state", "is_default_template", "ha_always_run", "groups"}  # fmt: skip


@api_call("VM.create")
def create(context: Context, args: dict[str, Any]) -> str:
    """Make a halted VM from a record that holds every key without a default.

    Raises:
        XapiFailure: INTERNAL_ERROR for a missing key; INVALID_VALUE; MEMORY_CONSTRAINT_VIOLATION.
    """
    values = constructor_values("VM", args)
    vm_rules.check_memory(values)
    vm_rules.check_vcpus(values)
    vm_rules.check_firmware(values)
    hvm = values["HVM_boot_policy"] != ""
    if values.get("domain_type", "unspecified") == "unspecified":
        values["domain_type"] = "hvm" if hvm else "pv"
    values["other_config"] = {"mac_seed": str(uuid.uuid4())} | values["other_config"]
    values |= {"power_state": "Halted", "suspend_VDI": NULL, "ha_always_run": False, "resident_on": NULL, "domid": -1}
    vm = context.store.create("VM", metrics=populate_vms.metrics(context.pool), **values)
    _refresh_overhead(context.pool, vm)
    vm_rules.refresh_allowed_operations(context.pool, vm)
    return vm


@api_call("VM.destroy")
def destroy(context: Context, self: str) -> None:
    """Remove a halted VM with its drives and NICs; VDIs stay.

    Raises:
        XapiFailure: OPERATION_BLOCKED, VM_BAD_POWER_STATE, VM_CANNOT_DELETE_DEFAULT_TEMPLATE.
    """
    pool, record = context.pool, context.store.row("VM", self).record
    vm_rules.check_not_blocked(pool, self, "destroy")
    if record["is_default_template"]:
        raise XapiFailure("VM_CANNOT_DELETE_DEFAULT_TEMPLATE", self)
    if record["is_control_domain"]:
        raise XapiFailure("OPERATION_NOT_ALLOWED", "Operations on domain 0 are not allowed")
    vm_rules.check_power(pool, self, "Halted")
    check_idle(pool, self)
    for class_name, field in (("VBD", "VBDs"), ("VIF", "VIFs"), ("VTPM", "VTPMs"), ("console", "consoles")):
        for ref in list(record[field]):
            context.store.destroy(class_name, ref)
    context.store.destroy("VM", self)
    if context.store.has("VM_metrics", record["metrics"]):
        context.store.destroy("VM_metrics", record["metrics"])
    recompute_plan(pool)


@api_call("VM.clone")
def clone(context: Context, vm: str, new_name: str) -> str:
    """Copy a halted VM or template without disks of its own; drives with disks are refused here.

    Raises:
        XapiFailure: VM_BAD_POWER_STATE; NOT_IMPLEMENTED when the original has disks.
    """
    record = context.store.snapshot("VM", vm)
    vm_rules.check_not_blocked(context.pool, vm, "clone")
    vm_rules.check_power(context.pool, vm, "Halted")
    check_idle(context.pool, vm)
    if any(context.store.get("VBD", vbd, "VDI") != NULL for vbd in record["VBDs"]):
        raise XapiFailure("NOT_IMPLEMENTED", "VM.clone of a VM with disks")
    values = {name: value for name, value in record.items() if name not in NOT_COPIED}
    values["name_label"] = new_name
    values["other_config"] = {k: v for k, v in values["other_config"].items() if k != "default_template"}
    values["other_config"]["mac_seed"] = str(uuid.uuid4())
    return context.store.create(
        "VM", resident_on=NULL, domid=-1, guest_metrics=NULL, metrics=populate_vms.metrics(context.pool), **values
    )


@api_call("VM.provision")
def provision(context: Context, vm: str) -> None:
    """Turn a cloned template into a VM."""
    context.store.set("VM", vm, is_a_template=False)


@api_call("VM.start")
def start(context: Context, vm: str, start_paused: bool, _force: bool) -> None:
    """Start on whichever host fits."""
    _check_start(context.pool, vm, "start")
    host = placement.choose_host(context.pool, vm)
    with at_work(context, "VM", vm, "start", method="VM.start"):
        _start(context.pool, vm, host, start_paused)


@api_call("VM.start_on")
def start_on(context: Context, vm: str, host: str, start_paused: bool, _force: bool) -> None:
    """Start on the given host, or say why it cannot."""
    _check_start(context.pool, vm, "start_on")
    placement.assert_can_boot_here(context.pool, vm, host)
    with at_work(context, "VM", vm, "start_on", method="VM.start_on"):
        _start(context.pool, vm, host, start_paused)


def _check_start(pool: Pool, vm: str, operation: str) -> None:
    vm_rules.check_not_blocked(pool, vm, operation)
    vm_rules.check_is_guest(pool, vm)
    vm_rules.check_power(pool, vm, "Halted")
    check_idle(pool, vm)
    record = pool.store.row("VM", vm).record
    vm_rules.check_firmware(record)
    vm_rules.check_vcpus(record)
    vm_rules.check_device_model(record)
    assert_disks_free(pool, vm)


def _start(pool: Pool, vm: str, host: str, paused: bool) -> None:
    if pool.armed_timeout_s is not None and pool.store.get("VM", vm, "ha_restart_priority") == "restart":
        obstacle = first_obstacle(pool, vm)
        if obstacle is not None:
            raise obstacle
        need = pool.vm_need_bytes(vm)
        assert_plan_survives(pool, ProtectedVm(vm, need, host), {host: need})
    _fill_platform(pool, vm)
    bring_up(pool, vm, host, paused)
    name, host_name = pool.store.get("VM", vm, "name_label"), pool.store.get("host", host, "name_label")
    pool.alerts.post("VM_STARTED", "VM", pool.uuid_of("VM", vm), f"VM '{name}' started on host: {host_name}")
    recompute_plan(pool)


def _fill_platform(pool: Pool, vm: str) -> None:
    """The server writes the device model it chose into the record."""
    record = pool.store.row("VM", vm).record
    if record["HVM_boot_policy"] and "device-model" not in record["platform"]:
        uefi = record["HVM_boot_params"].get("firmware") == "uefi"
        model = vm_rules.UEFI_MODEL if uefi else vm_rules.BIOS_MODEL
        pool.store.put_key("VM", vm, "platform", "device-model", model)


@api_call("VM.clean_shutdown")
def clean_shutdown(context: Context, vm: str) -> None:
    """Shut down through the guest's drivers.

    Raises:
        XapiFailure: VM_LACKS_FEATURE without a guest agent.
    """
    _check_stop(context.pool, vm, "clean_shutdown", "Running")
    if context.store.get("VM", vm, "guest_metrics") == NULL:
        raise XapiFailure("VM_LACKS_FEATURE", vm)
    shut_down(context.pool, vm)


@api_call("VM.hard_shutdown")
def hard_shutdown(context: Context, vm: str) -> None:
    """Pull the VM's plug."""
    _check_stop(context.pool, vm, "hard_shutdown", "Running", "Paused", "Suspended")
    shut_down(context.pool, vm)


@api_call("VM.shutdown")
def shutdown(context: Context, vm: str) -> None:
    """Clean if the guest can, else hard."""
    _check_stop(context.pool, vm, "shutdown", "Running", "Paused", "Suspended")
    shut_down(context.pool, vm)


@api_call("VM.clean_reboot", "VM.hard_reboot")
def reboot(context: Context, vm: str) -> None:
    """Restart on the same host."""
    _check_stop(context.pool, vm, "hard_reboot", "Running")
    host = context.store.get("VM", vm, "resident_on")
    shut_down(context.pool, vm)
    bring_up(context.pool, vm, host)


@api_call("VM.unpause")
def unpause(context: Context, vm: str) -> None:
    """Let a VM run that was started paused."""
    vm_rules.check_power(context.pool, vm, "Paused")
    context.store.set("VM", vm, power_state="Running")


def _check_stop(pool: Pool, vm: str, operation: str, *states: str) -> None:
    vm_rules.check_not_blocked(pool, vm, operation)
    vm_rules.check_is_guest(pool, vm)
    vm_rules.check_power(pool, vm, *states)


@api_call("VM.compute_memory_overhead")
def compute_memory_overhead(context: Context, vm: str) -> int:
    """Memory the VM needs beyond its static maximum, in bytes."""
    return context.pool.vm_overhead_bytes(vm)


@api_call("VM.get_possible_hosts")
def get_possible_hosts(context: Context, vm: str) -> list[str]:
    """Hosts that could take the VM now."""
    return placement.possible_hosts(context.pool, vm)


@api_call("VM.assert_can_boot_here")
def assert_can_boot_here(context: Context, self: str, host: str) -> None:
    """Say why the VM cannot start on a host."""
    placement.assert_can_boot_here(context.pool, self, host)


@api_call("VM.update_allowed_operations")
def update_allowed_operations(context: Context, self: str) -> None:
    """Recompute allowed_operations from power state and blocked operations."""
    vm_rules.refresh_allowed_operations(context.pool, self)


@api_call("VM.set_memory_limits")
def set_memory_limits(context: Context, self: str, static_min: int, static_max: int, dynamic_min: int, dynamic_max: int) -> None:
    """All four limits at once, on a halted VM."""
    vm_rules.check_power(context.pool, self, "Halted")
    values = dict(zip(MEMORY_FIELDS, (static_min, dynamic_min, dynamic_max, static_max), strict=True))
    vm_rules.check_memory(values)
    context.store.set("VM", self, **values)
    _refresh_overhead(context.pool, self)


@api_call("VM.set_memory")
def set_memory(context: Context, self: str, value: int) -> None:
    """All limits to one value, static minimum kept where it fits."""
    lowest = min(value, context.store.get("VM", self, "memory_static_min"))
    set_memory_limits(context, self, lowest, value, value, value)


def _refresh_overhead(pool: Pool, vm: str) -> None:
    pool.store.set("VM", vm, memory_overhead=pool.vm_overhead_bytes(vm))
