"""How a site should activate its Windows: by KMS with these hosts, by Active Directory, or by MAK, with the arithmetic shown.

Pure. Servers and clients are judged apart, each against its N, by the lowest projected count of 45 days and never today's.
Source: Microsoft Learn "KMS activation planning" and "Active Directory-based activation".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kms.core.alarm import Level
from kms.core.duplicates import DuplicateKind
from kms.core.policy import Threshold, margin
from kms.core.verdict import HostVerdict, KmsVerdict


class Way(StrEnum):
    """KMS_GATHERED: the machines suffice, but not split over several hosts. KMS_REARMED: they do once clones are rearmed.

    DIRECTORY: Active Directory, and MAK for machines that are in no domain or older than Windows 8 and Server 2012.
    NOBODY: none of this kind asks. UNKNOWN: no fresh reading, so nothing can be recommended.
    """

    KMS = "kms"
    KMS_GATHERED = "kms_gathered"
    KMS_REARMED = "kms_rearmed"
    DIRECTORY = "directory"
    NOBODY = "nobody"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Askers:
    """Distinct CMIDs of the last 30 days: those of servers and of clients, apart."""

    servers: frozenset[str] = frozenset()
    clients: frozenset[str] = frozenset()

    @property
    def everybody(self) -> int:
        """All of them count together, whatever they need."""
        return len(self.servers | self.clients)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to do for one kind of Windows: the way, one sentence, and each line of the arithmetic."""

    required_count: int
    way: Way
    advice: str
    arithmetic: tuple[str, ...]


_ADVICE = {
    Way.KMS: "Stay with KMS on {hosts}.",
    Way.KMS_GATHERED: "Stay with KMS, but let all machines ask one host, or each of them all hosts: hosts do not share counts.",
    Way.KMS_REARMED: "Stay with KMS after the clones that share a CMID are rearmed; generalise the image.",
    Way.DIRECTORY: "Activate by Active Directory, without a threshold; use MAK for machines in no domain or older than "
    "Windows 8 and Server 2012.",
    Way.NOBODY: "Nothing to do: no such machine has asked a KMS host in 30 days.",
    Way.UNKNOWN: "Upload a fresh reading of every KMS host first: nothing is recommended on what nobody knows.",
}


def recommend(verdict: KmsVerdict, askers: Mapping[str, Askers]) -> tuple[Recommendation, Recommendation]:
    """For servers and for clients. `verdict` is the site's, without machines of a wave; `askers` go by host id."""
    return _for(Threshold.SERVER, verdict, askers), _for(Threshold.CLIENT, verdict, askers)


def _for(needed: Threshold, verdict: KmsVerdict, askers: Mapping[str, Askers]) -> Recommendation:
    asked = [host for host in verdict.hosts if _own(askers.get(host.host_id, Askers()), needed)]
    together = Askers(
        *(frozenset[str]().union(*(getattr(each, kind) for each in askers.values())) for kind in ("servers", "clients"))
    )
    arithmetic = [_line_of_host(host, needed) for host in asked or verdict.hosts]
    if not asked or any(not host.is_fresh for host in verdict.hosts):
        known = bool(verdict.hosts) and all(host.is_fresh for host in verdict.hosts)
        return _told(needed, Way.NOBODY if known else Way.UNKNOWN, arithmetic, asked)
    extra = sum(len(each.machines) - 1 for each in verdict.duplicates if each.kind is DuplicateKind.CERTAIN)
    arithmetic.append(
        f"all hosts together: {together.everybody} machines asked in 30 days, {_sign(together.everybody, needed)} {needed.value}"
    )
    if extra:
        total = together.everybody + extra
        arithmetic.append(f"with clones rearmed: {together.everybody} + {extra} = {total}, {_sign(total, needed)} {needed.value}")
    levels = [host.server if needed is Threshold.SERVER else host.client for host in asked]
    return _told(needed, _way(levels, together.everybody, extra, needed, len(verdict.hosts)), arithmetic, asked)


def _way(levels: list[Level], together: int, extra: int, needed: Threshold, hosts: int) -> Way:
    if all(level in (Level.OK, Level.TIGHT) for level in levels):
        return Way.KMS
    if Level.UNKNOWN in levels:
        return Way.UNKNOWN
    if hosts > 1 and together >= needed + margin(needed):
        return Way.KMS_GATHERED
    return Way.KMS_REARMED if extra and together + extra >= needed + margin(needed) else Way.DIRECTORY


def _own(askers: Askers, needed: Threshold) -> frozenset[str]:
    return askers.servers if needed is Threshold.SERVER else askers.clients


def _line_of_host(host: HostVerdict, needed: Threshold) -> str:
    if not host.is_fresh or host.lowest is None:
        return f"{host.host_name}: no fresh reading"
    low, calm = host.lowest.lower, needed + margin(needed)
    spare = "calm" if low >= calm else f"below {needed.value} + {margin(needed)} = {calm}"
    return f"{host.host_name}: at least {low} in the next 45 days, {_sign(low, needed)} {needed.value}, {spare}"


def _sign(figure: int, needed: Threshold) -> str:
    return "enough for" if figure >= needed else "too few for"


def _told(needed: Threshold, way: Way, arithmetic: list[str], asked: list[HostVerdict]) -> Recommendation:
    hosts = ", ".join(host.host_name for host in asked)
    return Recommendation(needed.value, way, _ADVICE[way].format(hosts=hosts), tuple(arithmetic))
