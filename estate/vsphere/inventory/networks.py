"""Networks and distributed switches as facts: VLANs, policies and the switch each port group belongs to.

What a port group or an opaque (NSX) network has beyond a plain network belongs to subtypes: they are read first and
joined by moref. A standard network's settings are its hosts'.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar
from xml.etree.ElementTree import Element

from pyVmomi import vim

from estate.facts.source import NetworkFacts, SwitchFacts
from estate.facts.unknown import UNKNOWN, Unknown, is_known
from estate.vsphere.inventory.devices import NetworkNames
from estate.vsphere.inventory.hardware import StandardGroup
from estate.vsphere.inventory.paging import Query, pages
from estate.vsphere.inventory.values import NOT_GIVEN, SourceObject, boolean, child, children, integer, plain, text, wire_type
from estate.vsphere.session import VsphereSession

D = TypeVar("D")
HostGroups = dict[str, dict[str, StandardGroup]]
"""Standard port groups by host moref, then by name."""


@dataclass(frozen=True, slots=True)
class PortGroup:
    """What only a distributed port group has."""

    key: str
    vlan: str | Unknown = NOT_GIVEN
    vlan_kind: str = ""
    switch_id: str | Unknown = NOT_GIVEN
    is_uplink: bool | Unknown = NOT_GIVEN
    binding: str | Unknown = NOT_GIVEN
    promiscuous: bool | Unknown = NOT_GIVEN
    forged_transmits: bool | Unknown = NOT_GIVEN
    mac_changes: bool | Unknown = NOT_GIVEN
    is_nsx: bool | Unknown = NOT_GIVEN


@dataclass(frozen=True, slots=True)
class Subtypes:
    """Port groups, opaque network ids and distributed switches, by moref value."""

    portgroups: dict[str, PortGroup]
    opaque_ids: dict[str, str]
    switches: dict[str, SwitchFacts] = field(default_factory=dict)


_PORTGROUP_PATHS = (
    "key",
    *(f"config.{name}" for name in ("defaultPortConfig", "distributedVirtualSwitch", "uplink", "type", "backingType")),
)


def read_subtypes(session: VsphereSession, *, page_objects: int, alive: Callable[[], None] | None) -> Subtypes:
    """Read every distributed port group, opaque network and distributed switch."""
    groups = Query(vim.dvs.DistributedVirtualPortgroup, _PORTGROUP_PATHS, _portgroup)
    opaque = Query(vim.OpaqueNetwork, ("summary",), _opaque)
    switches = Query(vim.DistributedVirtualSwitch, ("name", "uuid", "config"), read_switch)
    return Subtypes(
        dict(row for page in pages(session, groups, page_objects=page_objects, alive=alive) for row in page),
        dict(row for page in pages(session, opaque, page_objects=page_objects, alive=alive) for row in page),
        {row.native_id: row for page in pages(session, switches, page_objects=page_objects, alive=alive) for row in page},
    )


def networks(subtypes: Subtypes, groups: HostGroups) -> Query[NetworkFacts]:
    """The query for every network of any kind."""
    return Query(vim.Network, ("name", "host", "vm"), lambda found: read_network(found, subtypes, groups))


def read_network(found: SourceObject, subtypes: Subtypes, groups: HostGroups) -> NetworkFacts:
    """The facts of one network."""
    if found.native_id in subtypes.portgroups:
        return _distributed(found, subtypes.portgroups[found.native_id], subtypes.switches)
    if found.kind != "Network":
        is_opaque = True if found.native_id in subtypes.opaque_ids or found.kind == "OpaqueNetwork" else UNKNOWN
        return NetworkFacts(
            native_id=found.native_id,
            name=found.name(),
            is_opaque=is_opaque,
            binding=None if is_opaque is True else UNKNOWN,
            vm_ids=found.told_morefs("vm"),
            host_ids=found.morefs("host"),
            unreadable=found.unreadable,
        )
    return _standard(found, groups)


def _distributed(found: SourceObject, group: PortGroup, switches: dict[str, SwitchFacts]) -> NetworkFacts:
    switch = switches.get(plain(group.switch_id))
    vlan_known = bool(group.vlan_kind)
    return NetworkFacts(
        native_id=found.native_id,
        name=found.name(),
        is_distributed=True,
        is_opaque=group.is_nsx,
        portgroup_key=group.key,
        switch_id=group.switch_id,
        switch_name=switch.name if switch else UNKNOWN,
        vlan=group.vlan,
        is_trunk="Trunk" in group.vlan_kind if vlan_known else UNKNOWN,
        is_private_vlan="Pvlan" in group.vlan_kind if vlan_known else UNKNOWN,
        is_uplink=group.is_uplink,
        binding=group.binding,
        vm_ids=found.told_morefs("vm"),
        mtu=switch.mtu if switch else UNKNOWN,
        promiscuous=group.promiscuous,
        forged_transmits=group.forged_transmits,
        mac_changes=group.mac_changes,
        host_ids=found.morefs("host"),
        unreadable=found.unreadable,
    )


def _standard(found: SourceObject, groups: HostGroups) -> NetworkFacts:
    host_ids, name = found.morefs("host"), found.name()
    seen = [groups[host][name] for host in host_ids if name in groups.get(host, {})]
    vlan = _agreed([group.vlan for group in seen], "VLAN ")
    return NetworkFacts(
        native_id=found.native_id,
        name=name,
        is_opaque=False,
        switch_id=None,
        switch_name=_agreed([group.switch for group in seen]),
        vlan=vlan if isinstance(vlan, Unknown) else str(vlan),
        is_trunk=vlan if isinstance(vlan, Unknown) else vlan == TRUNK_VLAN,
        is_private_vlan=False,
        is_uplink=False,
        binding=None,
        vm_ids=found.told_morefs("vm"),
        promiscuous=_agreed([group.promiscuous for group in seen]),
        forged_transmits=_agreed([group.forged_transmits for group in seen]),
        mac_changes=_agreed([group.mac_changes for group in seen]),
        host_ids=host_ids,
        unreadable=found.unreadable,
    )


TRUNK_VLAN = 4095


def _agreed(values: list[D | Unknown], what: str = "") -> D | Unknown:
    """What all hosts say alike."""
    seen = {value for value in values if is_known(value)}
    if len(seen) > 1:
        return Unknown(f"its hosts disagree: {what}{', '.join(sorted(str(value) for value in seen))}")
    return seen.pop() if seen else NOT_GIVEN


def network_names(known: list[NetworkFacts], subtypes: Subtypes) -> NetworkNames:
    """What network cards are resolved with."""
    return NetworkNames(
        names={network.native_id: network.name for network in known},
        by_portgroup_key={group.key: native_id for native_id, group in subtypes.portgroups.items()},
        by_opaque_id={opaque_id: native_id for native_id, opaque_id in subtypes.opaque_ids.items()},
        switches={network.native_id: network.switch_name for network in known if is_known(network.switch_name)},
    )


def _portgroup(found: SourceObject) -> tuple[str, PortGroup]:
    settings = found.element("config.defaultPortConfig")
    group = PortGroup(
        key=plain(found.text("key")),
        switch_id=found.text("config.distributedVirtualSwitch"),
        is_uplink=found.boolean("config.uplink"),
        binding=found.text("config.type"),
        is_nsx=_is_nsx(found),
    )
    if isinstance(settings, Unknown):
        return found.native_id, replace(
            group, vlan=settings, promiscuous=settings, forged_transmits=settings, mac_changes=settings
        )
    vlan, security = child(settings, "vlan"), child(settings, "securityPolicy")
    return found.native_id, replace(
        group,
        vlan=_portgroup_vlan(vlan),
        vlan_kind=wire_type(vlan),
        promiscuous=boolean(security, "allowPromiscuous/value"),
        forged_transmits=boolean(security, "forgedTransmits/value"),
        mac_changes=boolean(security, "macChanges/value"),
    )


def _is_nsx(found: SourceObject) -> bool | Unknown:
    """Whether NSX made the port group. Servers before API 7.0 have no such groups, and one of vSphere's own need not say so."""
    backing = found.text("config.backingType")
    if isinstance(backing, Unknown):
        return False if backing == NOT_GIVEN or backing.everywhere else backing
    return backing.lower() == "nsx"


