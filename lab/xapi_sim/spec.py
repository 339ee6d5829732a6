"""What a pool of the lab consists of: frozen descriptions that a world fills in and populate.py turns into records.

No behaviour, no references, no secrets. Names are the keys: a NIC names its switch, a network its NICs, an SR its
storage nodes, a VM its host. `small_pool()` is a pool that is ready to be converted to, except for its HA timeout.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

GIB = 1 << 30
LAB_NAMESPACE = uuid.UUID("6f0c7b3e-3f5d-4f0e-9a36-1f0f7c2b5a10")

TEMPLATE_NAMES = (
    "Windows 10 (64-bit)", "Windows 11", "Windows Server 2016 (64-bit)", "Windows Server 2019 (64-bit)",
    "Windows Server 2022 (64-bit)", "Windows Server 2025", "Red Hat Enterprise Linux 8", "Red Hat Enterprise Linux 9",
    "Red Hat Enterprise Linux 10", "CentOS Stream 9", "CentOS Stream 10", "Rocky Linux 8", "Rocky Linux 9",
    "AlmaLinux 8", "AlmaLinux 9", "AlmaLinux 10", "Oracle Linux 8", "SUSE Linux Enterprise 15 (64-bit)",
    "SUSE Linux Enterprise Server 12 SP5 (64-bit)", "Debian Bullseye 11", "Debian Bookworm 12",
    "Ubuntu Jammy Jellyfish 22.04", "Ubuntu Noble Numbat 24.04", "Gooroom Platform 2.0", "Other install media",
)  # fmt: skip


class NetworkRole(StrEnum):
    """What a network carries; management and storage networks give the host an IP address there."""

    MANAGEMENT = "management"
    STORAGE = "storage"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class NicSpec:
    """A physical port: device name as in dom0, the switch it is cabled to, its place on the PCI bus."""

    device: str
    mac: str
    switch: str
    pci_bus_path: str
    speed_mbps: int = 10_000
    carrier: bool = True


@dataclass(frozen=True, slots=True)
class HostSpec:
    """A host on its own loopback address.

    `failover_s` says, per storage node, how many seconds statefile I/O of this host stalls after a hard power loss of
    that node until its multipathing has moved on.
    """

    name: str
    address: str
    uuid: str
    memory_bytes: int
    nics: tuple[NicSpec, ...]
    failover_s: Mapping[str, float]
    enabled: bool = True
    multipathing: bool = True
    cpu_count: int = 32


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A network over `devices` of every host; two devices or more are a bond of `bond_mode`.

    With `vlan` the PIFs are tagged ones on top of the same devices' untagged network. No devices: an internal network.
    """

    name: str
    bridge: str
    devices: tuple[str, ...]
    role: NetworkRole = NetworkRole.GUEST
    vlan: int | None = None
    bond_mode: str = "active-backup"
    bond_properties: Mapping[str, str] = field(default_factory=dict)
    mtu: int = 1500
    disallow_unplug: bool = False
    ip_mode: str = "Static"


@dataclass(frozen=True, slots=True)
class StorageNodeSpec:
    """A head of the SAN; `resync_s` is how long its mirror needs after it comes back."""

    name: str
    resync_s: float = 60.0


@dataclass(frozen=True, slots=True)
class SrSpec:
    """A storage repository; `type` is lvmoiscsi, nfs, lvm or iso.

    `portals` maps storage nodes to target addresses: with two or more nodes a block SR is multipathed. `thin` follows
    the type: file-based SRs allocate on write, lvm* SRs claim the whole VDI at creation.
    """

    name: str
    type: str
    physical_size_bytes: int
    shared: bool = True
    scsi_id: str = ""
    portals: Mapping[str, str] = field(default_factory=dict)
    server: str = ""
    path: str = ""
    used_bytes: int = 0
    hosts: tuple[str, ...] | None = None
    use_vhd: bool = True
    isos: tuple[str, ...] = ()

    @property
    def is_block(self) -> bool:
        """Whether VDIs are logical volumes."""
        return self.type.startswith("lvm")


@dataclass(frozen=True, slots=True)
class HaSpec:
    """HA as found: `timeout_s` is what ha_configuration says, `default_ha_timeout_s` what survives a re-enable."""

    enabled: bool = False
    timeout_s: int | None = None
    default_ha_timeout_s: int | None = None
    heartbeat_sr: str = ""
    failures_to_tolerate: int = 0
    allow_overcommit: bool = False


