"""World `small`: the demo's vCenter with two clusters, four hosts, twelve VMs.

Every VM is here for a reason, said beside it. The pool it moves to and the KMS reading are in pool.py and kms.py.
"""

from __future__ import annotations

from dataclasses import replace

from lab.worlds.spec import (
    ClusterSpec,
    DatastoreSpec,
    DiskSpec,
    EstateSpec,
    GuestSpec,
    HostSpec,
    NetworkSpec,
    NicSpec,
    TagSpec,
    Tools,
    VmSpec,
)

APPS, INFRA = "Cluster-Apps", "Cluster-Infra"
ESXI = tuple(f"esxi{number:02d}.lab.example" for number in range(1, 5))
GOLD, SILVER, NFS = "vmfs-gold-01", "vmfs-silver-01", "nfs-images-01"
LAN, DMZ, BACKUP, SERVERS, DATABASES = "VM Network", "DMZ 110", "Backup 300", "dv-servers-120", "dv-db-130"

WINDOWS_2016 = GuestSpec("windows9Server64Guest", "Microsoft Windows Server 2016 (64-bit)", "windowsGuest")
WINDOWS_2019 = GuestSpec("windows2019srv_64Guest", "Microsoft Windows Server 2019 (64-bit)", "windowsGuest")
WINDOWS_2022 = GuestSpec("windows2019srvNext_64Guest", "Microsoft Windows Server 2022 (64-bit)", "windowsGuest")
DEBIAN_12 = GuestSpec("debian12_64Guest", "Debian GNU/Linux 12 (64-bit)", "linuxGuest")
UBUNTU = GuestSpec("ubuntu64Guest", "Ubuntu Linux (64-bit)", "linuxGuest")
RHEL_9 = GuestSpec("rhel9_64Guest", "Red Hat Enterprise Linux 9 (64-bit)", "linuxGuest")

# The VM whose disk may be a real bootable image (XENBOUND_LAB_LINUX_IMAGE).
BOOTABLE_VM = "web01"
WINDOWS_VMS = ("dc01", "app01", "sql01")


def _guest(kind: GuestSpec, name: str) -> GuestSpec:
    return replace(kind, host_name=f"{name}.corp.example")


def _nic(number: int, network: str, ip: str, card: int = 0) -> NicSpec:
    return NicSpec(network, f"00:50:56:9a:{number:02x}:{card + 1:02x}", ip)


def _windows(capacity_mib: int, fill_mib: int, datastore: str, **more: object) -> DiskSpec:
    return DiskSpec(capacity_mib, fill_mib, datastore, bus="lsisas", layout="windows", **more)  # type: ignore[arg-type]


def _windows_vms() -> tuple[VmSpec, ...]:
    return (
        # A domain controller that shuts down as asked.
        VmSpec(
            "dc01", ESXI[2], _guest(WINDOWS_2019, "dc01"), (_windows(384, 62, GOLD),), (_nic(1, SERVERS, "10.20.120.11"),),
            cpus=2, memory_mib=4096, folder="Windows", custom=(("Owner", "Identity team"),),
        ),
        # Windows with UEFI and secure boot; its guest never follows a shutdown request.
        VmSpec(
            "app01", ESXI[0], _guest(WINDOWS_2022, "app01"), (_windows(448, 70, GOLD),), (_nic(2, SERVERS, "10.20.120.21"),),
            cpus=4, memory_mib=8192, firmware="efi", secure_boot=True, ignores_shutdown=True, folder="Windows",
            custom=(("Owner", "ERP team"), ("RTO minutes", "60")),
        ),
        # Windows with a data disk, powered off already.
        VmSpec(
            "sql01", ESXI[2], _guest(WINDOWS_2016, "sql01"),
            (_windows(384, 58, SILVER), DiskSpec(256, 44, SILVER, unit=1, bus="lsisas", layout="data", thin=False)),
            (_nic(3, DATABASES, "10.20.130.12"),), cpus=4, memory_mib=16384, powered_on=False, folder="Windows",
        ),
    )  # fmt: skip


