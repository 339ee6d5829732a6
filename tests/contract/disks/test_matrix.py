"""Every kind of disk by every way in and out: what comes out compares equal with what went in, by qemu-img's word."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from estate.disks import pump
from estate.disks.blockmap import BlockHashes
from estate.disks.files import Qcow2Sink, RawSink, VhdSink
from estate.disks.images import ImageSource, LocalFolder, open_image, open_raw
from estate.disks.ports import ExtentSource
from estate.disks.vmdk import StreamVmdkSource
from lab.disks.sparse_extents import descriptor_text, write_cowd, write_hosted, write_sesparse
from lab.disks.stream_vmdk import write_stream_vmdk
from tests.builders.disk_files import qemu_img, raw_disk

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

pytestmark = [pytest.mark.qemu, pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")]

DISKS: dict[str, tuple[int, list[tuple[int, int]]]] = {
    "thin": (100 * MIB, [(0, 64 * KIB), (3 * MIB, 5 * MIB + 4096), (77 * MIB, 512)]),
    "thick": (8 * MIB, [(0, 8 * MIB)]),
    "a size of no whole block": (7 * MIB + 12 * KIB, [(6 * MIB, MIB + 12 * KIB)]),
    "nothing used": (64 * MIB, []),
    "a last grain that is cut": (4 * MIB + 512, [(4 * MIB - 512, 1024)]),
    "offsets far behind 4 GiB": (9 * GIB, [(0, 4096), (4 * GIB - 4096, 8192), (9 * GIB - 64 * KIB, 64 * KIB)]),
}
SINKS = {"raw": RawSink, "vpc": VhdSink, "qcow2": Qcow2Sink}


def a_stream(raw: Path, work: Path) -> ExtentSource:
    with (work / "stream.vmdk").open("wb") as out:
        write_stream_vmdk(raw, out, 1)
    return StreamVmdkSource((work / "stream.vmdk").open("rb", buffering=0))


def a_raw_file(raw: Path, _work: Path) -> ExtentSource:
    return ImageSource(open_raw(LocalFolder(raw.parent), raw.name))


def a_thick_disk_in_three_extents(raw: Path, work: Path) -> ExtentSource:
    sectors = raw.stat().st_size // 512
    cuts = [0, sectors // 3, sectors // 3 + 1, sectors]
    lines = [f'RW {end - start} FLAT "{raw.name}" {start}' for start, end in itertools.pairwise(cuts)]
    (work / "split.vmdk").write_bytes(descriptor_text(lines, create_type="custom", cid=1))
    return ImageSource(open_image(LocalFolder(work), "split.vmdk"))


def a_part_writer(kind: str, write: Callable[..., None], size: int) -> Callable[[Path, Path], ExtentSource]:
    def made(raw: Path, work: Path) -> ExtentSource:
        sectors = raw.stat().st_size // 512
        with raw.open("rb") as disk:
            write(work / "part.bin", sectors, grains_of(raw, disk, size))
        (work / "sparse.vmdk").write_bytes(descriptor_text([f'RW {sectors} {kind} "part.bin"'], create_type="custom", cid=1))
        return ImageSource(open_image(LocalFolder(work), "sparse.vmdk"))

    return made


def grains_of(raw: Path, disk: object, size: int) -> dict[int, bytes]:
    """Grains with data, found by the holes of the file."""
    image = open_raw(LocalFolder(raw.parent), raw.name)
    grains = {}
    for run in image.layer.runs(0, image.capacity_bytes):
        if run.reader is None:
            continue
        for number in range(run.start // size, -(-run.end // size)):
            disk.seek(number * size)  # type: ignore[attr-defined]
            grains[number] = disk.read(size)  # type: ignore[attr-defined]
    image.close()
    return grains


SOURCES: dict[str, Callable[[Path, Path], ExtentSource]] = {
    "a stream": a_stream,
    "a raw file": a_raw_file,
    "three extents": a_thick_disk_in_three_extents,
    "hosted sparse": a_part_writer("SPARSE", write_hosted, 64 * KIB),
    "COWD": a_part_writer("VMFSSPARSE", write_cowd, 512),
    "SESPARSE": a_part_writer("SESPARSE", write_sesparse, 4096),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("disk", DISKS)
def test_disk_comes_out_as_it_went_in(tmp_path: Path, disk: str, source: str) -> None:
    size, pieces = DISKS[disk]
    raw = raw_disk(tmp_path / "source", size, pieces)
    maps = set()
    for kind, sink in SINKS.items():
        out, hashes = tmp_path / f"out.{kind}", BlockHashes(size)
        stats = pump.copy(SOURCES[source](raw, tmp_path), sink(out, size, sync=False), block_hashes=hashes)
        qemu_img("compare", "-f", "raw", "-F", kind, raw, out)
        assert f'"virtual-size": {size},' in qemu_img("info", "--output=json", "-f", kind, out)
        assert stats.bytes_data + stats.bytes_zero == stats.bytes_total == size
        out.unlink()
        maps.add(hashes.digest())
    assert len(maps) == 1
    assert maps == {read_again(raw, size)}


def read_again(raw: Path, size: int) -> str:
    hashes = BlockHashes(size)
    source = ImageSource(open_raw(LocalFolder(raw.parent), raw.name))
    source.hash_into(hashes)
    for _ in source.extents():
        pass
    source.close()
    return hashes.digest()
