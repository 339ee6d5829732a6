"""One system of a descriptor as a source VM; dialects of VMware (`vmw:` settings) and VirtualBox (its own machine element)."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from lxml.etree import _Element
from msgspec.structs import replace

from estate.facts.source import ContainerFacts, NicFacts, VmFacts
from estate.facts.unknown import Unknown
from estate.ova import hardware
from estate.ova.descriptor import Descriptor, attribute, child, children, local, text
from estate.ova.hardware import NOT_IN_OVF, NOT_TOLD

_IN_NO_OVF: dict[str, Any] = dict.fromkeys(
    (
        "power_state",
        "connection_state",
        "boot_time",
        "suspended_at",
        "modified_at",
        "vmx_path",
        "guest_family",
        "guest_ip_address",
        "guest_dns_servers",
        "guest_gateways",
        "tools_version",
        "guest_operations_ready",
        "guest_state_change_supported",
        "files",
        "network_ids",
        "alternate_guest_name",
        "memory_locked",
        "performance_counters",
        "npiv_wwns",
        "created_at",
        "change_version",
        "is_template",
        "managed_by",
        "question",
        "failover_in_progress",
        "suspended_to_memory",
        "paused",
        "host_id",
        "cluster_id",
        "resource_pool_id",
        "tags",
        "reported_guest_id",
        "reported_guest_full_name",
        "guest_detailed_data",
        "guest_host_name",
        "guest_nics",
        "guest_disks",
        "tools_running",
        "tools_status",
        "tools_version_status",
        "snapshots",
        "ballooned_bytes",
        "swapped_bytes",
        "active_memory_bytes",
        "ft_state",
        "replicated",
        "consolidation_needed",
        "snapshot_locked",
        "disabled_methods",
    ),
    NOT_IN_OVF,
)
_MAC_DIGITS = re.compile(r"[0-9a-f]{12}")
_EXTRA_CONFIG = (
    *("disk.enableuuid", "ethernet", "smbios", "uefi", "monitor", "hypervisor", "isolation", "sched", "numa", "tools"),
    "vhv.enable",
)


def native_id(package_id: str, system: _Element) -> str:
    """Stable for the same descriptor: made of its digest and the system's id."""
    return "ovf-" + hashlib.sha256(f"{package_id}/{attribute(system, 'id')}".encode("utf-8", "replace")).hexdigest()[:32]


def vm_facts(descriptor: Descriptor, system: _Element, package_id: str) -> VmFacts:
    """Everything the system's sections tell; the rest unknown."""
    section = _hardware_section(system)
    items = hardware.items_of(section, descriptor.configuration)
    settings, extra = _settings(section, "Config"), _settings(section, "ExtraConfig")
    box = child(system, "Machine")
    guest_id, guest_name = _guest(system)
    vcpus, cores = hardware.vcpus(items)
    devices = tuple(hardware.others(items))
    parent = system.getparent()
    return VmFacts(
        native_id=native_id(package_id, system),
        name=text(system, "Name") or attribute(system, "id") or "unnamed",
        instance_uuid=NOT_IN_OVF,
        bios_uuid=attribute(box, "uuid").strip("{}") or NOT_TOLD,
        annotation=text(child(system, "AnnotationSection"), "Annotation"),
        vapp_id=native_id(package_id, parent) if parent is not None and local(parent) != "Envelope" else None,
        guest_id=guest_id,
        guest_full_name=guest_name,
        configured_guest_id=guest_id,
        configured_guest_full_name=guest_name,
        hardware_version=text(child(section, "System"), "VirtualSystemType") or NOT_TOLD,
        tools_time_sync=_flag(settings, "tools.syncTimeWithHost"),
        tools_upgrade_policy=settings.get("tools.toolsUpgradePolicy") or NOT_TOLD,
        vcpus=vcpus,
        cores_per_socket=cores,
        memory_bytes=hardware.memory_bytes(items),
        cpu_hot_add=_flag(settings, "cpuHotAddEnabled"),
        cpu_hot_remove=_flag(settings, "cpuHotRemoveEnabled"),
        memory_hot_add=_flag(settings, "memoryHotAddEnabled"),
        nested_hv=_flag(settings, "nestedHVEnabled"),
        vbs=_flag(settings, "flags.vbsEnabled"),
        vvtd=_flag(settings, "flags.vvtdEnabled"),
        firmware=_firmware(settings, box),
        secure_boot=_flag(settings, "bootOptions.efiSecureBootEnabled"),
        has_vtpm=any(device.kind == "VirtualTPM" for device in devices) or _box_has_tpm(box),
        disk_uuid_enabled=_flag({key.lower(): value for key, value in extra.items()}, "disk.enableuuid"),
        extra_config=tuple(sorted((key, value) for key, value in extra.items() if key.lower().startswith(_EXTRA_CONFIG))),
        has_ovf_properties=any(True for product in children(system, "ProductSection") for _ in children(product, "Property")),
        disks=tuple(hardware.disks(items, descriptor)),
        nics=_with_box_macs(tuple(hardware.nics(items)), box),
        devices=devices,
        datastore_ids=(),
        **_IN_NO_OVF,
    )


