"""ESXi hosts as facts. Their wiring is in host_hardware, what they live in is in landscape."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element

from cryptography import x509
from pyVmomi import vim

from estate.facts.source import HostFacts
from estate.facts.unknown import Unknown, is_known
from estate.tls import fingerprint, sha1_of, sha256_of
from estate.vsphere.inventory.host_hardware import (
    distributed_switches,
    host_adapters,
    kernel_nics,
    luns,
    physical_nics,
    virtual_switches,
)
from estate.vsphere.inventory.paging import Query
from estate.vsphere.inventory.values import NOT_GIVEN, SourceObject, boolean, child, children, integer, or_none, plain, text

_HOST_PATHS = """
name parent datastore network runtime.connectionState runtime.inMaintenanceMode runtime.powerState
summary.hardware summary.config.product summary.config.sslThumbprint summary.quickStats
summary.maxEVCModeKey summary.currentEVCModeKey hardware.systemInfo hardware.biosInfo hardware.cpuInfo hardware.cpuPkg
hardware.pciDevice licensableResource
config.certificate config.lockdownMode config.network.portgroup config.network.pnic config.network.vswitch
config.network.proxySwitch config.network.vnic config.network.dnsConfig config.virtualNicManagerInfo config.dateTimeInfo
config.storageDevice.hostBusAdapter config.storageDevice.scsiLun config.storageDevice.multipathInfo
"""
SHA1_DIGITS, SHA256_DIGITS = 40, 64


@dataclass(frozen=True, slots=True)
class StandardGroup:
    """A standard port group as one host has it; the policies are those in force."""

    vlan: int | Unknown = NOT_GIVEN
    switch: str | Unknown = NOT_GIVEN
    promiscuous: bool | Unknown = NOT_GIVEN
    forged_transmits: bool | Unknown = NOT_GIVEN
    mac_changes: bool | Unknown = NOT_GIVEN


@dataclass(frozen=True, slots=True)
class HostReading:
    """A host, and its standard port groups by their names (a network's own object lacks their settings)."""

    facts: HostFacts
    groups: tuple[tuple[str, StandardGroup], ...]


def read_host(found: SourceObject) -> HostReading:
    parent_kind, parent_id = found.parent()
    hardware, product = _inside(found, "summary.hardware"), _inside(found, "summary.config.product")
    system, bios = _inside(found, "hardware.systemInfo"), _inside(found, "hardware.biosInfo")
    stats, dns = _inside(found, "summary.quickStats"), _inside(found, "config.network.dnsConfig")
    sha256, sha1, expires_at = _certificate(found)
    facts = HostFacts(
        native_id=found.native_id,
        name=found.name(),
        cluster_id=parent_id if parent_kind == "ClusterComputeResource" else None if parent_kind else found.why("parent"),
        connection_state=found.text("runtime.connectionState"),
        in_maintenance=found.boolean("runtime.inMaintenanceMode"),
        power_state=found.text("runtime.powerState"),
        cpu_model=hardware.text("cpuModel"),
        cpu_vendor=_cpu_vendor(found),
        cpu_sockets=hardware.integer("numCpuPkgs"),
        cpu_cores=hardware.integer("numCpuCores"),
        cpu_threads=hardware.integer("numCpuThreads"),
        cpu_hz=_inside(found, "hardware.cpuInfo").integer("hz"),
        cpu_used_mhz=stats.integer("overallCpuUsage"),
        memory_bytes=hardware.integer("memorySize"),
        memory_used_bytes=_used_bytes(stats.integer("overallMemoryUsage")),
        product=product.text("fullName"),
        version=product.text("version"),
        build=product.text("build"),
        license_product=product.text("licenseProductName"),
        licensable=_licensable(found),
        lockdown_mode=found.text("config.lockdownMode"),
        vendor=hardware.text("vendor"),
        model=hardware.text("model"),
        serial=system.text("serialNumber"),
        uuid=system.text("uuid"),
        bios_version=bios.text("biosVersion"),
        current_evc_mode=or_none(found.text("summary.currentEVCModeKey"), whole=True),
        max_evc_mode=or_none(found.text("summary.maxEVCModeKey"), whole=True),
        domain=dns.text("domainName"),
        dns_servers=_listed(found, "config.network.dnsConfig", "address"),
        time_zone=_inside(found, "config.dateTimeInfo").text("timeZone/key"),
        ntp_servers=_listed(found, "config.dateTimeInfo", "ntpConfig/server"),
        tls_sha256=sha256,
        tls_sha1=sha1,
        tls_expires_at=expires_at,
        physical_nics=physical_nics(found),
        switches=virtual_switches(found),
        distributed_switches=distributed_switches(found),
        kernel_nics=kernel_nics(found),
        hbas=host_adapters(found),
        luns=luns(found),
        pci_devices=_pci_devices(found),
        datastore_ids=found.given_morefs("datastore"),
        network_ids=found.morefs("network"),
        unreadable=found.unreadable,
    )
    return HostReading(facts, tuple(_standard_groups(found.values.get("config.network.portgroup"))))


class _inside:
    """The fields of one structured property, or why it could not be read."""

    __slots__ = ("_element",)

    def __init__(self, found: SourceObject, path: str) -> None:
        self._element = found.element(path)

    def text(self, name: str) -> str | Unknown:
        return self._element if isinstance(self._element, Unknown) else text(self._element, name)

    def integer(self, name: str) -> int | Unknown:
        return self._element if isinstance(self._element, Unknown) else integer(self._element, name)


def _used_bytes(mib: int | Unknown) -> int | Unknown:
    return mib << 20 if is_known(mib) else mib


def _cpu_vendor(found: SourceObject) -> str | Unknown:
    packages = found.element("hardware.cpuPkg")
    return packages if isinstance(packages, Unknown) else text(packages, "HostCpuPackage/vendor")


def _licensable(found: SourceObject) -> tuple[tuple[str, str], ...] | Unknown:
    """What a licence would count of the host, by VMware's words, e.g. `numCpuPackages`; ESXi wraps amounts in pairs."""
    element = found.element("licensableResource")
    if isinstance(element, Unknown):
        return element
    rows = ((plain(text(each, "key")), child(each, "value")) for each in children(element, "resource"))
    return tuple((name, plain(text(held, "value" if child(held, "value") is not None else ""))) for name, held in rows)


def _listed(found: SourceObject, path: str, name: str) -> tuple[str, ...] | Unknown:
    element = found.element(path)
    return element if isinstance(element, Unknown) else tuple(each.text or "" for each in children(element, name))


def _pci_devices(found: SourceObject) -> tuple[str, ...] | Unknown:
    """`address vendor device` of every PCI device."""
    listed = found.element("hardware.pciDevice")
    if isinstance(listed, Unknown):
        return listed
    names = ("id", "vendorName", "deviceName")
    return tuple(" ".join(plain(text(device, name)).strip() for name in names) for device in listed)


def _standard_groups(portgroups: Element | None) -> Iterator[tuple[str, StandardGroup]]:
    for group in children(portgroups, "HostPortGroup"):
        security = child(group, "computedPolicy/security")
        name = text(group, "spec/name")
        if is_known(name):
            yield (
                name,
                StandardGroup(
                    vlan=integer(group, "spec/vlanId"),
                    switch=text(group, "spec/vswitchName"),
                    promiscuous=boolean(security, "allowPromiscuous"),
                    forged_transmits=boolean(security, "forgedTransmits"),
                    mac_changes=boolean(security, "macChanges"),
                ),
            )


def _certificate(found: SourceObject) -> tuple[str | Unknown, str | Unknown, datetime | Unknown]:
    """SHA-256, SHA-1 and end of the host's certificate: from the certificate itself, else its thumbprint of either kind."""
    der = host_certificate(found)
    if der is not None:
        return sha256_of(der), sha1_of(der), _expires_at(der)
    thumbprint, why = found.text("summary.config.sslThumbprint"), found.why("config.certificate")
    if not is_known(thumbprint):
        return why, thumbprint, why
    shown, digits = fingerprint(thumbprint), len(thumbprint.replace(":", ""))
    return shown if digits == SHA256_DIGITS else NOT_GIVEN, shown if digits == SHA1_DIGITS else NOT_GIVEN, why


def _expires_at(der: bytes) -> datetime | Unknown:
    try:
        return x509.load_der_x509_certificate(der).not_valid_after_utc
    except ValueError:
        return Unknown("the certificate cannot be read")


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


def hosts() -> Query[HostReading]:
    """The query for every ESXi host."""
    return Query(vim.HostSystem, tuple(_HOST_PATHS.split()), read_host)
