"""A failed machine is taken up again: what is copied of an unchanged source stays, and what its VM wrote is lost to nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from estate.errors import AskPerson, Retry
from estate.xapi import vm
from migration.conversion.models import Conversion
from migration.conversion.services import lifecycle, progress, transitions
from project.backbone.jobs.runner import run_job
from project.backbone.models import Job
from project.backbone.problems import Conflict
from tests.builders.jobs import HERE
from tests.builders.path import SYSTEM, Site, again, copied, gone_live, prepared, settle, vdi_file
from tests.builders.path_looks import Looks, told

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own
WRITTEN = b"written by the guest in the pool"


def failed(row: Conversion) -> Conversion:
    transitions.fail(row.pk, actor=SYSTEM, error={"code": "x", "message": "x", "next_step": "x"})
    return again(row)


def halted(looks: Looks, row: Conversion) -> None:
    """Somebody shuts the VM down in the pool, after its guest wrote something."""
    with looks.pool() as session:
        vm.shut_down(session, row.target_vm_uuid, force=True)
    with vdi_file(looks.lab, row.disks.first().vdi_uuid).open("r+b") as disk:  # type: ignore[union-attr]
        disk.write(WRITTEN)


def is_still_written(looks: Looks, uuid: str) -> bool:
    return vdi_file(looks.lab, uuid).read_bytes().startswith(WRITTEN)


@pytest.fixture
def ran(site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch) -> Conversion:
    """A machine whose go-live failed after its VM had come up, and which somebody shut down since."""

    def refuse(*_: Any) -> None:
        raise AskPerson("the pool went away", code="pool_gone", next_step="Look at it.")

    row = copied(prepared(site.conversion("git01")))
    with monkeypatch.context() as patched:
        patched.setattr(progress, "remember_boot", refuse)
        row = gone_live(row)
    assert told(row) == "pool_gone" and row.start_asked_at is not None
    halted(looks, row)
    return row


def test_a_vm_that_ran_is_neither_copied_over_nor_removed_unless_somebody_says_so(looks: Looks, ran: Conversion) -> None:
    for ask in (lifecycle.retry, lifecycle.cancel):
        with pytest.raises(Conflict) as refused:
            ask(ran, actor=SYSTEM)
        assert refused.value.code == "vm_has_run"
    settle()
    assert again(ran).state == "failed"
    assert is_still_written(looks, ran.disks.get().vdi_uuid)


def test_a_vm_that_ran_is_made_anew_with_its_disks_when_its_writes_may_be_lost(looks: Looks, ran: Conversion) -> None:
    lifecycle.retry(ran, actor=SYSTEM, discard_writes=True)
    settle()
    row = again(ran)
    assert (row.state, row.start_asked_at, row.target_vm_uuid != ran.target_vm_uuid) == ("ready", None, True)
    row = gone_live(copied(row))

    assert (row.state, row.error, looks.left_in_pool(row), looks.equal_bytes(row)) == ("done", None, (1, 1), True)
    assert row.disks.get().is_proven


def test_a_vm_that_ran_is_removed_when_its_writes_may_be_lost(looks: Looks, ran: Conversion) -> None:
    lifecycle.cancel(ran, actor=SYSTEM, discard_writes=True)
    settle()
    assert (again(ran).state, looks.left_in_pool(ran), looks.nothing_open()) == ("cancelled", (0, 0), True)


def test_a_retry_that_was_cut_off_while_it_removed_goes_on(
    looks: Looks, ran: Conversion, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting, died = progress.start_anew, []

    def dies_once(row: Conversion) -> None:
        if not died:
            died.append(row)
            raise Retry("the worker died here", code="worker_died", next_step="Nothing: it is tried again.")
        starting(row)

    monkeypatch.setattr(progress, "start_anew", dies_once)
    lifecycle.retry(ran, actor=SYSTEM, discard_writes=True)
    settle()
    row = gone_live(copied(again(ran)))
    assert (bool(died), row.state, looks.left_in_pool(row), looks.equal_bytes(row)) == (True, "done", (1, 1), True)


def test_a_start_that_the_pool_refused_costs_no_second_copy(site: Site, looks: Looks) -> None:
    row = copied(prepared(site.conversion("git01")))
    with looks.pool() as session:
        hosts = session.call("host.get_all")
        for host in hosts:
            session.call("host.disable", host)
        row = gone_live(row)
        for host in hosts:
            session.call("host.enable", host)
    assert told(row) == "no_host_available" and row.start_asked_at is None, "the pool shows that it never ran"
    assert "start" in looks.vm_record(row)["blocked_operations"]
    sent, read = looks.calls("pool", "/import_raw_vdi"), looks.calls("pool", "/export_raw_vdi")

    lifecycle.retry(row, actor=SYSTEM)
    settle()
    row = copied(again(row))
    assert (row.state, row.error, row.disks.get().is_proven) == ("cutting_over", None, True)
    assert looks.calls("pool", "/import_raw_vdi") == sent, "nothing is sent twice"
    assert looks.calls("pool", "/export_raw_vdi") == read + 1, "it is proven anew"
    row = gone_live(row)
    assert (row.state, looks.equal_bytes(row), looks.nothing_open()) == ("done", True, True)


def test_a_retry_goes_on_behind_the_last_segment(site: Site, looks: Looks, at_first_segment: Callable[..., None]) -> None:
    at_first_segment(lambda: looks.pool_fault("task_failure", error=["SR_BACKEND_FAILURE_46", "", "", ""]))
    row = copied(prepared(site.conversion("db01")))
    assert told(row) == "sr_backend_failure"
    before = {disk.pk: disk.durable_bytes for disk in row.disks.all()}
    assert any(before.values())
    segments = looks.calls("pool", "/import_raw_vdi")

    lifecycle.retry(row, actor=SYSTEM)
    settle()
    row = gone_live(copied(again(row)))
    assert (row.state, row.error, looks.equal_bytes(row)) == ("done", None, True)
    for disk in row.disks.all():
        ends = list(disk.segments.values_list("end_bytes", flat=True))
        assert ends == sorted(set(ends)), "no segment is sent twice"
        assert not disk.written_before
    assert looks.calls("pool", "/import_raw_vdi") > segments


def test_a_source_that_ran_since_is_copied_from_its_start(site: Site, looks: Looks) -> None:
    row = failed(copied(prepared(site.conversion("git01"))))
    looks.switch("git01", "on")
    sent = looks.calls("pool", "/import_raw_vdi")

    assert looks.retried_and_done(row)
    assert looks.calls("pool", "/import_raw_vdi") > sent
    assert again(row).disks.get().written_before


def test_a_vdi_that_somebody_removed_is_filled_anew(site: Site, looks: Looks) -> None:
    row = failed(copied(prepared(site.conversion("db01"))))
    gone = row.disks.first().vdi_uuid  # type: ignore[union-attr]
    with looks.pool() as session:
        reference = session.call("VDI.get_by_uuid", gone)
        for drive in session.call("VDI.get_VBDs", reference):
            session.call("VBD.destroy", drive)
        session.call("VDI.destroy", reference)

    assert looks.retried_and_done(row)
    first = again(row).disks.first()
    assert first is not None and first.vdi_uuid != gone and first.is_proven


def started_by_hand_and_halted(looks: Looks, row: Conversion) -> None:
    with looks.pool() as session:
        vm.unblock(session, row.target_vm_uuid)
        vm.start(session, row.target_vm_uuid)
    halted(looks, row)


def test_a_vm_that_somebody_started_by_hand_is_not_copied_over(site: Site, looks: Looks) -> None:
    row = failed(copied(prepared(site.conversion("git01"))))
    started_by_hand_and_halted(looks, row)
    lifecycle.retry(row, actor=SYSTEM)
    settle()

    assert told(again(row), "git01") == "vm_has_run"
    assert is_still_written(looks, row.disks.get().vdi_uuid)
    assert "start" in looks.vm_record(row)["blocked_operations"]


def test_what_a_vm_started_by_hand_wrote_outlives_a_cancel_and_goes_by_name(
    site: Site, looks: Looks, people: Any, listed_leftovers: Callable[[], dict[str, Any]]
) -> None:
    row = failed(copied(prepared(site.conversion("git01"))))
    started_by_hand_and_halted(looks, row)
    lifecycle.cancel(row, actor=SYSTEM)
    settle()
    refused = Job.objects.get(kind="conversion.clean_up")
    assert (refused.state, refused.error["code"], looks.left_in_pool(row)) == ("failed", "vm_has_run", (1, 1))

    listing = listed_leftovers()
    [shown] = listing["result"]["leftovers"]
    assert (shown["verdict"], shown["objects"][0]["has_run"] or shown["objects"][1]["has_run"]) == ("on_request", True)
    url = f"/api/v1/projects/{people.project.id}/leftovers/remove"
    people.client("owner").post(url, {"listing": listing["id"]})
    settle()
    assert looks.left_in_pool(row) == (1, 1), "without its name nothing of it goes"
    people.client("owner").post(url, {"listing": listing["id"], "conversions": [str(row.pk)]})
    settle()
    assert (looks.left_in_pool(row), row.ledger.filter(removed_at=None).exists()) == ((0, 0), False)


def changed_in_the_pool(looks: Looks, row: Conversion, what: str) -> None:
    """What a person may do to a halted VM whose start alone is blocked."""
    with looks.pool() as session:
        reference = session.call("VM.get_by_uuid", row.target_vm_uuid)
        drives = [session.call("VBD.get_record", each) | {"ref": each} for each in session.call("VM.get_VBDs", reference)]
        disks = [each for each in drives if each["type"] == "Disk"]
        if what == "a disk taken off":
            session.call("VBD.destroy", disks[-1]["ref"])
        elif what == "no interfaces":
            for vif in session.call("VM.get_VIFs", reference):
                session.call("VIF.destroy", vif)
        else:
            store = looks.lab.whole.pool.pool.store  # type: ignore[union-attr]
            store.set("VBD", disks[0]["ref"], VDI=disks[1]["VDI"])
            store.set("VBD", disks[1]["ref"], VDI=disks[0]["VDI"])


@pytest.mark.parametrize("what", ["a disk taken off", "no interfaces", "two disks exchanged"])
def test_a_vm_that_is_not_as_it_was_proven_is_not_started(site: Site, looks: Looks, what: str) -> None:
    row = copied(prepared(site.conversion("db01")))
    changed_in_the_pool(looks, row, what)
    row = gone_live(row)

    assert told(row, "db01", "no longer in the pool as it was made") == "devices_differ"
    record = looks.vm_record(row)
    assert (record["power_state"], "start" in record["blocked_operations"], row.start_asked_at) == ("Halted", True, None)


@pytest.mark.parametrize("when", ["before its copy", "before its start"])
def test_a_vm_that_was_run_by_hand_meanwhile_is_neither_copied_over_nor_started(site: Site, looks: Looks, when: str) -> None:
    row = prepared(site.conversion("git01"))
    if when == "before its start":
        row = copied(row)
    started_by_hand_and_halted(looks, row)
    row = gone_live(row) if when == "before its start" else copied(row)

    assert told(row, "git01") == "vm_has_run"
    assert is_still_written(looks, row.disks.get().vdi_uuid)
    assert looks.source_is("git01") == ("off" if when == "before its start" else "on"), "nothing was shut down for it"


def test_a_vdi_that_another_vm_has_too_is_not_copied_over(site: Site, looks: Looks) -> None:
    row = failed(copied(prepared(site.conversion("git01"))))
    with looks.pool() as session:
        vdi = session.call("VDI.get_by_uuid", row.disks.get().vdi_uuid)
        drive = session.call("VBD.get_record", session.call("VDI.get_VBDs", vdi)[0])
        other = next(ref for ref, each in session.call("VM.get_all_records").items() if each["name_label"] == "dns-01")
        looks.lab.whole.pool.pool.store.create("VBD", **{**drive, "VM": other, "userdevice": "9"})  # type: ignore[union-attr]
    lifecycle.retry(row, actor=SYSTEM)
    settle()
    assert told(again(row), "dns-01") == "vdi_shared"


def test_disks_whose_vm_somebody_removed_after_it_ran_are_not_copied_over(site: Site, looks: Looks) -> None:
    row = failed(copied(prepared(site.conversion("git01"))))
    started_by_hand_and_halted(looks, row)
    with looks.pool() as session:
        session.call("VM.destroy", session.call("VM.get_by_uuid", row.target_vm_uuid))
    lifecycle.retry(row, actor=SYSTEM)
    settle()
    assert told(again(row)) == "vm_has_run"
    assert is_still_written(looks, row.disks.get().vdi_uuid)


def test_a_worker_that_stood_still_undoes_the_start_it_came_too_late_for(
    site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease is lost and the machine was rolled back while the pool was starting the VM for it."""
    row = copied(prepared(site.conversion("git01")))
    begin = vm.start

    def slow(session: Any, vm_uuid: str) -> None:
        begin(session, vm_uuid)
        Conversion.objects.filter(pk=row.pk).update(state="rolled_back")
        Job.objects.filter(kind="conversion.go_live").update(fence=99)

    monkeypatch.setattr(vm, "start", slow)
    job = lifecycle.start_going_live(row, actor=SYSTEM)
    run_job(job.pk, worker=HERE)
    record = looks.vm_record(again(row))
    assert (record["power_state"], "start" in record["blocked_operations"]) == ("Halted", True)
    assert again(row).events.filter(message__contains="lost its turn").exists()