def read_switch(found: SourceObject) -> SwitchFacts:
    """The facts of one distributed switch."""
    config = found.element("config")
    if isinstance(config, Unknown):
        return SwitchFacts(found.native_id, found.name(), found.text("uuid"), config, config, config, found.unreadable)
    rows = ((integer(each, "primaryVlanId"), integer(each, "secondaryVlanId"), each) for each in children(config, "pvlanConfig"))
    private = ((a, b, plain(text(each, "pvlanType"))) for a, b, each in rows if is_known(a) and is_known(b))
    return SwitchFacts(
        native_id=found.native_id,
        name=found.name(),
        uuid=found.text("uuid"),
        mtu=integer(config, "maxMtu"),
        private_vlans=tuple(private),
        host_ids=tuple(plain(text(host, "config/host")) for host in children(config, "host")),
        unreadable=found.unreadable,
    )


def _portgroup_vlan(spec: Element | None) -> str | Unknown:
    """`100`, `0-4094` or `10,20-30` for a trunk, `pvlan 101` for a private VLAN."""
    kind = wire_type(spec)
    if kind == "VmwareDistributedVirtualSwitchTrunkVlanSpec":
        return ",".join(_range(integer(part, "start"), integer(part, "end")) for part in children(spec, "vlanId"))
    if kind == "VmwareDistributedVirtualSwitchPvlanSpec":
        return f"pvlan {_said(integer(spec, 'pvlanId'))}"
    if kind == "VmwareDistributedVirtualSwitchVlanIdSpec":
        return text(spec, "vlanId")
    return NOT_GIVEN


def _range(first: int | Unknown, last: int | Unknown) -> str:
    return _said(first) if first == last else f"{_said(first)}-{_said(last)}"


def _said(number: int | Unknown) -> str:
    return str(number) if is_known(number) else "?"


def _opaque(found: SourceObject) -> tuple[str, str]:
    summary = found.values.get("summary")
    opaque_id = text(summary, "opaqueNetworkId")
    return found.native_id, opaque_id if is_known(opaque_id) else ""
