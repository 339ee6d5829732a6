"""One question to the checks: a pool's facts with the evidence, planned VMs, policy and time they are judged by.

Also the look-ups several checks share (management PIF, its bond, the heartbeat SR). No check logic here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from estate.facts.planned import PlannedVm
from estate.facts.pool import BondFacts, PbdFacts, PifFacts, PoolFacts, PoolHostFacts, SrFacts, StatefileFacts
from estate.facts.unknown import UNKNOWN, Unknown
from readiness.core.evidence import EvidenceItem, EvidenceKind, is_expired, what_changed
from readiness.core.policy import Policy
from readiness.core.results import EvidencePoint


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a check may look at. `for_cutover`: stale evidence fails instead of warning."""

    facts: PoolFacts
    policy: Policy
    at: datetime
    evidence: tuple[EvidenceItem, ...] = ()
    planned: tuple[PlannedVm, ...] = ()
    for_cutover: bool = False

    def attested(self, kind: EvidenceKind) -> list[EvidenceItem]:
        """Items of a kind, newest first."""
        return sorted((e for e in self.evidence if e.kind is kind), key=lambda e: (e.tested_at, e.id), reverse=True)

    def is_stale(self, item: EvidenceItem) -> bool:
        """Whether the item expired or what it was bound to changed."""
        return is_expired(item, self.at, self.policy.evidence_max_age_days) or bool(what_changed(item, self.facts))

    def point(self, path: str, value: object) -> EvidencePoint:
        """An evidence point read from the pool at the time of the facts; UNKNOWN is shown with its reason."""
        return EvidencePoint(path, _plain(value), self.facts.collected_at)

    def cite(self, item: EvidenceItem) -> EvidencePoint:
        """An evidence point for an attestation."""
        return EvidencePoint(item.path, item.value, item.tested_at)

    def host_name(self, uuid: str) -> str:
        """Name of a host for people; its uuid where the pool knows none."""
        return next((host.name for host in self.facts.hosts if host.uuid == uuid), uuid)


def _plain(value: object) -> object:
    """A fact as a value that JSON keeps as it is."""
    if isinstance(value, Unknown):
        return f"unknown: {value.reason}"
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def management_pif(facts: PoolFacts, host: PoolHostFacts) -> PifFacts | None:
    """The PIF a host's management address sits on (it may be a VLAN)."""
    return next((pif for pif in facts.pifs if pif.host_uuid == host.uuid and pif.management), None)


def carrying_pif(facts: PoolFacts, pif: PifFacts) -> PifFacts:
    """The untagged PIF under a VLAN PIF; an untagged PIF itself."""
    if pif.vlan < 0 or pif.untagged_pif_uuid is None:
        return pif
    return next((other for other in facts.pifs if other.uuid == pif.untagged_pif_uuid), pif)


def management_bond(facts: PoolFacts, host: PoolHostFacts) -> BondFacts | None:
    """The bond under a host's management PIF, if there is one."""
    pif = management_pif(facts, host)
    if pif is None:
        return None
    carrier = carrying_pif(facts, pif)
    return next((bond for bond in facts.bonds if bond.master_pif_uuid == carrier.uuid), None)


def management_nics(facts: PoolFacts, host: PoolHostFacts) -> list[PifFacts]:
    """The physical NICs that carry management: the bond's slaves, or the one plain NIC."""
    bond = management_bond(facts, host)
    pif = management_pif(facts, host)
    if bond is None:
        return [carrying_pif(facts, pif)] if pif is not None else []
    slaves = (slave for slave in facts.pifs if slave.uuid in bond.slave_pif_uuids)
    return sorted(slaves, key=lambda slave: slave.device)


def statefiles_in_use(facts: PoolFacts) -> list[StatefileFacts] | Unknown:
    """The state files `pool.ha_statefiles` names (not redo logs, not leftovers of an earlier HA)."""
    if isinstance(facts.statefiles, Unknown):
        return facts.statefiles
    return [file for file in facts.statefiles if file.in_use and file.vdi_type != "redo_log"]


def heartbeat_sr(facts: PoolFacts) -> SrFacts | Unknown:
    """The SR of the state file in use. UNKNOWN when no state file names one."""
    files = statefiles_in_use(facts)
    if isinstance(files, Unknown):
        return files
    if not files:
        return Unknown("pool.ha_statefiles names no state file")
    found = next((sr for sr in facts.srs if sr.uuid == files[0].sr_uuid), None)
    return found or Unknown(f"the pool did not show SR {files[0].sr_uuid} of its state file")


def pbd_of(facts: PoolFacts, sr: SrFacts, host: PoolHostFacts) -> PbdFacts | None:
    """A host's PBD of an SR."""
    return next((p for p in facts.pbds if p.sr_uuid == sr.uuid and p.host_uuid == host.uuid), None)


def names(hosts: Sequence[PoolHostFacts]) -> str:
    """Host names for a sentence."""
    return ", ".join(host.name for host in hosts)


def is_multipathed(host: PoolHostFacts, pbd: PbdFacts) -> bool | Unknown:
    """Whether a host reaches an SR by multipath: the PBD's own word first, then the host's setting."""
    if isinstance(pbd.multipathed, Unknown):
        return host.multipathing if not isinstance(host.multipathing, Unknown) else UNKNOWN
    if isinstance(host.multipathing, Unknown):
        return pbd.multipathed
    return pbd.multipathed and host.multipathing
