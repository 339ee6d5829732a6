"""What a person attests about a pool, and how long it holds.

Pure values read from rows by selectors. An attestation is good until it expires or until what it was bound to changes; then it
is stale. Which kinds a check needs is said by the check.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from estate.facts.pool import PbdFacts, PoolFacts, PoolHostFacts


class EvidenceKind(StrEnum):
    """What is attested; `subject` says of what."""

    FAILOVER_TEST = "failover_test"  # storage_node pulled at timeout_s; subject: heartbeat SR's uuid or name
    SWITCH_OF_SLAVE = "switch_of_slave"  # subject: uuid of the slave PIF
    STORAGE_NODES = "storage_nodes"  # subject: uuid of the heartbeat SR
    XHAD_TIMEOUT = "xhad_timeout"  # subject: uuid of the host
    MAINTENANCE = "maintenance"  # subject: uuid of the host
    MANUAL_RESTART_RUNBOOK = "manual_restart_runbook"  # for pools that run without HA
    NTP_TRACKING = "ntp_tracking"  # subject: host; what chronyc says there
    COORDINATOR_CHOICE = "coordinator_choice"  # subject: the coordinator
    DATABASE_DUMP = "database_dump"
    GUEST_SHUTDOWN_CHOICE = "guest_shutdown_choice"
    MAINTENANCE_PLAN = "maintenance_plan"
    EMERGENCY_RUNBOOK = "emergency_runbook"
    HEARTBEAT_PORT = "heartbeat_port"
    NETWORK_PULL_TEST = "network_pull_test"  # subject: host whose NICs and switches were pulled
    NFS_SERVER = "nfs_server"  # subject: SR
    MULTIPATH_CONF = "multipath_conf"  # subject: host
    HEARTBEAT_LATENCY = "heartbeat_latency"  # subject: host
    BUSINESS_ROLE = "business_role"  # subject: VM, by uuid when the pool has it
    DOM0_DISK = "dom0_disk"  # subject: host
    ALERT_TRIAGE = "alert_triage"  # subject: uuid of the message
    XAPI_HEALTHCHECK = "xapi_healthcheck"  # subject: host
    FEATURE_REVIEW = "feature_review"
    HOST_FAILURE_TEST = "host_failure_test"  # subject: host that was powered off
    STORAGE_PATHS = "storage_paths"  # subject: host; its ways to the heartbeat SR, port by port
    POWER_FEED = "power_feed"  # subject: the feed's name; what goes dark with it
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One attestation in force. `bound_to` holds what the pool looked like when it was recorded (see `binding_of`)."""

    id: str
    kind: EvidenceKind
    subject: str
    value: dict[str, Any]
    tested_at: datetime
    who: str
    timeout_s: int | None = None
    storage_node: str = ""
    expires_at: datetime | None = None
    bound_to: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """How the item is cited in a check's evidence."""
        return f"evidence[{self.id}].{self.kind}"


def is_expired(item: EvidenceItem, at: datetime, max_age_days: int) -> bool:
    """Whether the item is past its own expiry or, without one, older than the policy allows."""
    if item.expires_at is not None:
        return at >= item.expires_at
    return at - item.tested_at > timedelta(days=max_age_days)


def _paths_key(host: PoolHostFacts, pbds: list[PbdFacts]) -> str:
    wires = sorted(f"{pbd.sr_uuid}:{pbd.scsi_id or ''}:{','.join(sorted(pbd.portals))}" for pbd in pbds)
    return f"multipathing={host.multipathing!r} {' '.join(wires)}"


def _builds(facts: PoolFacts) -> dict[str, str]:
    return {f"build:{host.uuid}": f"{host.product_version!r} {host.build_number!r}" for host in facts.hosts}


def _bonds_of(facts: PoolFacts, host_uuid: str) -> str:
    """The bonds of a host with their slaves and mode, as one text."""
    nics = {pif.uuid for pif in facts.pifs if pif.host_uuid == host_uuid}
    bonds = [bond for bond in facts.bonds if bond.master_pif_uuid in nics]
    return " ".join(sorted(f"{','.join(sorted(bond.slave_pif_uuids))}:{bond.mode!r}" for bond in bonds))


def binding_of(facts: PoolFacts, kind: EvidenceKind, subject: str) -> dict[str, str]:
    """What an attestation of this kind depends on, as comparable texts; a difference later makes it stale.

    A failover test depends on each host's build, multipath setting and the heartbeat SR's PBD configuration, a switch
    attestation on the bond its NIC belongs to, a cable pull on the host's bonds, a host failure on builds and HA settings.
    A trial's timeout is not in here: it is kept beside (`timeout_s`), so that restoring the timeout restores the evidence.
    Source: rule 2 of the check catalogue.
    """
    if kind is EvidenceKind.SWITCH_OF_SLAVE:
        bonds = [bond for bond in facts.bonds if subject in bond.slave_pif_uuids]
        return {f"bond:{subject}": ",".join(sorted(bonds[0].slave_pif_uuids)) if bonds else "none"}
    if kind is EvidenceKind.NETWORK_PULL_TEST:
        return {f"bonds:{subject}": _bonds_of(facts, subject)}
    if kind is EvidenceKind.HOST_FAILURE_TEST:
        return _builds(facts) | {"ha": f"{facts.ha_configuration!r} {facts.ha_host_failures_to_tolerate!r}"}
    if kind is not EvidenceKind.FAILOVER_TEST:
        return {}
    sr_uuids = {sr.uuid for sr in facts.srs if subject in (sr.uuid, sr.name)}
    bound = _builds(facts)
    for host in facts.hosts:
        pbds = [pbd for pbd in facts.pbds if pbd.host_uuid == host.uuid and pbd.sr_uuid in sr_uuids]
        bound[f"paths:{host.uuid}"] = _paths_key(host, pbds)
    return bound


def what_changed(item: EvidenceItem, facts: PoolFacts) -> tuple[str, ...]:
    """The bound things that differ now, as `build:<host uuid>` and the like. A thing that is gone is no change."""
    now = binding_of(facts, item.kind, item.subject)
    return tuple(key for key, then in item.bound_to.items() if key in now and now[key] != then)
