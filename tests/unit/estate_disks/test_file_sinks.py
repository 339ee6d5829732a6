"""Disks written to files: every format holds the same bytes as the disk it was made of, or leaves nothing behind."""

from __future__ import annotations

import errno
import os
import random
import resource
import struct
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.disks import pump
from estate.disks.blockmap import BLOCK_BYTES, BlockHashes
from estate.disks.errors import TargetExists, TargetFailed, TargetFull, TargetTooLarge
from estate.disks.files import Qcow2Sink, RawSink, VhdSink, target, vhd
from estate.disks.files.qcow2 import Qcow2Layout
from estate.disks.files.target import TargetFile
from tests.builders.disk_files import QEMU_IMG, PiecesOf, qemu_img, raw_disk

MIB, GIB = 1 << 20, 1 << 30
SINKS = {"raw": RawSink, "vpc": VhdSink, "qcow2": Qcow2Sink}

DISKS: dict[str, tuple[int, list[tuple[int, int]]]] = {
    "nothing on it": (64 * MIB, []),
    "full": (6 * MIB, [(0, 6 * MIB)]),
    "data at both edges of blocks and tables": (
        1100 * MIB,
        [(0, 512), (2 * MIB - 512, 1024), (512 * MIB - 4096, 8192), (1024 * MIB - 65536, 3 * 65536), (1100 * MIB - 512, 512)],
    ),
    "a size of no whole block or cluster": (5 * MIB + 3 * 512, [(5 * MIB + 1024, 512), (4 * MIB, 65536)]),
    "one sector": (512, [(0, 512)]),
    "pieces far behind 4 GiB": (9 * GIB + 512, [(0, 4096), (5 * GIB + 512, 700_160), (9 * GIB, 512)]),
}


def copy(source: PiecesOf, sink: object) -> BlockHashes:
    hashes = BlockHashes(source.capacity_bytes)
    pump.copy(source, sink, block_hashes=hashes)  # type: ignore[arg-type]
    return hashes


@pytest.mark.parametrize("kind", SINKS)
@pytest.mark.parametrize("disk", DISKS)
@pytest.mark.qemu
@pytest.mark.skipif(QEMU_IMG is None, reason="qemu-img is not installed")
def test_qemu_reads_from_every_format_the_disk_that_was_written(tmp_path: Path, kind: str, disk: str) -> None:
    size, pieces = DISKS[disk]
    raw, out = raw_disk(tmp_path / "disk", size, pieces), tmp_path / f"disk.{kind}"
    copy(PiecesOf(raw, pieces), SINKS[kind](out, size))
    assert f'"virtual-size": {size},' in qemu_img("info", "--output=json", "-f", kind, out)
    qemu_img("compare", "-f", "raw", "-F", kind, raw, out)
    if kind == "qcow2":
        assert "No errors were found" in qemu_img("check", "-f", "qcow2", out)
    assert [path.name for path in tmp_path.iterdir() if path not in (raw, out)] == []


@pytest.mark.qemu
@pytest.mark.skipif(QEMU_IMG is None, reason="qemu-img is not installed")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(sorted(SINKS)))
def test_writes_in_any_order_and_over_each_other_make_the_disk_they_describe(tmp_path: Path, seed: int, kind: str) -> None:
    rnd = random.Random(seed)
    sectors = rnd.randrange(1, 20_000)
    disk, out, raw = bytearray(sectors * 512), tmp_path / f"out.{kind}", tmp_path / "expected.raw"
    sink = SINKS[kind](out, len(disk), sync=False)
    for _ in range(rnd.randrange(12)):
        start = rnd.randrange(sectors)
        data = rnd.randbytes(rnd.randrange(1, min(sectors - start, 9000) + 1) * 512)
        sink.write(start * 512, data)
        disk[start * 512 : start * 512 + len(data)] = data
    sink.finish()
    raw.write_bytes(disk)
    assert f'"virtual-size": {len(disk)},' in qemu_img("info", "--output=json", "-f", kind, out)
    qemu_img("compare", "-f", "raw", "-F", kind, raw, out)
    if kind == "qcow2":
        qemu_img("check", "-f", "qcow2", out)
    out.unlink()


