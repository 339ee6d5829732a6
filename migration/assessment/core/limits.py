"""Limits of a target product, as values: read from a versioned data file by services, never written in code.

A limit that depends on something nobody read (an update level of the pool) is UNKNOWN here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from estate.facts.unknown import Unknown


@dataclass(frozen=True, slots=True)
class Limits:
    """What one target product can hold. `version`, `reviewed` and `source` say where the numbers come from.

    A `_max` is still allowed, a `_min` too. `memory_min_ever_bytes` is the largest minimum any template asks for;
    `import_rate_min_bytes_s` is how slow an import may be that is planned for. `evc_ladders` are EVC modes from old to new;
    `evc_mode_of_generation` is the newest of them by the mark of a processor generation (see cpu_generations).
    """

    version: str
    reviewed: date
    source: str
    product: str
    profile: str
    vhd_vdi_bytes: int
    vdi_bytes_by_sr_kind: Mapping[str, int]
    undecided_sr_kinds: frozenset[str]
    infrastructure_names: tuple[re.Pattern[str], ...]
    vdi_max_bytes: int
    vdi_step_bytes: int
    thick_sr_kinds: frozenset[str]
    devices_max: int
    devices_without_drivers_max: int
    vcpus_max: int
    vcpus_windows_max: int
    vcpus_advised_max: int
    memory_max_bytes: int
    memory_min_ever_bytes: int
    nics_max: int
    ordinary_mtu_bytes: int
    cd_drives_max: int
    usb_max: int
    vgpus_max: int
    gpus_max: int
    vgpu_supported: bool
    hosts_per_pool_max: int
    snapshot_depth_max: int
    datastore_free_min_ratio: float
    clock_offset_max_s: float
    inventory_age_max_s: int
    task_lifetime_s: int
    local_disk_min_bytes: int
    physical_nics_min: int
    name_length_max: int
    system_free_min_bytes: int
    boot_free_min_bytes: int
    volume_free_min_bytes: int
    esxi_version_min: str
    esxi_version_max: str
    streams_per_host_max: int
    slow_link_max_mbit_s: int
    import_rate_min_bytes_s: int
    evc_ladders: tuple[tuple[str, ...], ...]
    evc_mode_of_generation: Mapping[str, str]

    def vdi_limit_bytes(self, sr_kind: str) -> int | Unknown:
        """The largest VDI an SR of this kind can hold, in bytes; VHD unless the table says otherwise."""
        kind = sr_kind.lower()
        if kind in self.vdi_bytes_by_sr_kind:
            return self.vdi_bytes_by_sr_kind[kind]
        if kind in self.undecided_sr_kinds:
            return Unknown(f"whether a {kind} SR offers more than VHD depends on the pool's updates")
        return self.vhd_vdi_bytes


class UnknownProduct(ValueError):
    """The limits table has no such target product, or no such policy profile."""


def limits_from(table: Mapping[str, Any], product: str, profile: str) -> Limits:
    """The limits of one product under one policy profile out of a parsed data file. Raises UnknownProduct."""
    products = table["products"]
    if product not in products:
        raise UnknownProduct(f"no limits for {product!r}; the table knows {', '.join(sorted(products))}")
    if profile not in table["profiles"]:
        raise UnknownProduct(f"no policy profile {profile!r}; the table knows {', '.join(sorted(table['profiles']))}")
    chosen, changed = products[product], table["profiles"][profile]
    return Limits(
        version=table["version"],
        reviewed=table["reviewed"],
        source=table["source"],
        product=product,
        vhd_vdi_bytes=chosen["vhd_vdi_bytes"],
        vdi_bytes_by_sr_kind=chosen.get("vdi_bytes_by_sr_kind", {}),
        undecided_sr_kinds=frozenset(chosen.get("undecided_sr_kinds", ())),
        infrastructure_names=tuple(re.compile(text, re.IGNORECASE) for text in table["infrastructure_names"]),
        thick_sr_kinds=frozenset(table["thick_sr_kinds"]),
        profile=profile,
        evc_ladders=tuple(map(tuple, table["evc"]["ladders"])),
        evc_mode_of_generation=table["evc"]["mode_of_generation"],
        **{**table["thresholds"], **changed.get("thresholds", {})},
        **{**chosen["machine"], **changed.get("machine", {})},
    )
