"""Rules on virtual NICs (NIC): number, hardware paths, MAC and IP addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from estate.facts.source import GuestNicFacts, NicFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext, normal_mac
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, answered, both, judged, known

HARDWARE_NICS = frozenset({"VirtualSriovEthernetCard", "VirtualVmxnet3Vrdma"})
ADAPTER_UNTOLD = Unknown("the source does not tell the adapter's type")
ORIGIN_UNTOLD = Unknown("how the machine came by an address was not told")
MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


@rule(
    "NIC-003",
    severity=Severity.CRITICAL,
    sources="VR",
    title="A MAC address is empty, not a station's, or carried by another machine",
    why="XAPI accepts a duplicate without a word, and two stations with one address cut each other off.",
    remediation="Give one of the machines another MAC address. An import of our own is no conflict.",
)
def unusable_mac(vm: VmFacts, context: RuleContext) -> Parts:
    """Compared with every NIC of the estate, and with the VMs of the target pools when these are known."""
    return _nic_parts(vm, context)


def _nic_parts(vm: VmFacts, context: RuleContext) -> Iterator[Part]:
    if isinstance(vm.nics, Unknown):
        yield Part(Answer.UNKNOWN, "nics", vm.nics)
        return
    for number, nic in enumerate(vm.nics):
        part = _nic_part(vm.name, number, nic, context)
        if part is not None:
            yield part


def _nic_part(name: str, number: int, nic: NicFacts, context: RuleContext) -> Part | None:
    path = f"nics[{number}].mac_address"
    part = {"device_key": nic.device_key, "label": nic.label}
    if isinstance(nic.mac_address, Unknown):
        return Part(Answer.UNKNOWN, path, nic.mac_address, part)
    mac = normal_mac(nic.mac_address)
    others = _other_owners(name, mac, context)
    problem = _problem(mac, others)
    if not problem:
        gap = context.target.machines_unread
        return None if gap is None else Part(Answer.UNKNOWN, path, gap, part)
    return Part(Answer.TRUE, path, nic.mac_address, {**part, "mac_address": mac, "problem": problem, "also_on": others})


def _other_owners(name: str, mac: str, context: RuleContext) -> list[str]:
    owners = [*context.estate.mac_owners.get(mac, ()), *context.target.mac_owners.get(mac, ())]
    if name in owners:
        owners.remove(name)  # one of the owners is this very NIC
    return owners


def _problem(mac: str, others: list[str]) -> str:
    if not mac:
        return "empty"
    if not MAC.fullmatch(mac):
        return "malformed"
    if int(mac[:2], 16) & 1:
        return "multicast"
    return "duplicate" if others else ""


def nics_where(vm: VmFacts, name: str, test: Callable[[Any], bool], severity: Severity | None = None) -> tuple[Part, ...]:
    """The parts for one field of every NIC: true where the test holds, unknown where it was not read."""
    if isinstance(vm.nics, Unknown):
        return (Part(Answer.UNKNOWN, "nics", vm.nics),)
    parts: tuple[Part, ...] = ()
    for number, nic in enumerate(vm.nics):
        value = getattr(nic, name)
        if isinstance(value, Unknown) or test(value):
            answer = Answer.UNKNOWN if isinstance(value, Unknown) else Answer.TRUE
            params = {"device_key": nic.device_key, "label": nic.label}
            parts += (Part(answer, f"nics[{number}].{name}", value, params, severity if answer is Answer.TRUE else None),)
    return parts


@rule(
    "NIC-001",
    severity=Severity.CRITICAL,
    sources="VRO",
    title="The machine has more NICs than a VM can have",
    why="The target does not support so many VIFs.",
    remediation="Use a trunk with VLANs inside the guest, or fewer NICs.",
)
def too_many_nics(vm: VmFacts, context: RuleContext) -> Parts:
    """The product's limit is still fine."""
    most = context.limits.nics_max
    count = vm.nics if isinstance(vm.nics, Unknown) else len(vm.nics)
    return judged("nics", count, lambda number: number > most, lambda number: {"count": number, "limit": most})


@rule(
    "NIC-002",
    severity=Severity.CRITICAL,
    sources="VR",
    title="A NIC reaches hardware directly",
    why="The hardware path does not move along, and ties a VM to its host.",
    remediation="Change to VMXNET3 first; add SR-IOV again later, outside HA.",
)
def hardware_nic(vm: VmFacts, context: RuleContext) -> Parts:
    """SR-IOV and RDMA block; a direct path in use is a warning."""
    direct = nics_where(vm, "direct_path", bool, Severity.WARNING)
    return (*nics_where(vm, "adapter", lambda kind: kind in HARDWARE_NICS), *_untold_adapters(vm), *direct)


