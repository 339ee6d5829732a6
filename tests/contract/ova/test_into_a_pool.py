"""An archive's disk into the lab's pool by our adapters alone: facts, stream from inside the archive, VDI, read back."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from estate.connection import Connection
from estate.disks import pump, verify
from estate.disks.blockmap import BLOCK_BYTES, BlockHashes
from estate.facts.source import VmFacts
from estate.ova.disks import open_disk
from estate.ova.package import open_package
from estate.ova.read import read
from estate.xapi import vdi
from estate.xapi.session import XapiSession
from lab.disks.stream_vmdk import write_stream_vmdk
from lab.xapi_sim import PoolSim, small_pool
from tests.builders import ova

CAPACITY_BYTES = 4 * BLOCK_BYTES
PASSWORD = "pool secret"


@pytest.fixture
def pool(tmp_path: Path) -> PoolSim:
    return PoolSim(small_pool(), tmp_path / "pool", PASSWORD)


def an_archive(disk: bytes, folder: Path) -> Path:
    raw, packed, path = folder / "disk.raw", io.BytesIO(), folder / "web.ova"
    raw.write_bytes(disk)
    write_stream_vmdk(raw, packed)
    descriptor = ova.vmware_ovf(capacity=CAPACITY_BYTES >> 20)
    path.write_bytes(ova.archive(ova.package(packed.getvalue(), ovf=descriptor)))
    return path


def make_vdi(session: XapiSession) -> str:
    (sr,) = session.call("SR.get_by_name_label", "nfs-01")
    record = {
        "name_label": "disk-0", "SR": sr, "virtual_size": str(CAPACITY_BYTES), "type": "user", "sharable": False,
        "read_only": False, "other_config": {},
    }  # fmt: skip
    return str(session.call("VDI.get_uuid", session.call("VDI.create", record)))


def test_the_disk_of_an_archive_lies_in_the_pool_byte_for_byte(pool: PoolSim, tmp_path: Path) -> None:
    disk = random.Random(3).randbytes(BLOCK_BYTES + 4096) + bytes(2 * BLOCK_BYTES - 4096) + b"\x07" * BLOCK_BYTES
    path = an_archive(disk, tmp_path)
    machines: list[VmFacts] = []
    read(path, on_page=lambda kind, found: machines.extend(fact for fact in found if isinstance(fact, VmFacts)))
    disks = machines[0].disks
    assert isinstance(disks, tuple) and isinstance(disks[0].file_name, str)
    assert disks[0].capacity_bytes == CAPACITY_BYTES
    pool.start()
    try:
        shown = pool.lab_json()
        pins = frozenset(host["sha256"] for host in shown["hosts"])
        with XapiSession(Connection(shown["url"], shown["user"], PASSWORD, pins, "pool-west")) as session:
            uuid, hashes = make_vdi(session), BlockHashes(CAPACITY_BYTES)
            sink = vdi.RawImportSink(session, uuid, CAPACITY_BYTES, False)
            pump.copy(open_disk(open_package(path), disks[0].file_name), sink, block_hashes=hashes)
            assert verify.read_back(vdi.open_readback(session, uuid), hashes, CAPACITY_BYTES).matched
        stored = Path(pool.pool.storage.path(pool.pool.store.by_uuid("VDI", uuid)))
        assert stored.read_bytes() == disk
    finally:
        pool.stop()