@pytest.mark.parametrize("kind", SINKS)
def test_nothing_has_the_final_name_before_the_end_and_nothing_is_left_of_an_aborted_file(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "disk"
    sink = SINKS[kind](out, 4 * MIB)
    sink.write(0, b"x" * 4096)
    assert not out.exists()
    sink.abort()
    sink.abort()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", SINKS)
def test_file_that_is_there_is_neither_overwritten_at_first_nor_at_last(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "disk"
    sink = SINKS[kind](out, 4 * MIB)
    out.write_text("precious")
    with pytest.raises(TargetExists):
        SINKS[kind](out, 4 * MIB)
    with pytest.raises(TargetExists):
        sink.finish()
    sink.abort()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize("kind", SINKS)
def test_medium_that_fills_up_ends_the_copy_with_a_clear_error_and_no_file(tmp_path: Path, kind: str) -> None:
    """A limit on the size of files stands for a full medium: it strikes in the middle of real writes."""
    size, pieces = 64 * MIB, [(0, 40 * MIB)]
    raw = raw_disk(tmp_path / "disk.raw", size, pieces)
    sink = SINKS[kind](tmp_path / "out", size)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30 * MIB, hard))
    try:
        with pytest.raises(TargetFull, match=r"out failed: .*removed"):
            copy(PiecesOf(raw, pieces), sink)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == [raw]


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, TargetFull), (errno.EDQUOT, TargetFull), (errno.EIO, TargetFailed)]
)
def test_refusals_of_the_system_at_the_last_moment_leave_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, expected: type[Exception]
) -> None:
    def refuse(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    raw = raw_disk(tmp_path / "disk.raw", MIB, [])
    with pytest.raises(expected):
        copy(PiecesOf(raw, []), RawSink(tmp_path / "out", MIB))
    assert list(tmp_path.iterdir()) == [raw]


def test_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(TargetFailed, match="No such file"):
        TargetFile(tmp_path / "missing" / "disk")


def test_disk_over_the_limit_of_vhd_is_refused_before_a_file_is_made(tmp_path: Path) -> None:
    with pytest.raises(TargetTooLarge, match="2040 GiB"):
        VhdSink(tmp_path / "disk.vhd", vhd.MAX_CAPACITY_BYTES + 512)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.qemu
@pytest.mark.skipif(QEMU_IMG is None, reason="qemu-img is not installed")
@pytest.mark.parametrize("kind", ["vpc", "qcow2"])
def test_largest_disk_of_vhd_is_read_with_its_exact_size(tmp_path: Path, kind: str) -> None:
    size, out = vhd.MAX_CAPACITY_BYTES, tmp_path / "disk"
    sink = SINKS[kind](out, size)
    sink.write(size - 512, b"z" * 512)
    sink.finish()
    assert f'"virtual-size": {size},' in qemu_img("info", "--output=json", "-f", kind, out)
    assert out.stat().st_blocks * 512 < 32 * MIB


def test_vhd_footers_are_alike_and_their_sums_are_right(tmp_path: Path) -> None:
    out = tmp_path / "disk.vhd"
    sink = VhdSink(out, 5 * MIB, made_at=datetime(2000, 1, 2, tzinfo=UTC), identity=uuid.UUID(int=7))
    sink.write(3 * MIB, b"x" * 512)
    sink.finish()
    content = out.read_bytes()
    front, header, back = content[:512], content[512:1536], content[-512:]
    assert front == back == vhd.footer(5 * MIB, 86_400, uuid.UUID(int=7).bytes)
    for sector, at in ((front, 64), (header, 36)):
        (told,) = struct.unpack_from(">I", sector, at)
        assert told == ~(sum(sector) - sum(sector[at : at + 4])) & 0xFFFF_FFFF
    table = struct.unpack_from(">3I", content, 1536)
    assert table[0] == table[2] == 0xFFFF_FFFF
    assert content[1536 + 12 : 2048] == b"\xff" * 500
    assert content[table[1] * 512 : (table[1] + 1) * 512] == b"\xff" * 512
    assert (table[1] + 1) * 512 + BLOCK_BYTES == len(content) - 512


@pytest.mark.parametrize(
    ("mib", "expected"), [(1, (30, 4, 17)), (127, (1019, 15, 17)), (1024, (2080, 16, 63)), (1 << 20, (65535, 16, 255))]
)
def test_geometry_is_that_of_the_specification(mib: int, expected: tuple[int, int, int]) -> None:
    assert vhd.geometry(mib * MIB // 512) == expected


@pytest.mark.parametrize("capacity", [512, 512 * MIB, 4 << 40, 62 << 40])
def test_tables_of_a_qcow2_never_lie_over_each_other(capacity: int) -> None:
    layout = Qcow2Layout(capacity)
    clusters = layout.first_data_cluster + -(-capacity // 65536)
    blocks = -(-clusters // 32768)
    assert layout.counts_at(blocks) <= layout.level1_at < layout.table_at(0)
    assert layout.table_at(layout.tables) == layout.first_data_cluster * 65536
    assert layout.count_pointers_at + blocks * 8 <= layout.counts_at(0)
    assert layout.level1_at + layout.tables * 8 <= layout.table_at(0)


@pytest.mark.parametrize("sink", [VhdSink, Qcow2Sink])
def test_disk_that_does_not_end_with_a_sector_is_refused(tmp_path: Path, sink: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="sector"):
        sink(tmp_path / "disk", 1000)


def no_links(*_: Any, **__: Any) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


WAYS = ("link", "rename", "replace")
"""How a name is taken: on file systems without links, and on those that cannot rename strictly either."""


def only_by(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way != "link":
        monkeypatch.setattr(os, "link", no_links)
    if way == "replace":
        monkeypatch.setattr(target, "_renamed_strictly", lambda _part, _path: False)


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_came_under_the_name_meanwhile_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    part, path = tmp_path / ".part", tmp_path / "disk.raw"
    part.write_bytes(b"new")
    path.write_bytes(b"somebody's")
    monkeypatch.setattr(target, "require_free", lambda _path: None)  # it came after that look
    only_by(way, monkeypatch)
    with pytest.raises(TargetExists):
        target.give_name(part, path)
    assert (part.read_bytes(), path.read_bytes()) == (b"new", b"somebody's")


@pytest.mark.skipif(sys.platform != "linux", reason="strict renaming is asked of Linux here")
def test_without_links_no_empty_file_stands_under_the_name_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part, path = tmp_path / ".part", tmp_path / "disk.raw"
    part.write_bytes(b"new")
    only_by("rename", monkeypatch)
    monkeypatch.setattr(Path, "replace", no_links)
    target.give_name(part, path)
    assert ([one.name for one in tmp_path.iterdir()], path.read_bytes()) == (["disk.raw"], b"new")


GIVING = [*((way, fault) for way in WAYS for fault in (None, "_sync_directory")), ("replace", "replace")]


@pytest.mark.parametrize(("way", "fault"), GIVING)
def test_a_name_is_given_wholly_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, fault: str | None
) -> None:
    part, path = tmp_path / ".part", tmp_path / "disk.raw"
    part.write_bytes(b"new")
    only_by(way, monkeypatch)
    if fault:
        monkeypatch.setattr(Path if fault == "replace" else target, fault, no_links)
    if fault is None:
        target.give_name(part, path)
    else:
        with pytest.raises(TargetFailed):
            target.give_name(part, path)
    kept = path if fault is None else part
    assert ([one.name for one in tmp_path.iterdir()], kept.read_bytes()) == ([kept.name], b"new")
