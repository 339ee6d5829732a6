"""Certificates, corosync clusters and placement groups of a pool as facts: classes that older pools lack."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from estate.facts.pool import ClusterMemberFacts, PoolCertificateFacts, PoolClusterFacts, VmGroupFacts
from estate.facts.unknown import Unknown
from estate.xapi.records import Record, Snapshot

T = TypeVar("T")


def certificates(snapshot: Snapshot) -> tuple[PoolCertificateFacts, ...] | Unknown:
    """All certificates with their end."""
    return _known(snapshot, "Certificate", lambda record: _certificate(snapshot, record))


def clusters(snapshot: Snapshot) -> tuple[PoolClusterFacts, ...] | Unknown:
    """Corosync clusters with their members."""
    return _known(snapshot, "Cluster", lambda record: _cluster(snapshot, record))


def vm_groups(snapshot: Snapshot) -> tuple[VmGroupFacts, ...] | Unknown:
    """Placement groups with the VMs in them."""
    return _known(snapshot, "VM_group", lambda record: _group(snapshot, record))


def _known(snapshot: Snapshot, name: str, build: Callable[[Record], T]) -> tuple[T, ...] | Unknown:
    """Facts of a class; UNKNOWN as a whole when one record is unusable, for the one left out may be the bad one."""
    if not snapshot.is_known(name):
        return Unknown(f"the pool shows no {name}")
    found = snapshot.collect(name, build)
    if len(found) < sum(1 for _ in snapshot.table(name)):
        return Unknown(f"a record of {name} could not be used")
    return found


def _certificate(snapshot: Snapshot, record: Record) -> PoolCertificateFacts:
    return PoolCertificateFacts(
        uuid=record.text("uuid"),
        kind=record.text("type"),
        host_uuid=snapshot.table("host").uuid(record.text("host")),
        expires_at=record.time("not_after"),
    )


def _cluster(snapshot: Snapshot, record: Record) -> PoolClusterFacts:
    members = (snapshot.table("Cluster_host").get(ref) for ref in record.refs("cluster_hosts"))
    return PoolClusterFacts(
        uuid=record.text("uuid"),
        is_quorate=record.maybe_flag("is_quorate"),
        token_timeout_s=record.maybe_number("token_timeout"),
        members=tuple(_member(snapshot, member) for member in members if member),
    )


def _member(snapshot: Snapshot, record: Record) -> ClusterMemberFacts:
    return ClusterMemberFacts(
        host_uuid=snapshot.table("host").uuid(record.text("host")) or "",
        pif_uuid=snapshot.table("PIF").uuid(record.fields.get("PIF")) or "",
        enabled=record.maybe_flag("enabled"),
        joined=record.maybe_flag("joined"),
        live=record.maybe_flag("live"),
    )


def _group(snapshot: Snapshot, record: Record) -> VmGroupFacts:
    return VmGroupFacts(
        uuid=record.text("uuid"),
        name=record.text("name_label"),
        placement=record.text("placement"),
        vm_uuids=snapshot.table("VM").uuids(record.refs("VMs")),
    )