def container_facts(collection: _Element, package_id: str) -> ContainerFacts:
    """A collection of systems is a vApp."""
    parent = collection.getparent()
    return ContainerFacts(
        native_id=native_id(package_id, collection),
        name=text(collection, "Name") or attribute(collection, "id") or "unnamed",
        kind="vapp",
        parent_id=native_id(package_id, parent) if parent is not None and local(parent) != "Envelope" else "",
        limited=NOT_TOLD,
        member_ids=tuple(native_id(package_id, system) for system in children(collection, "VirtualSystem", "Content")),
    )


def _hardware_section(system: _Element) -> _Element | None:
    for section in children(system, "VirtualHardwareSection", "Section"):
        if local(section) == "VirtualHardwareSection" or attribute(section, "type").endswith("VirtualHardwareSection_Type"):
            return section
    return None


def _settings(section: _Element | None, name: str) -> dict[str, str]:
    return {attribute(entry, "key"): attribute(entry, "value") for entry in children(section, name)}


def _guest(system: _Element) -> tuple[str | Unknown, str | Unknown]:
    """VMware's guest id and a name for people; VirtualBox gives only a name of its own."""
    section = child(system, "OperatingSystemSection")
    name = text(section, "OSType") or text(section, "Description")
    return attribute(section, "osType") or NOT_TOLD, name or NOT_TOLD


def _firmware(settings: dict[str, str], box: _Element | None) -> str | Unknown:
    told = settings.get("firmware", "")
    if told:
        return told
    if child(box, "Hardware") is None:
        return NOT_TOLD
    kind = attribute(child(child(box, "Hardware"), "Firmware"), "type")
    return "efi" if kind.upper().startswith("EFI") else "bios"


def _box_has_tpm(box: _Element | None) -> bool:
    kind = attribute(child(child(box, "Hardware"), "TrustedPlatformModule"), "type")
    return kind not in ("", "None")


def _with_box_macs(nics: tuple[NicFacts, ...], box: _Element | None) -> tuple[NicFacts, ...]:
    """VirtualBox gives MAC addresses only in its own element, as bare digits, for adapters in the order of their cards."""
    adapters = [a for a in children(child(child(box, "Hardware"), "Network"), "Adapter") if attribute(a, "enabled") == "true"]
    digits = [attribute(adapter, "MACAddress").lower() for adapter in adapters]
    if len(digits) != len(nics) or not all(_MAC_DIGITS.fullmatch(each) for each in digits):
        return nics
    macs = (":".join(each[at : at + 2] for at in range(0, 12, 2)) for each in digits)
    return tuple(
        replace(nic, mac_address=mac) if isinstance(nic.mac_address, Unknown) else nic
        for nic, mac in zip(nics, macs, strict=True)
    )


def _flag(settings: dict[str, str], key: str) -> bool | Unknown:
    return {"true": True, "1": True, "false": False, "0": False}.get(settings.get(key, "").lower(), NOT_TOLD)
