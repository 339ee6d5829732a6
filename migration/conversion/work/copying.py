"""Copies the disks of a stopped source into their VDIs: extents in, frames out, block hashes on the way.

The disks of a machine are held open together. A finished segment is journalled; a restarted copy reads the stream from its
start and sends only what lies behind the last finished segment. Nothing is kept on disk here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings

from estate.disks import pump
from estate.disks.blockmap import BlockHashes
from estate.disks.errors import SourceChanged
from estate.disks.ports import ExtentSource
from estate.disks.pump import Resume
from estate.disks.segments import SegmentedSink, SegmentMark
from estate.errors import AskPerson, EdgeError
from estate.xapi import vdi, vm
from estate.xapi.session import XapiSession
from migration.conversion import selectors
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.models import Conversion, DiskCopy
from migration.conversion.services import progress
from migration.conversion.work import pacing
from migration.conversion.work.lanes import Lane, Machine, Tally, each_disk
from migration.conversion.work.sources import Disks, MachineSource

NOTE_EVERY_S = 1.0
OTHER_BYTES = frozenset({SourceChanged.code, "source_changed"})


def copy_disks(source: MachineSource, machine: Machine, row: Conversion) -> None:
    """Copy every disk that is not copied yet."""
    disks = selectors.disks_of(row)
    todo = [disk for disk in disks if disk.copied_at is None]
    if not todo:
        return
    tally = Tally(machine.job, "Copying", disks, lambda disk: disk.copied_at is not None)
    with source.disks() as held:
        _require_no_more_disks(held, machine.spec)

        def copy_one(disk: DiskCopy, lane: Lane) -> None:
            with named(disk, machine.spec):
                _copy_one(held, row, machine.spec, disk, lane)

        each_disk(machine, todo, tally, copy_one)


def _require_no_more_disks(held: Disks, spec: ConversionSpec) -> None:
    """A disk added since the machine was prepared has no VDI: without it the VM would start with part of its data."""
    known = {disk.address for disk in spec.disks}
    added = [disk.label or disk.address for disk in held.offered if disk.address not in known]
    if added:
        raise AskPerson(
            f"{spec.name} has got disks that are not in its plan: {', '.join(added)}",
            code="disk_added",
            next_step="Cancel this conversion, collect the source again, and make a new plan with this machine.",
            where=spec.name,
        )


@contextmanager
def named(disk: DiskCopy, spec: ConversionSpec) -> Iterator[None]:
    """The readers of disk formats know bytes only: say which disk of which machine an error is about.

    A source that gave other bytes than before makes what is copied of it worthless: a retry copies the disk from its start.
    """
    try:
        yield
    except EdgeError as error:
        if error.code in OTHER_BYTES:
            progress.note_fault(disk, {"code": error.code})
        error.where = error.where or f"{disk.label} of {spec.name}"
        raise


def _copy_one(held: Disks, row: Conversion, spec: ConversionSpec, disk: DiskCopy, lane: Lane) -> None:
    hashes = BlockHashes(disk.bytes_total)
    zero_fill = _needs_zeros(lane.pool, disk)

    def durable(mark: SegmentMark) -> None:
        progress.close_segment(disk, end_bytes=mark.offset_bytes, prefix_digest=mark.prefix_digest, sent_bytes=mark.sent_bytes)
        lane.job.made_headway()

    segments = SegmentedSink(
        lambda: vdi.RawImportSink(lane.pool, disk.vdi_uuid, disk.bytes_total, zero_fill),
        block_hashes=hashes,
        on_segment=durable,
        segment_bytes=settings.SEGMENT_BYTES,
        segment_s=settings.SEGMENT_S,
        zero_fill=zero_fill,
    )
    sink = pacing.PacedSink(segments, pacing.limit_for(row), lane.alive)
    stats = pump.copy(
        opened(held, spec, disk),
        sink,
        block_hashes=hashes,
        on_progress=_reporter(disk, lane.tally, sink, segments),
        alive=lane.alive,
        resume=Resume(disk.durable_bytes, disk.prefix_digest) if disk.durable_bytes else None,
    )
    if zero_fill:
        _blank_tail(row, disk, lane)
    passed = {"bytes_passed": stats.bytes_total, "bytes_zero": stats.bytes_zero}
    progress.close_copy(disk, **passed, hashes=hashes.to_bytes(), digest=hashes.digest())


def _blank_tail(row: Conversion, disk: DiskCopy, lane: Lane) -> None:
    """An SR rounds sizes up. Behind the disk's end its VDI may still hold another machine's bytes, for its guest to read.

    No segment and no hash speaks of this part, so it is written whenever a copy comes to its end, resumed or not.
    """
    room_bytes = vm.vdi_bytes(lane.pool, disk.vdi_uuid)
    if room_bytes > disk.bytes_total:
        sink = vdi.RawImportSink(lane.pool, disk.vdi_uuid, room_bytes, True)
        paced = pacing.PacedSink(sink, pacing.limit_for(row), lane.alive)
        pump.blank(paced, (disk.bytes_total, room_bytes), alive=lane.alive)


def opened(held: Disks, spec: ConversionSpec, disk: DiskCopy) -> ExtentSource:
    """The disk from its first byte, as it was planned. Raises: AskPerson when it is not there or has another size."""
    address = next(planned.address for planned in spec.disks if planned.device_key == disk.device_key)
    if address not in {offered.address for offered in held.offered}:
        raise AskPerson(
            f"{spec.name} no longer has {disk.label} ({address})",
            code="disk_removed",
            next_step="Put the disk back and retry; or cancel this conversion, collect the source again, and make a new plan.",
            where=spec.name,
        )
    source = held.open(address)
    if source.capacity_bytes != disk.bytes_total:
        source.close()
        raise AskPerson(
            f"{disk.label} of {spec.name} has {source.capacity_bytes} bytes at its source, the inventory said {disk.bytes_total}",
            code="capacity_changed",
            next_step="Collect the source again, make a new plan, and convert this machine in it.",
            where=spec.name,
        )
    return source


def _needs_zeros(pool: XapiSession, disk: DiskCopy) -> bool:
    """Whether zeros have to be sent: the SR is not known to hand out zeroed VDIs, or an earlier pass wrote older bytes.

    Asked of the pool just now: facts may be older than a change of the SR.
    """
    return disk.written_before or not vdi.reads_as_zero(pool, disk.vdi_uuid)


def _reporter(disk: DiskCopy, tally: Tally, sink: pacing.PacedSink, segments: SegmentedSink) -> Callable[[int, int], None]:
    """What was passed and not written held nothing, as far as zeros are not sent; in front of a resumed copy nobody counted."""
    last_s = float("-inf")

    def report(done_bytes: int, total_bytes: int) -> None:
        nonlocal last_s
        segments.tick()
        at = time.monotonic()
        if at - last_s < NOTE_EVERY_S and done_bytes < total_bytes:
            return
        last_s = at
        zero = 0 if sink.zero_fill else max(0, done_bytes - disk.durable_bytes - sink.written_bytes)
        progress.note_copied(disk, bytes_copied=done_bytes, bytes_zero=zero)
        tally.tell(disk, done_bytes)

    return report
