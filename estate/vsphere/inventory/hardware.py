"""ESXi hosts, clusters and datastores as facts."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from lxml.etree import _Element
from pyVmomi import vim

from estate.facts.source import ClusterFacts, DatastoreFacts, HostFacts
from estate.facts.unknown import Unknown, is_known
from estate.tls import fingerprint, sha1_of, sha256_of
from estate.vsphere.inventory.paging import Query
from estate.vsphere.inventory.values import NOT_GIVEN, SourceObject, boolean, children, integer, text

_HOST_PATHS = """
name parent datastore network runtime.connectionState runtime.inMaintenanceMode
summary.hardware summary.config.product summary.config.sslThumbprint config.certificate config.network.portgroup
"""
_CLUSTER_PATHS = "name configuration.drsConfig configuration.dasConfig host datastore network"
_DATASTORE_PATHS = "name summary host"

SHA1_DIGITS, SHA256_DIGITS = 40, 64


@dataclass(frozen=True, slots=True)
class HostReading:
    """A host, and the VLAN ids of its standard port groups by their names (a network's own object lacks them)."""

    facts: HostFacts
    vlans: tuple[tuple[str, int], ...]


def read_host(found: SourceObject) -> HostReading:
    parent_kind, parent_id = found.parent()
    hardware, product = found.element("summary.hardware"), found.element("summary.config.product")
    sha256, sha1 = _fingerprints(found)
    facts = HostFacts(
        native_id=found.native_id,
        name=found.name(),
        cluster_id=parent_id if parent_kind == "ClusterComputeResource" else None,
        connection_state=found.text("runtime.connectionState"),
        in_maintenance=found.boolean("runtime.inMaintenanceMode"),
        cpu_model=hardware if isinstance(hardware, Unknown) else text(hardware, "cpuModel"),
        cpu_cores=hardware if isinstance(hardware, Unknown) else integer(hardware, "numCpuCores"),
        memory_bytes=hardware if isinstance(hardware, Unknown) else integer(hardware, "memorySize"),
        product=product if isinstance(product, Unknown) else text(product, "fullName"),
        vendor=hardware if isinstance(hardware, Unknown) else text(hardware, "vendor"),
        model=hardware if isinstance(hardware, Unknown) else text(hardware, "model"),
        tls_sha256=sha256,
        tls_sha1=sha1,
        datastore_ids=found.morefs("datastore"),
        network_ids=found.morefs("network"),
        unreadable=found.unreadable,
    )
    return HostReading(facts, tuple(_vlans(found.values.get("config.network.portgroup"))))


def _vlans(portgroups: _Element | None) -> list[tuple[str, int]]:
    rows = ((text(spec, "name"), integer(spec, "vlanId")) for spec in children(portgroups, "HostPortGroup/spec"))
    return [(name, vlan) for name, vlan in rows if is_known(name) and is_known(vlan)]


def _fingerprints(found: SourceObject) -> tuple[str | Unknown, str | Unknown]:
    """SHA-256 and SHA-1 of the host's certificate: from the certificate itself, else from the thumbprint of either kind."""
    der = host_certificate(found)
    if der is not None:
        return sha256_of(der), sha1_of(der)
    thumbprint = found.text("summary.config.sslThumbprint")
    if not is_known(thumbprint):
        return found.why("config.certificate"), thumbprint
    shown, digits = fingerprint(thumbprint), len(thumbprint.replace(":", ""))
    return shown if digits == SHA256_DIGITS else NOT_GIVEN, shown if digits == SHA1_DIGITS else NOT_GIVEN


def host_certificate(found: SourceObject) -> bytes | None:
    """DER of `config.certificate`, a PEM file sent as a list of signed bytes; None when there is none in it."""
    listed = found.values.get("config.certificate")
    if listed is None:
        return None
    try:
        pem = bytes(int(byte.text or "") & 0xFF for byte in listed).decode("ascii").strip()
        return ssl.PEM_cert_to_DER_cert(pem)
    except ValueError:
        return None


def read_cluster(found: SourceObject) -> ClusterFacts:
    drs, ha = found.element("configuration.drsConfig"), found.element("configuration.dasConfig")
    return ClusterFacts(
        native_id=found.native_id,
        name=found.name(),
        drs_enabled=drs if isinstance(drs, Unknown) else boolean(drs, "enabled"),
        ha_enabled=ha if isinstance(ha, Unknown) else boolean(ha, "enabled"),
        host_ids=found.morefs("host"),
        datastore_ids=found.morefs("datastore"),
        network_ids=found.morefs("network"),
    )


def read_datastore(found: SourceObject) -> DatastoreFacts:
    summary, mounts = found.element("summary"), found.values.get("host")
    return DatastoreFacts(
        native_id=found.native_id,
        name=found.name(),
        kind=summary if isinstance(summary, Unknown) else text(summary, "type"),
        capacity_bytes=summary if isinstance(summary, Unknown) else integer(summary, "capacity"),
        free_bytes=summary if isinstance(summary, Unknown) else integer(summary, "freeSpace"),
        accessible=summary if isinstance(summary, Unknown) else boolean(summary, "accessible"),
        host_ids=tuple(key.text or "" for key in children(mounts, "DatastoreHostMount/key")),
    )


HOSTS = Query(vim.HostSystem, tuple(_HOST_PATHS.split()), read_host)
CLUSTERS = Query(vim.ClusterComputeResource, tuple(_CLUSTER_PATHS.split()), read_cluster)
DATASTORES = Query(vim.Datastore, tuple(_DATASTORE_PATHS.split()), read_datastore)
