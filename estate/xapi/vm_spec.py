"""What a VM made from a converted machine looks like in XAPI's records. Pure: values in, record out.

Sources: the XenAPI datamodel (fields without default), xapi's VM platform rules, guest templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from estate.xapi.pool_vms import CONVERSION_KEY
from estate.xapi.session import NULL_REF

VDI_ROUNDING_BYTES = 2 << 20
LARGEST_VHD_BYTES = 2040 << 30
"""Largest virtual size of a VHD in the storage manager, not the 2 TiB - 8 KiB seen elsewhere."""
VHD_SR_KINDS = frozenset({"lvm", "lvmoiscsi", "lvmohba", "ext", "nfs", "smb", "cifs", "file"})
_NOT_FROM_TEMPLATE = frozenset(
    {"disks", "default_template", "mac_seed", "instant", "install-methods", "install-repository", "install-distro"}
)
"""other_config keys of a template that would make XAPI provision blank disks, or share MAC seeds."""


_ALWAYS = {"acpi": "1", "apic": "true", "pae": "true", "nx": "true"}
_FAMILY = {
    True: {
        **_ALWAYS,
        "viridian": "true",
        "viridian_time_ref_count": "true",
        "viridian_reference_tsc": "true",
        "device_id": "0002",
    },
    False: {**_ALWAYS, "viridian": "false", "device_id": "0001"},
}
"""Platform of Windows and of others, where the template says nothing: `Other install media` knows no family.

Source: the bases of guest-templates-json (json/base-*.json).
"""


@dataclass(frozen=True, slots=True)
class VmDisk:
    """One disk: `position` is its userdevice ("0" boots, "3" is the CD's), `device_key` the source's, for its tag."""

    position: str
    size_bytes: int
    sr_uuid: str
    label: str
    device_key: int


@dataclass(frozen=True, slots=True)
class VmNic:
    """One NIC: `device` "0".., the MAC address that the source has, and its locking mode where the network's shall not count."""

    device: str
    network_uuid: str
    mac_address: str
    locking_mode: str = ""


@dataclass(frozen=True, slots=True)
class VmSpec:
    """One VM to be made. `firmware` is `bios` or `uefi`; `origin` goes into other_config as it is."""

    name: str
    description: str
    firmware: str
    secure_boot: bool
    vcpus: int
    cores_per_socket: int
    memory_bytes: int
    is_windows: bool
    template_name: str
    nics: tuple[VmNic, ...] = ()
    disks: tuple[VmDisk, ...] = ()
    origin: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    blocked_because: str = "Xenbound is still converting this VM"


def vm_record(spec: VmSpec, template: Mapping[str, Any], conversion_id: str) -> dict[str, Any]:
    """The record for `VM.create`: halted, blocked from starting, tagged; the template gives platform and limits."""
    memory = str(spec.memory_bytes)
    return {
        "name_label": spec.name,
        "name_description": spec.description,
        "user_version": "1",
        "is_a_template": False,
        "affinity": NULL_REF,
        "memory_static_max": memory,
        "memory_dynamic_max": memory,
        "memory_dynamic_min": memory,
        "memory_static_min": str(min(int(template.get("memory_static_min", memory)), spec.memory_bytes)),
        "VCPUs_params": {},
        "VCPUs_max": str(spec.vcpus),
        "VCPUs_at_startup": str(spec.vcpus),
        "actions_after_shutdown": "destroy",
        "actions_after_reboot": "restart",
        "actions_after_crash": "restart",
        **dict.fromkeys(
            ("PV_bootloader", "PV_kernel", "PV_ramdisk", "PV_args", "PV_bootloader_args", "PV_legacy_args", "PCI_bus"), ""
        ),
        "HVM_boot_policy": "BIOS order",
        "HVM_boot_params": {"firmware": spec.firmware, "order": "cd"},
        "HVM_shadow_multiplier": float(template.get("HVM_shadow_multiplier", 1.0)),
        "domain_type": "hvm",
        "platform": platform(spec, template.get("platform", {})),
        "other_config": other_config(spec, template.get("other_config", {}), conversion_id),
        "recommendations": str(template.get("recommendations", "")),
        "has_vendor_device": spec.is_windows and bool(template.get("has_vendor_device", False)),
        "ha_restart_priority": "",
        "blocked_operations": dict.fromkeys(("start", "start_on"), spec.blocked_because),
        "tags": list(spec.tags),
    }


def platform(spec: VmSpec, template_platform: Mapping[str, str]) -> dict[str, str]:
    """The template's platform map, with what the source dictates laid over it."""
    result = {str(key): str(value) for key, value in template_platform.items() if key not in ("device-model", "cores-per-socket")}
    if "viridian" not in result:
        result = _FAMILY[spec.is_windows] | result
    result["device-model"] = "qemu-upstream-uefi" if spec.firmware == "uefi" else "qemu-upstream-compat"
    result["secureboot"] = "true" if spec.firmware == "uefi" and spec.secure_boot else "false"
    if spec.cores_per_socket > 1 and spec.vcpus % spec.cores_per_socket == 0:
        result["cores-per-socket"] = str(spec.cores_per_socket)
    return result


def other_config(spec: VmSpec, template_config: Mapping[str, str], conversion_id: str) -> dict[str, str]:
    """The template's other_config without what makes it a template, the source's origin, and our tag."""
    kept = {str(key): str(value) for key, value in template_config.items() if key not in _NOT_FROM_TEMPLATE}
    return kept | {"base_template_name": spec.template_name} | dict(spec.origin) | {CONVERSION_KEY: conversion_id}


def rounded_vdi_bytes(size_bytes: int) -> int:
    """A VDI's virtual size for a disk: rounded up to 2 MiB, as VHD-based SRs do themselves."""
    return -(-size_bytes // VDI_ROUNDING_BYTES) * VDI_ROUNDING_BYTES


def fits_sr_kind(size_bytes: int, kind: str) -> bool:
    """Whether an SR of this type can hold a VDI of this size at all."""
    return kind not in VHD_SR_KINDS or rounded_vdi_bytes(size_bytes) <= LARGEST_VHD_BYTES
