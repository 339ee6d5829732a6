"""The lab for benches of whole conversions, in a process of its own: machines that all have one disk of the disk benches.

`python -m tests.bench.product_lab DIR DISK COUNT` prints lab.json in one line when it listens, and ends with its standard input.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

from lab.disks import DiskStore, PreparedDisk
from lab.disks.image import DiskPlan
from lab.whole import Lab, LabOptions
from lab.worlds import tiny
from lab.worlds.spec import EstateSpec
from tests.bench.bench_disks import MIB, BenchDisk, prepared

MEMORY_MIB = 512
"""Little enough that a hundred of them run in the lab's pool."""


def main(directory: Path, disk: BenchDisk, count: int) -> None:
    """Serve until standard input ends."""

    class OneDisk(DiskStore):
        """Hands out the prepared disk whatever is asked for."""

        def prepare(self, plan: DiskPlan) -> PreparedDisk:
            return PreparedDisk(plan.name, disk.raw, disk.packed, disk.raw.stat().st_size, disk.packed.stat().st_size)

    capacity_mib = disk.raw.stat().st_size // MIB
    options = LabOptions(estate=estate(capacity_mib, count), clock_factor=1000.0, prepare_disks=False)
    with mock.patch("lab.whole.DiskStore", OneDisk):
        lab = Lab(directory, options)
    lab.start()
    print(json.dumps(lab.json), flush=True)
    sys.stdin.read()
    lab.stop()


def estate(capacity_mib: int, count: int) -> EstateSpec:
    """World `tiny` with `count` machines that are alike but for their name and MAC address."""
    world = tiny()
    like = next(vm for vm in world.vms if vm.name == "git01")
    machines = tuple(
        replace(
            like,
            name=f"bench{number:03}",
            memory_mib=MEMORY_MIB,
            disks=(replace(like.disks[0], capacity_mib=capacity_mib),),
            nics=(replace(like.nics[0], mac=f"00:50:56:9b:{number >> 8:02x}:{number & 255:02x}"),),
        )
        for number in range(count)
    )
    return replace(world, name="bench", vms=machines)


if __name__ == "__main__":
    main(Path(sys.argv[1]), prepared(sys.argv[2]), int(sys.argv[3]))
