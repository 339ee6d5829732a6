"""Hosts, PIFs, bonds and networks of a pool as facts."""

from __future__ import annotations

from datetime import UTC, datetime

from estate.facts.pool import BondFacts, PifFacts, PoolHostFacts, PoolNetworkFacts
from estate.facts.unknown import Unknown
from estate.tls import fingerprint
from estate.xapi.records import Record, Snapshot, parse_time

_SHA256_HEX_DIGITS = 64


def hosts(snapshot: Snapshot) -> tuple[PoolHostFacts, ...]:
    """All hosts, live or not."""
    fingerprints = host_fingerprints(snapshot)
    return snapshot.collect("host", lambda host: _host(snapshot, host, fingerprints))


def host_fingerprints(snapshot: Snapshot) -> dict[str, str]:
    """SHA-256 of each host's certificate as the pool records it, by host reference. Empty on pools without that class."""
    found = {}
    for record in snapshot.table("Certificate"):
        fields = record.fields
        shown = fingerprint(str(fields.get("fingerprint_sha256") or fields.get("fingerprint") or ""))
        if fields.get("type", "host") == "host" and len(shown.replace(":", "")) == _SHA256_HEX_DIGITS:
            found[str(fields.get("host"))] = shown
    return found


def _host(snapshot: Snapshot, host: Record, fingerprints: dict[str, str]) -> PoolHostFacts:
    metrics = snapshot.table("host_metrics").get(host.text("metrics"))
    version = host.map("software_version")
    no_metrics = Unknown("the host's metrics could not be read")
    return PoolHostFacts(
        uuid=host.text("uuid"),
        name=host.text("name_label"),
        address=host.text("address"),
        live=metrics.maybe_flag("live") if metrics else no_metrics,
        enabled=host.maybe_flag("enabled"),
        memory_total_bytes=metrics.maybe_number("memory_total") if metrics else no_metrics,
        memory_overhead_bytes=host.maybe_number("memory_overhead"),
        multipathing=_multipathing(host),
        ha_statefiles=_statefiles(snapshot, host),
        ha_network_peers=_strings(host, "ha_network_peers"),
        boot_time=boot_time_of(host),
        product_brand=_version(version, "product_brand"),
        product_version=_version(version, "product_version"),
        build_number=_version(version, "build_number"),
        current_operations=tuple(sorted(set(host.map("current_operations").values()))),
        tls_sha256=fingerprints.get(host.ref, Unknown("the pool records no certificate of this host")),
        cpu_vendor=_cpu(host, "vendor"),
        cpu_model=_cpu(host, "modelname"),
        cpu_features=_cpu(host, "features_hvm", "features"),
        edition=host.maybe_text("edition"),
        licence_expires_at=_licence_expiry(host),
        licence_allows_ha=_licence_flag(host, "enable_xha"),
        pending_mandatory=_pending_mandatory(host),
        pending_recommended=_strings(host, "pending_guidances_recommended"),
        ntp_mode=host.maybe_text("ntp_mode"),
        ntp_servers=_strings(host, "ntp_custom_servers"),
    )


def _pending_mandatory(host: Record) -> tuple[str, ...] | Unknown:
    """Mandatory guidance; older pools say only which updates wait for a reboot."""
    guidance = _strings(host, "pending_guidances")
    waiting = _strings(host, "updates_requiring_reboot")
    if isinstance(waiting, Unknown):
        return guidance
    rest = () if isinstance(guidance, Unknown) else guidance
    return (*rest, *(("reboot_host",) if waiting and "reboot_host" not in rest else ()))


def _licence_expiry(host: Record) -> datetime | Unknown | None:
    """None for the word `never`, which licences without an end carry."""
    told = host.map("license_params").get("expiry", "")
    if told == "never":
        return None
    try:
        return parse_time(told)
    except ValueError:
        return Unknown(f"license_params:expiry reads {told!r}")


def _licence_flag(host: Record, key: str) -> bool | Unknown:
    told = host.map("license_params").get(key)
    return told == "true" if told in ("true", "false") else Unknown(f"license_params:{key} reads {told!r}")


def _cpu(host: Record, *keys: str) -> str | Unknown:
    """The first of these keys that the host tells of its CPU."""
    told = host.map("cpu_info")
    return next((told[key] for key in keys if told.get(key)), Unknown(f"cpu_info has no {keys[0]}"))


