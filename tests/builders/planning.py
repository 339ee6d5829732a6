"""Builders for planning: a pool with one network, one NFS and one LVM SR, a mapping onto it, and candidates."""

from __future__ import annotations

import dataclasses
from typing import Any

from msgspec.structs import replace

from estate.facts.pool import PbdFacts, PifFacts, PoolFacts, PoolHostFacts, PoolNetworkFacts, SrFacts, TemplateFacts
from estate.facts.unknown import Unknown
from migration.planning.core.mapping import MappingTable, table_from
from migration.planning.core.placement import EstateNames
from migration.planning.core.target import Target
from migration.planning.core.waves import Candidate
from tests.builders.estate import GIB, SEEN_AT, a_vm

NAMES = EstateNames({"network-1": "VM Network"}, {"datastore-1": "san-a"})


def an_sr(name: str, *, kind: str = "nfs", free_bytes: int | Unknown = 1000 * GIB, **changes: Any) -> SrFacts:
    sr = SrFacts(f"sr-{name}", name, kind, True, "", free_bytes, 0, True)
    return replace(sr, **changes)


def a_target_pool(*srs: SrFacts, plugged: bool = True, **changes: Any) -> PoolFacts:
    """Pool `berlin`: network LAN on VLAN 10, the SRs given (default NFS `fast`), templates for Server 2019 and the rest."""
    srs = srs or (an_sr("fast"),)
    pool = PoolFacts(
        uuid="pool-berlin",
        name="berlin",
        coordinator_uuid="xen-1",
        collected_at=SEEN_AT,
        ha_enabled=True,
        ha_configuration={},
        other_config={},
        hosts=(PoolHostFacts("xen-1", "xen1", "192.0.2.11", live=True, enabled=True),),
        pifs=(PifFacts("pif-10", "xen-1", "eth0", "net-lan", 10, False, False, "None", "", True),),
        srs=srs,
        pbds=tuple(PbdFacts(f"pbd-{sr.name}", "xen-1", sr.uuid, plugged) for sr in srs),
        networks=(PoolNetworkFacts("net-lan", "LAN", "xapi1", 1500, ("pif-10",)),),
        templates=(
            TemplateFacts("tpl-2019", "Windows Server 2019 (64-bit)", "uefi"),
            TemplateFacts("tpl-other", "Other install media", "bios"),
        ),
    )
    return replace(pool, **changes)


def a_target(*srs: SrFacts, **changes: Any) -> Target:
    return Target(a_target_pool(*srs, **changes), {})


def a_mapping(**changes: Any) -> MappingTable:
    return table_from(mapping_values(**changes))


def mapping_values(**changes: Any) -> dict[str, Any]:
    values = {
        "networks": {"VM Network": "LAN"},
        "datastores": {"san-a": "fast"},
        "templates": {"windows2019srv_64Guest": "Windows Server 2019 (64-bit)", "*": "Other install media"},
        "overrides": {},
    }
    return {**values, **changes}


def a_candidate(name: str = "app-01", **changes: Any) -> Candidate:
    vm = changes.pop("vm") if "vm" in changes else a_vm(name)
    return dataclasses.replace(Candidate(f"machine-{name}", name, "migrate", vm, NAMES), **changes)
