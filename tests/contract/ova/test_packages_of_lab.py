"""The lab's appliances through the adapter: what their descriptors tell, and their disks byte for byte out of the archives."""

from __future__ import annotations

from pathlib import Path

import pytest

from estate.facts.source import VmFacts
from estate.ova.disks import open_disk
from estate.ova.package import open_package
from estate.ova.read import read
from lab.disks import DiskStore
from lab.ova import write_appliances
from lab.worlds.appliances import APPLIANCES, ApplianceSpec

MIB = 1 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("appliances")
    write_appliances(work / "packages", DiskStore(work / "disks"), 1)
    return work


@pytest.mark.parametrize("spec", APPLIANCES, ids=lambda spec: spec.name)
def test_an_appliance_is_read_as_it_was_written(spec: ApplianceSpec, folder: Path) -> None:
    machines: list[VmFacts] = []
    about = read(
        folder / "packages" / f"{spec.name}.ova",
        on_page=lambda _, facts: machines.extend(fact for fact in facts if isinstance(fact, VmFacts)),
    )
    (vm,) = machines
    assert isinstance(vm.disks, tuple) and isinstance(vm.nics, tuple)
    assert not about.is_vcenter
    assert (vm.name, vm.guest_id, vm.firmware, vm.vcpus) == (spec.name, spec.guest_id, spec.firmware, spec.cpus)
    assert (vm.memory_bytes, [disk.capacity_bytes for disk in vm.disks]) == (spec.memory_mib * MIB, [spec.capacity_mib * MIB])
    assert [(nic.network_name, nic.adapter) for nic in vm.nics] == [(spec.network, "VirtualVmxnet3")]


@pytest.mark.parametrize("spec", APPLIANCES, ids=lambda spec: spec.name)
def test_an_appliances_disk_is_the_raw_one(spec: ApplianceSpec, folder: Path) -> None:
    read_back = bytearray(spec.capacity_mib * MIB)
    disk = open_disk(open_package(folder / "packages" / f"{spec.name}.ova"), f"{spec.name}-disk1.vmdk")
    for extent in disk.extents():
        read_back[extent.offset_bytes : extent.offset_bytes + len(extent.data)] = extent.data
    disk.close()
    assert bytes(read_back) == (folder / "disks" / f"{spec.name}-disk1.raw").read_bytes()