def _multipathing(host: Record) -> bool | Unknown:
    """Newer pools have a field of its own; older ones keep it in other_config."""
    own = host.maybe_flag("multipathing")
    if not isinstance(own, Unknown):
        return own
    mirrored = host.map("other_config").get("multipathing")
    return Unknown("neither multipathing nor other_config:multipathing is set") if mirrored is None else mirrored == "true"


def _strings(host: Record, name: str) -> tuple[str, ...] | Unknown:
    if name not in host.fields:
        return Unknown(f"the pool's version has no field {name}")
    return tuple(str(value) for value in host.fields[name])


def _statefiles(snapshot: Snapshot, host: Record) -> tuple[str, ...] | Unknown:
    """XAPI keeps references as plain strings here; older hosts wrote uuids."""
    kept = _strings(host, "ha_statefiles")
    return kept if isinstance(kept, Unknown) else tuple(snapshot.table("VDI").uuid(ref) or ref for ref in kept)


def boot_time_of(host: Record) -> datetime | Unknown:
    """When the host booted, as it wrote itself at its last start."""
    text = host.map("other_config").get("boot_time", "")
    try:
        return datetime.fromtimestamp(float(text), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return Unknown("other_config:boot_time is not set")


def _version(version: dict[str, str], key: str) -> str | Unknown:
    return version[key] if key in version else Unknown(f"software_version has no {key}")


def pifs(snapshot: Snapshot) -> tuple[PifFacts, ...]:
    """All PIFs: physical ports, bonds and VLANs."""
    return snapshot.collect("PIF", lambda pif: _pif(snapshot, pif))


def _pif(snapshot: Snapshot, pif: Record) -> PifFacts:
    metrics = snapshot.table("PIF_metrics").get(pif.fields.get("metrics"))
    no_metrics = Unknown("this PIF has no metrics")
    return PifFacts(
        uuid=pif.text("uuid"),
        host_uuid=snapshot.table("host").uuid(pif.text("host")) or "",
        device=pif.text("device"),
        network_uuid=snapshot.table("network").uuid(pif.text("network")) or "",
        vlan=pif.number("VLAN"),
        management=pif.flag("management"),
        physical=pif.flag("physical"),
        ip_mode=pif.maybe_text("ip_configuration_mode"),
        ip_address=pif.text("IP"),
        currently_attached=pif.maybe_flag("currently_attached"),
        carrier=metrics.maybe_flag("carrier") if metrics else no_metrics,
        pci_bus_path=metrics.maybe_text("pci_bus_path") if metrics else no_metrics,
        mac_address=str(pif.fields.get("MAC", "")),
        mtu=pif.maybe_number("MTU"),
        disallow_unplug=pif.maybe_flag("disallow_unplug"),
        untagged_pif_uuid=_carrier_of_vlan(snapshot, pif),
        netmask=pif.maybe_text("netmask"),
    )


def _carrier_of_vlan(snapshot: Snapshot, pif: Record) -> str | None:
    """The PIF underneath a tagged one: the other end of its VLAN record, whichever of the two ends that is."""
    vlan = snapshot.table("VLAN").get(pif.fields.get("VLAN_master_of"))
    if vlan is None:
        return None
    ends = (vlan.fields.get("tagged_PIF"), vlan.fields.get("untagged_PIF"))
    return next((snapshot.table("PIF").uuid(end) for end in ends if end != pif.ref), None)


def bonds(snapshot: Snapshot) -> tuple[BondFacts, ...]:
    """All bonds with their members."""
    known = snapshot.table("PIF")
    return snapshot.collect(
        "Bond",
        lambda bond: BondFacts(
            uuid=bond.text("uuid"),
            master_pif_uuid=known.uuid(bond.text("master")) or "",
            slave_pif_uuids=known.uuids(bond.refs("slaves")),
            mode=bond.maybe_text("mode"),
            links_up=bond.maybe_number("links_up"),
        ),
    )


def networks(snapshot: Snapshot) -> tuple[PoolNetworkFacts, ...]:
    """All networks of the pool."""
    known = snapshot.table("PIF")
    return snapshot.collect(
        "network",
        lambda network: PoolNetworkFacts(
            uuid=network.text("uuid"),
            name=network.text("name_label"),
            bridge=network.text("bridge"),
            mtu=network.maybe_number("MTU"),
            pif_uuids=known.uuids(network.refs("PIFs")),
        ),
    )
