"""Estates of any size from a seed, for inventories that must be large rather than telling."""

from __future__ import annotations

import random
from dataclasses import replace

from lab.worlds.small import DEBIAN_12, RHEL_9, UBUNTU, WINDOWS_2016, WINDOWS_2019, WINDOWS_2022
from lab.worlds.spec import (
    ClusterSpec,
    DatastoreSpec,
    DiskSpec,
    EstateSpec,
    HostSpec,
    NetworkSpec,
    NicSpec,
    Tools,
    VmSpec,
)

VMS_PER_HOST = 40
HOSTS_PER_CLUSTER = 8
MAX_HOSTS = 200  # loopback addresses 127.0.0.21 and up
GUESTS = (WINDOWS_2016, WINDOWS_2019, WINDOWS_2022, DEBIAN_12, RHEL_9, UBUNTU)
ROLES = ("app", "web", "db", "file", "print", "mail", "build", "log", "proxy", "vdi")


def estate(seed: int, vms: int = 100, vms_per_host: int = VMS_PER_HOST) -> EstateSpec:
    """An estate of `vms` machines on as many hosts as they need; the same arguments give the same estate.

    Raises:
        ValueError: fewer than one VM, or more than fit on the loopback addresses of MAX_HOSTS hosts.
    """
    if not 1 <= vms <= MAX_HOSTS * vms_per_host:
        raise ValueError(f"an estate has 1 to {MAX_HOSTS * vms_per_host} VMs, not {vms}")
    chance = random.Random(seed)
    hosts = _hosts(-(-vms // vms_per_host))
    clusters = tuple(dict.fromkeys(host.cluster for host in hosts))
    datastores = tuple(
        DatastoreSpec(
            f"{cluster}-{kind.lower()}-{n}",
            kind,
            16384,
            7000 + 100 * n,
            (cluster,),
            "10.20.40.10" if kind == "NFS" else "",
            f"/export/{n}",
        )
        for cluster in clusters
        for n, kind in enumerate(("VMFS", "VMFS", "NFS"))
    )
    networks = tuple(NetworkSpec(f"lan-{vlan}", vlan) for vlan in (100, 110, 120)) + tuple(
        NetworkSpec(f"dv-{vlan}", vlan, dvs="DSwitch-1") for vlan in (200, 210, 220, 4095)
    )
    return EstateSpec(
        name=f"estate-{vms}",
        seed=seed,
        datacenter="DC1",
        clusters=tuple(ClusterSpec(cluster) for cluster in clusters),
        hosts=hosts,
        datastores=datastores,
        networks=networks,
        vms=tuple(_vm(chance, number, hosts[number % len(hosts)], datastores, networks) for number in range(vms)),
        custom_fields=("Owner",),
        dvs_names=("DSwitch-1",),
    )


def _hosts(count: int) -> tuple[HostSpec, ...]:
    return tuple(
        HostSpec(
            f"esxi{n + 1:02d}.lab.example", f"Cluster-{n // HOSTS_PER_CLUSTER + 1:02d}", f"127.0.0.{21 + n}", f"10.20.20.{21 + n}"
        )
        for n in range(count)
    )


def _vm(
    chance: random.Random, number: int, host: HostSpec, datastores: tuple[DatastoreSpec, ...], networks: tuple[NetworkSpec, ...]
) -> VmSpec:
    role = chance.choice(ROLES)
    name = f"{role}-{number:05d}"
    near = [one.name for one in datastores if host.cluster in one.clusters]
    guest = chance.choice(GUESTS)
    layout = "windows" if guest.family == "windowsGuest" else "linux"
    disks = tuple(
        DiskSpec(
            chance.choice((64, 96, 128)),
            chance.randrange(4, 12),
            chance.choice(near),
            unit=unit if unit < 7 else unit + 1,
            layout=layout if not unit else "data",
        )
        for unit in range(chance.choice((1, 1, 1, 2, 3)))
    )
    nics = tuple(
        NicSpec(
            chance.choice(networks).name,
            f"00:50:56:{number >> 8 & 0x3F:02x}:{number & 0xFF:02x}:{card:02x}",
            f"10.{30 + card}.{number >> 8}.{number & 0xFF}",
        )
        for card in range(chance.choice((1, 1, 1, 2)))
    )
    return VmSpec(
        name,
        host.name,
        replace(guest, host_name=f"{name}.corp.example"),
        disks,
        nics,
        cpus=chance.choice((1, 2, 2, 4, 8)),
        memory_mib=chance.choice((2048, 4096, 8192, 16384)),
        firmware=chance.choice(("bios", "bios", "efi")),
        powered_on=chance.random() < 0.85,
        tools=chance.choice((Tools.RUNNING,) * 8 + (Tools.NOT_RUNNING, Tools.NOT_INSTALLED)),
        folder=role,
        snapshots=("weekly",) if chance.random() < 0.05 else (),
    )
