"""Family C, the peer network: static address, bonded management, links up, two switches.

XAPI cannot see switches; which one a NIC hangs on comes from attestations (cabling.py).
"""

from __future__ import annotations

from collections.abc import Callable

from estate.facts.pool import PoolHostFacts
from estate.facts.unknown import Unknown
from readiness.core.cabling import Cabling, SwitchPort, cabling_of
from readiness.core.case import Case, carrying_pif, management_bond, management_nics, management_pif
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, Result, combine


def _per_host(case: Case, ask: Callable[[Case, PoolHostFacts], Answer], good: str) -> Answer:
    """Ask of every host; a pool without hosts is unknown."""
    return combine([ask(case, host) for host in case.facts.hosts], good=good)


def _no_management(host: PoolHostFacts) -> Answer:
    return Answer(Result.UNKNOWN, f"The management interface of {host.name} could not be read.")


def _static_address(case: Case, host: PoolHostFacts) -> Answer:
    pif = management_pif(case.facts, host)
    if pif is None:
        return _no_management(host)
    points = (case.point(f"PIF[{pif.uuid}].ip_configuration_mode", pif.ip_mode),)
    fills = ({"pif_uuid": pif.uuid, "address": pif.ip_address or "…"},)
    if pif.ip_mode == "Static":
        return Answer(Result.PASS, "", points)
    if pif.ip_mode in ("DHCP", "Autoconf"):
        return Answer(Result.FAIL, f"{host.name} gets its management address by {pif.ip_mode}.", points, fills)
    return Answer(Result.UNKNOWN, f"How {host.name} gets its management address is not known.", points, fills)


@check(
    "HA-040",
    family="network",
    title="Static management IP?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.NEVER,
    why="Heartbeats go to fixed addresses. A lease that changes or is not renewed fences a healthy host.",
    remedy=(
        "xe pool-ha-disable",
        "xe pif-reconfigure-ip uuid={pif_uuid} mode=static IP={address} netmask=… gateway=… DNS=…",
    ),
)
def management_is_static(case: Case) -> Answer:
    """Every host's management interface has a static address."""
    return _per_host(case, _static_address, "Every management address is static.")


def _bonded(case: Case, host: PoolHostFacts) -> Answer:
    pif = management_pif(case.facts, host)
    if pif is None:
        return _no_management(host)
    carrier, bond = carrying_pif(case.facts, pif), management_bond(case.facts, host)
    slaves = len(bond.slave_pif_uuids) if bond is not None else 0
    points = (case.point(f"PIF[{carrier.uuid}].bond_master_of", bond.uuid if bond else None),)
    if slaves >= 2:
        return Answer(Result.PASS, "", points)
    share = f"1/{len(case.facts.hosts)}"
    fills = ({"network_uuid": carrier.network_uuid, "pif_uuid": carrier.uuid},)
    text = f"{host.name}'s management rides on one NIC ({carrier.device}): its fault costs {share} of the pool."
    return Answer(Result.FAIL, text, points, fills)


@check(
    "HA-041",
    family="network",
    title="Management on a bond?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="With one management NIC a single cable fences a host.",
    remedy=(
        "xe pool-ha-disable   (xapi refuses bond changes of the management interface while HA is on)",
        "xe bond-create network-uuid={network_uuid} pif-uuids={pif_uuid},<second-pif-uuid> mode=active-backup",
        "xe pool-management-reconfigure network-uuid={network_uuid}",
    ),
    prerequisites=("HA-040",),
)
def management_is_bonded(case: Case) -> Answer:
    """Every host's management interface is a bond of at least two NICs."""
    return _per_host(case, _bonded, "Management is bonded on every host.")


def _links(case: Case, host: PoolHostFacts) -> Answer:
    bond = management_bond(case.facts, host)
    if bond is None:
        return Answer(Result.NOT_APPLICABLE, f"{host.name} has no management bond (see HA-041).")
    nics = management_nics(case.facts, host)
    points = (
        case.point(f"Bond[{bond.uuid}].links_up", bond.links_up),
        *(case.point(f"PIF_metrics[{nic.uuid}].carrier", nic.carrier) for nic in nics),
    )
    down = [nic.device for nic in nics if nic.carrier is False]
    slaves = len(bond.slave_pif_uuids)
    fills = ({"bond_uuid": bond.uuid},)
    if down:
        return Answer(Result.FAIL, f"{host.name}: no carrier on {', '.join(down)}.", points, fills)
    if isinstance(bond.links_up, Unknown) or any(isinstance(nic.carrier, Unknown) for nic in nics) or len(nics) != slaves:
        return Answer(Result.UNKNOWN, f"{host.name}: the state of the bond's links could not be read.", points, fills)
    if bond.links_up < slaves:
        return Answer(
            Result.FAIL, f"{host.name}: {bond.links_up} of {slaves} links of the management bond are up.", points, fills
        )
    return Answer(Result.PASS, "", points)


@check(
    "HA-042",
    family="network",
    title="All bond links up?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="A bond with one live link is a single NIC that looks redundant.",
    remedy=("fix the cable or the switch port, then: xe bond-param-get uuid={bond_uuid} param-name=links-up",),
    prerequisites=("HA-003", "HA-040"),
)
def all_links_up(case: Case) -> Answer:
    """Every slave of every management bond has carrier."""
    return _per_host(case, _links, "All links of all management bonds are up.")


def _ports(cabling: Cabling, case: Case, host: PoolHostFacts) -> tuple[list[SwitchPort], list[str]]:
    """The known switch ports of a host's management NICs, and the NICs nobody knows a switch of."""
    nics = management_nics(case.facts, host)
    known = [cabling.switch_of_pif[nic.uuid] for nic in nics if nic.uuid in cabling.switch_of_pif]
    return known, [nic.device for nic in nics if nic.uuid not in cabling.switch_of_pif]


def _two_switches(case: Case, host: PoolHostFacts) -> Answer:
    ports, unattested = _ports(cabling_of(case), case, host)
    points = tuple(case.cite(port.item) for port in ports)
    switches = sorted({port.switch for port in ports})
    if unattested or not ports:
        text = f"{host.name}: the switch behind {', '.join(unattested) or 'its management NIC'} is not known."
        return Answer(Result.FAIL, text, points)
    if len(switches) < 2:
        return Answer(Result.FAIL, f"{host.name}: all management NICs hang on {switches[0]}.", points)
    if any(port.stale for port in ports):
        result = Result.FAIL if case.for_cutover else Result.WARN
        return Answer(result, f"{host.name}: the switch attestation is stale; look again and record it.", points)
    if len({port.failure_domain for port in ports}) < 2:
        return Answer(Result.WARN, f"{host.name}: {' and '.join(switches)} are members of one stack.", points)
    if any(port.source != "lldp" for port in ports):
        return Answer(Result.WARN, f"{host.name}: {' and '.join(switches)}, attested only.", points)
    return Answer(Result.PASS, "", points)


@check(
    "HA-044",
    family="network",
    title="Slaves on two independent switches?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="Both slaves on one switch make that switch the single point at which the whole pool fences.",
    remedy=(
        "re-cable so that each host's two management NICs end on two switches that do not share a stack",
        "record the switch of each NIC: by LLDP (lldpcli show neighbors in dom0) or from the switch side",
    ),
    prerequisites=("HA-040",),
)
def slaves_on_two_switches(case: Case) -> Answer:
    """Each host's management NICs end on two switches that fail independently."""
    return _per_host(case, _two_switches, "Every host's management NICs end on two independent switches, seen by LLDP.")
