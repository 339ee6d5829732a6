"""OVF packages for tests: descriptors in the dialects of VMware and VirtualBox, as archives or folders, with real disks."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

GIB = 1 << 30

_VMWARE = """<?xml version="1.0" encoding="UTF-8"?>
<Envelope vmw:buildId="build-1" xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
 xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
 xmlns:vmw="http://www.vmware.com/schema/ovf">
 <References><File ovf:href="disk1.vmdk" ovf:id="file1"{file_extra}/></References>
 <DiskSection><Disk ovf:capacity="{capacity}" ovf:capacityAllocationUnits="{units}" ovf:diskId="vmdisk1" ovf:fileRef="file1"
  ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"{disk_extra}/></DiskSection>
 <NetworkSection><Network ovf:name="VM Network"/></NetworkSection>
 <VirtualSystem ovf:id="web"><Name>web</Name>
  <OperatingSystemSection ovf:id="94" vmw:osType="debian11_64Guest"><Description>Debian 11</Description></OperatingSystemSection>
  <VirtualHardwareSection>
   <System><vssd:VirtualSystemType>vmx-15</vssd:VirtualSystemType></System>
   <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>4</rasd:VirtualQuantity>
    <vmw:CoresPerSocket ovf:required="false">2</vmw:CoresPerSocket></Item>
   <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:InstanceID>2</rasd:InstanceID>
    <rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>2048</rasd:VirtualQuantity></Item>
   <Item><rasd:Address>0</rasd:Address><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType>
    <rasd:ResourceType>6</rasd:ResourceType></Item>
   <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>Hard disk 1</rasd:ElementName>
    <rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent>
    <rasd:ResourceType>17</rasd:ResourceType></Item>
   <Item><rasd:Address>00:50:56:AA:BB:CC</rasd:Address><rasd:AutomaticAllocation>true</rasd:AutomaticAllocation>
    <rasd:Connection>VM Network</rasd:Connection><rasd:ElementName>Network adapter 1</rasd:ElementName>
    <rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType></Item>
   <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
   <vmw:Config ovf:required="false" vmw:key="bootOptions.efiSecureBootEnabled" vmw:value="true"/>
   <vmw:ExtraConfig ovf:required="false" vmw:key="disk.EnableUUID" vmw:value="TRUE"/>
  </VirtualHardwareSection>
 </VirtualSystem>
</Envelope>
"""

_VIRTUALBOX = """<?xml version="1.0"?>
<Envelope ovf:version="1.0" xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
 xmlns:vbox="http://www.virtualbox.org/ovf/machine">
<References><File ovf:id="f" ovf:href="box-disk001.vmdk"/></References>
<DiskSection><Disk ovf:capacity="{capacity_bytes}" ovf:diskId="d" ovf:fileRef="f"
 ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/></DiskSection>
<NetworkSection><Network ovf:name="NAT"/></NetworkSection>
<VirtualSystem ovf:id="box"><OperatingSystemSection ovf:id="96"><Description>Debian_64</Description>
<vbox:OSType ovf:required="false">Debian_64</vbox:OSType></OperatingSystemSection>
<VirtualHardwareSection>
<Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>
<Item><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits>
<rasd:VirtualQuantity>512</rasd:VirtualQuantity></Item>
<Item><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceType>20</rasd:ResourceType><rasd:ResourceSubType>AHCI</rasd:ResourceSubType>
<rasd:Address>0</rasd:Address></Item>
<Item><rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceType>10</rasd:ResourceType><rasd:ResourceSubType>E1000</rasd:ResourceSubType>
<rasd:AutomaticAllocation>true</rasd:AutomaticAllocation><rasd:Connection>NAT</rasd:Connection></Item>
<StorageItem><rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:AddressOnParent>0</rasd:AddressOnParent>
<rasd:HostResource>/disk/d</rasd:HostResource><rasd:ResourceType>17</rasd:ResourceType></StorageItem>
</VirtualHardwareSection>
<vbox:Machine uuid="{{11111111-2222-3333-4444-555555555555}}"><Hardware><Firmware type="EFI"/>
<Network>{adapter}</Network></Hardware></vbox:Machine>
</VirtualSystem></Envelope>"""
BOX_ADAPTER = (
    '<Adapter slot="0" enabled="true" MACAddress="080027AB12CD"/><Adapter slot="1" enabled="false" MACAddress="080027000000"/>'
)


def virtualbox_ovf(*, capacity_bytes: int = 16 << 20, adapter: str = BOX_ADAPTER) -> bytes:
    """One disk in `box-disk001.vmdk`, one card on NAT; guest id and cores per socket are not told."""
    return _VIRTUALBOX.format(capacity_bytes=capacity_bytes, adapter=adapter).encode()


def vmware_ovf(*, capacity: int = 16, units: str = "byte * 2^20", file_extra: str = "", disk_extra: str = "") -> bytes:
    return _VMWARE.format(capacity=capacity, units=units, file_extra=file_extra, disk_extra=disk_extra).encode()


def manifest(files: dict[str, bytes], algorithm: str = "sha256") -> bytes:
    lines = (f"{algorithm.upper()}({name})= {hashlib.new(algorithm, content).hexdigest()}\n" for name, content in files.items())
    return "".join(lines).encode()


def package(disk: bytes, *, ovf: bytes | None = None, algorithm: str = "sha256") -> dict[str, bytes]:
    """The files of a package with one disk, descriptor first."""
    files = {"web.ovf": ovf or vmware_ovf(), "disk1.vmdk": disk}
    return {"web.ovf": files["web.ovf"], "web.mf": manifest(files, algorithm), "disk1.vmdk": disk}


def archive(files: dict[str, bytes]) -> bytes:
    """The files as a tar in ustar form."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def folder(files: dict[str, bytes], at: Path) -> Path:
    at.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (at / name).write_bytes(content)
    return at
