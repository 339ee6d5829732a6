"""Settings of a VM that take more than one value to read: boot order, confidential computing, extra keys, its owner."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from estate.facts.unknown import Unknown, is_known
from estate.vsphere.inventory.devices import Devices
from estate.vsphere.inventory.told import Told
from estate.vsphere.inventory.values import boolean, child, children, integer, plain, text, wire_type, world_wide_name

# guestinfo.* may carry secrets, so only these keys are ever kept. vSphere tells keys apart without regard to case.
_KEPT_KEYS = frozenset({"disk.enableuuid", "vhv.enable", "numa.nodeaffinity", "ctkenabled"})
_KEPT_STARTS = ("sched.", "devices.hotplug", "hypervisor.cpuid")
_PMEM_BACKING = "VirtualDiskLocalPMemBackingInfo"
_BOOT = {
    "VirtualMachineBootOptionsBootableDiskDevice": "disk",
    "VirtualMachineBootOptionsBootableEthernetDevice": "ethernet",
    "VirtualMachineBootOptionsBootableCdromDevice": "cdrom",
    "VirtualMachineBootOptionsBootableFloppyDevice": "floppy",
}
_CONFIDENTIAL = {"config.sevEnabled": "SEV", "config.sevSnpEnabled": "SEV-SNP", "config.tdxEnabled": "TDX"}


def owner(told: Told) -> str | Unknown | None:
    """`extension key/type` of the product that owns the machine; None when nobody does."""
    found = told.element("config.managedBy")
    if isinstance(found, Unknown):
        return told.or_none(found)
    named = "/".join(part for part in (plain(text(found, "extensionKey")), plain(text(found, "type"))) if part)
    return named or None


def extra_config(told: Told) -> tuple[tuple[str, str], ...] | Unknown:
    """The keys of `config.extraConfig` that rules ask for, sorted."""
    listed = told.element("config.extraConfig")
    if isinstance(listed, Unknown):
        return () if told.is_silent(listed) else listed
    return tuple(sorted((option[0].text or "", option[1].text or "") for option in listed if _is_kept(option)))


def _is_kept(option: Element) -> bool:
    key = (option[0].text or "").casefold() if len(option) == 2 else ""
    return key in _KEPT_KEYS or key.startswith(_KEPT_STARTS) or key.endswith(".ctkenabled")


def uses_disk_uuid(told: Told, extra: tuple[tuple[str, str], ...] | Unknown) -> bool | Unknown:
    """Whether the guest sees the disks' serial numbers: a flag, or the older key."""
    flag = told.setting("diskUuidEnabled")
    keys = {key.casefold(): value.strip().casefold() for key, value in extra} if is_known(extra) else {}
    if flag is True or keys.get("disk.enableuuid") in ("true", "1"):
        return True
    return flag if not is_known(flag) else extra if isinstance(extra, Unknown) else False


def boot_settings(told: Told) -> dict[str, Any]:
    """Secure boot, boot order (`disk`, `ethernet`, `cdrom`, `floppy`) and the protocol of network boot."""
    options = told.element("config.bootOptions")
    is_bios = told.text("config.firmware") == "bios"
    if isinstance(options, Unknown):
        return {
            "secure_boot": False if is_bios else options,
            "boot_order": () if told.is_silent(options) else options,
            "network_boot_protocol": told.or_none(options),
        }
    order = (wire_type(entry) for entry in children(options, "bootOrder"))
    return {
        "secure_boot": False if is_bios else boolean(options, "efiSecureBootEnabled", unset=told.silence),
        "boot_order": tuple(_BOOT.get(kind, kind) for kind in order),
        "network_boot_protocol": told.or_none(text(options, "networkBootProtocol")),
    }


def affinity(told: Told, path: str) -> tuple[int, ...] | Unknown:
    """The numbers a machine is pinned to; empty when it is not."""
    info = told.element(path)
    if isinstance(info, Unknown):
        return () if told.is_silent(info) else info
    return tuple(number for each in children(info, "affinitySet") if is_known(number := integer(each)))


def confidential(told: Told) -> tuple[str, ...] | Unknown:
    """Which kinds of confidential computing are on. A kind that this server's API does not have yet cannot be on."""
    on, unread = [], []
    sgx = told.element("config.sgxInfo")
    if isinstance(sgx, Unknown):
        unread.append(sgx)
    elif is_known(size := integer(sgx, "epcSize")) and size > 0:
        on.append("SGX")
    for path, name in _CONFIDENTIAL.items():
        value = told.flag(path)
        if value is True:
            on.append(name)
        elif isinstance(value, Unknown):
            unread.append(value)
    blind = [reason for reason in unread if not reason.everywhere and not told.is_silent(reason)]
    if not on and (blind or len(unread) > len(_CONFIDENTIAL)):
        return next(iter(blind), unread[0])
    return tuple(on)


def persistent_memory(told: Told, devices: Devices) -> bool | Unknown:
    """Whether the machine has persistent memory: as a device, below a disk, or by its configuration."""
    if isinstance(devices.disks, Unknown) or isinstance(devices.other, Unknown):
        return devices.disks if isinstance(devices.disks, Unknown) else False
    there = any(device.kind == "VirtualNVDIMM" for device in devices.other)
    if there or any(disk.backing_type == _PMEM_BACKING for disk in devices.disks):
        return True
    configured = told.present("config.pmem")
    return False if isinstance(configured, Unknown) and configured.everywhere else configured


def npiv_wwns(told: Told) -> tuple[str, ...] | Unknown:
    """World-wide names of a machine with virtual ports of its own, nodes first."""
    found: list[str] = []
    for path in ("config.npivNodeWorldWideName", "config.npivPortWorldWideName"):
        listed = told.element(path)
        if isinstance(listed, Unknown) and not told.is_silent(listed):
            return listed
        numbers = () if isinstance(listed, Unknown) else map(integer, listed)
        found += [number.reason if isinstance(number, Unknown) else world_wide_name(number) for number in numbers]
    return tuple(found)


def has_properties(told: Told) -> bool | Unknown:
    """Whether the machine was deployed with OVF properties."""
    found = told.element("config.vAppConfig")
    if isinstance(found, Unknown):
        return False if told.is_silent(found) else found
    return child(found, "property") is not None
