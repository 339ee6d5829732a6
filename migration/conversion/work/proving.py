"""Proves that the disks of a machine arrived: read back from the pool, compared with what was read from the source."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from estate.disks import pump, verify
from estate.disks.blockmap import BlockHashes
from estate.disks.verify import VerifyResult
from estate.errors import AskPerson
from estate.xapi import vdi
from migration.conversion import selectors
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.core.verifying import FULL, Level, VerifyPolicy, policy_from
from migration.conversion.models import Conversion, DiskCopy
from migration.conversion.services import progress
from migration.conversion.work import pacing
from migration.conversion.work.copying import named, opened
from migration.conversion.work.lanes import Lane, Machine, Tally, each_disk
from migration.conversion.work.sources import MachineSource

COMPARED = {
    Level.FULL: "Every block read back equals its source",
    Level.SAMPLED: "The blocks read back equal their source",
    Level.OFF: "Nothing was read back: the policy is off",
}


def verify_disks(source: MachineSource, machine: Machine, row: Conversion) -> None:
    """Read every disk back and compare, as far as the policy goes. What differs is sent once more, then the conversion fails.

    Where the policy is off nothing is read, and no disk is called verified. Raises: AskPerson naming the ranges that differ.
    """
    policy = policy_from(row.verify)
    if policy.level is Level.OFF:
        return
    disks = selectors.disks_of(row)
    proof = _Proof(source, machine.spec, row, policy)
    tally = Tally(machine.job, "Reading back", disks, lambda disk: disk.verified)
    each_disk(machine, [disk for disk in disks if not disk.verified], tally, proof.verify)


@dataclass(frozen=True, slots=True)
class _Proof:
    """One machine's disks against its source, several at a time; the source is opened by one of them at a time."""

    source: MachineSource
    spec: ConversionSpec
    row: Conversion
    policy: VerifyPolicy
    opening: threading.Lock = field(default_factory=threading.Lock)

    def verify(self, disk: DiskCopy, lane: Lane) -> None:
        with named(disk, self.spec):
            self._verify(disk, lane)

    def _verify(self, disk: DiskCopy, lane: Lane) -> None:
        """A sample that differs is no slip to be mended by itself: then every block is compared, before and after the repair."""
        policy = self.policy
        if disk.fault:
            policy = FULL  # found before a crash and perhaps not mended since: another sample could miss it
        found = self._compare(disk, policy, lane)
        if found.mismatched_ranges and policy.level is Level.SAMPLED:
            progress.note_fault(disk, {"mismatched_ranges": found.mismatched_ranges})
            policy, found = FULL, self._compare(disk, FULL, lane)
        if found.mismatched_ranges:
            progress.note_fault(disk, {"mismatched_ranges": found.mismatched_ranges})
            self._send_again(disk, found.mismatched_ranges, lane)
            found = self._compare(disk, policy, lane)
        if found.mismatched_ranges:
            raise _differs(self.spec, disk, found.mismatched_ranges)
        progress.close_verification(disk, compared=str(policy), blocks_compared=found.blocks_compared)

    def _compare(self, disk: DiskCopy, policy: VerifyPolicy, lane: Lane) -> VerifyResult:
        disk.refresh_from_db()
        expected = BlockHashes.from_bytes(bytes(disk.hashes or b""))
        reader = vdi.open_readback(lane.pool, disk.vdi_uuid, alive=lane.alive)
        return verify.read_back(
            pacing.PacedReader(reader, pacing.limit_for(self.row), lane.alive),
            expected,
            disk.bytes_total,
            share=verify.Share(policy.percent),
            seed=secrets.randbits(64),
            alive=lane.alive,
            on_progress=lambda done, _total: lane.tally.tell(disk, done),
        )

    def _send_again(self, disk: DiskCopy, ranges: Sequence[pump.ByteRange], lane: Lane) -> None:
        lane.job.say(f"{disk.label} differs in {len(ranges)} ranges; sending them once more")
        hashes = BlockHashes(disk.bytes_total)
        with self.opening, self.source.disks() as held:
            sink = pacing.PacedSink(
                vdi.RawImportSink(lane.pool, disk.vdi_uuid, disk.bytes_total, True), pacing.limit_for(self.row), lane.alive
            )
            pump.copy(opened(held, self.spec, disk), sink, block_hashes=hashes, alive=lane.alive, only_ranges=ranges)
        if hashes.digest() != disk.digest:
            raise AskPerson(
                f"{disk.label} of {self.spec.name} reads differently from the source than before",
                code="source_changed",
                next_step="Check the source's datastore, then retry the conversion: it is copied again from the start.",
                where=self.spec.name,
            )


def _differs(spec: ConversionSpec, disk: DiskCopy, ranges: Sequence[pump.ByteRange]) -> AskPerson:
    shown = ", ".join(f"{start}-{end}" for start, end in ranges[:5]) + (" …" if len(ranges) > 5 else "")
    return AskPerson(
        f"{disk.label} of {spec.name} differs from its source in {len(ranges)} byte ranges after a second try: {shown}",
        code="verification_failed",
        next_step="Check the SR and the network between the worker and the pool, then retry the conversion.",
        where=spec.name,
    )
