"""Machines with disks that no export carries: independent ones are read from their files, the rest is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migration.conversion.work.preflight import look_at_wave
from tests.builders.path import Site, copied, gone_live, machines_of, prepared
from tests.builders.path_looks import Looks, told

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own


def changed(looks: Looks, name: str, number: int, **changes: Any) -> None:
    machine = looks.machine(name)
    disks = list(machine.spec.disks)
    disks[number] = replace(disks[number], **changes)
    machine.spec = replace(machine.spec, disks=tuple(disks))
    looks.lab.whole.vcenter.center.registry.touch(machine.moid)  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ["independent_persistent", "independent_nonpersistent"])
def test_a_machine_with_an_exported_and_an_independent_disk_arrives_whole(site: Site, looks: Looks, mode: str) -> None:
    changed(looks, "db01", 1, mode=mode)
    row = copied(prepared(site.conversion("db01")))

    assert (row.state, row.error) == ("cutting_over", None)
    assert looks.equal_bytes(row)
    assert looks.calls("vcenter", "-flat.vmdk") > 10, "the second disk was read in parts"
    row = gone_live(row)
    assert (row.state, looks.nothing_open()) == ("done", True)


def test_a_machine_of_which_nothing_is_exported_arrives_too(site: Site, looks: Looks) -> None:
    changed(looks, "git01", 0, mode="independent_persistent")
    row = copied(prepared(site.conversion("git01")))
    assert (row.state, row.error, looks.equal_bytes(row)) == ("cutting_over", None, True)


def test_a_line_that_breaks_under_a_file_is_taken_up_again(site: Site, looks: Looks) -> None:
    changed(looks, "git01", 0, mode="independent_persistent")
    looks.vcenter_fault("folder_reset", after_bytes=1000, times=5)
    row = copied(prepared(site.conversion("git01")))

    assert (row.state, row.error, looks.equal_bytes(row)) == ("cutting_over", None, True)
    assert looks.lab.whole.vcenter.center.faults.take("folder_reset") is None, "all five lines broke"  # type: ignore[union-attr]


@pytest.mark.parametrize(("fault", "code"), [("folder_refused", "datastore_refused"), ("folder_whole", "range_ignored")])
def test_a_server_that_does_not_hand_the_file_out_is_told_and_nothing_remains(
    site: Site, looks: Looks, fault: str, code: str
) -> None:
    changed(looks, "git01", 0, mode="independent_persistent")
    looks.vcenter_fault(fault)
    row = copied(prepared(site.conversion("git01")))

    assert told(row, "git01") == code
    assert looks.retried_and_done(row)


def test_a_raw_device_is_refused_by_name(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    changed(looks, "git01", 0, rdm="physicalMode")
    row = copied(row)

    assert told(row, "git01", "Hard disk 1") == "disk_not_exported"
    assert looks.cancelled_and_cleared(row)


def test_a_disk_that_is_shared_is_not_read_while_others_may_write_to_it(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    changed(looks, "git01", 0, mode="independent_persistent", sharing="sharingMultiWriter")
    row = copied(row)

    assert told(row, "git01", "Hard disk 1", "shared") == "disk_shared"
    assert looks.cancelled_and_cleared(row)


def test_a_disk_that_is_gone_since_the_plan_is_named(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("db01"))
    machine = looks.machine("db01")
    machine.spec = replace(machine.spec, disks=machine.spec.disks[:1])
    row = copied(row)

    assert told(row, "db01", "Hard disk 2") == "disk_removed"
    assert looks.cancelled_and_cleared(row)


def test_an_independent_disk_added_since_the_plan_is_not_left_behind(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    machine = looks.machine("git01")
    added = replace(machine.spec.disks[0], unit=1, mode="independent_persistent")
    machine.spec = replace(machine.spec, disks=(*machine.spec.disks, added))
    row = copied(row)

    assert told(row, "git01", "Hard disk 2") == "disk_added"
    assert looks.cancelled_and_cleared(row)


def test_preflight_asks_for_the_rights_to_read_files_where_they_will_be_needed(
    site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lab's account lacks nothing; what was asked for is seen."""
    asked: list[set[str]] = []
    monkeypatch.setattr("estate.vsphere.privileges.missing_privileges", lambda _session, needed: asked.append(set(needed)) or ())
    prepared(site.conversion("web02"))
    job: Any = type("Job", (), {"say": lambda *_: None, "alive": lambda *_: None})()
    look_at_wave(job, str(site.wave_id))
    changed(looks, "git01", 0, mode="independent_persistent")
    site.machines.update(machines_of(looks.lab.json))
    prepared(site.conversion("git01"))
    look_at_wave(job, str(site.wave_id))
    assert [("Datastore.FileManagement" in needed, "VApp.Export" in needed) for needed in asked] == [(False, True), (True, True)]
