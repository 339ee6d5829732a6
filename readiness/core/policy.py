"""The numbers readiness judges by: the policy profile of a product generation, and what closes a gate.

Values only. The profiles are versioned data files; selectors/profiles.py reads them and hands them in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class FenceModel(StrEnum):
    """How hosts of a product generation decide to fence."""

    PARTITION = "partition"  # largest partition with disk access survives; survival rule 2
    STRICT_PAIR = "strict_pair"  # any host without peers or without disk fences


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy profile. Numbers marked "policy" in the data file may be changed by a customer; the rest are the product's."""

    name: str
    version: int
    fence_model: FenceModel
    default_timeout_s: int
    timeout_floor_s: int
    proposed_timeout_s: int
    default_survives_reenable: bool
    min_hosts: int
    failover_margin: float
    heartbeat_room_good_bytes: int
    heartbeat_room_min_bytes: int
    statefile_min_bytes: int
    redo_log_min_bytes: int
    heartbeat_types: tuple[str, ...]
    heartbeat_types_xcp: tuple[str, ...]
    heartbeat_types_clustered: tuple[str, ...]
    heartbeat_types_refused: tuple[str, ...]
    block_types: tuple[str, ...]
    evidence_max_age_days: int
    failover_test_max_age_days: int
    waiver_max_days: int
    licence_warn_days: int
    licence_fail_days: int
    sr_used_warn: float
    sr_used_fail: float
    spare_fraction: float
    certificate_warn_days: int
    certificate_fail_days: int
    clock_skew_good_s: float
    clock_skew_most_s: float
    database_dump_good_days: int
    database_dump_most_days: int
    rto_share_good: float
    rto_share_most: float
    management_shares_vlans: bool
    dom0_base_bytes: int
    dom0_share: float
    dom0_most_bytes: int
    alarm_recent_days: int
    restart_allowance_s: int
    cluster_hosts_most: int
    cluster_token_timeout_s: int
    waiver_classes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GateProfile:
    """Which checks close a gate. `blocking` lists the ids; None means every check by its printed severity."""

    name: str
    version: int
    blocking: frozenset[str] | None