def _linux_vms() -> tuple[VmSpec, ...]:
    return (
        # The physical RDM: cannot be exported, refused in one sentence.
        VmSpec(
            "file01", ESXI[3], _guest(DEBIAN_12, "file01"),
            (DiskSpec(128, 26, SILVER),
             DiskSpec(512, 0, SILVER, bus="lsilogic", bus_number=1, rdm="physicalMode", layout="data")),
            (_nic(4, LAN, "10.20.100.31"),), folder="Linux",
        ),
        # An old snapshot.
        VmSpec(
            "git01", ESXI[0], _guest(DEBIAN_12, "git01"), (DiskSpec(192, 38, GOLD),), (_nic(5, SERVERS, "10.20.120.41"),),
            folder="Linux", snapshots=("before upgrade to 16.2",), annotation="Keep the snapshot until the upgrade is signed off",
        ),
        # Linux with a boot disk that may be real.
        VmSpec(
            "web01", ESXI[0], _guest(DEBIAN_12, "web01"), (DiskSpec(256, 46, GOLD),), (_nic(6, DMZ, "10.20.110.51"),),
            folder="Linux",
        ),
        # UEFI on Linux.
        VmSpec(
            "web02", ESXI[1], _guest(UBUNTU, "web02"), (DiskSpec(256, 44, GOLD),), (_nic(7, DMZ, "10.20.110.52"),),
            firmware="efi", folder="Linux",
        ),
        # Two disks on two controllers, two cards on two kinds of switches.
        VmSpec(
            "db01", ESXI[1], _guest(RHEL_9, "db01"),
            (DiskSpec(192, 36, GOLD), DiskSpec(320, 52, SILVER, bus_number=1, layout="data")),
            (_nic(8, DATABASES, "10.20.130.61"), _nic(8, BACKUP, "10.20.30.61", 1)),
            cpus=4, memory_mib=8192, folder="Linux", custom=(("Owner", "ERP team"),),
        ),
        # Tools not running: only a hard power-off is possible.
        VmSpec(
            "mon01", ESXI[1], _guest(UBUNTU, "mon01"), (DiskSpec(128, 24, NFS),), (_nic(9, LAN, "10.20.100.71"),),
            tools=Tools.NOT_RUNNING, folder="Linux",
        ),
        # Off for months, no Tools at all.
        VmSpec(
            "legacy01", ESXI[3], _guest(DEBIAN_12, "legacy01"), (DiskSpec(64, 14, NFS, bus="sata"),),
            (NicSpec(LAN, "00:50:56:9a:0a:01", adapter="VirtualE1000", address_type="manual"),),
            cpus=1, memory_mib=1024, powered_on=False, tools=Tools.NOT_INSTALLED,
        ),
        # Off, ordinary.
        VmSpec(
            "build01", ESXI[3], _guest(UBUNTU, "build01"), (DiskSpec(128, 28, NFS),), (_nic(11, SERVERS, "10.20.120.81"),),
            powered_on=False, folder="Linux",
        ),
        # A VM that vSphere made for itself.
        VmSpec(
            "vCLS-4c4c4544-0036", ESXI[2], GuestSpec("crxPod1Guest", "VMware Photon OS (64-bit)", "linuxGuest"),
            (DiskSpec(64, 6, GOLD),), (), cpus=1, memory_mib=128, managed_by="com.vmware.vim.eam", folder="vCLS",
            tools=Tools.NOT_INSTALLED,
        ),
    )  # fmt: skip


def small(seed: int = 1) -> EstateSpec:
    """The estate of the demo; `seed` changes the bytes on the disks and the ids, nothing else."""
    both = (APPS, INFRA)
    return EstateSpec(
        name="small",
        seed=seed,
        datacenter="Lab Datacenter",
        clusters=(ClusterSpec(APPS, anti_affinity=(("web01", "web02"),)), ClusterSpec(INFRA)),
        hosts=tuple(
            HostSpec(
                name, APPS if number < 2 else INFRA, f"127.0.0.{21 + number}", f"10.20.20.{21 + number}", nfc_wildcard=number == 3
            )
            for number, name in enumerate(ESXI)
        ),
        datastores=(
            DatastoreSpec(GOLD, "VMFS", 4096, 1800, both),
            DatastoreSpec(SILVER, "VMFS", 8192, 5200, both),
            DatastoreSpec(NFS, "NFS", 2048, 900, both, "10.20.40.10", "/export/images"),
        ),
        networks=(
            NetworkSpec(LAN, 100),
            NetworkSpec(DMZ, 110, clusters=(APPS,)),
            NetworkSpec(BACKUP, 300),
            NetworkSpec(SERVERS, 120, dvs="DSwitch-Prod"),
            NetworkSpec(DATABASES, 130, dvs="DSwitch-Prod"),
        ),
        vms=(*_windows_vms(), *_linux_vms()),
        custom_fields=("Owner", "RTO minutes"),
        tags=(
            TagSpec("Tier", "Gold", (("vm", "sql01"), ("vm", "dc01"), ("datastore", GOLD))),
            TagSpec("Backup", "Nightly", (("vm", "sql01"), ("cluster", APPS), ("host", ESXI[0]), ("network", DATABASES))),
            TagSpec("Tier", "Bronze"),
        ),
        dvs_names=("DSwitch-Prod",),
    )


def tiny(seed: int = 1) -> EstateSpec:
    """Four VMs of `small` with disks of at most 64 MiB: for tests that want a lab in a second."""
    whole = small(seed)
    chosen = [vm for vm in whole.vms if vm.name in ("file01", "git01", "web02", "db01")]
    return replace(whole, name="tiny", vms=tuple(_shrunk(vm) for vm in chosen), clusters=(ClusterSpec(APPS), ClusterSpec(INFRA)))


def _shrunk(vm: VmSpec) -> VmSpec:
    disks = tuple(
        replace(disk, capacity_mib=64 if disk.capacity_mib > 128 else 40, fill_mib=min(disk.fill_mib, 6)) for disk in vm.disks
    )
    return replace(vm, disks=disks)
