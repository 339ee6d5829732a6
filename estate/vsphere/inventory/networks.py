"""Networks as facts: standard ones, distributed port groups and opaque (NSX) networks, with their VLANs.

A port group's key and VLAN, and an opaque network's id, belong to subtypes: they are read first and joined by moref.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lxml.etree import _Element
from pyVmomi import vim

from estate.facts.source import NetworkFacts
from estate.facts.unknown import Unknown, is_known
from estate.vsphere.inventory.devices import NetworkNames
from estate.vsphere.inventory.paging import Query, pages
from estate.vsphere.inventory.values import NOT_GIVEN, SourceObject, child, children, integer, text, wire_type
from estate.vsphere.session import VsphereSession

HostVlans = dict[str, dict[str, int]]
"""VLAN id of each standard port group by host moref, then by name."""


@dataclass(frozen=True, slots=True)
class Subtypes:
    """What only port groups and opaque networks have, by moref value: (key, VLAN) and network id."""

    portgroups: dict[str, tuple[str, str | Unknown]]
    opaque_ids: dict[str, str]


def read_subtypes(session: VsphereSession, *, page_objects: int, alive: Callable[[], None] | None) -> Subtypes:
    """Read every distributed port group and opaque network."""
    portgroups = Query(vim.dvs.DistributedVirtualPortgroup, ("key", "config.defaultPortConfig"), _portgroup)
    opaque = Query(vim.OpaqueNetwork, ("summary",), _opaque)
    return Subtypes(
        {row[0]: row[1] for page in pages(session, portgroups, page_objects=page_objects, alive=alive) for row in page},
        dict(row for page in pages(session, opaque, page_objects=page_objects, alive=alive) for row in page),
    )


def networks(subtypes: Subtypes, vlans: HostVlans) -> Query[NetworkFacts]:
    """The query for every network of any kind."""
    return Query(vim.Network, ("name", "host"), lambda found: read_network(found, subtypes, vlans))


def read_network(found: SourceObject, subtypes: Subtypes, vlans: HostVlans) -> NetworkFacts:
    """The facts of one network; a standard network's VLAN comes from the hosts that have it."""
    host_ids = found.morefs("host")
    key, vlan = subtypes.portgroups.get(found.native_id, ("", NOT_GIVEN))
    is_distributed = found.native_id in subtypes.portgroups
    if found.kind == "Network":
        vlan = _standard_vlan(found.name(), host_ids, vlans)
    return NetworkFacts(found.native_id, found.name(), is_distributed, key, vlan, host_ids)


def network_names(known: list[NetworkFacts], subtypes: Subtypes) -> NetworkNames:
    """What network cards are resolved with."""
    return NetworkNames(
        names={network.native_id: network.name for network in known},
        by_portgroup_key={key: native_id for native_id, (key, _vlan) in subtypes.portgroups.items()},
        by_opaque_id={opaque_id: native_id for native_id, opaque_id in subtypes.opaque_ids.items()},
    )


def _standard_vlan(name: str, host_ids: tuple[str, ...], vlans: HostVlans) -> str | Unknown:
    seen = {vlans[host][name] for host in host_ids if name in vlans.get(host, {})}
    if len(seen) > 1:
        return Unknown(f"its hosts disagree: VLAN {', '.join(str(vlan) for vlan in sorted(seen))}")
    return str(seen.pop()) if seen else NOT_GIVEN


def _portgroup(found: SourceObject) -> tuple[str, tuple[str, str | Unknown]]:
    key, settings = found.text("key"), found.element("config.defaultPortConfig")
    vlan = settings if isinstance(settings, Unknown) else _portgroup_vlan(child(settings, "vlan"))
    return found.native_id, (key if is_known(key) else "", vlan)


def _portgroup_vlan(spec: _Element | None) -> str | Unknown:
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