def _untold_adapters(vm: VmFacts) -> tuple[Part, ...]:
    nics = () if isinstance(vm.nics, Unknown) else vm.nics
    return tuple(
        Part(Answer.UNKNOWN, f"nics[{number}].adapter", ADAPTER_UNTOLD, {"device_key": nic.device_key, "label": nic.label})
        for number, nic in enumerate(nics)
        if not nic.adapter
    )


@rule(
    "NIC-004",
    severity=Severity.WARNING,
    sources="VR",
    title="A MAC address was set by hand",
    why="Licences or DHCP reservations may be tied to it.",
    remediation="Keep the MAC address; do not let the target make one.",
)
def manual_mac(vm: VmFacts, context: RuleContext) -> Parts:
    """By the type of the address."""
    return nics_where(vm, "address_type", lambda kind: kind.lower() == "manual")


@rule(
    "NIC-010",
    severity=Severity.WARNING,
    sources="VR",
    title="The guest's addresses are not known",
    why="A static address that nobody knows cannot be set again.",
    remediation="Start the machine with working Tools, or probe it.",
)
def addresses_missing(vm: VmFacts, context: RuleContext) -> Parts:
    """No network data at all or none of a NIC, or a connected NIC without address. Without NICs there is no address to lose."""
    if isinstance(vm.guest_nics, Unknown) or not vm.guest_nics:
        answer = both(known(vm.nics, bool), known(vm.guest_nics, lambda _: True))
        unread = vm.nics if isinstance(vm.nics, Unknown) and not isinstance(vm.guest_nics, Unknown) else vm.guest_nics
        return answered(answer, "guest_nics", unread)
    parts: tuple[Part, ...] = ()
    for number, nic in enumerate(vm.guest_nics):
        if not nic.ip_addresses:
            parts += judged(f"guest_nics[{number}].connected", nic.connected, bool)
    return (*parts, *_not_seen_inside(vm, vm.guest_nics))


def _not_seen_inside(vm: VmFacts, seen: tuple[GuestNicFacts, ...]) -> tuple[Part, ...]:
    """Connected NICs that the guest's data do not mention, neither by key nor by address."""
    if isinstance(vm.nics, Unknown):
        return (Part(Answer.UNKNOWN, "nics", vm.nics),)
    keys, macs = {nic.device_key for nic in seen}, {normal_mac(nic.mac_address) for nic in seen}
    parts: tuple[Part, ...] = ()
    for number, nic in enumerate(vm.nics):
        if nic.device_key not in keys:
            unseen = both(known(nic.mac_address, lambda mac: normal_mac(mac) not in macs), known(nic.connected, bool))
            raw = nic.mac_address if isinstance(nic.mac_address, Unknown) else nic.connected
            parts += answered(unseen, f"nics[{number}].connected", raw, {"device_key": nic.device_key, "label": nic.label})
    return parts


@rule(
    "NIC-011",
    severity=Severity.WARNING,
    sources="VG",
    title="A guest address was set by hand",
    why="Windows ties it to the adapter, Linux to the interface's name; both change.",
    remediation="Record it and set it again by MAC address at the first boot.",
)
def static_address(vm: VmFacts, context: RuleContext) -> Parts:
    """By the origin Tools report of each address; one without an origin may be of any."""
    if isinstance(vm.guest_nics, Unknown):
        return answered(Answer.UNKNOWN, "guest_nics", vm.guest_nics)
    parts: tuple[Part, ...] = ()
    for number, nic in enumerate(vm.guest_nics):
        if "manual" in nic.origins:
            parts += answered(Answer.TRUE, f"guest_nics[{number}].origins", list(nic.origins), {"device_key": nic.device_key})
        elif "" in nic.origins or len(nic.origins) < len(nic.ip_addresses):
            parts += answered(Answer.UNKNOWN, f"guest_nics[{number}].origins", ORIGIN_UNTOLD, {"device_key": nic.device_key})
    return parts


@rule(
    "NIC-012",
    severity=Severity.WARNING,
    sources="VR",
    title="A NIC has several addresses, or another machine has the same",
    why="Addresses may conflict, or only some of them be set again.",
    remediation="Confirm every address and remove duplicates.",
)
def several_addresses(vm: VmFacts, context: RuleContext) -> Parts:
    """Only IPv4 counts: several IPv6 addresses are normal."""
    owners = context.estate.ipv4_owners

    def doubtful(addresses: tuple[str, ...]) -> bool:
        ipv4 = [address for address in addresses if ":" not in address]
        return len(ipv4) > 1 or any(len(owners.get(address, ())) > 1 for address in ipv4)

    return judged("guest_nics", vm.guest_nics, lambda nics: any(doubtful(nic.ip_addresses) for nic in nics))
