"""A package becomes facts; what is damaged or unsafe is refused by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from estate.disks.blockmap import BLOCK_BYTES
from estate.errors import AskPerson
from estate.facts.source import DiskBacking, DiskFacts, SourceAbout, SourceFact, VmFacts
from estate.facts.unknown import Unknown
from estate.ova.descriptor import unit_bytes
from estate.ova.disks import open_disk
from estate.ova.manifest import leaves_open
from estate.ova.package import open_package
from estate.ova.place import resolve
from estate.ova.read import package_identity, read
from tests.builders import ova, vmdk

DISK = b"".join(bytes([number % 251 + 1]) * 65536 for number in range(16 * 16))


def written(files: dict[str, bytes], folder: Path) -> Path:
    path = folder / "web.ova"
    path.write_bytes(ova.archive(files))
    return path


def facts(path: Path) -> tuple[SourceAbout, dict[str, list[SourceFact]]]:
    pages: dict[str, list[SourceFact]] = {}
    about = read(path, on_page=lambda kind, found: pages.setdefault(kind, []).extend(found))
    return about, pages


def machine(path: Path) -> VmFacts:
    (found,) = facts(path)[1]["vm"]
    assert isinstance(found, VmFacts)
    return found


def disk_of(path: Path) -> DiskFacts:
    disks = machine(path).disks
    assert not isinstance(disks, Unknown)
    return disks[0]


def refused(files: dict[str, bytes], folder: Path) -> str:
    with pytest.raises(AskPerson) as caught:
        facts(written(files, folder))
    assert caught.value.where and caught.value.next_step
    return caught.value.code


def test_an_archive_of_vmware_gives_the_machine_with_its_devices(tmp_path: Path) -> None:
    about, pages = facts(written(ova.package(b"x"), tmp_path))
    (vm,) = pages["vm"]
    assert isinstance(vm, VmFacts)
    assert (vm.name, vm.vcpus, vm.cores_per_socket, vm.memory_bytes) == ("web", 4, 2, 2 << 30)
    assert (vm.firmware, vm.secure_boot, vm.disk_uuid_enabled, vm.guest_id) == ("efi", True, True, "debian11_64Guest")
    disk = disk_of(tmp_path / "web.ova")
    assert (disk.capacity_bytes, disk.backing, disk.file_name) == (16 << 20, DiskBacking.STREAM, "disk1.vmdk")
    assert disk.address == "ParaVirtualSCSIController0:0"
    assert about.product == "OVF of VMware" and about.lacking == ()
    assert [found.name for found in pages["network"]] == ["VM Network"]


def test_nested_virtualisation_that_only_an_extra_key_tells_is_kept(tmp_path: Path) -> None:
    ovf = ova.vmware_ovf().replace(b"disk.EnableUUID", b"VHV.enable")
    assert machine(written(ova.package(b"x", ovf=ovf), tmp_path)).extra_config == (("VHV.enable", "TRUE"),)


def test_a_video_card_is_a_device_with_what_vmware_says_of_it(tmp_path: Path) -> None:
    card = b"""<Item><rasd:InstanceID>9</rasd:InstanceID><rasd:ResourceType>24</rasd:ResourceType>
    <vmw:Config ovf:required="false" vmw:key="enable3DSupport" vmw:value="true"/></Item></VirtualHardwareSection>"""
    ovf = ova.vmware_ovf().replace(b"</VirtualHardwareSection>", card)
    (device,) = machine(written(ova.package(b"x", ovf=ovf), tmp_path)).devices
    assert (device.kind, device.traits) == ("VirtualMachineVideoCard", (("enable3DSupport", "true"),))


def test_what_no_ovf_can_tell_is_unknown_for_the_whole_source(tmp_path: Path) -> None:
    vm = machine(written(ova.package(b"x"), tmp_path))
    for told in (vm.power_state, vm.host_id, vm.snapshots):
        assert isinstance(told, Unknown) and told.everywhere


def test_a_folder_its_descriptor_and_the_archive_give_the_same_facts(tmp_path: Path) -> None:
    files = ova.package(b"x")
    folder = ova.folder(files, tmp_path / "web")
    assert facts(folder) == facts(folder / "web.ovf") == facts(written(files, tmp_path))


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_file_that_changed_since_its_manifest_is_refused(algorithm: str, tmp_path: Path) -> None:
    files = ova.package(b"x", algorithm=algorithm)
    facts(written(files, tmp_path))
    assert refused({**files, "disk1.vmdk": b"y"}, tmp_path) == "ova_manifest_mismatch"


def test_a_missing_manifest_and_an_unverified_signature_are_told(tmp_path: Path) -> None:
    files = ova.package(b"x") | {"web.cert": b"signed"}
    del files["web.mf"]
    assert [part for part, _ in facts(written(files, tmp_path))[0].lacking] == ["certificate", "manifest"]


def test_a_descriptor_behind_its_disk_is_found(tmp_path: Path) -> None:
    files = ova.package(b"x")
    assert machine(written(dict(reversed(files.items())), tmp_path)).name == "web"


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\\evil"])
def test_a_member_that_leaves_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    assert refused(ova.package(b"x") | {name: b""}, tmp_path) == "ova_member_unsafe"


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"6", b"S"])
def test_links_devices_and_sparse_members_are_refused(kind: bytes, tmp_path: Path) -> None:
    content = bytearray(ova.archive(ova.package(b"x")))
    before = content[156]
    content[156:157] = kind
    content[148:156] = b"%06o\0 " % (int(bytes(content[148:154]), 8) - before + kind[0])
    (tmp_path / "web.ova").write_bytes(content)
    with pytest.raises(AskPerson) as caught:
        facts(tmp_path / "web.ova")
    assert caught.value.code == "ova_member_unsafe"


def test_a_doubled_member_is_refused(tmp_path: Path) -> None:
    once = ova.archive(ova.package(b"x"))
    end = ova.archive({"web.ovf": b""})
    (tmp_path / "web.ova").write_bytes(once.rstrip(b"\0").ljust(-(-len(once.rstrip(b"\0")) // 512) * 512, b"\0") + end)
    with pytest.raises(AskPerson) as caught:
        facts(tmp_path / "web.ova")
    assert caught.value.code == "ova_member_unsafe"


def test_an_archive_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    whole = ova.archive(ova.package(b"x" * 4096))
    path = tmp_path / "web.ova"
    for length in (0, 100, 700, 6000):
        path.write_bytes(whole[:length])
        with pytest.raises(AskPerson) as caught:
            facts(path)
        assert caught.value.code == "ova_not_readable"


def test_chunked_and_compressed_files_are_refused(tmp_path: Path) -> None:
    for extra in (' ovf:chunkSize="1000"', ' ovf:compression="gzip"'):
        assert refused(ova.package(b"x", ovf=ova.vmware_ovf(file_extra=extra)), tmp_path) == "ovf_disk_format"


def test_entities_and_document_types_are_refused(tmp_path: Path) -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Envelope>&b;</Envelope>'
    assert refused(ova.package(b"x", ovf=bomb), tmp_path) == "ovf_invalid"
    assert refused(ova.package(b"x", ovf=bomb.decode().encode("utf-16")), tmp_path) == "ovf_invalid"
    assert refused(ova.package(b"x", ovf=b"<a>" * 5000), tmp_path) == "ovf_invalid"


def test_a_delta_disk_has_a_parent_and_a_strange_unit_is_unknown(tmp_path: Path) -> None:
    delta = ova.vmware_ovf(disk_extra=' ovf:parentRef="vmdisk0"', units="byte * 2^30")
    disk = disk_of(written(ova.package(b"x", ovf=delta), tmp_path))
    assert disk.has_parent is True and disk.capacity_bytes == 16 << 30
    odd = disk_of(written(ova.package(b"x", ovf=ova.vmware_ovf(units="furlong")), tmp_path))
    assert isinstance(odd.capacity_bytes, Unknown)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("", 1),
        ("byte * 2^30", 1 << 30),
        ("MegaBytes", 1 << 20),
        ("GB", 1 << 30),
        ("byte*512", 512),
        ("byte * 2^99", None),
        ("x", None),
    ],
)
def test_units_are_read_in_every_spelling(told: str, expected: int | None) -> None:
    assert unit_bytes(told) == expected


def test_a_disk_is_read_from_inside_the_archive(tmp_path: Path) -> None:
    files = ova.package(vmdk.vmware_stream(DISK))
    source = open_disk(open_package(written(files, tmp_path)), "disk1.vmdk")
    try:
        assert source.capacity_bytes == len(DISK) and len(DISK) % BLOCK_BYTES == 0
        assert vmdk.replay(source.capacity_bytes, source.extents()) == DISK
    finally:
        source.close()


def test_a_disk_of_another_format_is_refused_with_its_name(tmp_path: Path) -> None:
    package = open_package(written(ova.package(b"QFI\xfb"), tmp_path))
    with pytest.raises(AskPerson, match="qcow2") as caught:
        open_disk(package, "disk1.vmdk")
    assert caught.value.code == "ovf_disk_format"


def test_a_package_that_was_replaced_has_another_identity(tmp_path: Path) -> None:
    before = package_identity(open_package(written(ova.package(b"x"), tmp_path)))
    assert package_identity(open_package(tmp_path / "web.ova")) == before
    assert package_identity(open_package(written(ova.package(b"x" * 600), tmp_path))) != before


def test_a_stray_file_in_the_folder_is_no_part_of_the_package(tmp_path: Path) -> None:
    folder = ova.folder(ova.package(b"x"), tmp_path / "web")
    before = package_identity(open_package(folder))
    (folder / "Thumbs.db").write_bytes(b"seen")
    assert package_identity(open_package(folder)) == before


@pytest.mark.parametrize("name", ["web.ovf", "web.mf", "web.cert", "disk1.vmdk", "notes.txt"])
def test_each_file_that_belongs_to_a_package_counts_when_it_is_changed_or_gone(name: str, tmp_path: Path) -> None:
    files = {"web.ovf": ova.vmware_ovf(), "disk1.vmdk": b"x", "notes.txt": b"listed by the manifest alone"}
    folder = ova.folder({**files, "web.mf": ova.manifest(files), "web.cert": b"c"}, tmp_path / "web")
    before = package_identity(open_package(folder))
    os.utime(folder / name, (1, 1))
    changed = package_identity(open_package(folder))
    assert changed != before
    if name != "web.ovf":
        (folder / name).unlink()
        assert package_identity(open_package(folder)) not in (before, changed)


def test_what_a_manifest_leaves_out_is_told_from_what_else_is_lacking() -> None:
    assert leaves_open((("manifest", "none"),)) and leaves_open((("manifest: disk1.vmdk", "not listed"),))
    assert not leaves_open((("certificate", "not verified"),)) and not leaves_open(())


def test_only_what_lies_in_the_import_folder_is_found(tmp_path: Path) -> None:
    allowed = tmp_path / "import"
    (allowed / "a").mkdir(parents=True)
    (tmp_path / "out.ova").write_bytes(b"")
    (allowed / "a" / "in.ova").write_bytes(b"")
    (allowed / "link.ova").symlink_to(tmp_path / "out.ova")
    assert resolve(allowed, "a/in.ova") == (allowed / "a" / "in.ova").resolve()
    for path in ("../out.ova", "/etc/passwd", "link.ova", "", "missing.ova", "a\0b"):
        with pytest.raises(AskPerson) as caught:
            resolve(allowed, path)
        assert caught.value.code == "ova_path_not_allowed"
    with pytest.raises(AskPerson):
        resolve(None, "a/in.ova")


def test_facts_of_the_same_package_keep_their_ids(tmp_path: Path) -> None:
    first = machine(written(ova.package(b"x"), tmp_path))
    assert replace(first, name="other").native_id == machine(written(ova.package(b"x"), tmp_path)).native_id


def test_a_file_that_vanished_after_the_package_was_opened_is_refused(tmp_path: Path) -> None:
    package = open_package(written(ova.package(b"x"), tmp_path))
    (tmp_path / "web.ova").unlink()
    for attempt in (
        lambda: package_identity(package),
        lambda: package.identity(["web.ovf"]),
        lambda: package.content("web.ovf", 1 << 20),
        lambda: open_disk(package, "disk1.vmdk"),
    ):
        with pytest.raises(AskPerson) as caught:
            attempt()
        assert caught.value.code == "ova_not_readable"
