"""Copies the disks of a stopped source into their VDIs, and proves them: extents in, frames out, block hashes on the way.

The disks of a machine are held open together. A finished segment is journalled; a restarted copy reads the stream from its
start and sends only what lies behind the last finished segment. Nothing is kept on disk here.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings

from estate.disks import pump, verify
from estate.disks.blockmap import BlockHashes
from estate.disks.ports import ExtentSource
from estate.disks.pump import Resume
from estate.disks.segments import SegmentedSink, SegmentMark
from estate.errors import AskPerson, EdgeError
from estate.xapi import vdi
from estate.xapi.session import XapiSession
from migration.conversion import selectors
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.core.verifying import FULL, Level, VerifyPolicy, policy_from
from migration.conversion.models import Conversion, DiskCopy
from migration.conversion.services import progress
from migration.conversion.work import pacing
from migration.conversion.work.sources import Disks, MachineSource
from project.backbone.jobs.context import JobContext

NOTE_EVERY_S = 1.0
COMPARED = {
    Level.FULL: "Every block read back equals its source",
    Level.SAMPLED: "The blocks read back equal their source",
    Level.OFF: "Nothing was read back: the policy is off",
}


def copy_disks(source: MachineSource, pool: XapiSession, row: Conversion, spec: ConversionSpec, job: JobContext) -> None:
    """Copy every disk that is not copied yet."""
    todo = [disk for disk in selectors.disks_of(row) if disk.copied_at is None]
    if not todo:
        return
    with source.disks() as held:
        _require_no_more_disks(held, spec)
        for disk in todo:
            with _named(disk, spec):
                _copy_one(held, pool, row, spec, disk, job)


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


def verify_disks(source: MachineSource, pool: XapiSession, row: Conversion, spec: ConversionSpec, job: JobContext) -> None:
    """Read every disk back and compare, as far as the policy goes. What differs is sent once more, then the conversion fails.

    Where the policy is off nothing is read, and no disk is called verified. Raises: AskPerson naming the ranges that differ.
    """
    policy = policy_from(row.verify)
    if policy.level is Level.OFF:
        return
    for disk in selectors.disks_of(row):
        if disk.verified:
            continue
        with _named(disk, spec):
            _verify_one(source, pool, spec, disk, policy, job)


@contextmanager
def _named(disk: DiskCopy, spec: ConversionSpec) -> Iterator[None]:
    """The readers of disk formats know bytes only: say which disk of which machine an error is about."""
    try:
        yield
    except EdgeError as error:
        error.where = error.where or f"{disk.label} of {spec.name}"
        raise


def _verify_one(
    source: MachineSource, pool: XapiSession, spec: ConversionSpec, disk: DiskCopy, policy: VerifyPolicy, job: JobContext
) -> None:
    """A sample that differs is no slip to be mended by itself: then every block is compared, before and after the repair."""
    if disk.fault:
        policy = FULL  # found before a crash and perhaps not mended since: another sample could miss it
    found = _compare(pool, disk, policy, job)
    if found.mismatched_ranges and policy.level is Level.SAMPLED:
        progress.note_fault(disk, {"mismatched_ranges": found.mismatched_ranges})
        policy, found = FULL, _compare(pool, disk, FULL, job)
    if found.mismatched_ranges:
        progress.note_fault(disk, {"mismatched_ranges": found.mismatched_ranges})
        _send_again(source, pool, spec, disk, found.mismatched_ranges, job)
        found = _compare(pool, disk, policy, job)
    if found.mismatched_ranges:
        raise _differs(spec, disk, found.mismatched_ranges)
    progress.close_verification(disk, compared=str(policy), blocks_compared=found.blocks_compared)


def _copy_one(held: Disks, pool: XapiSession, row: Conversion, spec: ConversionSpec, disk: DiskCopy, job: JobContext) -> None:
    hashes = BlockHashes(disk.bytes_total)
    zero_fill = _needs_zeros(pool, disk)

    def durable(mark: SegmentMark) -> None:
        progress.close_segment(disk, end_bytes=mark.offset_bytes, prefix_digest=mark.prefix_digest, sent_bytes=mark.sent_bytes)
        job.made_headway()

    segments = SegmentedSink(
        lambda: vdi.RawImportSink(pool, disk.vdi_uuid, disk.bytes_total, zero_fill),
        block_hashes=hashes,
        on_segment=durable,
        segment_bytes=settings.SEGMENT_BYTES,
        zero_fill=zero_fill,
    )
    sink = pacing.PacedSink(segments, pacing.limit_for(row), job.alive)
    stats = pump.copy(
        _open(held, spec, disk),
        sink,
        block_hashes=hashes,
        on_progress=_reporter(disk, job, sink),
        alive=job.alive,
        resume=Resume(disk.durable_bytes, disk.prefix_digest) if disk.durable_bytes else None,
    )
    progress.close_copy(disk, bytes_zero=stats.bytes_zero, hashes=hashes.to_bytes(), digest=hashes.digest())


def _open(held: Disks, spec: ConversionSpec, disk: DiskCopy) -> ExtentSource:
    address = next(planned.address for planned in spec.disks if planned.device_key == disk.device_key)
    if address not in {offered.address for offered in held.offered}:
        raise AskPerson(
            f"The export of {spec.name} does not contain {disk.label} ({address})",
            code="disk_not_exported",
            next_step="An export leaves out independent disks and raw device mappings: change the disk's mode, then retry.",
            where=spec.name,
        )
    source = held.open(address)
    if source.capacity_bytes != disk.bytes_total:
        source.close()
        raise AskPerson(
            f"{disk.label} of {spec.name} has {source.capacity_bytes} bytes in the export, the inventory said {disk.bytes_total}",
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


def _compare(pool: XapiSession, disk: DiskCopy, policy: VerifyPolicy, job: JobContext) -> verify.VerifyResult:
    disk.refresh_from_db()
    expected = BlockHashes.from_bytes(bytes(disk.hashes or b""))
    reader = vdi.open_readback(pool, disk.vdi_uuid)
    return verify.read_back(
        reader,
        expected,
        disk.bytes_total,
        share=verify.Share(policy.percent),
        seed=secrets.randbits(64),
        alive=job.alive,
        on_progress=lambda done, total: job.progress(done, total, "bytes"),
    )


def _send_again(
    source: MachineSource,
    pool: XapiSession,
    spec: ConversionSpec,
    disk: DiskCopy,
    ranges: Sequence[pump.ByteRange],
    job: JobContext,
) -> None:
    job.say(f"{disk.label} differs in {len(ranges)} ranges; sending them once more")
    hashes = BlockHashes(disk.bytes_total)
    with source.disks() as held:
        sink = vdi.RawImportSink(pool, disk.vdi_uuid, disk.bytes_total, True)
        pump.copy(_open(held, spec, disk), sink, block_hashes=hashes, alive=job.alive, only_ranges=ranges)
    if hashes.digest() != disk.digest:
        raise AskPerson(
            f"{disk.label} of {spec.name} reads differently from the source than before",
            code="source_changed",
            next_step="Check the source's datastore, then retry the conversion: it is copied again from the start.",
            where=spec.name,
        )


def _differs(spec: ConversionSpec, disk: DiskCopy, ranges: Sequence[pump.ByteRange]) -> AskPerson:
    named = ", ".join(f"{start}-{end}" for start, end in ranges[:5]) + (" …" if len(ranges) > 5 else "")
    return AskPerson(
        f"{disk.label} of {spec.name} differs from its source in {len(ranges)} byte ranges after a second try: {named}",
        code="verification_failed",
        next_step="Check the SR and the network between the worker and the pool, then retry the conversion.",
        where=spec.name,
    )


def _reporter(disk: DiskCopy, job: JobContext, sink: pacing.PacedSink) -> Callable[[int, int], None]:
    """What was passed and not written held nothing, as far as zeros are not sent; in front of a resumed copy nobody counted."""
    last_s = float("-inf")

    def report(done_bytes: int, total_bytes: int) -> None:
        nonlocal last_s
        at = time.monotonic()
        if at - last_s < NOTE_EVERY_S and done_bytes < total_bytes:
            return
        last_s = at
        zero = 0 if sink.zero_fill else max(0, done_bytes - disk.durable_bytes - sink.written_bytes)
        progress.note_copied(disk, bytes_copied=done_bytes, bytes_zero=zero)
        job.progress(done_bytes, total_bytes, "bytes", f"Copying {disk.label}")

    return report
