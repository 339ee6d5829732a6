"""What VirtualBox writes, several machines in one package, and deployment options."""

from __future__ import annotations

from pathlib import Path

from estate.facts.source import ContainerFacts, SourceFact, VmFacts
from estate.ova.read import read
from tests.builders import ova

_BOX = b"""<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="urn:rasd" xmlns:vbox="http://www.virtualbox.org/ovf/machine">
<References><File ovf:id="f" ovf:href="disk1.vmdk"/></References>
<DiskSection><Disk ovf:capacity="1073741824" ovf:diskId="d" ovf:fileRef="f"
 ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/></DiskSection>
<VirtualSystem ovf:id="box"><OperatingSystemSection><Description>Debian_64</Description>
<vbox:OSType>Debian_64</vbox:OSType></OperatingSystemSection>
<VirtualHardwareSection>
<Item><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceType>20</rasd:ResourceType><rasd:ResourceSubType>AHCI</rasd:ResourceSubType>
<rasd:Address>0</rasd:Address></Item>
<StorageItem><rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:AddressOnParent>1</rasd:AddressOnParent>
<rasd:HostResource>/disk/d</rasd:HostResource><rasd:ResourceType>17</rasd:ResourceType></StorageItem>
</VirtualHardwareSection>
<vbox:Machine uuid="{11111111-2222-3333-4444-555555555555}"><Hardware><Firmware type="EFI"/></Hardware></vbox:Machine>
</VirtualSystem></Envelope>"""

_TWO = b"""<Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="urn:rasd">
<References/><DeploymentOptionSection><Configuration ovf:id="small"/><Configuration ovf:id="large" ovf:default="true"/>
</DeploymentOptionSection>
<VirtualSystemCollection ovf:id="shop"><Name>Shop</Name>
<VirtualSystem ovf:id="one"><VirtualHardwareSection>
<Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
<Item ovf:configuration="large"><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>
<rasd:VirtualQuantity>8</rasd:VirtualQuantity></Item></VirtualHardwareSection></VirtualSystem>
<VirtualSystem ovf:id="two"/></VirtualSystemCollection></Envelope>"""


def pages_of(descriptor: bytes, folder: Path) -> dict[str, list[SourceFact]]:
    pages: dict[str, list[SourceFact]] = {}
    path = folder / "box.ova"
    path.write_bytes(ova.archive({"box.ovf": descriptor, "disk1.vmdk": b"x"}))
    read(path, on_page=lambda kind, found: pages.setdefault(kind, []).extend(found))
    return pages


def test_virtualbox_tells_firmware_identity_and_disks(tmp_path: Path) -> None:
    (vm,) = pages_of(_BOX, tmp_path)["vm"]
    assert isinstance(vm, VmFacts) and isinstance(vm.disks, tuple)
    assert (vm.name, vm.firmware, vm.guest_full_name) == ("box", "efi", "Debian_64")
    assert vm.bios_uuid == "11111111-2222-3333-4444-555555555555"
    assert (vm.disks[0].address, vm.disks[0].capacity_bytes) == ("VirtualAHCIController0:1", 1 << 30)


def test_a_collection_is_a_vapp_and_its_default_option_counts(tmp_path: Path) -> None:
    pages = pages_of(_TWO, tmp_path)
    (shop,) = pages["container"]
    assert isinstance(shop, ContainerFacts) and (shop.name, shop.kind) == ("Shop", "vapp")
    machines = [vm for vm in pages["vm"] if isinstance(vm, VmFacts)]
    assert shop.member_ids == tuple(vm.native_id for vm in machines)
    assert machines[0].vcpus == 8 and all(vm.vapp_id == shop.native_id for vm in machines)
