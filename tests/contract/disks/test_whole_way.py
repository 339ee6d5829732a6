"""One machine's disks from the lab's vCenter into the lab's pool by our adapters alone, as a conversion strings them together."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from estate.connection import Connection
from estate.disks import pump, verify
from estate.disks.blockmap import BlockHashes
from estate.disks.segments import SegmentedSink, SegmentMark
from estate.disks.vmdk import StreamVmdkSource
from estate.errors import Retry
from estate.vsphere.export import ExportDisk, open_export
from estate.vsphere.session import VsphereSession
from estate.xapi import XapiSession, vdi, vm
from estate.xapi.vm import VmDisk
from lab.disks import DiskStore
from lab.xapi_sim import PoolSim, small_pool
from tests.contract.vsphere.lab_vcenter import LabVcenter, running_lab_vcenter

CONVERSION = "7f3a9f0e-0000-4000-8000-00000000000d"
SEGMENT_BYTES = 4 << 20
MACHINE = "db01"

pytestmark = [pytest.mark.qemu, pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabVcenter]:
    disks = DiskStore(tmp_path_factory.mktemp("disks"))
    with running_lab_vcenter(tmp_path_factory.mktemp("vcenter"), disks, world="small") as lab:
        yield lab


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoolSim]:
    sim = PoolSim(small_pool(), tmp_path_factory.mktemp("pool"), "pool secret")
    sim.start()
    yield sim
    sim.stop()


@pytest.fixture
def session(target: PoolSim) -> Iterator[XapiSession]:
    shown = target.lab_json()
    pins = frozenset(host["sha256"] for host in shown["hosts"])
    with XapiSession(Connection(shown["url"], shown["user"], "pool secret", pins, "pool-west")) as session:
        yield session
        vm.remove_everything(session, CONVERSION)


def make_vdi(session: XapiSession, disk: ExportDisk) -> str:
    (sr,) = session.call("SR.get_by_name_label", "san-lun-01")
    assert isinstance(disk.capacity_bytes, int)
    wanted = VmDisk("0", disk.capacity_bytes, session.call("SR.get_uuid", sr), disk.label, disk.device_key)
    return vm.ensure_vdi(session, wanted, CONVERSION, vm_name=MACHINE)


def copy(session: XapiSession, stream: StreamVmdkSource, vdi_uuid: str, marks: list[SegmentMark]) -> BlockHashes:
    hashes = BlockHashes(stream.capacity_bytes)
    zero_fill = not vdi.reads_as_zero(session, vdi_uuid)
    resume = pump.Resume(marks[-1].offset_bytes, marks[-1].prefix_digest) if marks else None
    sink = SegmentedSink(
        lambda: vdi.RawImportSink(session, vdi_uuid, stream.capacity_bytes, zero_fill),
        block_hashes=hashes,
        on_segment=marks.append,
        segment_bytes=SEGMENT_BYTES,
        zero_fill=zero_fill,
    )
    pump.copy(stream, sink, block_hashes=hashes, resume=resume)
    return hashes


def test_disks_arrive_identical_although_line_and_lease_break_on_the_way(
    source: LabVcenter, target: PoolSim, session: XapiSession
) -> None:
    moref = source.switch(MACHINE, on=False)
    target.pool.faults.arm("drop_connection", {"after_bytes": SEGMENT_BYTES * 2})  # for the first segment, which is shorter
    target.pool.faults.arm("drop_connection", {"after_bytes": SEGMENT_BYTES // 2})  # for the second one
    with VsphereSession(source.connection()) as vcenter, open_export(vcenter, moref) as lease:
        for index, disk in enumerate(lease.disks):
            vdi_uuid, marks = make_vdi(session, disk), list[SegmentMark]()
            if index == 0:
                with pytest.raises(Retry):
                    copy(session, StreamVmdkSource(lease.open_stream(disk)), vdi_uuid, marks)
                assert len(marks) == 1
            hashes = copy(session, StreamVmdkSource(lease.open_stream(disk)), vdi_uuid, marks)
            assert verify.read_back(vdi.open_readback(session, vdi_uuid), hashes, hashes.capacity_bytes).matched
            assert compared(source_file(source, index), target_file(target, vdi_uuid))
    assert not [task for task in session.call("task.get_all_records").values() if task["name_label"].startswith("Xenbound")]


def source_file(source: LabVcenter, index: int) -> Path:
    machine = source.machine(MACHINE)
    return source.sim.center.disks.prepare(machine.estate.disk_plan(machine.spec, index)).vmdk_path


def target_file(target: PoolSim, vdi_uuid: str) -> Path:
    return Path(target.pool.storage.path(target.pool.store.by_uuid("VDI", vdi_uuid)))


def compared(vmdk: Path, raw: Path) -> bool:
    """Whether qemu-img, which shares no code with us, sees the same disk in both."""
    command = ["qemu-img", "compare", "-f", "vmdk", "-F", "raw", str(vmdk), str(raw)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
