"""Whether ESXi hosts use the storage that a trial powers off: the pool's targets, LUNs and file servers against theirs.

Pure. An address, an IQN, a WWN or a LUN that both sides name is an overlap; a side that does not say all leaves it unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from estate.facts.pool import PoolFacts
from estate.facts.unknown import Unknown
from readiness.core.cabling import Cabling, without_port

_HEX = frozenset("0123456789abcdef")
_WWN_DIGITS = 16
_NAA_DIGITS = (16, 32)


@dataclass(frozen=True, slots=True)
class EsxiStorage:
    """What one ESXi host's storage is called: target addresses, IQNs, WWNs, canonical LUN names, NFS servers.

    `gap` says what of it could not be read; empty when all was.
    """

    host: str
    names: frozenset[str]
    gap: str = ""


@dataclass(frozen=True, slots=True)
class Overlap:
    """`shared` lists `host: name` of what both sides use; `unknown` says why nobody can tell that there is no more."""

    shared: tuple[str, ...] = ()
    unknown: str = ""

    @property
    def is_clear(self) -> bool:
        """Known to share nothing."""
        return not self.shared and not self.unknown


def spelled(name: str) -> str:
    """One spelling per thing: `naa.6000…` and SCSI id `36000…`, `50:06:01:…` and `5006 01…`, `10.0.0.1:3260` and `10.0.0.1`."""
    text = name.strip().casefold().rstrip(".")
    digits = text.removeprefix("naa.").removeprefix("eui.").removeprefix("0x").replace(":", "").replace("-", "").replace(" ", "")
    if not set(digits) <= _HEX or not digits:
        return _address(text)
    if len(digits) - 1 in _NAA_DIGITS and digits[0] in "23" and not text.startswith(("naa.", "eui.")):
        return digits[1:]  # the SCSI id is the page's designator type followed by the identifier
    return digits if len(digits) in (_WWN_DIGITS, *_NAA_DIGITS) else _address(text)


def _address(text: str) -> str:
    """Without the TCP port; an IQN and an IPv6 address have colons of their own."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text if text.startswith("iqn.") or text.count(":") > 1 else without_port(text)


def pool_storage(facts: PoolFacts, cabling: Cabling, sr_uuid: str) -> frozenset[str] | Unknown:
    """All names of the storage behind an SR, and of every SR on the same targets.

    UNKNOWN while nobody has named the portals of each node and the pool does not tell them either (Fibre Channel).
    """
    names = {portal for pbd in facts.pbds if pbd.sr_uuid == sr_uuid for portal in pbd.portals}
    nodes = () if isinstance(cabling.nodes, Unknown) else cabling.nodes
    names |= {portal for node in nodes for portal in node.portals}
    if not names or not all(node.portals for node in nodes):
        return Unknown("nobody has named the addresses, IQNs or WWNs of each storage node")
    targets = {spelled(name) for name in names}
    beside = {pbd.sr_uuid for pbd in facts.pbds if targets & {spelled(portal) for portal in pbd.portals}}
    luns = {pbd.scsi_id for pbd in facts.pbds if pbd.scsi_id and pbd.sr_uuid in beside | {sr_uuid}}
    return frozenset(targets | {spelled(lun) for lun in luns})


def overlap_of(ours: frozenset[str] | Unknown, esxi: Sequence[EsxiStorage] | Unknown) -> Overlap:
    """What the pool's storage shares with the ESXi hosts. Nobody's word is taken for "nothing": a gap is unknown."""
    if isinstance(ours, Unknown):
        return Overlap(unknown=ours.reason)
    if isinstance(esxi, Unknown):
        return Overlap(unknown=esxi.reason)
    shared = tuple(sorted(f"{host.host}: {name}" for host in esxi for name in _common(ours, host.names)))
    gaps = sorted({f"{host.host}: {host.gap}" for host in esxi if host.gap})
    return Overlap(shared, "; ".join(gaps))


def _common(ours: frozenset[str], theirs: Iterable[str]) -> list[str]:
    return sorted(name for name in theirs if spelled(name) in ours)
