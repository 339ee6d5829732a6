"""Family C, how the bonds and addressed interfaces are made: cards, bond mode, protection from unplugging, MTU."""

from __future__ import annotations

from estate.facts.pool import BondFacts, PifFacts, PoolHostFacts, PoolNetworkFacts
from estate.facts.unknown import Unknown
from readiness.core.cabling import cabling_of
from readiness.core.case import Case, management_bond, management_nics
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, EvidencePoint, Result, combine

_NO_PATH = ("", "N/A")


def _cards(case: Case, host: PoolHostFacts) -> Answer:
    nics = management_nics(case.facts, host)
    points = tuple(case.point(f"PIF_metrics[{nic.uuid}].pci_bus_path", nic.pci_bus_path) for nic in nics)
    bond = management_bond(case.facts, host)
    if bond is None:
        return Answer(Result.NOT_APPLICABLE, f"{host.name} has no management bond (see HA-041).", points)
    if len(nics) != len(bond.slave_pif_uuids):
        return Answer(Result.UNKNOWN, f"{host.name}: not all NICs of its management bond could be read.", points)
    paths = [nic.pci_bus_path for nic in nics]
    if any(isinstance(path, Unknown) or path in _NO_PATH for path in paths):
        return Answer(Result.UNKNOWN, f"{host.name}: on which cards its management NICs are is not known.", points)
    if len({str(path).rpartition(".")[0] for path in paths}) > 1:
        return Answer(Result.PASS, "", points)
    return Answer(Result.WARN, f"{host.name}: {' and '.join(nic.device for nic in nics)} are ports of one card.", points)


@check(
    "HA-043",
    family="network",
    title="Slaves on different cards?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.OPERATOR,
    why="Two ports of one card fail together with that card.",
    remedy=("re-cable across two cards and make the bond anew (HA off)",),
    prerequisites=("HA-040",),
)
def slaves_on_two_cards(case: Case) -> Answer:
    """The NICs of each management bond are on different cards."""
    return combine([_cards(case, host) for host in case.facts.hosts], good="Every management bond spans two cards.")


def _switches(case: Case, bond: BondFacts) -> tuple[set[str], set[str], tuple[EvidencePoint, ...]] | None:
    """Switches and failure domains behind a bond's slaves; None when one is not known."""
    known = cabling_of(case).switch_of_pif
    ports = [known.get(slave) for slave in bond.slave_pif_uuids]
    if not ports or any(port is None for port in ports):
        return None
    there = [port for port in ports if port is not None]
    return {p.switch for p in there}, {p.failure_domain for p in there}, tuple(case.cite(p.item) for p in there)


def _lacp(case: Case, host: PoolHostFacts, bond: BondFacts, point: EvidencePoint, fills: tuple[dict[str, str], ...]) -> Answer:
    found = _switches(case, bond)
    if found is None:
        return Answer(Result.UNKNOWN, f"{host.name}: LACP, and the switches behind it are not known.", (point,), fills)
    switches, domains, cited = found
    if len(domains) == 1:
        return Answer(Result.PASS, "", (point, *cited))
    text = f"{host.name}: LACP over {' and '.join(sorted(switches))}, which nobody named as one stack."
    return Answer(Result.FAIL, text, (point, *cited), fills)


def _mode(case: Case, host: PoolHostFacts) -> Answer:
    bond = management_bond(case.facts, host)
    if bond is None:
        return Answer(Result.NOT_APPLICABLE, f"{host.name} has no management bond (see HA-041).")
    point, fills = case.point(f"Bond[{bond.uuid}].mode", bond.mode), ({"bond_uuid": bond.uuid},)
    if bond.mode == "active-backup":
        return Answer(Result.PASS, "", (point,))
    if bond.mode == "lacp":
        return _lacp(case, host, bond, point, fills)
    if bond.mode == "balance-slb":
        return Answer(Result.WARN, f"{host.name}: balance-slb moves addresses between switches.", (point,), fills)
    return Answer(Result.UNKNOWN, f"{host.name}: the mode of its management bond is not known.", (point,), fills)


