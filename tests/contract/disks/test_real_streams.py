"""The VMDK reader against streams it did not write: qemu-img's dialect, and the lab's writer checked by qemu-img."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from estate.disks.errors import StreamTruncated
from estate.disks.vmdk import StreamVmdkSource
from lab.disks.stream_vmdk import write_stream_vmdk
from tests.builders.vmdk import replay

QEMU_IMG = shutil.which("qemu-img")
MIB = 1 << 20

pytestmark = [pytest.mark.qemu, pytest.mark.skipif(QEMU_IMG is None, reason="qemu-img is not installed")]


def qemu_img(*arguments: str | Path) -> None:
    assert QEMU_IMG
    subprocess.run([QEMU_IMG, *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture
def raw_path(tmp_path: Path) -> Path:
    """70 MiB and three sectors: more than two grain tables, an odd end, random and repeating pieces between holes."""
    rnd = random.Random(20)
    path = tmp_path / "disk.raw"
    with path.open("wb") as disk:
        disk.truncate(70 * MIB + 1536)
        for offset in (0, 5 * MIB + 4096, 33 * MIB, 64 * MIB - 65536):
            disk.seek(offset)
            disk.write(rnd.randbytes(700_000) + b"a line of text " * 20_000)
        disk.seek(70 * MIB + 1024)
        disk.write(b"z" * 512)
    return path


def read(path: Path) -> bytes:
    source = StreamVmdkSource(path.open("rb", buffering=0))
    try:
        return replay(source.capacity_bytes, source.extents())
    finally:
        source.close()


def test_stream_of_qemu_img_reads_back_the_same_disk(raw_path: Path, tmp_path: Path) -> None:
    packed = tmp_path / "qemu.vmdk"
    qemu_img("convert", "-O", "vmdk", "-o", "subformat=streamOptimized", raw_path, packed)
    disk, expected = read(packed), raw_path.read_bytes()
    assert disk[: len(expected)] == expected
    assert not disk[len(expected) :].strip(b"\0")


def test_cut_stream_of_qemu_img_is_noticed_without_an_end_marker(raw_path: Path, tmp_path: Path) -> None:
    packed = tmp_path / "qemu.vmdk"
    qemu_img("convert", "-O", "vmdk", "-o", "subformat=streamOptimized", raw_path, packed)
    whole = packed.read_bytes()
    data_end = len(whole.rstrip(b"\0"))  # qemu-img fills its last cluster up with zeros
    for cut in (data_end - 1, data_end - 512, len(whole) // 2 & -512, 40 * 512):
        packed.write_bytes(whole[:cut])
        with pytest.raises(StreamTruncated):
            read(packed)
    packed.write_bytes(whole[: len(whole) // 2 & -512] + bytes(MIB))
    with pytest.raises(StreamTruncated):
        read(packed)


def test_lab_writes_what_qemu_img_and_we_read_alike(raw_path: Path, tmp_path: Path) -> None:
    packed, plain = tmp_path / "lab.vmdk", tmp_path / "ours.raw"
    with packed.open("wb") as out:
        write_stream_vmdk(raw_path, out)
    plain.write_bytes(read(packed))
    assert plain.read_bytes() == raw_path.read_bytes()
    qemu_img("compare", "-f", "vmdk", "-F", "raw", packed, plain)
