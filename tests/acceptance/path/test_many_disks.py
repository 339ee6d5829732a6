"""A machine with 64 disks on five controllers of three kinds arrives with each of them at its place, byte for byte."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.testing import Lab, running_lab
from lab.worlds import tiny
from lab.worlds.spec import DiskSpec
from tests.builders.path import Site, copied, gone_live, prepared
from tests.builders.path_looks import Looks

pytestmark = pytest.mark.django_db(transaction=True)  # its job lasts long enough to beat, from a thread of its own
BUSES = [("pvscsi", 0), ("pvscsi", 1), ("lsilogic", 2), ("sata", 0), ("nvme", 0)]
UNITS = [*range(7), *range(8, 16)]
"""SCSI unit 7 is the controller's own."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    world = tiny()
    like = next(vm for vm in world.vms if vm.name == "git01")
    places = [(bus, number, unit) for bus, number in BUSES for unit in UNITS][:64]
    disks = tuple(
        DiskSpec(3 + at % 5, at % 3, like.disks[0].datastore, bus, number, unit, thin=at % 2 == 0)
        for at, (bus, number, unit) in enumerate(places)
    )
    estate = replace(world, name="many", vms=(replace(like, disks=disks, snapshots=()),))
    with running_lab(tmp_path, estate=estate, clock_factor=1000.0) as running:
        yield running


@pytest.mark.qemu
def test_64_disks_of_one_machine_arrive_each_at_its_place(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    assert (row.state, row.error) == ("ready", None)
    row = copied(row)
    assert (row.state, row.error) == ("cutting_over", None)
    pairs = looks.disk_pairs(row)
    assert len(pairs) == 64
    for disk, vdi in pairs:
        command = ["qemu-img", "compare", "-f", "vmdk", "-F", "raw", disk["vmdk_path"], str(vdi)]
        compared = subprocess.run(command, capture_output=True, text=True, check=False)
        assert compared.returncode == 0, compared.stdout
    row = gone_live(row)
    assert row.state == "done"
    record = looks.vm_record(row)
    with looks.pool() as session:
        places = {session.call("VBD.get_userdevice", vbd) for vbd in record["VBDs"]}
    assert places == {str(number) for number in range(65)}, "the CD has number 3"