@dataclass(frozen=True, slots=True)
class VmSpec:
    """An existing VM; `host` empty means halted. One blank disk of `disk_bytes` on `sr` when both are given."""

    name: str
    memory_bytes: int
    vcpus: int
    host: str = ""
    macs: tuple[str, ...] = ()
    network: str = ""
    sr: str = ""
    disk_bytes: int = 0
    firmware: str = "uefi"
    ha_restart_priority: str = ""
    pv_drivers: bool = True


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """A whole pool. The first host is the coordinator unless `coordinator` names another."""

    name: str
    hosts: tuple[HostSpec, ...]
    networks: tuple[NetworkSpec, ...]
    storage_nodes: tuple[StorageNodeSpec, ...]
    srs: tuple[SrSpec, ...]
    ha: HaSpec = HaSpec()
    templates: tuple[str, ...] = TEMPLATE_NAMES
    vms: tuple[VmSpec, ...] = ()
    coordinator: str = ""
    product_brand: str = "XenServer"
    product_version: str = "8.4.0"
    boot_s: float = 240.0

    def stable_uuid(self, what: str) -> str:
        """A uuid that is the same for every start of this pool."""
        return str(uuid.uuid5(LAB_NAMESPACE, f"{self.name}/{what}"))


def small_pool() -> PoolSpec:
    """Three hosts, bonded management, one multipathed iSCSI SR on two storage nodes, HA drifted back to 60 s.

    At T = 60 s a pull of san-a fences xen03 and a pull of san-b fences xen02; at T = 120 s neither fences anybody.
    """
    san = SrSpec(
        "san-lun-01", "lvmoiscsi", 2048 * GIB,
        scsi_id="360030d903131325f48415f4865617274",
        portals={"san-a": "10.20.0.201", "san-b": "10.20.0.202"},
    )  # fmt: skip
    nfs = SrSpec("nfs-01", "nfs", 1024 * GIB, server="10.20.0.210", path="/export/xen")
    iso = SrSpec("iso-library", "iso", 64 * GIB, server="10.20.0.210", path="/export/iso", isos=("tools.iso",))
    return PoolSpec(
        name="pool-west",
        hosts=tuple(_small_host(n, failover) for n, failover in enumerate(((35, 40), (40, 85), (85, 35)), start=1)),
        networks=(
            NetworkSpec("management", "xapi0", ("eth0", "eth2"), NetworkRole.MANAGEMENT, disallow_unplug=True),
            NetworkSpec("storage", "xapi1", ("eth1", "eth3"), NetworkRole.STORAGE, disallow_unplug=True, mtu=9000),
            NetworkSpec("guests", "xenbr4", ("eth4",)),
            NetworkSpec("guests-vlan-20", "xapi20", ("eth4",), vlan=20),
        ),
        storage_nodes=(StorageNodeSpec("san-a"), StorageNodeSpec("san-b")),
        srs=(san, nfs, iso),
        ha=HaSpec(enabled=True, timeout_s=60, heartbeat_sr="san-lun-01", failures_to_tolerate=1),
        vms=(
            VmSpec("dns-01", 4 * GIB, 2, "xen01", ("0a:58:00:00:00:01",), "guests", "san-lun-01", 8 * GIB,
                   ha_restart_priority="restart"),
            VmSpec("print-01", 8 * GIB, 2, "xen02", ("0a:58:00:00:00:02",), "guests", "san-lun-01", 16 * GIB,
                   ha_restart_priority="restart"),
            VmSpec("web-01", 8 * GIB, 4, "xen03", ("0a:58:00:00:00:03",), "guests", "san-lun-01", 16 * GIB,
                   ha_restart_priority="restart"),
        ),
    )  # fmt: skip


def _small_host(number: int, failover: tuple[float, float]) -> HostSpec:
    ports = ((0, "0000:3b:00.0"), (1, "0000:3b:00.1"), (2, "0000:86:00.0"), (3, "0000:86:00.1"), (4, "0000:af:00.0"))
    return HostSpec(
        name=f"xen{number:02}",
        address=f"127.0.0.{10 + number}",
        uuid=str(uuid.uuid5(LAB_NAMESPACE, f"small/xen{number:02}")),
        memory_bytes=128 * GIB,
        nics=tuple(
            NicSpec(f"eth{port}", f"0a:57:00:00:{number:02x}:{port:02x}", "switch-a" if port < 2 else "switch-b", path)
            for port, path in ports
        ),
        failover_s={"san-a": failover[0], "san-b": failover[1]},
    )
