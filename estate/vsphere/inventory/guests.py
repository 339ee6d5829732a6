"""What VMware Tools tell about a guest's network cards and volumes."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from estate.facts.source import GuestDiskFacts, GuestNicFacts
from estate.facts.unknown import is_known
from estate.vsphere.inventory.values import boolean, child, children, integer, parts, plain, text


def guest_nics(listed: Element) -> tuple[GuestNicFacts, ...]:
    """Read `guest.net`."""
    return tuple(_guest_nic(nic) for nic in listed)


def _guest_nic(nic: Element) -> GuestNicFacts:
    inside = parts(nic)
    config = inside.get("ipConfig")
    detailed = list(children(config, "ipAddress"))
    addresses = [plain(text(each, "ipAddress")) for each in detailed]
    origins = [plain(text(each, "origin")) for each in detailed]
    prefixes = [integer(each, "prefixLength") for each in detailed]
    if not detailed:
        addresses = [each.text or "" for each in children(nic, "ipAddress")]
    return GuestNicFacts(
        device_key=_key(inside.get("deviceConfigId")),
        mac_address=plain(text(inside.get("macAddress"))),
        network_name=plain(text(inside.get("network"))),
        connected=boolean(inside.get("connected")),
        ip_addresses=tuple(addresses),
        origins=tuple(origins),
        prefix_lengths=tuple(prefix if is_known(prefix) else -1 for prefix in prefixes),
        dhcp=boolean(child(config, "dhcp/ipv4"), "enable"),
    )


def guest_disks(listed: Element) -> tuple[GuestDiskFacts, ...]:
    """Read `guest.disk`."""
    return tuple(
        GuestDiskFacts(
            path=plain(text(disk, "diskPath")),
            capacity_bytes=integer(disk, "capacity"),
            free_bytes=integer(disk, "freeSpace"),
            device_keys=tuple(_key(child(mapping, "key")) for mapping in children(disk, "mappings")),
        )
        for disk in listed
    )


def addresses_by_key(listed: Element | None) -> dict[int, tuple[str, ...]]:
    """IP addresses of `guest.net` by the device key of their card."""
    if listed is None:
        return {}
    return {_key(child(nic, "deviceConfigId")): _all_addresses(nic) for nic in listed}


def _all_addresses(nic: Element) -> tuple[str, ...]:
    detailed = [plain(text(each, "ipAddress")) for each in children(child(nic, "ipConfig"), "ipAddress")]
    plainly = [address.text or "" for address in children(nic, "ipAddress")]
    return tuple(address for address in dict.fromkeys(detailed + plainly) if address)


def _key(found: Element | None) -> int:
    key = integer(found)
    return key if is_known(key) else -1
