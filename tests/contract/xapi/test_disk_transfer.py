"""Disks into VDIs and back, against the lab's pool: the whole way, and every way in which it breaks."""

from __future__ import annotations

import dataclasses
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from estate.connection import Connection
from estate.disks import pump, verify
from estate.disks.blockmap import BLOCK_BYTES, BlockHashes
from estate.disks.images import ImageSource, LocalFolder, open_raw
from estate.disks.pump import CopyStats, Resume
from estate.disks.segments import SegmentedSink, SegmentMark
from estate.disks.vmdk import StreamVmdkSource
from estate.errors import AskPerson, EdgeError, Retry
from estate.tls import CertificateChanged
from estate.xapi.errors import SrFull, VdiInUse
from estate.xapi.session import XapiSession
from estate.xapi.vdi import RawImportSink, open_readback
from estate.xapi.vdi_access import wait_until_free
from lab.disks.stream_vmdk import write_stream_vmdk
from lab.xapi_sim import PoolSim
from tests.builders.disk_files import raw_disk
from tests.builders.vmdk import DribblingStream, vmware_stream

CAPACITY = 4 * BLOCK_BYTES
MakeVdi = Callable[..., str]
FileOf = Callable[[str], Path]


def a_disk(seed: int = 1) -> bytes:
    rnd = random.Random(seed)
    return rnd.randbytes(BLOCK_BYTES + 4096) + bytes(BLOCK_BYTES - 8192) + rnd.randbytes(64) * 65536 + bytes(4096)


def copy(session: XapiSession, vdi: str, disk: bytes | None = None, *, zero_fill: bool = False) -> tuple[CopyStats, BlockHashes]:
    disk = disk or a_disk()
    hashes = BlockHashes(len(disk))
    source = StreamVmdkSource(DribblingStream(vmware_stream(disk)))
    return pump.copy(source, RawImportSink(session, vdi, len(disk), zero_fill), block_hashes=hashes), hashes


class Cancel:
    """An `alive` that somebody cancels after so many seconds."""

    def __init__(self, after_s: float) -> None:
        self._at_s = time.monotonic() + after_s

    def __call__(self) -> None:
        if time.monotonic() > self._at_s:
            raise Cancelled

    def took_s(self) -> float:
        """Seconds since the cancel."""
        return time.monotonic() - self._at_s


def no_task_is_left(session: XapiSession) -> bool:
    return not [task for task in session.call("task.get_all_records").values() if task["name_label"].startswith("Xenbound")]


def is_free(session: XapiSession, vdi: str) -> bool:
    wait_until_free(session, session.call("VDI.get_by_uuid", vdi), deadline_s=0)
    return True


@pytest.mark.qemu
@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
def test_copied_disk_is_the_source_byte_for_byte(
    session: XapiSession, make_vdi: MakeVdi, file_of: FileOf, tmp_path: Path
) -> None:
    raw, packed = tmp_path / "source.raw", tmp_path / "source.vmdk"
    raw.write_bytes(a_disk())
    with packed.open("wb") as out:
        write_stream_vmdk(raw, out)
    vdi, hashes = make_vdi(CAPACITY), BlockHashes(CAPACITY)
    with packed.open("rb", buffering=0) as stream:
        pump.copy(StreamVmdkSource(stream), RawImportSink(session, vdi, CAPACITY, False), block_hashes=hashes)
    subprocess.run(["qemu-img", "compare", "-f", "vmdk", "-F", "raw", packed, file_of(vdi)], check=True, capture_output=True)
    assert verify.read_back(open_readback(session, vdi), hashes, CAPACITY).matched
    assert no_task_is_left(session)
    assert is_free(session, vdi)


def test_zeros_are_sent_only_where_the_sr_does_not_give_zeros(session: XapiSession, make_vdi: MakeVdi, file_of: FileOf) -> None:
    vdi = make_vdi(CAPACITY)
    file_of(vdi).write_bytes(b"\xee" * CAPACITY)
    stats, _ = copy(session, vdi, zero_fill=True)
    assert (stats.bytes_sent, file_of(vdi).read_bytes()) == (CAPACITY, a_disk())
    stats, _ = copy(session, make_vdi(CAPACITY))
    assert stats.bytes_sent < CAPACITY


