"""Family C, what else rides on the peer network, and whether its redundancy was tried."""

from __future__ import annotations

from estate.facts.pool import PifFacts, PoolHostFacts
from estate.facts.unknown import Unknown
from readiness.core.attested import aged, newest, of_host, per_host
from readiness.core.cabling import cabling_of
from readiness.core.case import Case, carrying_pif, heartbeat_sr, management_pif
from readiness.core.evidence import EvidenceKind
from readiness.core.faults.singles import SimulatedFault, switch_faults
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, EvidencePoint, Result, combine

_FIBRE = ("lvmohba", "lvmofcoe")


def _switch(fault: SimulatedFault) -> Answer:
    point = EvidencePoint(f"simulated loss of switch {fault.subject}", list(fault.hosts_fenced))
    if fault.result is Result.UNKNOWN:
        return Answer(Result.UNKNOWN, f"Switch {fault.subject}: {fault.detail}.", (point,))
    if fault.hosts_fenced:
        return Answer(Result.FAIL, f"Without switch {fault.subject} {', '.join(fault.hosts_fenced)} would fence.", (point,))
    return Answer(Result.PASS, "", (point,))


@check(
    "HA-045",
    family="network",
    title="Same switch for all hosts' slave n?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="The loss of one switch may cost links, never hosts.",
    remedy=("re-cable so that no switch carries both management NICs of a host, and record the switch of each NIC",),
    prerequisites=("HA-040",),
)
def no_switch_takes_a_host(case: Case) -> Answer:
    """The simulated loss of any one switch fences nobody."""
    return combine([_switch(fault) for fault in switch_faults(case, cabling_of(case))], good="Every switch may fail.")


def _networks(case: Case) -> tuple[set[str], set[str]]:
    """Networks of the management interfaces and of the bonds under them, and those of the VLANs on these bonds."""
    pifs = [pif for host in case.facts.hosts if (pif := management_pif(case.facts, host))]
    carriers = [carrying_pif(case.facts, pif) for pif in pifs]
    own = {pif.network_uuid for pif in (*pifs, *carriers)}
    below = {carrier.uuid for carrier in carriers}
    return own, {pif.network_uuid for pif in case.facts.pifs if pif.untagged_pif_uuid in below} - own


def _guests(case: Case, networks: set[str]) -> tuple[list[str], list[str]]:
    """Names of the guests on these networks, and of those whose networks are not known."""
    guests = [vm for vm in case.facts.vms if not vm.is_control_domain]
    known = [(vm.name, vm.network_uuids) for vm in guests]
    on = [name for name, uuids in known if not isinstance(uuids, Unknown) and networks & set(uuids)]
    return on, [name for name, uuids in known if isinstance(uuids, Unknown)]


@check(
    "HA-047",
    family="network",
    title="Management dedicated?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.APPROVER,
    why="Guests that fill the bond delay heartbeats; enough delay is a fence.",
    remedy=("move the guests to a network on other NICs: xe vif-list network-uuid=<network> params=uuid,vm-name-label",),
)
def management_is_dedicated(case: Case) -> Answer:
    """No guest uses the management network or a VLAN on its bond."""
    own, tagged = _networks(case)
    on, unread = _guests(case, own)
    beside, _ = _guests(case, tagged)
    points = (case.point("VIF.network on management", on), case.point("VIF.network on VLANs of the management bond", beside))
    if on:
        return Answer(Result.FAIL, f"Guests on the management network: {', '.join(on)}.", points)
    text = f"Guests on VLANs of the management bond: {', '.join(beside)}."
    if beside and not case.policy.management_shares_vlans:
        return Answer(Result.FAIL, text, points)
    if unread or not own:
        return Answer(Result.UNKNOWN, f"The networks of {', '.join(unread) or 'management'} could not be read.", points)
    return Answer(Result.WARN, text, points) if beside else Answer(Result.PASS, "No guest uses the management bond.", points)


def _storage_pifs(case: Case, host: PoolHostFacts) -> list[PifFacts]:
    return [pif for pif in case.facts.pifs if pif.host_uuid == host.uuid and pif.ip_address and not pif.management]


