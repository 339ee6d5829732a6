"""The hardware and wiring of one ESXi host: NICs, switches, VMkernel NICs, adapters and LUNs with their paths."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar
from xml.etree.ElementTree import Element

from estate.facts.source import HbaFacts, KernelNicFacts, LunFacts, PhysicalNicFacts, VirtualSwitchFacts
from estate.facts.unknown import UNKNOWN, Unknown, is_known
from estate.vsphere.inventory.values import (
    NOT_GIVEN,
    SourceObject,
    boolean,
    child,
    children,
    decoded_name,
    integer,
    plain,
    text,
    wire_type,
    world_wide_name,
)

R = TypeVar("R")
_TRANSPORTS = {
    "HostFibreChannelHba": "fc",
    "HostFibreChannelOverEthernetHba": "fcoe",
    "HostInternetScsiHba": "iscsi",
    "HostParallelScsiHba": "scsi",
    "HostBlockHba": "block",
    "HostSerialAttachedHba": "sas",
    "HostPcieHba": "pcie",
    "HostRdmaDevice": "rdma",
    "HostTcpHba": "tcp",
}
_KEY_PREFIX = "key-vim.host.PhysicalNic-"


def physical_nics(found: SourceObject) -> tuple[PhysicalNicFacts, ...] | Unknown:
    listed = found.element("config.network.pnic")
    if isinstance(listed, Unknown):
        return listed
    return tuple(_physical_nic(nic) for nic in listed)


def _physical_nic(nic: Element) -> PhysicalNicFacts:
    speed = integer(nic, "linkSpeed/speedMb")
    return PhysicalNicFacts(
        name=plain(text(nic, "device")),
        mac_address=text(nic, "mac"),
        driver=text(nic, "driver"),
        pci=text(nic, "pci"),
        link_mbit_s=None if child(nic, "linkSpeed") is None else speed,
    )


def virtual_switches(found: SourceObject) -> tuple[VirtualSwitchFacts, ...] | Unknown:
    listed = found.element("config.network.vswitch")
    if isinstance(listed, Unknown):
        return listed
    return tuple(_virtual_switch(switch) for switch in listed)


def distributed_switches(found: SourceObject) -> tuple[VirtualSwitchFacts, ...] | Unknown:
    """The host's share in distributed switches: its uplinks. Their policies are the port groups'.

    A host that is on none may leave the list out.
    """
    listed = found.element("config.network.proxySwitch")
    if isinstance(listed, Unknown):
        return () if listed is NOT_GIVEN and "config.network.vswitch" in found.values else listed
    return tuple(_share(each) for each in listed)


def _share(switch: Element) -> VirtualSwitchFacts:
    return VirtualSwitchFacts(decoded_name(plain(text(switch, "dvsName"))), integer(switch, "mtu"), _uplinks(switch))


def _uplinks(switch: Element) -> tuple[str, ...]:
    return tuple((nic.text or "").removeprefix(_KEY_PREFIX) for nic in children(switch, "pnic"))


def _virtual_switch(switch: Element) -> VirtualSwitchFacts:
    return VirtualSwitchFacts(
        name=plain(text(switch, "name")),
        mtu=integer(switch, "mtu"),
        uplinks=_uplinks(switch),
        promiscuous=boolean(switch, "spec/policy/security/allowPromiscuous"),
        forged_transmits=boolean(switch, "spec/policy/security/forgedTransmits"),
        mac_changes=boolean(switch, "spec/policy/security/macChanges"),
    )


def kernel_nics(found: SourceObject) -> tuple[KernelNicFacts, ...] | Unknown:
    listed, services = found.element("config.network.vnic"), _services(found)
    if isinstance(listed, Unknown):
        return listed
    return tuple(_kernel_nic(nic, services) for nic in listed)


def _services(found: SourceObject) -> dict[str, tuple[str, ...]] | Unknown:
    """What each VMkernel NIC carries, by the end of its key."""
    info = found.element("config.virtualNicManagerInfo")
    if isinstance(info, Unknown):
        return info
    carried: dict[str, tuple[str, ...]] = {}
    for config in children(info, "netConfig"):
        service = plain(text(config, "nicType"))
        for selected in children(config, "selectedVnic"):
            key = (selected.text or "").removeprefix(f"VirtualNicManager.{service}.").removeprefix(f"{service}.")
            carried[key] = (*carried.get(key, ()), service)
    return carried


def _kernel_nic(nic: Element, services: dict[str, tuple[str, ...]] | Unknown) -> KernelNicFacts:
    return KernelNicFacts(
        name=plain(text(nic, "device")),
        portgroup=plain(text(nic, "portgroup")),
        ip_address=text(nic, "spec/ip/ipAddress"),
        mtu=integer(nic, "spec/mtu"),
        services=services if isinstance(services, Unknown) else services.get(plain(text(nic, "key")), ()),
        mac_address=text(nic, "spec/mac"),
        subnet_mask=text(nic, "spec/ip/subnetMask"),
        dhcp=boolean(nic, "spec/ip/dhcp"),
    )


def host_adapters(found: SourceObject) -> tuple[HbaFacts, ...] | Unknown:
    listed = found.element("config.storageDevice.hostBusAdapter")
    if isinstance(listed, Unknown):
        return listed
    return tuple(_adapter(hba) for hba in listed)


def _adapter(hba: Element) -> HbaFacts:
    port = integer(hba, "portWorldWideName")
    address = world_wide_name(port) if is_known(port) else text(hba, "iScsiName")
    return HbaFacts(plain(text(hba, "device")), wire_type(hba), text(hba, "model"), text(hba, "driver"), address)


def luns(found: SourceObject) -> tuple[LunFacts, ...] | Unknown:
    listed = found.element("config.storageDevice.scsiLun")
    if isinstance(listed, Unknown):
        return listed
    multipath = found.element("config.storageDevice.multipathInfo")
    ways = {} if isinstance(multipath, Unknown) else {plain(text(unit, "lun")): unit for unit in children(multipath, "lun")}
    unread = multipath if isinstance(multipath, Unknown) else UNKNOWN
    return tuple(_lun(lun, ways.get(plain(text(lun, "key"))), unread) for lun in listed)


def _lun(lun: Element, unit: Element | None, unread: Unknown) -> LunFacts:
    blocks, block_bytes = integer(lun, "capacity/block"), integer(lun, "capacity/blockSize")
    states = Counter(plain(text(path, "state")) or plain(text(path, "pathState")) for path in children(unit, "path"))
    transports = {wire_type(found) for path in children(unit, "path") if (found := child(path, "transport")) is not None}
    return LunFacts(
        name=plain(text(lun, "canonicalName")),
        capacity_bytes=blocks * block_bytes if is_known(blocks) and is_known(block_bytes) else UNKNOWN,
        model=" ".join(part for part in (plain(text(lun, "vendor")).strip(), plain(text(lun, "model")).strip()) if part),
        local=boolean(lun, "localDisk"),
        ssd=boolean(lun, "ssd"),
        transport=_transport(transports, unread),
        paths=unread if unit is None else states.total(),
        live_paths=unread if unit is None else states["active"] + states["standby"],
        policy=unread if unit is None else text(unit, "policy/policy"),
        targets=unread if unit is None else _targets(unit),
    )


def _targets(unit: Element) -> tuple[str, ...] | Unknown:
    """The far ends of all paths; UNKNOWN as a whole when one path does not tell its own, for that may be the one that matters."""
    names: set[str] = set()
    for path in children(unit, "path"):
        ends = _far_ends(child(path, "transport"))
        if not ends:
            return Unknown("a path does not tell which target it leads to")
        names.update(ends)
    return tuple(sorted(names))


def _far_ends(transport: Element | None) -> set[str]:
    worldwide = (integer(transport, name) for name in ("portWorldWideName", "nodeWorldWideName"))
    wwns = {world_wide_name(number) for number in worldwide if is_known(number)}
    addresses = {each.text or "" for each in children(transport, "address")}
    return (wwns | addresses | {plain(text(transport, "iScsiName"))}) - {""}


def _transport(kinds: set[str], unread: Unknown) -> str | Unknown:
    """`fc`, `iscsi`, `sas`, ... by the type of a path's transport."""
    known = sorted(_TRANSPORTS.get(kind.replace("TargetTransport", "Hba"), kind) for kind in kinds)
    return known[0] if known else unread