def test_redirect_to_another_pinned_host_is_followed(
    pool: PoolSim, session: XapiSession, make_vdi: MakeVdi, file_of: FileOf
) -> None:
    pool.pool.faults.arm("redirect", {"to": "xen03"})
    vdi = make_vdi(CAPACITY)
    copy(session, vdi)
    assert file_of(vdi).read_bytes() == a_disk()
    assert not pool.pool.faults.armed()


def test_redirect_to_a_host_that_nobody_confirmed_is_refused_before_any_byte(
    pool: PoolSim, connection: Connection, make_vdi: MakeVdi, file_of: FileOf
) -> None:
    facts = pool.lab_json()
    pins = frozenset(host["sha256"] for host in facts["hosts"] if host["name"] != "xen03")
    pool.pool.faults.arm("redirect", {"to": "xen03"})
    vdi = make_vdi(CAPACITY)
    with XapiSession(dataclasses.replace(connection, pins=pins)) as session:
        with pytest.raises(CertificateChanged, match=next(h["address"] for h in facts["hosts"] if h["name"] == "xen03")):
            copy(session, vdi)
        assert no_task_is_left(session)
        assert is_free(session, vdi)
    assert not file_of(vdi).read_bytes().strip(b"\0")


FAILURES: list[tuple[str, dict[str, object], type[EdgeError], str]] = [
    ("task_failure", {"error": ["VDI_IO_ERROR", "Device I/O errors"], "after_bytes": 100_000}, Retry, "vdi_io_error"),
    ("task_failure", {"error": ["SR_BACKEND_FAILURE_44", "", "no space", ""], "after_bytes": 0}, AskPerson, "sr_full"),
    ("task_failure", {"error": ["SR_BACKEND_FAILURE_200", "", "odd", ""]}, AskPerson, "sr_backend_failure"),
    ("task_failure", {"error": ["BRAND_NEW_CODE", "x"]}, AskPerson, "xapi_unexpected"),
    ("sr_full", {"sr": "nfs-01", "after_bytes": 1 << 20}, SrFull, "sr_full"),
    ("drop_connection", {"after_bytes": 1 << 20}, Retry, "vdi_io_error"),
]


@pytest.mark.parametrize(("fault", "arguments", "kind", "code"), FAILURES, ids=[f"{f}-{c}" for f, _, _, c in FAILURES])
def test_failure_after_the_200_comes_out_with_its_reason_and_leaves_the_vdi_free(
    pool: PoolSim,
    session: XapiSession,
    make_vdi: MakeVdi,
    fault: str,
    arguments: dict[str, object],
    kind: type[EdgeError],
    code: str,
) -> None:
    vdi = make_vdi(CAPACITY)
    pool.pool.faults.arm(fault, arguments)
    with pytest.raises(kind) as caught:
        copy(session, vdi)
    assert caught.value.code == code
    assert "pool-west" in str(caught.value)
    assert caught.value.next_step
    assert session.handle not in str(caught.value)
    assert no_task_is_left(session)
    assert is_free(session, vdi)
    pool.pool.faults.clear()
    copy(session, vdi, zero_fill=True)


def test_vdi_that_a_vm_holds_is_not_written(
    monkeypatch: pytest.MonkeyPatch, session: XapiSession, make_vdi: MakeVdi, pool: PoolSim
) -> None:
    monkeypatch.setattr("estate.xapi.vdi._FREE_DEADLINE_S", 0.3)
    vdi = make_vdi(CAPACITY)
    held = session.call("VDI.get_by_uuid", vdi)
    (vm,) = session.call("VM.get_by_name_label", "dns-01")
    vbd = pool.pool.store.create("VBD", VM=vm, VDI=held, userdevice="9", mode="RW", type="Disk", currently_attached=True)
    try:
        with pytest.raises(VdiInUse, match="dns-01"):
            copy(session, vdi)
    finally:
        pool.pool.store.destroy("VBD", vbd)
    assert no_task_is_left(session)