def test_a_worker_that_lost_its_lease_before_the_start_starts_nothing(
    site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = copied(prepared(site.conversion("git01")))
    unblock = vm.unblock

    def slow(session: Any, vm_uuid: str) -> None:
        unblock(session, vm_uuid)
        Conversion.objects.filter(pk=row.pk).update(state="rolled_back")
        Job.objects.filter(kind="conversion.go_live").update(fence=99)

    monkeypatch.setattr(vm, "unblock", slow)
    before = looks.calls("pool", "VM.start")
    job = lifecycle.start_going_live(row, actor=SYSTEM)
    run_job(job.pk, worker=HERE)
    record = looks.vm_record(again(row))
    assert (record["power_state"], "start" in record["blocked_operations"]) == ("Halted", True)
    assert looks.calls("pool", "VM.start") == before


def test_a_machine_that_failed_although_it_runs_is_taken_for_moved(site: Site, looks: Looks, ran: Conversion) -> None:
    lifecycle.finish(ran, actor=SYSTEM)
    settle()
    stopped = again(ran)
    assert (stopped.state, stopped.error["code"]) == ("failed", "vm_not_running")
    with looks.pool() as session:
        vm.unblock(session, ran.target_vm_uuid)
        vm.start(session, ran.target_vm_uuid)
    looks.switch("git01", "on")
    lifecycle.finish(stopped, actor=SYSTEM)
    settle()
    assert again(ran).error["code"] == "source_runs_too"
    looks.switch("git01", "off")
    lifecycle.finish(again(ran), actor=SYSTEM)
    settle()
    row = again(ran)
    assert (row.state, row.error, row.boot_proof["source_off"]) == ("done", None, True)
    assert is_still_written(looks, row.disks.get().vdi_uuid)


def test_one_machine_is_rolled_back_by_itself(looks: Looks, ran: Conversion, people: Any) -> None:
    url = f"/api/v1/projects/{people.project.id}/conversions/{ran.pk}"
    answer = people.client("owner").post(f"{url}/rollback")
    assert answer.status_code == 202, answer.content
    settle()
    row = again(ran)
    assert (row.state, looks.source_is("git01"), looks.left_in_pool(row)) == ("rolled_back", "on", (1, 1))
    assert is_still_written(looks, row.disks.get().vdi_uuid)
    refused = people.client("owner").post(f"{url}/finish")
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")


@pytest.fixture
def listed_leftovers(site: Site, people: Any) -> Callable[[], dict[str, Any]]:
    def listed() -> dict[str, Any]:
        url = f"/api/v1/projects/{people.project.id}/leftovers"
        asked = people.client("owner").post(url, {"pool": str(site.pool.pk)}).json()
        settle()
        job = Job.objects.get(pk=asked["id"])
        return {"id": str(job.pk), "result": job.result}

    return listed
