"""Whether all KMS hosts share a fate: one server or one SR that fails takes activation with it (HA-096 seen from KMS). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from estate.facts.unknown import Unknown
from kms.core.machines import MachineAlias, canonical_uuid
from kms.core.observed import HostHistory
from kms.core.verdict import Placement, Reason

_APART = "Keep them apart: a VM group with placement anti_affinity, and disks on different SRs."


@dataclass(frozen=True, slots=True)
class _Placed:
    """A KMS host and where it runs."""

    name: str
    where: Placement


def shared_fates(histories: Sequence[HostHistory], placements: Sequence[Placement], at: datetime) -> Iterator[Reason]:
    """What all of a project's KMS hosts share. Nothing is said of a single host, nor while one of them runs in no pool."""
    placed = [found for history in histories for found in _placed(history, placements, at)]
    if len(histories) < 2 or len(placed) < len(histories):
        return
    names = ", ".join(sorted(each.name for each in placed))
    servers = {each.where.server for each in placed}
    if any(isinstance(server, Unknown) for server in servers) or any(isinstance(each.where.srs, Unknown) for each in placed):
        detail = f"whether {names} share a host or an SR of the pool is not known"
        yield Reason("kms_hosts_place_unknown", "project", detail, "Collect the pool while all of them run.")
    elif len(servers) == 1:
        detail = f"every KMS host of the project ({names}) runs on {servers.pop()}: when that fails, nobody activates or renews"
        yield Reason("kms_hosts_on_one_server", "project", detail, _APART)
    shared = frozenset.intersection(
        *(each.where.srs for each in placed if isinstance(each.where.srs, frozenset)), _all_srs(placed)
    )
    if shared and not any(isinstance(each.where.srs, Unknown) for each in placed):
        detail = f"every KMS host of the project ({names}) has disks on {', '.join(sorted(shared))}"
        yield Reason("kms_hosts_on_one_sr", "project", detail, _APART)


def _all_srs(placed: list[_Placed]) -> frozenset[str]:
    return frozenset(sr for each in placed if isinstance(each.where.srs, frozenset) for sr in each.where.srs)


def _placed(history: HostHistory, placements: Sequence[Placement], at: datetime) -> list[_Placed]:
    """Where one KMS host runs, by its SMBIOS UUID or its name; nothing where no VM or more than one fits."""
    reading = history.latest(at)
    uuid = None if reading is None or isinstance(reading.smbios_uuid, Unknown) else canonical_uuid(reading.smbios_uuid)
    name = history.name if reading is None else reading.host_name or history.name
    by_uuid = [each for each in placements if uuid is not None and canonical_uuid(each.vm_uuid) == uuid]
    fitting = by_uuid or [each for each in placements if MachineAlias(each.vm_uuid, (each.vm_name,)).goes_by(name)]
    return [_Placed(history.name, fitting[0])] if len(fitting) == 1 else []
