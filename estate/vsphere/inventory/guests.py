"""What is configured and what VMware Tools tell of a guest: its system, its network cards and volumes."""

from __future__ import annotations

from typing import Any, TypeVar
from xml.etree.ElementTree import Element

from estate.facts.source import GuestDiskFacts, GuestNicFacts
from estate.facts.unknown import Unknown, is_known
from estate.vsphere.inventory.told import Told
from estate.vsphere.inventory.values import boolean, child, children, integer, parts, plain, text

T = TypeVar("T")
_TOOLS_SILENT = Unknown("VMware Tools do not run, so nobody tells")
_TOOLS_RUN = frozenset({"guestToolsRunning", "guestToolsExecutingScripts"})


def guest(told: Told) -> dict[str, Any]:
    """The facts of a guest by field. Only its Tools know what it runs: on a machine without them their silence is unknown."""
    running = told.found.text("guest.toolsRunningStatus")
    tools_running = running if isinstance(running, Unknown) else running in _TOOLS_RUN
    guest_id, full_name = told.text("config.guestId"), told.text("config.guestFullName")
    return {
        "guest_id": _best_known(told.found.text("guest.guestId"), guest_id, tools_running),
        "guest_full_name": _best_known(told.found.text("guest.guestFullName"), full_name, tools_running),
        "configured_guest_id": guest_id,
        "configured_guest_full_name": full_name,
        "alternate_guest_name": told.word("config.alternateGuestName"),
        "reported_guest_id": told.word("guest.guestId"),
        "reported_guest_full_name": told.word("guest.guestFullName"),
        "guest_family": told.word("guest.guestFamily"),
        "guest_detailed_data": told.or_none(told.text("guest.guestDetailedData")),
        "guest_host_name": told.found.text("guest.hostName"),
        **_reported_devices(told, tools_running),
        **_tools(told, tools_running),
    }


def _best_known(seen: str | Unknown, configured: str | Unknown, tools_running: bool | Unknown) -> str | Unknown:
    """What VMware Tools see when they run, else what is configured: the configured one is often left from a template."""
    return seen if is_known(seen) and seen and tools_running is True else configured


def _reported_devices(told: Told, tools_running: bool | Unknown) -> dict[str, Any]:
    nics, disks, stacks = (told.found.element(f"guest.{name}") for name in ("net", "disk", "ipStack"))
    return {
        "guest_ip_address": told.word("guest.ipAddress"),
        "guest_dns_servers": stacks if isinstance(stacks, Unknown) else _told_by_tools(_resolvers(stacks), tools_running),
        "guest_gateways": stacks if isinstance(stacks, Unknown) else _told_by_tools(_gateways(stacks), tools_running),
        "guest_nics": nics if isinstance(nics, Unknown) else _told_by_tools(guest_nics(nics), tools_running),
        "guest_disks": disks if isinstance(disks, Unknown) else _told_by_tools(guest_disks(disks), tools_running),
    }


def _told_by_tools(found: tuple[T, ...], tools_running: bool | Unknown) -> tuple[T, ...] | Unknown:
    """Some servers give an empty list where Tools do not run: that is nobody's word, not a guest without cards or volumes."""
    return found if found or tools_running is True else _TOOLS_SILENT


def _resolvers(stacks: Element) -> tuple[str, ...]:
    servers = (each.text or "" for stack in stacks for each in children(child(stack, "dnsConfig"), "ipAddress"))
    return tuple(dict.fromkeys(servers))


def _gateways(stacks: Element) -> tuple[str, ...]:
    """Where everything without a route of its own goes."""
    routes = (route for stack in stacks for route in children(child(stack, "ipRouteConfig"), "ipRoute"))
    found = (plain(text(route, "gateway/ipAddress")) for route in routes if integer(route, "prefixLength") == 0)
    return tuple(dict.fromkeys(address for address in found if address))


def _tools(told: Told, tools_running: bool | Unknown) -> dict[str, Any]:
    policy = told.element("config.tools")
    return {
        "tools_running": tools_running,
        "tools_status": told.found.text("guest.toolsStatus"),
        "tools_version_status": told.found.text("guest.toolsVersionStatus2"),
        "tools_version": told.word("guest.toolsVersion"),
        "tools_upgrade_policy": policy if isinstance(policy, Unknown) else text(policy, "toolsUpgradePolicy"),
        "tools_time_sync": policy if isinstance(policy, Unknown) else boolean(policy, "syncTimeWithHost"),
        "guest_operations_ready": told.found.boolean("guest.guestOperationsReady"),
        "guest_state_change_supported": told.found.boolean("guest.guestStateChangeSupported"),
    }


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