def test_cancelled_copy_ends_at_once_and_leaves_nothing(pool: PoolSim, connection: Connection, make_vdi: MakeVdi) -> None:
    def alive() -> None:
        if calls.append(1) or len(calls) > 3:
            raise Cancelled

    calls: list[int] = []
    vdi = make_vdi(CAPACITY)
    hashes = BlockHashes(CAPACITY)
    with XapiSession(connection, alive=alive) as session:
        source = StreamVmdkSource(DribblingStream(vmware_stream(a_disk())))
        with pytest.raises(Cancelled):
            pump.copy(source, RawImportSink(session, vdi, CAPACITY, False), block_hashes=hashes, alive=alive)
        assert no_task_is_left(session)
        assert is_free(session, vdi)


class Cancelled(Exception):
    pass


SLOW = [
    ("slow", {"bytes_per_s": 100_000}),
    ("stall", {"seconds": 60, "after_bytes": 100_000}),
]
SOON_S = 5.0
"""A second on a machine with nothing else to do; blocks and timeouts of a slow line take far longer than this."""
KINDS_OF_VDI = [{}, {"type": "raw"}]


@pytest.mark.parametrize(("fault", "arguments"), SLOW, ids=["slow", "stalled"])
@pytest.mark.parametrize("sm_config", KINDS_OF_VDI, ids=["vhd", "raw"])
def test_cancel_ends_a_read_back_within_a_second_however_slowly_the_pool_sends(
    pool: PoolSim, session: XapiSession, make_vdi: MakeVdi, fault: str, arguments: dict[str, object], sm_config: dict[str, str]
) -> None:
    vdi = make_vdi(CAPACITY)
    _, hashes = copy(session, vdi)
    pool.pool.store.set("VDI", pool.pool.store.by_uuid("VDI", vdi), sm_config=sm_config)
    pool.pool.faults.arm(fault, arguments)
    cancel = Cancel(after_s=1.0)
    with pytest.raises(Cancelled):
        verify.read_back(open_readback(session, vdi, alive=cancel), hashes, CAPACITY, alive=cancel)
    assert cancel.took_s() < SOON_S
    wait_until_free(session, session.call("VDI.get_by_uuid", vdi), deadline_s=10)
    assert no_task_is_left(session)


@pytest.mark.parametrize(("fault", "arguments"), SLOW, ids=["slow", "stalled"])
def test_cancel_ends_a_copy_within_a_second_however_slowly_the_pool_takes(
    pool: PoolSim, session: XapiSession, make_vdi: MakeVdi, tmp_path: Path, fault: str, arguments: dict[str, object]
) -> None:
    capacity = 16 * BLOCK_BYTES
    raw_disk(tmp_path / "disk", capacity, [(0, capacity)])
    vdi = make_vdi(capacity)
    pool.pool.faults.arm(fault, arguments)
    cancel = Cancel(after_s=1.0)
    source = ImageSource(open_raw(LocalFolder(tmp_path), "disk"))
    with pytest.raises(Cancelled):
        sink = RawImportSink(session, vdi, capacity, False, alive=cancel)
        pump.copy(source, sink, block_hashes=BlockHashes(capacity), alive=cancel)
    assert cancel.took_s() < SOON_S


