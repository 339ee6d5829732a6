"""Properties of datastores, and of the storage adapters and LUNs a host sees."""

from __future__ import annotations

import uuid
from typing import Any

from pyVmomi import vim

from lab.vcenter_sim.neutral import make
from lab.worlds.spec import DatastoreSpec

GIB = 1 << 30


def datastore_uuid(name: str) -> str:
    """The volume id in a datastore's URL."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"datastore:{name}"))


def _url(spec: DatastoreSpec) -> str:
    return f"ds:///vmfs/volumes/{datastore_uuid(spec.name)}/"


def datastore_summary(spec: DatastoreSpec, ref: vim.Datastore) -> Any:
    """`summary` of a datastore."""
    return make(
        vim.Datastore.Summary,
        datastore=ref,
        name=spec.name,
        url=_url(spec),
        capacity=spec.capacity_gib * GIB,
        freeSpace=spec.free_gib * GIB,
        uncommitted=(spec.capacity_gib - spec.free_gib) * GIB // 2,
        accessible=True,
        multipleHostAccess=True,
        type=spec.kind,
        maintenanceMode="normal",
    )


def pod_summary(name: str, inside: list[DatastoreSpec]) -> Any:
    """`summary` of a storage pod: the sums over its stores."""
    capacity, free = (sum(getattr(one, size) for one in inside) * GIB for size in ("capacity_gib", "free_gib"))
    return make(vim.StoragePod.Summary, name=name, capacity=capacity, freeSpace=free)


def datastore_info(spec: DatastoreSpec) -> Any:
    """`info`, in the subtype of the volume's kind."""
    common = {"name": spec.name, "url": _url(spec), "freeSpace": spec.free_gib * GIB, "maxFileSize": 70 << 40}
    size = spec.capacity_gib * GIB
    if spec.kind == "NFS":
        volume = make(
            vim.host.NasVolume, type="NFS", name=spec.name, capacity=size, remoteHost=spec.nfs_host, remotePath=spec.nfs_path
        )
        return make(vim.host.NasDatastoreInfo, nas=volume, **common)
    extent = make(vim.host.ScsiDisk.Partition, diskName=f"naa.{uuid.uuid5(uuid.NAMESPACE_OID, spec.name).hex}", partition=1)
    volume = make(
        vim.host.VmfsVolume,
        type="VMFS",
        name=spec.name,
        capacity=size,
        uuid=datastore_uuid(spec.name),
        version="6.82",
        majorVersion=6,
        blockSizeMb=1,
        maxBlocks=63 * (1 << 20),
        extent=[extent],
        vmfsUpgradable=False,
        ssd=False,
        local=False,
    )
    return make(vim.host.VmfsDatastoreInfo, vmfs=volume, **common)


def datastore_capability() -> Any:
    """`capability`: all of the lab's datastores can do the same."""
    return make(
        vim.Datastore.Capability,
        directoryHierarchySupported=True,
        rawDiskMappingsSupported=True,
        perFileThinProvisioningSupported=True,
    )


def host_storage(number: int) -> Any:
    """`config.storageDevice` of host `number`: two HBAs, one LUN on two paths."""
    adapters = [
        make(
            vim.host.FibreChannelHba,
            key=f"key-vim.host.FibreChannelHba-vmhba{port}",
            device=f"vmhba{port}",
            bus=59,
            status="online",
            model="QLE2692 Dual Port 16Gb Fibre Channel",
            driver="qlnativefc",
            pci=f"0000:3b:00.{port}",
            portWorldWideName=0x2100_0024_FF00_0000 + number * 16 + port,
            nodeWorldWideName=0x2000_0024_FF00_0000 + number * 16 + port,
            speed=16,
        )
        for port in range(2)
    ]
    lun = make(
        vim.host.ScsiDisk,
        key="key-vim.host.ScsiDisk-0200000000600000000000000001",
        uuid="0200000000600000000000000001",
        canonicalName="naa.600000000000000000000001",
        displayName="LAB Fibre Channel Disk (naa.600000000000000000000001)",
        deviceName="/vmfs/devices/disks/naa.600000000000000000000001",
        deviceType="disk",
        lunType="disk",
        vendor="LAB",
        model="VIRTUAL-LUN",
        operationalState=["ok"],
        capacity=make(vim.host.DiskDimensions.Lba, blockSize=512, block=4 << 31),
        devicePath="/vmfs/devices/disks/naa.600000000000000000000001",
    )
    return make(vim.host.StorageDeviceInfo, hostBusAdapter=adapters, scsiLun=[lun], multipathInfo=_multipath(lun, adapters))


ARRAY_NODE, ARRAY_PORT = 0x5006_0160_BBA0_0000, 0x5006_0160_3BA0_0000
"""World wide names of the array that the ESXi hosts use; the lab's pool has storage of its own."""


def _multipath(lun: Any, adapters: list[Any]) -> Any:
    shape = vim.host.MultipathInfo
    key = "key-vim.host.MultipathInfo.LogicalUnit-0200000000600000000000000001"
    paths = [
        make(
            shape.Path,
            key=f"key-path-{hba.device}",
            name=f"{hba.device}:C0:T0:L1",
            pathState="active",
            state="active",
            adapter=hba.key,
            lun=key,
            isWorkingPath=True,
            transport=make(
                vim.host.FibreChannelTargetTransport, portWorldWideName=ARRAY_PORT + port, nodeWorldWideName=ARRAY_NODE
            ),
        )
        for port, hba in enumerate(adapters)
    ]
    unit = make(
        shape.LogicalUnit,
        key=key,
        id=lun.uuid,
        lun=lun.key,
        path=paths,
        policy=make(shape.LogicalUnitPolicy, policy="VMW_PSP_RR"),
        storageArrayTypePolicy=make(shape.LogicalUnitStorageArrayTypePolicy, policy="VMW_SATP_ALUA"),
    )
    return make(shape, lun=[unit])