def _separate(case: Case, host: PoolHostFacts) -> Answer:
    management = management_pif(case.facts, host)
    if management is None:
        return Answer(Result.UNKNOWN, f"The management interface of {host.name} could not be read.")
    others = _storage_pifs(case, host)
    points = tuple(case.point(f"PIF[{pif.uuid}].IP", pif.ip_address) for pif in (management, *others))
    fills = ({"host": host.name},)
    if not others:
        return Answer(Result.FAIL, f"{host.name} has no address for storage beside management.", points, fills)
    bond = carrying_pif(case.facts, management).uuid
    if all(carrying_pif(case.facts, pif).uuid == bond for pif in others):
        return Answer(Result.WARN, f"{host.name}'s storage addresses ride on the management bond.", points, fills)
    return Answer(Result.PASS, "", points)


@check(
    "HA-048",
    family="network",
    title="Storage network separate?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.APPROVER,
    why="One bond for both heartbeats makes one fault of both: the host loses peers and disk together.",
    remedy=("xe pif-reconfigure-ip uuid=<other PIF of {host}> mode=static IP=<address> netmask=<mask>   (HA off)",),
)
def storage_network_is_separate(case: Case) -> Answer:
    """IP storage has an address of its own on other NICs; Fibre Channel needs none."""
    sr = heartbeat_sr(case.facts)
    if isinstance(sr, Unknown):
        return Answer(Result.UNKNOWN, f"Which SR carries the state file is not known: {sr.reason}.")
    if sr.kind in _FIBRE:
        return Answer(
            Result.NOT_APPLICABLE, f"SR {sr.name} ({sr.kind}) uses no IP network.", (case.point(f"SR[{sr.uuid}].type", sr.kind),)
        )
    return per_host(case, _separate, "Storage has NICs of its own on every host.")


@check(
    "HA-051",
    family="network",
    title="Heartbeat port free and allowed?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.APPROVER,
    why="Heartbeats are UDP 694 between the management addresses; a firewall between them is a cut cable.",
    remedy=("allow UDP 694 between {addresses}, and record evidence of kind heartbeat_port",),
)
def heartbeat_port_open(case: Case) -> Answer:
    """Somebody looked that the port is open between all hosts."""
    fills = ({"addresses": " ".join(host.address for host in case.facts.hosts)},)
    item = newest(case, EvidenceKind.HEARTBEAT_PORT)
    if item is None:
        return Answer(Result.UNKNOWN, "Nobody has looked whether UDP 694 is open between the hosts.", (), fills)
    if item.value.get("open") is not True:
        return aged(case, item, Answer(Result.FAIL, "UDP 694 is blocked between hosts.", (), fills))
    return aged(case, item, Answer(Result.PASS, "UDP 694 is open between the hosts.", (), fills))


def _pulled(case: Case, host: PoolHostFacts) -> Answer:
    item = of_host(case, EvidenceKind.NETWORK_PULL_TEST, host)
    if item is None:
        return Answer(Result.FAIL, f"{host.name}: no cable was pulled and no switch switched off yet.")
    if item.value.get("fenced") is not False:
        return aged(case, item, Answer(Result.FAIL, f"{host.name}: a host fenced in the test of its management network."))
    if item.value.get("nic_pulled") is not True or item.value.get("switch_off") is not True:
        return aged(case, item, Answer(Result.FAIL, f"{host.name}: the test must pull a NIC and switch a switch off."))
    good = Answer(Result.PASS, "")
    return aged(case, item, good, most_days=case.policy.failover_test_max_age_days)


@check(
    "HA-052",
    family="network",
    title="NIC-pull and switch-off test done?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="Redundancy that was never tried is a drawing.",
    remedy=("before production: pull each NIC, switch each switch off, and record network_pull_test for every host",),
    prerequisites=("HA-040",),
)
def network_was_pulled(case: Case) -> Answer:
    """On every host a management NIC was pulled and a switch switched off, and nobody fenced."""
    return per_host(case, _pulled, "NICs were pulled and switches switched off, and nobody fenced.")
