"""Disks in files that are read at any offset: every kind gives the bytes it was made of, and qemu reads the same from it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.disks import pump
from estate.disks.blockmap import BLOCK_BYTES, BlockHashes
from estate.disks.errors import ImageChainBroken, ImageFileMissing, ImageKindRefused, ImageMalformed, StreamLost
from estate.disks.images import DiskImage, ImageSource, LocalFolder, open_image, open_raw
from lab.disks import sparse_extents as writers
from lab.disks.sparse_extents import descriptor_text
from tests.builders.disk_ends import ListSource, MemorySink
from tests.builders.disk_files import QEMU_IMG, qemu_img, raw_disk
from tests.builders.vmdk import replay

MIB = 1 << 20
GRAIN_BYTES = {"SPARSE": 65536, "VMFSSPARSE": 512, "SESPARSE": 4096}
CREATE_TYPES = {"SPARSE": "twoGbMaxExtentSparse", "VMFSSPARSE": "vmfsSparse", "SESPARSE": "seSparse"}
WRITERS = {"SPARSE": writers.write_hosted, "VMFSSPARSE": writers.write_cowd, "SESPARSE": writers.write_sesparse}


def read(image: DiskImage) -> bytes:
    """The whole disk by way of its source, and its hashes held against the bytes."""
    source, hashes = ImageSource(image), BlockHashes(image.capacity_bytes)
    source.hash_into(hashes)
    try:
        disk = replay(image.capacity_bytes, source.extents())
    finally:
        source.close()
    assert hashes == hashes_of(disk)
    return disk


def hashes_of(disk: bytes) -> BlockHashes:
    hashes = BlockHashes(len(disk))
    pump.copy(ListSource(len(disk), [(0, disk)]), MemorySink(len(disk)), block_hashes=hashes)
    return hashes


def qemu_reads(folder: Path, name: str) -> bytes:
    out = folder / "qemu.raw"
    out.unlink(missing_ok=True)
    qemu_img("convert", "-f", "vmdk", "-O", "raw", folder / name, out)
    return out.read_bytes()


def a_delta(folder: Path, kind: str, sectors: int, seed: int, *, parent: str, parent_cid: int, cid: int, under: bytes) -> bytes:
    """A disk of this kind over a parent, with some grains of its own; gives the bytes it should read as."""
    rnd, size, disk = random.Random(seed), GRAIN_BYTES[kind], bytearray(under)
    grains: dict[int, bytes | None] = {}
    for number in sorted(rnd.sample(range(-(-sectors * 512 // size)), min(40, sectors * 512 // size))):
        zero = kind != "VMFSSPARSE" and rnd.random() < 0.3
        content = bytes(size) if zero else rnd.randbytes(size)
        grains[number] = None if zero else content
        disk[number * size : (number + 1) * size] = content[: len(disk) - number * size]
    stem = f"{cid:x}"
    WRITERS[kind](folder / f"{stem}-delta.vmdk", sectors, grains)
    text = descriptor_text(
        [f'RW {sectors} {kind} "{stem}-delta.vmdk"'],
        create_type=CREATE_TYPES[kind],
        cid=cid,
        parent_cid=parent_cid,
        parent_name=parent,
    )
    (folder / f"{stem}.vmdk").write_bytes(text)
    return bytes(disk)


def a_base(folder: Path, sectors: int, *, cid: int = 0xB, name: str = "base.vmdk") -> bytes:
    """A thick disk of VMFS with a hole in the middle."""
    half = sectors // 2 * 512
    raw_disk(folder / "base-flat.vmdk", sectors * 512, [(0, min(half, 70_000)), (half, sectors * 512 - half)])
    (folder / name).write_bytes(descriptor_text([f'RW {sectors} VMFS "base-flat.vmdk"'], create_type="vmfs", cid=cid))
    return (folder / "base-flat.vmdk").read_bytes()


@pytest.mark.parametrize("kind", GRAIN_BYTES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sectors=st.integers(1, 20_000), seed=st.integers(0, 2**32))
def test_delta_over_a_thick_base_reads_like_the_disk_it_describes(tmp_path: Path, kind: str, sectors: int, seed: int) -> None:
    base = a_base(tmp_path, sectors)
    expected = a_delta(tmp_path, kind, sectors, seed, parent="base.vmdk", parent_cid=0xB, cid=1, under=base)
    assert read(open_image(LocalFolder(tmp_path), "1.vmdk")) == expected
    assert read(open_image(LocalFolder(tmp_path), "base.vmdk")) == base


@pytest.mark.qemu
@pytest.mark.skipif(QEMU_IMG is None, reason="qemu-img is not installed")
@pytest.mark.parametrize("kind", GRAIN_BYTES)
def test_qemu_reads_our_writers_files_as_we_do(tmp_path: Path, kind: str) -> None:
    sectors = 9 * MIB // 512 + 8
    base = a_base(tmp_path, sectors)
    expected = a_delta(tmp_path, kind, sectors, 5, parent="base.vmdk", parent_cid=0xB, cid=1, under=base)
    assert qemu_reads(tmp_path, "1.vmdk")[: len(expected)] == expected


def test_chain_of_every_kind_is_read_from_the_youngest_down(tmp_path: Path) -> None:
    sectors = 5 * MIB // 512 + 3
    disk, parent = a_base(tmp_path, sectors), ("base.vmdk", 0xB)
    for cid, kind in enumerate(["VMFSSPARSE", "SESPARSE", "SPARSE", "VMFSSPARSE"], start=1):
        disk = a_delta(tmp_path, kind, sectors, cid, parent=parent[0], parent_cid=parent[1], cid=cid, under=disk)
        parent = (f"{cid:x}.vmdk", cid)
    assert read(open_image(LocalFolder(tmp_path), parent[0])) == disk


@pytest.mark.qemu
@pytest.mark.skipif(QEMU_IMG is None, reason="qemu-img is not installed")
@pytest.mark.parametrize("subformat", ["monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat"])
def test_files_that_qemu_makes_are_read_as_the_disk_they_were_made_of(tmp_path: Path, subformat: str) -> None:
    """2 GiB and a bit: the split kinds get two extents."""
    size = (2 << 30) + 3 * MIB
    pieces = [(0, 70_000), (1 << 30, 4096), ((2 << 30) - 4096, 3 * 4096), (size - 512, 512)]
    raw = raw_disk(tmp_path / "disk.raw", size, pieces)
    qemu_img("convert", "-O", "vmdk", "-o", f"subformat={subformat}", raw, tmp_path / "disk.vmdk")
    image = open_image(LocalFolder(tmp_path), "disk.vmdk")
    assert image.capacity_bytes == size
    source = ImageSource(image)
    expected = sum(length - raw_bytes(raw, offset, length).count(0) for offset, length in pieces)
    seen = 0
    for extent in source.extents():
        assert raw_bytes(raw, extent.offset_bytes, len(extent.data)) == bytes(extent.data)
        seen += len(extent.data) - bytes(extent.data).count(0)
    source.close()
    assert seen == expected


def raw_bytes(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as disk:
        disk.seek(offset)
        return disk.read(length)


def test_sparse_file_with_its_descriptor_inside_is_read_at_offsets_far_behind_4_gib(tmp_path: Path) -> None:
    sectors = (6 << 30) // 512 + 1
    grains = {0: b"a" * 65536, (5 << 30) // 65536: b"b" * 65536, (6 << 30) // 65536: b"c" * 512}
    text = descriptor_text([f'RW {sectors} SPARSE "disk.vmdk"'], create_type="monolithicSparse", cid=7)
    writers.write_hosted(tmp_path / "disk.vmdk", sectors, grains, descriptor=text)
    source = ImageSource(open_image(LocalFolder(tmp_path), "disk.vmdk"))
    told = {extent.offset_bytes: bytes(extent.data) for extent in source.extents()}
    source.close()
    assert told == {0: b"a" * 65536, 5 << 30: b"b" * 65536, 6 << 30: b"c" * 512}


def test_a_descriptor_ends_at_its_first_nul_as_qemu_writes_one_whose_content_id_is_short(tmp_path: Path) -> None:
    sectors = MIB // 512
    longer = descriptor_text([f'RW {sectors} SPARSE "disk.vmdk"'], create_type="monolithicSparse", cid=0xFFFFFFFF)
    text = longer.replace(b"CID=ffffffff", b"CID=46e3c8", 1)  # written over the longer one: its last letters stay
    assert longer[len(text) + 1 :], "something is left behind the NUL"
    written = text + b"\0" + longer[len(text) + 1 :]
    writers.write_hosted(tmp_path / "disk.vmdk", sectors, {0: b"a" * 65536}, descriptor=written)
    assert read(open_image(LocalFolder(tmp_path), "disk.vmdk")) == b"a" * 65536 + bytes(MIB - 65536)


def test_extents_that_are_lost_behind_a_nul_inside_a_sparse_file_are_noticed_by_its_header(tmp_path: Path) -> None:
    sectors = MIB // 512
    text = descriptor_text([f'RW {sectors // 2} SPARSE "disk.vmdk"'], create_type="monolithicSparse", cid=1)
    lost = f'\0RW {sectors // 2} SPARSE "disk.vmdk"\n'.encode()
    writers.write_hosted(tmp_path / "disk.vmdk", sectors, {}, descriptor=text + lost)
    with pytest.raises(ImageMalformed, match="other extents than itself"):
        open_image(LocalFolder(tmp_path), "disk.vmdk")


def test_a_descriptor_that_stands_alone_may_be_padded_with_nuls(tmp_path: Path) -> None:
    (tmp_path / "disk-flat.vmdk").write_bytes(b"a" * MIB)
    text = descriptor_text([f'RW {MIB // 512} VMFS "disk-flat.vmdk"'], create_type="vmfs", cid=1)
    (tmp_path / "disk.vmdk").write_bytes(text + bytes(700))
    assert read(open_image(LocalFolder(tmp_path), "disk.vmdk")) == b"a" * MIB


def test_disk_of_several_extents_and_a_zero_one_is_joined_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"h" * 512 + b"a" * 3 * MIB)
    (tmp_path / "b.bin").write_bytes(b"b" * 1024)
    lines = [f'RW {3 * MIB // 512} FLAT "a.bin" 1', "RW 4096 ZERO", 'RW 2 FLAT "b.bin" 0']
    (tmp_path / "disk.vmdk").write_bytes(descriptor_text(lines, create_type="custom", cid=1))
    assert read(open_image(LocalFolder(tmp_path), "disk.vmdk")) == b"a" * 3 * MIB + bytes(2 * MIB) + b"b" * 1024


def test_names_are_read_in_the_encoding_that_the_descriptor_names(tmp_path: Path) -> None:
    (tmp_path / "ü.bin").write_bytes(b"x" * 512)
    text = descriptor_text(['RW 1 FLAT "@.bin" 0', 'encoding="windows-1252"'], create_type="custom", cid=1)
    (tmp_path / "disk.vmdk").write_bytes(text.replace(b"@", "ü".encode("cp1252")))
    assert read(open_image(LocalFolder(tmp_path), "disk.vmdk")) == b"x" * 512


def test_raw_file_with_holes_is_read_without_its_zeros(tmp_path: Path) -> None:
    raw = raw_disk(tmp_path / "disk.raw", 50 * MIB + 512, [(5 * MIB + 4096, 4096), (40 * MIB, 3 * MIB)])
    source = ImageSource(open_raw(LocalFolder(tmp_path), "disk.raw"))
    extents = [(extent.offset_bytes, bytes(extent.data)) for extent in source.extents()]
    source.close()
    assert sum(len(data) for _, data in extents) == 3 * MIB + 4096
    assert read(open_raw(LocalFolder(tmp_path), "disk.raw")) == raw.read_bytes()


BROKEN_CHAINS = {
    "a parent that was changed": ({"parent_cid": 0xBAD, "parent": "base.vmdk"}, ImageChainBroken, "changed since"),
    "a parent that is missing": ({"parent_cid": 0xB, "parent": "gone.vmdk"}, ImageFileMissing, "no such file"),
    "a parent without a name": ({"parent_cid": 0xB, "parent": ""}, ImageChainBroken, "does not say which"),
    "itself as parent": ({"parent_cid": 1, "parent": "1.vmdk"}, ImageChainBroken, "leads back"),
    "a parent elsewhere": ({"parent_cid": 0xB, "parent": "../base.vmdk"}, ImageFileMissing, "out of the folder"),
}


@pytest.mark.parametrize(("wrong", "error", "words"), BROKEN_CHAINS.values(), ids=BROKEN_CHAINS.keys())
def test_chain_that_does_not_fit_is_never_read(
    tmp_path: Path, wrong: dict[str, object], error: type[Exception], words: str
) -> None:
    under = a_base(tmp_path, 2048)
    a_delta(tmp_path, "SESPARSE", 2048, 1, cid=1, under=under, **wrong)  # type: ignore[arg-type]
    with pytest.raises(error, match=words):
        open_image(LocalFolder(tmp_path), "1.vmdk")


def test_parent_larger_than_its_child_is_refused_and_a_smaller_one_ends_in_zeros(tmp_path: Path) -> None:
    under = a_base(tmp_path, 2048)
    a_delta(tmp_path, "SESPARSE", 1024, 1, parent="base.vmdk", parent_cid=0xB, cid=1, under=under[: 1024 * 512])
    with pytest.raises(ImageChainBroken, match="larger"):
        open_image(LocalFolder(tmp_path), "1.vmdk")
    grown = a_delta(tmp_path, "SESPARSE", 4096, 2, parent="base.vmdk", parent_cid=0xB, cid=2, under=under + bytes(MIB))
    assert read(open_image(LocalFolder(tmp_path), "2.vmdk")) == grown


DESCRIPTORS = {
    "another text": (b"hello", ImageMalformed),
    "nothing": (b"", ImageMalformed),
    "no extents": (descriptor_text([], create_type="vmfs", cid=1), ImageMalformed),
    "a huge extent": (descriptor_text([f'RW {1 << 60} VMFS "a"'], create_type="vmfs", cid=1), ImageMalformed),
    "an empty extent": (descriptor_text(['RW 0 VMFS "a"'], create_type="vmfs", cid=1), ImageMalformed),
    "an extent longer than its file": (descriptor_text(['RW 9 VMFS "short.bin"'], create_type="vmfs", cid=1), ImageMalformed),
    "an extent that begins too far": (descriptor_text(['RW 8 FLAT "short.bin" 1'], create_type="custom", cid=1), ImageMalformed),
    "an extent that is no sparse file": (descriptor_text(['RW 8 SPARSE "short.bin"'], create_type="x", cid=1), ImageMalformed),
    "a line that cannot be read": (descriptor_text(["RW eight VMFS a"], create_type="vmfs", cid=1), ImageMalformed),
    "a raw device": (descriptor_text(['RW 8 VMFSRDM "a-rdm.vmdk"'], create_type="vmfsRawDeviceMap", cid=1), ImageKindRefused),
    "an object store": (descriptor_text(['RW 8 VMFS "vsan://52ab"'], create_type="vmfs", cid=1), ImageKindRefused),
    "an encrypted disk of vSphere": (
        descriptor_text(['RW 8 VMFS "short.bin"', 'ddb.iofilters = "vmwarevmcrypt"'], create_type="vmfs", cid=1),
        ImageKindRefused,
    ),
    "an encrypted disk of Workstation": (
        descriptor_text(['RW 8 VMFS "short.bin"', 'encryption.keySafe = "vmware:key"'], create_type="vmfs", cid=1),
        ImageKindRefused,
    ),
    "an unknown encoding": (
        descriptor_text(['encoding="klingon"', 'RW 8 VMFS "short.bin"'], create_type="vmfs", cid=1),
        ImageKindRefused,
    ),
    "a part nobody may read": (descriptor_text(["NOACCESS 8 ZERO"], create_type="custom", cid=1), ImageKindRefused),
    "a content id of no number": (b'# Disk DescriptorFile\nCID=hello\nRW 8 VMFS "short.bin"\n', ImageMalformed),
    "the same line twice": (descriptor_text(["CID=2", 'RW 8 VMFS "short.bin"'], create_type="vmfs", cid=1), ImageMalformed),
    "a text that ends before its extents": (
        b'# Disk DescriptorFile\nCID=1\nparentCID=ffffffff\n\0RW 8 VMFS "short.bin"\n',
        ImageMalformed,
    ),
    "a text with a NUL between its extents": (
        b'# Disk DescriptorFile\nCID=1\nparentCID=ffffffff\nRW 8 VMFS "short.bin" 0\n\0RW 8 VMFS "short.bin" 0\n',
        ImageMalformed,
    ),
    "no text but a part": (b"COWD" + bytes(600), ImageKindRefused),
    "a text of megabytes": (descriptor_text(['RW 8 VMFS "short.bin"'], create_type="vmfs", cid=1) + b"#" * MIB, ImageMalformed),
    "thousands of extents": (descriptor_text(["RW 1 ZERO"] * 5000, create_type="custom", cid=1), ImageMalformed),
}


@pytest.mark.parametrize(("content", "error"), DESCRIPTORS.values(), ids=DESCRIPTORS.keys())
def test_descriptor_that_cannot_be_is_refused(tmp_path: Path, content: bytes, error: type[Exception]) -> None:
    (tmp_path / "short.bin").write_bytes(b"s" * 4096)
    (tmp_path / "disk.vmdk").write_bytes(content)
    with pytest.raises(error):
        open_image(LocalFolder(tmp_path), "disk.vmdk")


def test_sesparse_with_a_journal_to_replay_is_refused(tmp_path: Path) -> None:
    writers.write_sesparse(tmp_path / "d.bin", 2048, {}, replay_journal=1)
    (tmp_path / "disk.vmdk").write_bytes(descriptor_text(['RW 2048 SESPARSE "d.bin"'], create_type="seSparse", cid=1))
    with pytest.raises(ImageMalformed, match="journal"):
        open_image(LocalFolder(tmp_path), "disk.vmdk")


def test_compressed_grains_are_left_to_the_reader_of_streams(tmp_path: Path) -> None:
    from tests.builders.vmdk import vmware_stream

    (tmp_path / "disk.vmdk").write_bytes(vmware_stream(b"x" * MIB))
    with pytest.raises(ImageKindRefused, match="stream"):
        open_image(LocalFolder(tmp_path), "disk.vmdk")


def test_entry_that_points_beyond_the_file_is_told_with_its_place(tmp_path: Path) -> None:
    for kind in GRAIN_BYTES:
        size = GRAIN_BYTES[kind]
        path = tmp_path / "part.bin"
        WRITERS[kind](path, 2048, {0: b"x" * size, 1: b"y" * size})
        path.write_bytes(path.read_bytes()[:-size])
        (tmp_path / "disk.vmdk").write_bytes(descriptor_text([f'RW 2048 {kind} "part.bin"'], create_type="x", cid=1))
        source = ImageSource(open_image(LocalFolder(tmp_path), "disk.vmdk"))
        with pytest.raises(ImageMalformed, match=r"beyond the file's end \(at byte \d+\)"):
            list(source.extents())
        source.close()


def test_closed_source_neither_ends_like_a_whole_one_nor_starts_again(tmp_path: Path) -> None:
    raw_disk(tmp_path / "disk.raw", 60 * MIB, [(0, 60 * MIB)])
    source = ImageSource(open_raw(LocalFolder(tmp_path), "disk.raw"))
    extents = source.extents()
    next(extents)
    source.close()
    source.close()
    with pytest.raises(StreamLost):
        list(extents)
    with pytest.raises(RuntimeError):
        next(source.extents())


def test_huge_empty_disk_is_read_in_no_time_and_has_only_zero_blocks(tmp_path: Path) -> None:
    sectors = (62 << 40) // 512
    writers.write_sesparse(tmp_path / "part.bin", sectors, {})
    (tmp_path / "disk.vmdk").write_bytes(descriptor_text([f'RW {sectors} SESPARSE "part.bin"'], create_type="seSparse", cid=1))
    source, hashes = ImageSource(open_image(LocalFolder(tmp_path), "disk.vmdk")), BlockHashes(62 << 40)
    source.hash_into(hashes)
    assert [extent for extent in source.extents() if len(extent.data)] == []
    source.close()
    assert next(hashes.data_blocks(), None) is None
    assert hashes.block_count * BLOCK_BYTES == 62 << 40
