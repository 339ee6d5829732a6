"""What a VM must satisfy before it may be made or started: memory order, firmware, device model, blocked operations."""

from __future__ import annotations

from typing import Any

from lab.xapi_sim.failure import XapiFailure, invalid_value
from lab.xapi_sim.pool import Pool

FIRMWARES = ("bios", "uefi")
SECUREBOOT = ("true", "false", "auto")
UEFI_MODEL = "qemu-upstream-uefi"
BIOS_MODEL = "qemu-upstream-compat"


OPERATIONS = {
    "Halted": ("start", "start_on", "clone", "copy", "destroy", "export", "changing_VCPUs"),
    "Running": ("clean_shutdown", "hard_shutdown", "shutdown", "clean_reboot", "hard_reboot", "pool_migrate"),
    "Paused": ("unpause", "hard_shutdown", "hard_reboot", "shutdown"),
    "Suspended": ("resume", "resume_on", "hard_shutdown", "shutdown"),
}


def refresh_allowed_operations(pool: Pool, vm: str) -> None:
    """Write what the power state allows and nobody has blocked; nothing while something is at work on the VM."""
    record = pool.store.row("VM", vm).record
    possible = () if record["current_operations"] else OPERATIONS[record["power_state"]]
    allowed = [name for name in possible if name not in record["blocked_operations"]]
    pool.store.set("VM", vm, allowed_operations=allowed)


def check_memory(values: dict[str, Any]) -> None:
    """static_min <= dynamic_min <= dynamic_max <= static_max.

    Raises:
        XapiFailure: MEMORY_CONSTRAINT_VIOLATION.
    """
    names = ("memory_static_min", "memory_dynamic_min", "memory_dynamic_max", "memory_static_max")
    limits = [values[name] for name in names]
    if limits != sorted(limits):
        raise XapiFailure("MEMORY_CONSTRAINT_VIOLATION", "Memory limits must satisfy: " + " <= ".join(names))


def check_vcpus(values: dict[str, Any]) -> None:
    """At least one vCPU at startup, no more than the maximum, cores per socket dividing it.

    Raises:
        XapiFailure: INVALID_VALUE, VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE.
    """
    if not 0 < values["VCPUs_at_startup"] <= values["VCPUs_max"]:
        raise invalid_value("VCPUs_at_startup", values["VCPUs_at_startup"])
    cores = values["platform"].get("cores-per-socket")
    if cores is None:
        return
    if not cores.isdigit() or int(cores) < 1:
        raise invalid_value("platform:cores-per-socket", cores)
    if values["VCPUs_max"] % int(cores):
        raise XapiFailure("VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE", str(values["VCPUs_max"]), cores)


def check_firmware(values: dict[str, Any]) -> None:
    """Firmware bios or uefi, secureboot a known word.

    Raises:
        XapiFailure: INVALID_VALUE.
    """
    firmware = values["HVM_boot_params"].get("firmware", "bios")
    if firmware not in FIRMWARES:
        raise invalid_value("HVM_boot_params", f"firmware={firmware}")
    secureboot = values["platform"].get("secureboot", "false")
    if secureboot not in SECUREBOOT:
        raise invalid_value("platform", f"secureboot={secureboot}")


def check_device_model(record: dict[str, Any]) -> None:
    """The device model fits the firmware; checked at start only.

    Raises:
        XapiFailure: INVALID_VALUE, worded as the real server does.
    """
    if record["HVM_boot_policy"] == "":
        return
    firmware = record["HVM_boot_params"].get("firmware", "bios")
    model = record["platform"].get("device-model")
    if firmware == "bios" and model == UEFI_MODEL:
        raise invalid_value("platform:device-model", f"BIOS boot is not supported with {UEFI_MODEL}")
    if firmware == "uefi" and model not in (None, UEFI_MODEL):
        raise invalid_value("platform:device-model", f"UEFI boot is not supported with {model}")
    if firmware == "bios" and record["VTPMs"]:
        raise invalid_value("VTPM", "A VM with a VTPM must boot with UEFI")


def check_not_blocked(pool: Pool, vm: str, operation: str) -> None:
    """blocked_operations is asked before anything else.

    Raises:
        XapiFailure: OPERATION_BLOCKED [vm, reason].
    """
    reason = pool.store.get("VM", vm, "blocked_operations").get(operation)
    if reason is not None:
        raise XapiFailure("OPERATION_BLOCKED", vm, reason)


def check_is_guest(pool: Pool, vm: str) -> None:
    """Templates and control domains are not started, stopped or destroyed like guests.

    Raises:
        XapiFailure: VM_IS_TEMPLATE, OPERATION_NOT_ALLOWED.
    """
    record = pool.store.row("VM", vm).record
    if record["is_a_template"]:
        raise XapiFailure("VM_IS_TEMPLATE", vm)
    if record["is_control_domain"]:
        raise XapiFailure("OPERATION_NOT_ALLOWED", "Operations on domain 0 are not allowed")


def check_power(pool: Pool, vm: str, *expected: str) -> None:
    """The VM is in one of the expected power states.

    Raises:
        XapiFailure: VM_BAD_POWER_STATE [vm, expected, actual].
    """
    actual = pool.store.get("VM", vm, "power_state")
    if actual not in expected:
        raise XapiFailure("VM_BAD_POWER_STATE", vm, expected[0].lower(), actual.lower())
