"""Whose an object in the pool is: what Xenbound made goes when it is cancelled, all of it, and what a person made stays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from estate.xapi.pool_vms import CONVERSION_KEY, DISK_KEY
from estate.xapi.session import XapiSession
from migration.conversion import selectors
from migration.conversion.models import Conversion
from migration.conversion.services import lifecycle
from migration.conversion.work import target
from project.backbone.jobs.queue import LeaseLost
from project.backbone.jobs.runner import run_job
from project.backbone.models import Job
from tests.builders.jobs import HERE
from tests.builders.path import SYSTEM, Site, again, copied, gone_live, prepared, settle
from tests.builders.path_looks import Looks, told
from tests.builders.people import People
from tests.builders.slow import at_work, during, until

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own


def a_copy(session: XapiSession, vdi_uuid: str) -> str:
    """What VDI.copy and VDI.clone make: another VDI with the same other_config. Its uuid."""
    record = session.call("VDI.get_record", session.call("VDI.get_by_uuid", vdi_uuid))
    wanted = {key: record[key] for key in ("SR", "virtual_size", "type", "sharable", "read_only", "other_config")}
    return str(session.call("VDI.get_uuid", session.call("VDI.create", {**wanted, "name_label": "a person's copy"})))


def there(looks: Looks) -> set[str]:
    """The uuids of all VMs and VDIs in the pool."""
    with looks.pool() as session:
        return {record["uuid"] for kind in ("VM", "VDI") for record in session.call(f"{kind}.get_all_records").values()}


def cleaned_up(row: Conversion) -> Job:
    lifecycle.cancel(again(row), actor=SYSTEM)
    settle()
    return Job.objects.get(kind="conversion.clean_up")


def swept(site: Site, people: People) -> dict[str, Any]:
    """Everything that is listed and may go is removed: the sweep's result."""
    url = f"/api/v1/projects/{people.project.id}/leftovers"
    listing = people.client("owner").post(url, {"pool": str(site.pool.pk)}).json()["id"]
    settle()
    asked = people.client("owner").post(f"{url}/remove", {"listing": listing}).json()["id"]
    settle()
    return dict(Job.objects.get(pk=asked).result or {})


def untag(looks: Looks, kind: str, uuid: str) -> None:
    with looks.pool() as session:
        session.call(f"{kind}.remove_from_other_config", session.call(f"{kind}.get_by_uuid", uuid), CONVERSION_KEY)


def tag_again(looks: Looks, kind: str, uuid: str, row: Conversion) -> None:
    with looks.pool() as session:
        session.call(f"{kind}.add_to_other_config", session.call(f"{kind}.get_by_uuid", uuid), CONVERSION_KEY, str(row.pk))


def is_closed(row: Conversion) -> bool:
    return not selectors.open_ledger(row)


def test_a_persons_copy_of_a_vdi_outlives_cleaning_up_and_sweeping(site: Site, looks: Looks, people: People) -> None:
    row = prepared(site.conversion("git01"))
    own = row.disks.get().vdi_uuid
    with looks.pool() as session:
        theirs = a_copy(session, own)
    everything = there(looks)

    refused = cleaned_up(row)
    assert (refused.state, refused.error["code"]) == ("failed", "tag_ambiguous")
    assert own in refused.error["message"] and theirs in refused.error["message"]
    (once_more,) = swept(site, people)["refused"]
    assert (once_more["code"], there(looks)) == ("tag_ambiguous", everything), "nothing is removed"

    untag(looks, "VDI", theirs)
    assert not swept(site, people)["refused"]
    assert everything - there(looks) == {row.target_vm_uuid, own} and is_closed(row)


