"""The parsers under a fuzzer that follows coverage: an answer or one of our errors, in time and in memory, for any bytes.

Seconds in CI, half an hour with XENBOUND_SOAK=1. What reached new lines is kept in var/fuzz; `tests/data/fuzz_disks` holds
the inputs of long runs, which every run starts from.
"""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from estate.disks.blockmap import BLOCK_BYTES, BlockHashes, BlockMapUnreadable
from estate.disks.errors import ImageReadFailed
from estate.disks.images import descriptor
from estate.disks.images.cowd import open_cowd
from estate.disks.images.hosted import open_hosted
from estate.disks.images.sesparse import open_sesparse
from estate.disks.vhd_stream import VhdReadback
from estate.disks.vmdk.inflate import inflate_with_zlib
from estate.disks.vmdk.records import RecordWalker, read_header
from estate.disks.vmdk.unpack import BlockUnpacker
from estate.disks.vmdk.window import StreamWindow
from estate.errors import EdgeError
from lab.disks import sparse_extents as writers
from tests.builders.disk_ends import MemoryReader
from tests.builders.vmdk import DribblingStream, header, vmware_stream
from tests.unit.estate_disks.coverage_fuzz import Target, fuzz, keep, load
from tests.unit.estate_disks.test_vhd_stream import a_vhd as a_small_vhd
from tests.unit.estate_disks.test_vhd_stream import summed

SOAK = bool(os.environ.get("XENBOUND_SOAK"))
SECONDS = 450.0 if SOAK else 2.0
MOST_GROWTH_KIB = 200 << 10
MOST_READ_BYTES = 64 << 20
ROOT = Path(__file__).resolve().parents[3]
CORPUS, FOUND = ROOT / "tests" / "data" / "fuzz_disks", ROOT / "var" / "fuzz"


class MemoryFile:
    """Bytes as a file that is read at any offset."""

    name = "fuzzed.vmdk"

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size_bytes = len(content)

    def read_into(self, offset_bytes: int, room: memoryview, /) -> None:
        piece = self._content[offset_bytes : offset_bytes + len(room)]
        if len(piece) < len(room):
            raise ImageReadFailed(self.name, offset_bytes, "the file ends there")
        room[:] = piece

    def data_ranges(self, start: int, end: int, /) -> Iterator[tuple[int, int]]:
        yield start, end

    def close(self) -> None:
        """Nothing is held."""


def a_stream(data: bytes) -> None:
    window = StreamWindow(DribblingStream(data))
    with contextlib.suppress(EdgeError):
        head = read_header(window)
        unpacker = BlockUnpacker(inflate_with_zlib, head.grain_bytes, None)
        last = -1
        for block in RecordWalker(window, head).blocks():
            assert last < block.index < -(-head.capacity_bytes // BLOCK_BYTES)
            last = block.index
            plain = unpacker.unpack(block, bytearray(BLOCK_BYTES))
            assert all(0 <= start < end <= BLOCK_BYTES for start, end in plain.runs)


def a_sparse_file(data: bytes) -> None:
    for opener in (lambda reader: open_hosted(reader)[0], open_cowd, open_sesparse):
        with contextlib.suppress(EdgeError):
            layer = opener(MemoryFile(data))
            position = 0
            for run in layer.runs(0, min(layer.length_bytes, MOST_READ_BYTES)):
                assert run.start == position < run.end
                position = run.end
                if run.reader:
                    run.reader.read_into(run.at, memoryview(bytearray(min(run.end - run.start, 4096))))
            assert position == min(layer.length_bytes, MOST_READ_BYTES)


def a_descriptor(data: bytes) -> None:
    with contextlib.suppress(EdgeError):
        text = descriptor.parse(data, "fuzzed.vmdk")
        assert all(line.length_bytes > 0 for line in text.extents)


def a_block_map(data: bytes) -> None:
    with contextlib.suppress(BlockMapUnreadable):
        hashes = BlockHashes.from_bytes(data)
        assert all(index < hashes.block_count for index in hashes.data_blocks())


def a_vhd(data: bytes) -> None:
    """Its sums are made right first, as a forger would make them."""
    forged = bytearray(data)
    for start, end, checksum_at in ((0, 512, 64), (512, 1536, 36)):
        if len(forged) >= end:
            forged[start:end] = summed(forged[start:end], checksum_at)
    with contextlib.suppress(EdgeError):
        reader, position = VhdReadback(MemoryReader(bytes(forged))), 0
        while position < MOST_READ_BYTES:
            if position % BLOCK_BYTES == 0 and reader.skip_zeros(BLOCK_BYTES):
                position += BLOCK_BYTES
            elif got := reader.read_into(memoryview(bytearray(4096))):
                position += got
            else:
                break


def seeds_of(target: Target, work: Path) -> list[bytes]:
    if target is a_stream:
        qemu = header(capacity=256, flags=3 | 1 << 16 | 1 << 17, gd=2, overhead=16)
        return [vmware_stream(b"x" * 70_000 + bytes(200_000) + b"y" * 512, tables_every=1), qemu.ljust(16 << 9, b"\1")]
    if target is a_sparse_file:
        small_grains = partial(writers.write_hosted, grain_sectors=8)
        for write, size in ((small_grains, 4096), (writers.write_cowd, 512), (writers.write_sesparse, 4096)):
            write(work / f"{len(list(work.iterdir()))}.vmdk", 2048, {1: b"x" * size, 3: b"y" * size})
        return [path.read_bytes()[: 64 << 10] for path in sorted(work.iterdir())]
    if target is a_descriptor:
        lines = ['RW 8 VMFS "a-flat.vmdk"', "RW 9 ZERO", 'RDONLY 7 FLAT "b" 4']
        return [writers.descriptor_text(lines, create_type="vmfs", cid=1, parent_cid=2, parent_name="p.vmdk")]
    if target is a_vhd:
        return [bytes(a_small_vhd(work, present)[: 8 << 10]) for present in ([0], [1, 2], [])]
    hashes = BlockHashes(9 * BLOCK_BYTES + 1)
    for index in (0, 1, 7):
        hashes.put(index, bytes([index + 1]) * 32)
    return [hashes.to_bytes()]


@pytest.mark.soak
@pytest.mark.parametrize("target", [a_stream, a_sparse_file, a_descriptor, a_block_map, a_vhd])
def test_no_bytes_at_all_crash_a_parser_or_take_time_or_memory(target: Target, tmp_path: Path) -> None:
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seeds = seeds_of(target, tmp_path) + load(CORPUS / target.__name__)
    corpus = fuzz(target, seeds, seconds=SECONDS, seed=int.from_bytes(os.urandom(4), "big") if SOAK else 1)
    keep(FOUND / target.__name__, corpus[len(seeds) :])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < MOST_GROWTH_KIB
