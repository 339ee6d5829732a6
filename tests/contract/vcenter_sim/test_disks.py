"""The lab's source disks: real partitions, real files, and a stream that others can read."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from lab.disks import DiskPlan, DiskStore, build_raw_disk, write_stream_vmdk
from lab.disks.store import ImageUnusable

MIB = 1 << 20
PLANS = (
    DiskPlan("windows", 11, 320, 12, "windows"),  # FAT16 and FAT32
    DiskPlan("linux", 11, 64, 10, "linux"),
    DiskPlan("data", 11, 300, 8, "data"),
)


def _tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def _build(plan: DiskPlan, directory: Path) -> Path:
    path = directory / f"{plan.name}.raw"
    build_raw_disk(plan, path)
    return path


def _partitions(raw: Path) -> list[tuple[int, int]]:
    """(offset, length) in bytes of the partitions, read from the table."""
    table = raw.open("rb").read(512)[446:510]
    entries = [struct.unpack("<8xII", table[i : i + 16]) for i in range(0, 64, 16)]
    return [(first * 512, sectors * 512) for first, sectors in entries if sectors]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_file_systems_pass_fsck_and_hold_files(plan: DiskPlan, tmp_path: Path) -> None:
    fsck, mdir = _tool("fsck.vfat"), _tool("mdir")
    raw = _build(plan, tmp_path)
    partitions = _partitions(raw)
    assert len(partitions) == (2 if plan.layout == "windows" else 1)
    for offset, length in partitions:
        part = tmp_path / "part"
        subprocess.run(
            ["dd", f"if={raw}", f"of={part}", "bs=1M", f"skip={offset // MIB}", f"count={-(-length // MIB)}"],
            check=True,
            capture_output=True,
        )
        with part.open("r+b") as file:
            file.truncate(length)
        checked = subprocess.run([fsck, "-n", str(part)], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout
        listed = subprocess.run([mdir, "-b", "-/", "-i", str(part), "::"], capture_output=True, text=True, check=True)
        assert listed.stdout.count("F0000") >= 4


def test_the_partition_table_is_read_by_sfdisk(tmp_path: Path) -> None:
    raw = _build(PLANS[0], tmp_path)
    listed = subprocess.run([_tool("sfdisk"), "-l", str(raw)], capture_output=True, text=True, check=True).stdout
    assert "Disklabel type: dos" in listed
    assert listed.count(f"{raw}") == 3


def test_the_same_seed_gives_the_same_bytes_and_blocks_differ(tmp_path: Path) -> None:
    plan = PLANS[1]
    first = _build(plan, tmp_path).read_bytes()
    assert _build(plan, tmp_path).read_bytes() == first
    assert _build(DiskPlan("linux", 12, 64, 10, "linux"), tmp_path).read_bytes() != first
    blocks = [first[i : i + 4096] for i in range(8 * MIB, len(first), 4096)]
    filled = [block for block in blocks if any(block)]
    assert len(filled) == len(set(filled)) > 1000


def test_disks_are_sparse(tmp_path: Path) -> None:
    raw = _build(PLANS[0], tmp_path)
    used = raw.stat().st_blocks * 512
    assert raw.stat().st_size == 320 * MIB
    assert 12 * MIB < used < 20 * MIB


@pytest.mark.parametrize("level", [1, 6])
def test_streams_compare_equal_to_their_disk(level: int, tmp_path: Path) -> None:
    qemu = _tool("qemu-img")
    raw = _build(PLANS[2], tmp_path)
    stream = tmp_path / "data.vmdk"
    with stream.open("wb") as out:
        written = write_stream_vmdk(raw, out, level)
    assert written == stream.stat().st_size
    compared = subprocess.run([qemu, "compare", "-f", "raw", "-F", "vmdk", str(raw), str(stream)], capture_output=True, text=True)
    assert "identical" in compared.stdout, compared.stdout


def test_the_stream_is_in_vmwares_dialect(tmp_path: Path) -> None:
    raw = _build(PLANS[1], tmp_path)
    stream = tmp_path / "linux.vmdk"
    with stream.open("wb") as out:
        write_stream_vmdk(raw, out)
    content = stream.read_bytes()
    flags, directory = struct.unpack_from("<I", content, 8)[0], struct.unpack_from("<Q", content, 56)[0]
    assert (flags, directory) == (0x30001, 0xFFFFFFFFFFFFFFFF)
    kinds, lbas, position = [], [], 128 * 512
    while position < len(content):
        value, size, kind = struct.unpack_from("<QII", content, position)
        if size:
            lbas.append(value)
            position += -(-(12 + size) // 512) * 512
        else:
            kinds.append(kind)
            position += 512 + value * 512
    assert kinds == [1, 1, 2, 3, 0]  # two grain tables between the grains, directory, footer, end of stream
    assert lbas == sorted(lbas)
    assert struct.unpack_from("<Q", content, len(content) - 1024 + 56)[0] != 0xFFFFFFFFFFFFFFFF


def test_a_disk_that_is_no_multiple_of_a_grain_is_clipped(tmp_path: Path) -> None:
    qemu = _tool("qemu-img")
    raw = tmp_path / "odd.raw"
    raw.write_bytes(b"\x07" * (65536 * 3 + 512))
    stream = tmp_path / "odd.vmdk"
    with stream.open("wb") as out:
        write_stream_vmdk(raw, out)
    compared = subprocess.run([qemu, "compare", "-f", "raw", "-F", "vmdk", str(raw), str(stream)], capture_output=True, text=True)
    assert "identical" in compared.stdout, compared.stdout
    raw.write_bytes(b"\x07" * 513)
    with stream.open("wb") as out, pytest.raises(ValueError, match="whole number of sectors"):
        write_stream_vmdk(raw, out)


def test_prepared_disks_are_kept_until_their_plan_changes(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    prepared = store.prepare(PLANS[1])
    stamp = prepared.vmdk_path.stat().st_mtime_ns
    assert store.prepare(PLANS[1]).vmdk_path.stat().st_mtime_ns == stamp
    digest = store.sha256(prepared)
    changed = store.prepare(DiskPlan("linux", 12, 64, 10, "linux"))
    assert store.sha256(changed) != digest


def test_a_given_image_becomes_the_disk(tmp_path: Path) -> None:
    qemu = _tool("qemu-img")
    image = tmp_path / "given.qcow2"
    source = tmp_path / "given.raw"
    source.write_bytes(b"boot".ljust(MIB, b"\0"))
    subprocess.run([qemu, "convert", "-O", "qcow2", str(source), str(image)], check=True, capture_output=True)
    store = DiskStore(tmp_path / "disks", images={"linux": image})
    assert store.prepare(PLANS[1]).raw_path.read_bytes() == source.read_bytes()
    broken = DiskStore(tmp_path / "more", images={"linux": tmp_path / "missing.qcow2"})
    with pytest.raises(ImageUnusable, match=r"missing\.qcow2"):
        broken.prepare(PLANS[1])
