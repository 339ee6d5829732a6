"""Appliances as OVA files: descriptor, manifest and a streamOptimized disk in one tar, as vSphere's exports write them.

What the appliances are is said in lab.worlds.appliances; their disks' bytes are lab.disks' business.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

from lab.disks import DiskStore
from lab.worlds.appliances import APPLIANCES, ApplianceSpec

_NAMESPACES = """xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
 xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
 xmlns:vmw="http://www.vmware.com/schema/ovf\""""
_STREAM = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
_DESCRIPTOR = """<?xml version="1.0" encoding="UTF-8"?>
<Envelope {namespaces}>
 <References><File ovf:href="{disk}" ovf:id="file1" ovf:size="{disk_bytes}"/></References>
 <DiskSection><Info>Virtual disks</Info><Disk ovf:capacity="{capacity_mib}" ovf:capacityAllocationUnits="byte * 2^20"
  ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:format="{stream}"/></DiskSection>
 <NetworkSection><Info>Networks</Info><Network ovf:name="{network}"/></NetworkSection>
 <VirtualSystem ovf:id="{name}"><Info>A virtual machine</Info><Name>{name}</Name>
  <OperatingSystemSection ovf:id="1" vmw:osType="{guest_id}"><Info>Guest</Info><Description>{guest_name}</Description>
  </OperatingSystemSection>
  <VirtualHardwareSection><Info>Virtual hardware</Info>
   <System><vssd:ElementName>Virtual Hardware Family</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>
    <vssd:VirtualSystemType>vmx-19</vssd:VirtualSystemType></System>
   <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>
    <rasd:VirtualQuantity>{cpus}</rasd:VirtualQuantity><vmw:CoresPerSocket ovf:required="false">1</vmw:CoresPerSocket></Item>
   <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:InstanceID>2</rasd:InstanceID>
    <rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>{memory_mib}</rasd:VirtualQuantity></Item>
   <Item><rasd:Address>0</rasd:Address><rasd:InstanceID>3</rasd:InstanceID>
    <rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
   <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>Hard disk 1</rasd:ElementName>
    <rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent>
    <rasd:ResourceType>17</rasd:ResourceType></Item>
   <Item><rasd:AutomaticAllocation>true</rasd:AutomaticAllocation><rasd:Connection>{network}</rasd:Connection>
    <rasd:ElementName>Network adapter 1</rasd:ElementName><rasd:InstanceID>5</rasd:InstanceID>
    <rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType></Item>
   <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="{firmware}"/>
  </VirtualHardwareSection>
 </VirtualSystem>
</Envelope>
"""


def write_appliances(folder: Path, store: DiskStore, seed: int) -> list[dict[str, Any]]:
    """Write every appliance into `folder`. Returns each one's name, file, size, and the raw disk in it with its SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(spec, folder, store, seed) for spec in APPLIANCES]


def _write(spec: ApplianceSpec, folder: Path, store: DiskStore, seed: int) -> dict[str, Any]:
    prepared = store.prepare(spec.disk_plan(seed))
    disk = f"{spec.name}-disk1.vmdk"
    descriptor = _descriptor(spec, disk, prepared.vmdk_bytes)
    digests = {f"{spec.name}.ovf": hashlib.sha256(descriptor).hexdigest(), disk: _sha256(prepared.vmdk_path)}
    manifest = "".join(f"SHA256({name})= {digest}\n" for name, digest in digests.items()).encode()
    package = folder / f"{spec.name}.ova"
    with tarfile.open(package, "w", format=tarfile.USTAR_FORMAT) as tar:
        _add(tar, f"{spec.name}.ovf", descriptor)
        _add(tar, f"{spec.name}.mf", manifest)
        tar.add(prepared.vmdk_path, arcname=disk)
    return {
        "name": spec.name,
        "firmware": spec.firmware,
        "file": package.name,
        "size_bytes": package.stat().st_size,
        "raw_path": str(prepared.raw_path),
        "sha256": store.sha256(prepared),
    }


def _descriptor(spec: ApplianceSpec, disk: str, disk_bytes: int) -> bytes:
    told = {name: getattr(spec, name) for name in spec.__slots__}
    return _DESCRIPTOR.format(namespaces=_NAMESPACES, stream=_STREAM, disk=disk, disk_bytes=disk_bytes, **told).encode()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