@check(
    "HA-046",
    family="network",
    title="Bond mode fits the switches?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="LACP over two switches that do not act as one leaves the bond with links that drop frames.",
    remedy=("xe bond-set-mode uuid={bond_uuid} mode=active-backup   (HA off)",),
    prerequisites=("HA-040",),
)
def bond_mode_fits(case: Case) -> Answer:
    """Active-backup needs nothing of the switches; LACP needs one switch or a stack, as somebody attested."""
    return combine([_mode(case, host) for host in case.facts.hosts], good="The mode of every management bond fits.")


def _unplug(case: Case, pif: PifFacts) -> Answer:
    host = case.host_name(pif.host_uuid)
    points = (
        case.point(f"PIF[{pif.uuid}].disallow_unplug", pif.disallow_unplug),
        case.point(f"PIF[{pif.uuid}].currently_attached", pif.currently_attached),
    )
    fills = ({"pif_uuid": pif.uuid},)
    if isinstance(pif.disallow_unplug, Unknown) or isinstance(pif.currently_attached, Unknown):
        return Answer(Result.UNKNOWN, f"{host}: whether {pif.device} is protected could not be read.", points, fills)
    if pif.disallow_unplug and not pif.currently_attached:
        return Answer(Result.FAIL, f"{host}: {pif.device} must not be unplugged and is; xapi refuses HA.", points, fills)
    if not pif.disallow_unplug and not pif.management:
        return Answer(Result.WARN, f"{host}: {pif.device} has an address and may be unplugged.", points, fills)
    return Answer(Result.PASS, "", points)


@check(
    "HA-049",
    family="network",
    title="Storage/management PIFs protected from unplug?",
    severity=Severity.BLOCKS_PROTECTED,
    waiver=WaiverClass.APPROVER,
    why="An interface that carries storage and can be unplugged takes the heartbeat disk away by one wrong command.",
    remedy=("xe pif-param-set uuid={pif_uuid} disallow-unplug=true", "xe pif-plug uuid={pif_uuid}"),
)
def addressed_pifs_protected(case: Case) -> Answer:
    """Interfaces with an address are attached and cannot be unplugged by mistake."""
    addressed = [pif for pif in case.facts.pifs if pif.ip_mode != "None"]
    return combine([_unplug(case, pif) for pif in addressed], good="Every interface with an address is protected.")


def _mtu(case: Case, network: PoolNetworkFacts) -> Answer:
    pifs = [pif for pif in case.facts.pifs if pif.uuid in network.pif_uuids]
    points = tuple(case.point(f"PIF[{pif.uuid}].MTU", pif.mtu) for pif in pifs)
    sizes = {pif.mtu for pif in pifs if not isinstance(pif.mtu, Unknown)}
    if len(sizes) > 1:
        told = ", ".join(str(size) for size in sorted(sizes))
        return Answer(Result.FAIL, f"Network {network.name} has different MTUs on its hosts: {told}.", points)
    if any(isinstance(pif.mtu, Unknown) for pif in pifs):
        return Answer(Result.UNKNOWN, f"An MTU of network {network.name} could not be read.", points)
    return Answer(Result.PASS, "", points)


@check(
    "HA-050",
    family="network",
    title="MTU consistent?",
    severity=Severity.ADVISES,
    waiver=WaiverClass.APPROVER,
    why="Between hosts with different MTUs large frames vanish: heartbeats pass, migrations and storage hang.",
    remedy=("align the MTU of the network, then re-plug its PIFs: xe network-param-set uuid=<network> MTU=<size>",),
)
def mtus_agree(case: Case) -> Answer:
    """Each network has one MTU on all hosts."""
    used = [network for network in case.facts.networks if network.pif_uuids]
    return combine([_mtu(case, network) for network in used], good="Each network has one MTU on all hosts.")
