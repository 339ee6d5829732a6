"""Broken disk files by the hundred: headers, tables and descriptors damaged. Small here, full size with XENBOUND_SOAK=1."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import tracemalloc
from pathlib import Path

import pytest

from estate.disks.errors import ImageChainBroken, ImageFileMissing, ImageKindRefused, ImageMalformed
from estate.disks.images import ImageSource, LocalFolder, open_image
from lab.disks import sparse_extents as writers
from lab.disks.sparse_extents import descriptor_text

ROUNDS = 10_000 if os.environ.get("XENBOUND_SOAK") else 250
MOST_GROWTH_BYTES = 200 << 20
SECTORS = 20_000
KINDS = {
    "SPARSE": (writers.write_hosted, 65536),
    "VMFSSPARSE": (writers.write_cowd, 512),
    "SESPARSE": (writers.write_sesparse, 4096),
}
REFUSALS = (ImageChainBroken, ImageFileMissing, ImageKindRefused, ImageMalformed)
NUMBERS = (0, 1, 2, 0x7F, 0xFF, 1 << 16, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)


def a_chain(folder: Path, rnd: random.Random) -> str:
    """One to three sparse layers; gives the descriptor's name."""
    names, parent = [], 0xFFFFFFFF
    for cid in range(1, rnd.randrange(1, 4) + 1):
        kind = rnd.choice(sorted(KINDS))
        write, size = KINDS[kind]
        grains = {rnd.randrange(SECTORS * 512 // size): rnd.randbytes(size) for _ in range(rnd.randrange(8))}
        write(folder / f"{cid}.bin", SECTORS, grains)
        text = descriptor_text(
            [f'RW {SECTORS} {kind} "{cid}.bin"'],
            create_type="custom",
            cid=cid,
            parent_cid=parent,
            parent_name=names[-1] if names else "",
        )
        names.append(f"{cid}.vmdk")
        (folder / names[-1]).write_bytes(text)
        parent = cid
    return names[-1]


def break_it(folder: Path, rnd: random.Random) -> None:
    path = rnd.choice(sorted(folder.iterdir()))
    content = bytearray(path.read_bytes())
    for _ in range(rnd.randrange(1, 4)):
        # Tables and headers stand in front; most damage is done there.
        at = rnd.randrange(min(len(content), rnd.choice((128, 4096, 1 << 20))))
        kind = rnd.randrange(4)
        if kind == 0:
            content[at] = rnd.randrange(256)
        elif kind == 1:
            content[at : at + 8] = rnd.choice(NUMBERS).to_bytes(8, "little")
        elif kind == 2:
            content[at : at + 4] = (rnd.choice(NUMBERS) & 0xFFFFFFFF).to_bytes(4, "little")
        else:
            del content[at : at + rnd.randrange(1, 2048)]
    path.write_bytes(content)


def read_within_capacity(folder: Path, name: str) -> None:
    with contextlib.closing(ImageSource(open_image(LocalFolder(folder), name))) as source:
        position = 0
        for extent in source.extents():
            assert position <= extent.offset_bytes
            position = extent.offset_bytes + len(extent.data)
            assert position <= source.capacity_bytes


@pytest.mark.soak
def test_no_broken_file_of_a_disk_crashes_hangs_or_takes_memory(tmp_path: Path) -> None:
    most_bytes = refused = 0
    tracemalloc.start()
    try:
        for seed in range(ROUNDS):
            rnd = random.Random(seed)
            name = a_chain(tmp_path, rnd)
            break_it(tmp_path, rnd)
            if seed % 50 == 0:
                gc.collect()
            before_bytes, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            try:
                read_within_capacity(tmp_path, name)
            except REFUSALS:
                refused += 1
            most_bytes = max(most_bytes, tracemalloc.get_traced_memory()[1] - before_bytes)
            for path in tmp_path.iterdir():
                path.unlink()
    finally:
        tracemalloc.stop()
    assert most_bytes < MOST_GROWTH_BYTES
    assert ROUNDS * 0.1 < refused < ROUNDS