def test_copy_goes_on_behind_the_last_durable_segment_after_a_broken_line(
    pool: PoolSim, session: XapiSession, make_vdi: MakeVdi, file_of: FileOf
) -> None:
    disk = random.Random(4).randbytes(CAPACITY)
    vdi, marks = make_vdi(CAPACITY), list[SegmentMark]()

    def attempt(resume: Resume | None) -> CopyStats:
        hashes = BlockHashes(CAPACITY)
        sink = SegmentedSink(
            lambda: RawImportSink(session, vdi, CAPACITY, False),
            block_hashes=hashes,
            on_segment=marks.append,
            segment_bytes=BLOCK_BYTES,
        )
        return pump.copy(StreamVmdkSource(DribblingStream(vmware_stream(disk))), sink, block_hashes=hashes, resume=resume)

    pool.pool.faults.arm("drop_connection", {"after_bytes": BLOCK_BYTES * 2})  # taken by the first transfer, which stays below
    pool.pool.faults.arm("drop_connection", {"after_bytes": BLOCK_BYTES // 2})  # breaks the second one
    with pytest.raises(Retry):
        attempt(None)
    assert [mark.offset_bytes for mark in marks] == [BLOCK_BYTES]
    stats = attempt(Resume(marks[-1].offset_bytes, marks[-1].prefix_digest))
    assert stats.bytes_sent == CAPACITY - BLOCK_BYTES
    assert file_of(vdi).read_bytes() == disk
    assert no_task_is_left(session)


def test_read_back_finds_what_the_pool_wrote_wrong_and_the_repair_heals_it(
    pool: PoolSim, session: XapiSession, make_vdi: MakeVdi, file_of: FileOf
) -> None:
    vdi = make_vdi(CAPACITY)
    pool.pool.faults.arm("corrupt", {"offset": 70_000, "length": 10})
    _, hashes = copy(session, vdi)
    found = verify.read_back(open_readback(session, vdi), hashes, CAPACITY)
    assert found.mismatched_ranges == ((0, BLOCK_BYTES),)
    source = StreamVmdkSource(DribblingStream(vmware_stream(a_disk())))
    sink = RawImportSink(session, vdi, CAPACITY, False)
    pump.copy(source, sink, block_hashes=BlockHashes(CAPACITY), only_ranges=found.mismatched_ranges)
    assert verify.read_back(open_readback(session, vdi), hashes, CAPACITY).matched
    assert file_of(vdi).read_bytes() == a_disk()


def test_read_back_of_a_vhd_spares_what_was_never_written_and_one_of_a_raw_volume_reads_all(
    pool: PoolSim, session: XapiSession, make_vdi: MakeVdi
) -> None:
    disk = bytes(BLOCK_BYTES) + b"x" * 4096 + bytes(CAPACITY - BLOCK_BYTES - 4096)
    for config, spared in (
        ({}, [True, False, True, True]),
        ({"type": "raw"}, [False] * 4),
        ({"image-format": "qcow2"}, [False] * 4),
    ):
        vdi = make_vdi(CAPACITY)
        pool.pool.store.set("VDI", pool.pool.store.by_uuid("VDI", vdi), sm_config=config)
        _, hashes = copy(session, vdi, disk)
        reader = open_readback(session, vdi)
        passed = []
        for _ in range(4):
            passed.append(reader.skip_zeros(BLOCK_BYTES))
            if not passed[-1]:
                verify._fill(reader, memoryview(bytearray(BLOCK_BYTES)), 0, CAPACITY)
        reader.close()
        assert passed == spared
        assert verify.read_back(open_readback(session, vdi), hashes, CAPACITY).matched
        assert no_task_is_left(session)


def test_session_that_ends_in_mid_copy_is_renewed(
    pool: PoolSim, session: XapiSession, make_vdi: MakeVdi, file_of: FileOf
) -> None:
    vdi = make_vdi(CAPACITY)
    sink = RawImportSink(session, vdi, CAPACITY, False)
    sink.write(0, b"x" * 4096)
    pool.pool.sessions.close_all()
    sink.finish()
    assert file_of(vdi).read_bytes().startswith(b"x" * 4096 + b"\0")


@pytest.mark.parametrize(("offset", "length"), [(1, 512), (0, 100), (CAPACITY, 512)])
def test_frame_off_the_sectors_or_the_disk_is_a_mistake_of_ours(
    session: XapiSession, make_vdi: MakeVdi, offset: int, length: int
) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        RawImportSink(session, make_vdi(CAPACITY), CAPACITY, False).write(offset, bytes(length))
