"""Default templates and the VMs that are there before anybody converts anything."""

from __future__ import annotations

import re
from typing import Any

from lab.xapi_sim.failure import NULL
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.spec import GIB, VmSpec
from lab.xapi_sim.values import EPOCH

BIOS_TEMPLATES = ("Windows Server 2016 (64-bit)", "CentOS Stream 9", "SUSE Linux Enterprise Server 12 SP5 (64-bit)",
                  "Other install media")  # fmt: skip
NO_PV_FIELDS = dict.fromkeys(
    ("PV_bootloader", "PV_kernel", "PV_ramdisk", "PV_args", "PV_bootloader_args", "PV_legacy_args", "PCI_bus"), ""
)


def platform_for(firmware: str, windows: bool) -> dict[str, str]:
    """Platform keys as the vendor's templates carry them."""
    platform = {"nx": "true", "acpi": "1", "apic": "true", "pae": "true", "hpet": "true", "vga": "std", "videoram": "8"}
    platform["device-model"] = "qemu-upstream-uefi" if firmware == "uefi" else "qemu-upstream-compat"
    platform["device_id"] = "0002" if windows else "0001"
    platform["viridian"] = "true" if windows else "false"
    if windows:
        platform |= {"viridian_time_ref_count": "true", "viridian_reference_tsc": "true", "cores-per-socket": "2"}
    if firmware == "uefi":
        platform["secureboot"] = "auto"
    return platform


def guest_fields(memory_bytes: int, vcpus: int, firmware: str, windows: bool) -> dict[str, Any]:
    """The fields of an HVM guest that VM.create demands, apart from names."""
    return {
        "memory_static_max": memory_bytes,
        "memory_dynamic_max": memory_bytes,
        "memory_dynamic_min": memory_bytes,
        "memory_static_min": min(memory_bytes, 2 * GIB),
        "VCPUs_max": vcpus,
        "VCPUs_at_startup": vcpus,
        "actions_after_shutdown": "destroy",
        "actions_after_reboot": "restart",
        "actions_after_crash": "restart",
        "HVM_boot_policy": "BIOS order",
        "HVM_boot_params": {"firmware": firmware, "order": "cdn"},
        "domain_type": "hvm",
        "platform": platform_for(firmware, windows),
        "affinity": NULL,
        "resident_on": NULL,
        "domid": -1,
        "user_version": 1,
        **NO_PV_FIELDS,
    }


def metrics(pool: Pool, memory_bytes: int = 0, vcpus: int = 0, *, started: bool = False) -> str:
    """A VM_metrics record; the epoch stands for never, as in xapi: a VM that was only made has no time of start."""
    return pool.store.create(
        "VM_metrics",
        memory_actual=memory_bytes,
        VCPUs_number=vcpus,
        start_time=pool.clock.now() if started else EPOCH,
        install_time=EPOCH,
        last_updated=pool.clock.now(),
        hvm=True,
    )


def guest_metrics(pool: Pool) -> str:
    """What the guest agent reports once its drivers run."""
    return pool.store.create(
        "VM_guest_metrics",
        PV_drivers_version={"major": "9", "minor": "4", "micro": "1", "build": "0"},
        PV_drivers_detected=True,
        PV_drivers_up_to_date=True,
        live=True,
        last_updated=pool.clock.now(),
    )


def templates(pool: Pool) -> None:
    """One default template per name of the spec."""
    for name in pool.spec.templates:
        firmware = "bios" if name in BIOS_TEMPLATES else "uefi"
        windows = name.startswith("Windows")
        pool.store.create(
            "VM",
            uuid=pool.spec.stable_uuid(f"template/{name}"),
            name_label=name,
            is_a_template=True,
            is_default_template=True,
            reference_label=re.sub(r"[^a-z0-9]+", "-", name.lower().replace("(64-bit)", "")).strip("-"),
            has_vendor_device=windows,
            recommendations=_recommendations(windows),
            other_config={"default_template": "true", "install-methods": "cdrom"},
            metrics=metrics(pool),
            **guest_fields(4 * GIB if windows else 2 * GIB, 2, firmware, windows),
        )


def _recommendations(windows: bool) -> str:
    memory = 1536 * GIB
    cpus = 64 if windows else 32
    return (
        f'<restrictions><restriction field="memory-static-max" max="{memory}"/>'
        f'<restriction field="vcpus-max" max="{cpus}"/><restriction property="number-of-vbds" max="255"/>'
        f'<restriction property="number-of-vifs" max="7"/></restrictions>'
    )


def existing(pool: Pool) -> None:
    """The VMs of the spec, running ones on their host."""
    for spec in pool.spec.vms:
        vm = _vm(pool, spec)
        for device, mac in enumerate(spec.macs):
            _vif(pool, spec, vm, device, mac)
        if spec.sr and spec.disk_bytes:
            _disk(pool, spec, vm)


def _vm(pool: Pool, spec: VmSpec) -> str:
    host = pool.host_named(spec.host) if spec.host else NULL
    running = host != NULL
    vm = pool.store.create(
        "VM",
        uuid=pool.spec.stable_uuid(f"vm/{spec.name}"),
        name_label=spec.name,
        metrics=metrics(pool, spec.memory_bytes if running else 0, spec.vcpus if running else 0, started=running),
        guest_metrics=guest_metrics(pool) if running and spec.pv_drivers else NULL,
        **guest_fields(spec.memory_bytes, spec.vcpus, spec.firmware, windows=False),
    )
    pool.store.set("VM", vm, memory_overhead=pool.vm_overhead_bytes(vm))
    if running:
        pool.store.set("VM", vm, power_state="Running", resident_on=host, domid=len(pool.store.refs("VM")))
    protected = spec.ha_restart_priority == "restart"
    pool.store.set("VM", vm, ha_restart_priority=spec.ha_restart_priority, ha_always_run=protected and running)
    return vm


def _vif(pool: Pool, spec: VmSpec, vm: str, device: int, mac: str) -> None:
    network = pool.store.where("network", name_label=spec.network)[0]
    pool.store.create(
        "VIF",
        uuid=pool.spec.stable_uuid(f"vif/{spec.name}/{device}"),
        VM=vm,
        network=network,
        device=str(device),
        MAC=mac,
        MTU=1500,
        locking_mode="network_default",
        currently_attached=bool(spec.host),
    )


def _disk(pool: Pool, spec: VmSpec, vm: str) -> None:
    sr = pool.store.where("SR", name_label=spec.sr)[0]
    vdi = pool.store.create(
        "VDI",
        uuid=pool.spec.stable_uuid(f"vdi/{spec.name}/0"),
        name_label=f"{spec.name} 0",
        SR=sr,
        virtual_size=pool.storage.round_up(sr, spec.disk_bytes),
        type="user",
        managed=True,
        parent=NULL,
        sm_config={"vdi_type": "vhd"},
    )
    pool.storage.make_file(vdi)
    pool.store.create(
        "VBD",
        uuid=pool.spec.stable_uuid(f"vbd/{spec.name}/0"),
        VM=vm,
        VDI=vdi,
        device="xvda",
        userdevice="0",
        bootable=True,
        mode="RW",
        type="Disk",
        unpluggable=False,
        currently_attached=bool(spec.host),
    )
    pool.storage.refresh(sr)