def test_a_persons_copy_of_the_vm_is_not_removed_with_it(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    with looks.pool() as session:
        record = session.call("VM.get_record", session.call("VM.get_by_uuid", row.target_vm_uuid))
        session.call("VM.create", {**record, "name_label": "a person's copy"})
    everything = there(looks)
    refused = cleaned_up(row)
    assert (refused.error["code"], there(looks), is_closed(row)) == ("tag_ambiguous", everything, False)


def test_what_a_worker_made_before_it_died_goes_although_the_ledger_has_it_not(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    row.ledger.all().delete()
    assert cleaned_up(row).state == "succeeded"
    assert looks.left_in_pool(row) == (0, 0)


def test_two_vdis_of_one_disk_that_the_ledger_has_both_go(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    with looks.pool() as session:
        row.ledger.create(kind="vdi", uuid=a_copy(session, row.disks.get().vdi_uuid), made_at=row.updated_at)
    assert cleaned_up(row).state == "succeeded"
    assert (looks.left_in_pool(row), is_closed(row)) == ((0, 0), True)


@pytest.mark.parametrize("kind", ["VM", "VDI"])
def test_what_lost_its_tag_keeps_the_ledger_open_and_is_named(site: Site, looks: Looks, people: People, kind: str) -> None:
    row = prepared(site.conversion("git01"))
    uuid = row.target_vm_uuid if kind == "VM" else row.disks.get().vdi_uuid
    untag(looks, kind, uuid)
    if kind == "VM":
        with looks.pool() as session:  # a VM without its tag is no longer ours, so its drives must not hold the VDI
            for vbd in session.call("VM.get_VBDs", session.call("VM.get_by_uuid", uuid)):
                session.call("VBD.destroy", vbd)

    refused = cleaned_up(row)
    assert (refused.state, refused.error["code"]) == ("failed", "tag_missing") and uuid in refused.error["message"]
    assert [entry.uuid for entry in selectors.open_ledger(row)] == [uuid] and uuid in there(looks)
    (once_more,) = swept(site, people)["refused"]
    assert once_more["code"] == "tag_missing" and str(row.pk) in once_more["next_step"]

    tag_again(looks, kind, uuid, row)
    assert [each["uuid"] for each in swept(site, people)["removed"]] == [uuid]
    assert (looks.left_in_pool(row), is_closed(row)) == ((0, 0), True)


def test_what_a_person_removed_by_hand_closes_the_ledger(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    with looks.pool() as session:
        session.call("VM.destroy", session.call("VM.get_by_uuid", row.target_vm_uuid))
        session.call("VDI.destroy", session.call("VDI.get_by_uuid", row.disks.get().vdi_uuid))
    assert (cleaned_up(row).state, is_closed(row)) == ("succeeded", True)


def test_a_worker_that_stops_while_a_vdi_is_made_leaves_one_that_is_known(site: Site, looks: Looks) -> None:
    row, stopping = site.conversion("git01"), threading.Event()
    looks.pool_fault("pending", method="VDI.create", seconds=2)
    job = lifecycle.start_preparing(row, actor=SYSTEM)
    telling = during(looks, "vdi_create", stopping.set)
    run_job(job.pk, worker=HERE, stopping=stopping)
    telling.join()
    job.refresh_from_db()
    made = [entry.uuid for entry in selectors.open_ledger(row) if entry.kind == "vdi"]
    assert (job.state, len(made), looks.left_in_pool(row)) == ("queued", 1, (1, 1))
    settle()
    row = again(row)
    assert (row.state, row.disks.get().vdi_uuid, looks.left_in_pool(row)) == ("ready", made[0], (1, 1))


def test_a_worker_that_lost_its_lease_enters_what_it_made_and_touches_nothing_else(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    own, spec = row.disks.get().vdi_uuid, selectors.spec_of(row)
    with looks.pool() as session:  # the one that has the lease now made its VDI in the same moment
        session.call("VDI.remove_from_other_config", session.call("VDI.get_by_uuid", own), DISK_KEY)

        def lost() -> None:
            raise LeaseLost(row.pk)

        session.alive = lost
        with pytest.raises(LeaseLost):
            target.make_disks(session, row, spec)
    known = {entry.uuid for entry in selectors.open_ledger(row) if entry.kind == "vdi"}
    assert (len(known), row.disks.get().vdi_uuid, looks.left_in_pool(row)) == (2, own, (1, 2))


def test_a_conversion_cancelled_while_a_vdi_is_made_leaves_nothing(site: Site, looks: Looks) -> None:
    row = site.conversion("git01")
    looks.pool_fault("pending", method="VDI.create", seconds=2)
    lifecycle.start_preparing(row, actor=SYSTEM)
    cancelling = during(looks, "vdi_create", lambda: lifecycle.cancel(again(row), actor=SYSTEM))
    settle()
    cancelling.join()
    settle()
    assert Job.objects.get(kind="conversion.clean_up").state == "succeeded"
    assert (again(row).state, looks.left_in_pool(row), at_work(looks, "vdi_create")) == ("cancelled", (0, 0), False)
    assert is_closed(row) and looks.nothing_open()


@pytest.fixture
def made_twice(site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Conversion]:
    """A worker was killed while the pool made a VDI for it: the next one makes another, and the first comes up before a step."""

    def make(step: str) -> Conversion:
        row = site.conversion("git01")
        disk = target._vm_disk(selectors.spec_of(row).disks[0])
        begun = target.PREPARE_STEPS[step]

        def late(*arguments: Any) -> None:
            looks.pool_fault("none")
            until(lambda: not at_work(looks, "vdi_create"), "the VDI of the dead worker")
            begun(*arguments)

        monkeypatch.setitem(target.PREPARE_STEPS, step, late)
        looks.pool_fault("pending", method="VDI.create", seconds=60)
        with looks.pool() as session:
            wanted = {
                "name_label": "of a dead worker", "SR": session.call("SR.get_by_uuid", disk.sr_uuid), "type": "user",
                "virtual_size": str(disk.size_bytes), "sharable": False, "read_only": False,
                "other_config": {CONVERSION_KEY: str(row.pk), DISK_KEY: str(disk.device_key)},
            }  # fmt: skip
            session.call("Async.VDI.create", wanted)
        until(lambda: at_work(looks, "vdi_create"), "the VDI")
        return prepared(row)

    return make


def test_two_vdis_of_one_disk_are_told_and_no_machine_goes_on_with_them(
    site: Site, looks: Looks, people: People, made_twice: Callable[[str], Conversion]
) -> None:
    row = made_twice("count_devices")
    assert told(row, row.disks.get().vdi_uuid, "of a dead worker") == "tag_ambiguous"
    assert looks.left_in_pool(row) == (1, 2)
    with looks.pool() as session:
        (stray,) = session.call("VDI.get_by_name_label", "of a dead worker")
        session.call("VDI.destroy", stray)
    lifecycle.retry(row, actor=SYSTEM)
    settle()
    row = gone_live(copied(again(row)))
    assert (row.state, row.error, looks.left_in_pool(row)) == ("done", None, (1, 1))
