"""Rules on the networks NICs are connected to (NIC): mapping, VLANs, policies, MTU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from estate.facts.source import NetworkFacts, NicFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Part, Parts, Severity

NOT_LISTED = Unknown("the network is not in the inventory")
NOT_MAPPED = Unknown("the network is not mapped")


def networks_where(vm: VmFacts, context: RuleContext, name: str, test: Callable[[Any], bool]) -> tuple[Part, ...]:
    """The parts for one field of every NIC's network: true where the test holds, unknown where it was not read."""
    if isinstance(vm.nics, Unknown):
        return (Part(Answer.UNKNOWN, "nics", vm.nics),)
    parts: tuple[Part, ...] = ()
    for number, nic in enumerate(vm.nics):
        network = _network(nic, context)
        value = network if isinstance(network, Unknown) else getattr(network, name)
        if isinstance(value, Unknown) or test(value):
            answer = Answer.UNKNOWN if isinstance(value, Unknown) else Answer.TRUE
            parts += (Part(answer, f"nics[{number}].network_id", value, {"device_key": nic.device_key, "field": name}),)
    return parts


def _network(nic: NicFacts, context: RuleContext) -> NetworkFacts | Unknown:
    if isinstance(nic.network_id, Unknown):
        return nic.network_id
    return context.estate.networks.get(nic.network_id, NOT_LISTED)


@rule(
    "NIC-005",
    severity=Severity.CRITICAL,
    sources="VR",
    title="A NIC's network has no place in the pool",
    why="The NIC would be connected to nothing.",
    remediation="Complete the mapping.",
)
def unmapped_network(vm: VmFacts, context: RuleContext) -> Parts:
    """Unknown until there is a mapping."""
    mapped = context.target.networks
    if isinstance(vm.nics, Unknown):
        return (Part(Answer.UNKNOWN, "nics", vm.nics),)
    parts: tuple[Part, ...] = ()
    for number, nic in enumerate(vm.nics):
        raw = mapped if isinstance(mapped, Unknown) else nic.network_id
        if isinstance(mapped, Unknown) or isinstance(nic.network_id, Unknown) or nic.network_id not in mapped:
            answer = Answer.UNKNOWN if isinstance(raw, Unknown) else Answer.TRUE
            parts += (Part(answer, f"nics[{number}].network_id", raw, {"device_key": nic.device_key}),)
    return parts


@rule(
    "NIC-006",
    severity=Severity.WARNING,
    sources="V",
    title="A NIC is connected to an NSX network",
    why="Distributed firewall, load balancer and overlay stay behind.",
    remediation="Export the rules; build VLAN and firewall anew.",
)
def nsx_network(vm: VmFacts, context: RuleContext) -> Parts:
    """An opaque network."""
    return networks_where(vm, context, "is_opaque", bool)


@rule(
    "NIC-007",
    severity=Severity.WARNING,
    sources="VR",
    title="A NIC is connected to a VLAN trunk",
    why="The pool needs a trunk network for it.",
    remediation="Create one, and test tagging in the guest.",
)
def trunk(vm: VmFacts, context: RuleContext) -> Parts:
    """By the network's VLAN."""
    return networks_where(vm, context, "is_trunk", bool)


@rule(
    "NIC-008",
    severity=Severity.CRITICAL,
    sources="VR",
    title="A NIC is connected to a private VLAN",
    why="The pool's switch has no private VLANs.",
    remediation="Use access rules or VLANs of their own.",
)
def private_vlan(vm: VmFacts, context: RuleContext) -> Parts:
    """By the network's VLAN."""
    return networks_where(vm, context, "is_private_vlan", bool)


@rule(
    "NIC-009",
    severity=Severity.WARNING,
    sources="VR",
    title="A NIC's network allows foreign MAC addresses",
    why="Firewalls, NLB and nested bridges may rely on it.",
    remediation="Build it again with VIF locking or a mirror port, and test.",
)
def loose_policy(vm: VmFacts, context: RuleContext) -> Parts:
    """Any of the three policies."""
    names = ("promiscuous", "forged_transmits", "mac_changes")
    return tuple(part for name in names for part in networks_where(vm, context, name, bool))


@rule(
    "NIC-013",
    severity=Severity.WARNING,
    sources="VP",
    title="A NIC's network has larger frames than its mapped network",
    why="Storage and replication traffic stalls.",
    remediation="Set the MTU from end to end.",
)
def smaller_mtu(vm: VmFacts, context: RuleContext) -> Parts:
    """Only networks with large frames ask for the target."""
    if isinstance(vm.nics, Unknown):
        return (Part(Answer.UNKNOWN, "nics", vm.nics),)
    ordinary = context.limits.ordinary_mtu_bytes
    parts: tuple[Part, ...] = ()
    for number, nic in enumerate(vm.nics):
        network = _network(nic, context)
        mtu = network if isinstance(network, Unknown) else _mtu(network, vm, context)
        if isinstance(mtu, Unknown) or mtu > ordinary:
            parts += _smaller_there(f"nics[{number}].network_id", nic, mtu, _target_mtu(nic, context))
    return parts


def _mtu(network: NetworkFacts, vm: VmFacts, context: RuleContext) -> int | Unknown:
    """The network's own, else that of its switch on the machine's host: standard networks have none of their own."""
    host = None if isinstance(vm.host_id, Unknown) else context.estate.hosts.get(vm.host_id)
    if not isinstance(network.mtu, Unknown) or host is None or isinstance(host.switches, Unknown):
        return network.mtu
    name = network.switch_name
    found = (switch.mtu for switch in host.switches if not isinstance(name, Unknown) and switch.name == name)
    return next(found, network.mtu)


def _smaller_there(path: str, nic: NicFacts, mtu: int | Unknown, there: int | Unknown) -> tuple[Part, ...]:
    params = {"device_key": nic.device_key}
    if isinstance(mtu, Unknown):
        return (Part(Answer.UNKNOWN, path, mtu, params),)
    if isinstance(there, Unknown):
        return (Part(Answer.UNKNOWN, path, there, params),)
    return (Part(Answer.TRUE, path, mtu, {**params, "target_mtu": there}),) if there < mtu else ()


def _target_mtu(nic: NicFacts, context: RuleContext) -> int | Unknown:
    mapped = context.target.networks
    if isinstance(mapped, Unknown):
        return mapped
    if isinstance(nic.network_id, Unknown):
        return nic.network_id
    uuid = mapped.get(nic.network_id)
    return next((network.mtu for pool in context.target.pools for network in pool.networks if network.uuid == uuid), NOT_MAPPED)
