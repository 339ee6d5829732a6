"""Disks that an export leaves out, read from the files of the lab's datastores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from estate.disks.errors import ImageFileMissing
from estate.errors import AskPerson, EdgeError, Retry
from estate.facts.source import DiskBacking, DiskFacts
from estate.facts.unknown import Unknown
from estate.vsphere.attached import StorePlace, lies_in_files, may_be_shared, open_from_files, place_of
from estate.vsphere.export import open_export
from estate.vsphere.session import VsphereSession
from tests.builders.vmdk import replay
from tests.contract.vsphere.lab_vcenter import LabVcenter

MIB = 1 << 20


@contextmanager
def left_out(lab: LabVcenter, name: str = "git01", **changes: Any) -> Iterator[tuple[VsphereSession, DiskFacts]]:
    """The machine's first disk as an export leaves it out, with the session; the machine is off."""
    machine = lab.machine(name)
    before = machine.spec
    first = replace(before.disks[0], **{"mode": "independent_persistent", **changes})
    machine.spec = replace(before, disks=(first, *before.disks[1:]))
    try:
        moref = lab.switch(name, on=False)
        with VsphereSession(lab.connection()) as session:
            with open_export(session, moref) as lease:
                [disk] = lease.left_out
            yield session, disk
    finally:
        machine.spec = before


def content(lab: LabVcenter, name: str = "git01") -> bytes:
    machine = lab.machine(name)
    return lab.sim.center.disks.prepare(machine.estate.disk_plan(machine.spec, 0)).raw_path.read_bytes()


def read(session: VsphereSession, disk: DiskFacts) -> bytes:
    source = open_from_files(session, disk)
    try:
        return replay(source.capacity_bytes, source.extents())
    finally:
        source.close()


def test_an_independent_disk_is_read_byte_for_byte(lab_vcenter: LabVcenter) -> None:
    with left_out(lab_vcenter) as (session, disk):
        assert lies_in_files(disk)
        assert read(session, disk) == content(lab_vcenter)


def test_the_way_to_a_store_leads_through_its_cluster_and_datacenter(lab_vcenter: LabVcenter) -> None:
    places = lab_vcenter.sim.center.places
    with VsphereSession(lab_vcenter.connection()) as session:
        for spec in places.estate.datastores:
            place = place_of(session, places.datastores[spec.name]._moId)
            assert (place.datacenter_path, place.datastore) == ("Lab Datacenter", spec.name)
            assert place.volume_ids and place.kind


@pytest.mark.parametrize("rdm", ["physicalMode", "virtualMode"])
def test_a_raw_device_lies_in_no_files(lab_vcenter: LabVcenter, rdm: str) -> None:
    with left_out(lab_vcenter, rdm=rdm) as (_, disk):
        assert not lies_in_files(disk)


def test_what_is_encrypted_or_not_told_is_not_read_from_files() -> None:
    told: Any = {"file_name": "[a] b/c.vmdk", "datastore_id": "datastore-1", "encrypted": False}
    disk = DiskFacts(2000, "Hard disk 1", 1 << 30, DiskBacking.FLAT, **told)
    changed: Any = [
        {"encrypted": True},
        {"encrypted": Unknown("x")},
        {"backing": Unknown("x")},
        {"backing": DiskBacking.OTHER},
        {"file_name": Unknown("x")},
    ]
    assert lies_in_files(disk)
    for changes in changed:
        fields = {name: getattr(disk, name) for name in disk.__struct_fields__} | changes
        assert not lies_in_files(DiskFacts(**fields)), changes


def test_a_disk_that_another_machine_may_write_to_is_shared() -> None:
    alone = DiskFacts(2000, "Hard disk 1", 1 << 30, DiskBacking.FLAT, sharing="sharingNone", controller_shared_bus="noSharing")
    fields = {name: getattr(alone, name) for name in alone.__struct_fields__}
    assert not may_be_shared(alone)
    for name, told in (("sharing", "sharingMultiWriter"), ("controller_shared_bus", "physicalSharing")):
        assert may_be_shared(DiskFacts(**fields | {name: told}))
        assert may_be_shared(DiskFacts(**fields | {name: Unknown("not told")}))


FAULTS: list[tuple[str, type[EdgeError], str]] = [
    ("folder_refused", AskPerson, "datastore_refused"),
    ("folder_whole", AskPerson, "range_ignored"),
    ("folder_reset", Retry, "connection_lost"),
]


@pytest.mark.parametrize(("fault", "kind", "code"), FAULTS)
def test_every_answer_that_is_not_the_part_asked_for_is_told(
    lab_vcenter: LabVcenter, fault: str, kind: type[EdgeError], code: str
) -> None:
    with left_out(lab_vcenter) as (session, disk):
        lab_vcenter.arm(fault, **({"after_bytes": 100, "times": 50} if fault == "folder_reset" else {}))
        with pytest.raises(kind) as caught:
            read(session, disk)
        assert (caught.value.code, "lab" in caught.value.message) == (code, True)
        lab_vcenter.sim.center.faults.clear()
        assert read(session, disk) == content(lab_vcenter)


def test_a_session_that_ended_meanwhile_is_opened_again(lab_vcenter: LabVcenter) -> None:
    with left_out(lab_vcenter) as (session, disk):
        source = open_from_files(session, disk)
        for ended in lab_vcenter.sim.center.sessions.all():
            lab_vcenter.sim.center.sessions.end(ended)
        assert replay(source.capacity_bytes, source.extents()) == content(lab_vcenter)
        source.close()


def test_a_store_of_objects_has_no_files_to_be_read(lab_vcenter: LabVcenter, monkeypatch: pytest.MonkeyPatch) -> None:
    place = StorePlace("Lab Datacenter", "vsanDatastore", "vsan", frozenset())
    monkeypatch.setattr("estate.vsphere.attached.place_of", lambda *_: place)
    with left_out(lab_vcenter) as (session, disk), pytest.raises(AskPerson) as caught:
        open_from_files(session, disk)
    assert caught.value.code == "datastore_without_files"


def test_a_file_that_is_gone_is_named(lab_vcenter: LabVcenter) -> None:
    with left_out(lab_vcenter) as (session, disk):
        fields = {name: getattr(disk, name) for name in disk.__struct_fields__} | {"file_name": "[nfs-01] git01/gone.vmdk"}
        with pytest.raises(ImageFileMissing, match=r"gone\.vmdk"):
            open_from_files(session, DiskFacts(**fields))
