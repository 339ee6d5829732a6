"""What can go wrong in the pool: each is told by name with a next step, and nothing is left that the next run cannot use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from migration.conversion.core.bandwidth import Pace
from migration.conversion.models import Conversion
from migration.conversion.selectors import progress_of_waves
from migration.conversion.services import lifecycle, progress, running, transitions
from project.backbone.endpoints.services import update_endpoint
from project.backbone.models import Endpoint, Job
from tests.builders.path import SYSTEM, Site, again, copied, gone_live, prepared, settle
from tests.builders.path_looks import Looks, told

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own
MIB = 1 << 20
WRITE_FAULT = ["SR_BACKEND_FAILURE_46", "", "The VDI is not available [opterr=Error -5]", ""]


def unpin(site: Site, looks: Looks, host: str) -> None:
    """Nobody ever confirmed this host's certificate."""
    pins = [known["sha256"] for known in looks.lab.json["pool"]["hosts"] if known["name"] != host]
    Endpoint.objects.filter(pk=site.pool.endpoint_id).update(pins=pins)


def disks_served_by(looks: Looks) -> set[str]:
    """Names of the hosts that answered disk transfers."""
    seen = looks.lab.whole.pool.log.since(0)  # type: ignore[union-attr]
    return {str(entry["server"]) for entry in seen if "raw_vdi" in str(entry["what"])}


def test_a_wrong_password_is_sent_once(site: Site, looks: Looks) -> None:
    right = looks.lab.json["pool"]["password"]
    update_endpoint(site.pool.endpoint, password="wrong", actor=SYSTEM)
    before = looks.calls("pool", "session.login_with_password")
    first, second = prepared(site.conversion("git01")), prepared(site.conversion("web02"))

    assert looks.calls("pool", "session.login_with_password") - before == 1
    assert [told(first, "pool01"), told(second, "pool01")] == ["authentication_refused", "login_not_tried"]
    update_endpoint(Endpoint.objects.get(pk=site.pool.endpoint_id), password=right, actor=SYSTEM)
    assert looks.retried_and_done(first)
    assert looks.cancelled_and_cleared(second)


def test_a_pool_with_a_changed_certificate_is_refused_and_its_source_left_on(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    looks.lab.control("POST", "/certificate", {"of": "xen01"})
    row = copied(row)

    assert told(row, "pool01") == "certificate_changed"
    assert looks.source_is("git01") == "on"
    assert looks.state()["source_sessions"] == 0


def test_an_sr_without_room_refuses_the_vdi_and_takes_it_once_there_is_room(site: Site, looks: Looks) -> None:
    looks.pool_fault("sr_full", sr="nfs-01")
    row = prepared(site.conversion("db01"))

    assert told(row) == "sr_full"
    assert looks.left_in_pool(row) == (1, 0), "the VM waits for the next run"
    assert looks.retried_and_done(row)


def test_an_sr_that_fills_up_in_mid_copy_is_named(site: Site, looks: Looks) -> None:
    looks.pool_fault("sr_full", sr="nfs-01", after_bytes=1 * MIB)
    row = copied(prepared(site.conversion("git01")))

    assert told(row, "nfs-01", "git01") == "sr_full"
    assert looks.nothing_open()
    looks.pool_fault("none")
    assert looks.retried_and_done(row)


def test_a_coordinator_that_moved_is_followed_because_its_certificate_is_known(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    looks.lab.control("POST", "/pool/coordinator", {"host": "xen02"})
    row = gone_live(copied(row))

    assert (row.state, row.error, looks.equal_bytes(row)) == ("done", None, True)


def test_a_coordinator_that_moves_in_mid_copy_is_followed_too(
    site: Site, looks: Looks, at_first_segment: Callable[..., None]
) -> None:
    at_first_segment(lambda: looks.lab.control("POST", "/pool/coordinator", {"host": "xen03"}))
    row = copied(prepared(site.conversion("git01")))

    assert (row.state, row.error, looks.equal_bytes(row)) == ("cutting_over", None, True)
    assert looks.cancelled_and_cleared(row)


def test_a_coordinator_nobody_confirmed_is_not_followed(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    unpin(site, looks, "xen02")
    looks.lab.control("POST", "/pool/coordinator", {"host": "xen02"})
    row = copied(row)

    assert told(row, "pool01", "127.0.0.12") == "coordinator_not_confirmed"
    assert looks.source_is("git01") == "on"


def test_a_redirect_to_a_confirmed_member_is_followed(site: Site, looks: Looks) -> None:
    looks.pool_fault("redirect", to="xen02", times=20)
    row = copied(prepared(site.conversion("git01")))

    assert (row.state, row.error, looks.equal_bytes(row)) == ("cutting_over", None, True)
    assert len(disks_served_by(looks)) == 2
    looks.pool_fault("none")
    assert looks.cancelled_and_cleared(row)


@pytest.mark.parametrize("how", ["never confirmed", "changed"])
def test_a_redirect_to_a_member_with_another_certificate_is_refused(site: Site, looks: Looks, how: str) -> None:
    row = prepared(site.conversion("git01"))
    if how == "changed":
        looks.lab.control("POST", "/certificate", {"of": "xen02"})
    else:
        unpin(site, looks, "xen02")
    looks.pool_fault("redirect", to="xen02", times=20)
    row = copied(row)

    assert told(row, "git01", "127.0.0.12") == "certificate_changed"
    looks.pool_fault("none")
    assert looks.cancelled_and_cleared(row)


def test_a_task_that_fails_after_the_200_fails_the_copy_with_the_pools_reason(site: Site, looks: Looks) -> None:
    looks.pool_fault("task_failure", error=WRITE_FAULT, after_bytes=1 * MIB)
    row = copied(prepared(site.conversion("git01")))

    assert told(row, "git01", "SR_BACKEND_FAILURE_46") == "sr_backend_failure"
    assert looks.nothing_open()
    assert looks.retried_and_done(row)


@pytest.mark.parametrize(
    ("kind", "more"), [("drop_connection", {}), ("task_failure", {"error": ["VDI_IO_ERROR", "Device I/O errors"]})]
)
def test_a_line_that_breaks_in_mid_copy_is_taken_up_behind_the_last_segment(
    site: Site, looks: Looks, kind: str, more: dict[str, Any]
) -> None:
    looks.pool_fault(kind, after_bytes=1 * MIB, **more)
    row = copied(prepared(site.conversion("db01")))

    assert (row.state, row.error, Job.objects.get(kind="conversion.copy").attempts) == ("cutting_over", None, 2)
    assert looks.equal_bytes(row)
    assert looks.cancelled_and_cleared(row)


def test_a_session_the_pool_forgot_is_opened_again(site: Site, looks: Looks, at_first_segment: Callable[..., None]) -> None:
    at_first_segment(lambda: looks.pool_fault("session_expire"))
    row = copied(prepared(site.conversion("git01")))

    assert (row.state, row.error, looks.equal_bytes(row)) == ("cutting_over", None, True)
    assert looks.nothing_open()


def test_bytes_written_wrong_are_found_and_sent_once_more(site: Site, looks: Looks, settings: Any) -> None:
    settings.SEGMENT_BYTES = 1 << 30
    looks.pool_fault("corrupt", offset=0, length=512)
    row = copied(prepared(site.conversion("git01")))

    assert (row.state, row.error, looks.equal_bytes(row)) == ("cutting_over", None, True)
    assert looks.calls("pool", "/import_raw_vdi") == 2
    assert looks.nothing_open()


def test_what_is_read_back_and_what_is_sent_again_are_held_to_the_bandwidth_too(
    site: Site, looks: Looks, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SEGMENT_BYTES = 1 << 30
    running.change(site.project, actor=SYSTEM, bandwidth=[{"bytes_per_s": 1 << 30}])
    pause_s, held = Pace.pause_s, list[int]()

    def counting(pace: Pace, length_bytes: int, bytes_per_s: float, now_s: float) -> float:
        held.append(length_bytes)
        return pause_s(pace, length_bytes, bytes_per_s, now_s)

    monkeypatch.setattr(Pace, "pause_s", counting)
    looks.pool_fault("corrupt", offset=0, length=512)
    row = copied(prepared(site.conversion("git01")))

    assert (row.state, row.error, looks.equal_bytes(row)) == ("cutting_over", None, True)
    (file,) = (path for _, path in looks.disk_pairs(row))
    raw = file.read_bytes()
    blocks = sum(any(raw[at : at + 2 * MIB]) for at in range(0, len(raw), 2 * MIB))
    read_back_twice, sent_again = 2 * blocks * 2 * MIB, 2 * MIB
    assert sum(held) == row.disks.get().bytes_sent + read_back_twice + sent_again


def test_bytes_written_wrong_twice_fail_the_copy_naming_the_range(site: Site, looks: Looks, settings: Any) -> None:
    settings.SEGMENT_BYTES = 1 << 30
    looks.pool_fault("corrupt", offset=0, length=512, times=2)
    row = copied(prepared(site.conversion("git01")))

    assert told(row, "Hard disk 1", "git01", f"0-{2 * MIB}") == "verification_failed"
    disk = row.disks.get()
    assert (disk.verified, disk.fault["mismatched_ranges"]) == (False, [[0, 2 * MIB]])
    assert looks.nothing_open()
    assert looks.retried_and_done(row)


def sampled(row: Conversion) -> Conversion:
    row.verify = "sampled 1 %"
    row.save(update_fields=["verify"])
    return row


def test_a_sampled_disk_is_compared_in_part_and_not_called_proven(site: Site, looks: Looks) -> None:
    row = copied(sampled(prepared(site.conversion("git01"))))

    disk = row.disks.get()
    assert (row.state, disk.verified, disk.compared, disk.is_proven) == ("cutting_over", True, "sampled 1 %", False)
    assert 2 <= disk.blocks_compared < disk.blocks_total, "the first, the last, and hardly any between them"
    assert progress_of_waves([row.wave_id])[row.wave_id].disks_verified == 0


def test_damage_found_before_a_crash_is_looked_for_in_every_block(
    site: Site, looks: Looks, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that dies between the sample and the repair leaves the note; another sample would miss a block in the middle."""
    settings.SEGMENT_BYTES = 1 << 30
    closing = progress.close_copy

    def closed(disk: Any, **figures: Any) -> None:
        closing(disk, **figures)
        progress.note_fault(disk, {"mismatched_ranges": [[6 * MIB, 8 * MIB]]})

    monkeypatch.setattr(progress, "close_copy", closed)
    looks.pool_fault("corrupt", offset=6 * MIB, length=512)
    row = copied(sampled(prepared(site.conversion("git01"))))

    assert (row.state, row.error, looks.equal_bytes(row)) == ("cutting_over", None, True)
    assert row.disks.get().is_proven


def test_a_sample_that_differs_is_noted_before_anything_else_is_read(
    site: Site, looks: Looks, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SEGMENT_BYTES = 1 << 30
    noted: list[Any] = []
    monkeypatch.setattr(progress, "note_fault", lambda disk, fault: noted.append((looks.calls("pool", "/export_raw_vdi"), fault)))
    looks.pool_fault("corrupt", offset=0, length=512)
    before = looks.calls("pool", "/export_raw_vdi")
    copied(sampled(prepared(site.conversion("git01"))))

    assert noted[0] == (before + 1, {"mismatched_ranges": ((0, 2 * MIB),)})


def test_a_sample_that_differs_has_every_block_compared_and_mended(site: Site, looks: Looks, settings: Any) -> None:
    settings.SEGMENT_BYTES = 1 << 30
    looks.pool_fault("corrupt", offset=0, length=512)
    row = copied(sampled(prepared(site.conversion("git01"))))

    disk = row.disks.get()
    assert (row.state, row.error, looks.equal_bytes(row)) == ("cutting_over", None, True)
    assert (disk.compared, disk.is_proven, disk.blocks_compared) == ("full", True, disk.blocks_total)
    assert looks.calls("pool", "/import_raw_vdi") == 2


def test_a_mac_address_the_pool_has_already_is_refused_before_anything_is_made(site: Site, looks: Looks) -> None:
    first = prepared(site.conversion("git01"))
    second = prepared(site.conversion("git01"))

    assert told(second, "git01", "00:50:56:9a:05:01") == "mac_in_use"
    assert (looks.left_in_pool(first), looks.left_in_pool(second)) == ((1, 1), (0, 0))
    assert looks.cancelled_and_cleared(first)
    assert looks.retried_and_done(second)


def test_a_template_the_pool_does_not_have_is_named(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01", template="No Such Linux 1"))

    assert told(row, "No Such Linux 1") == "template_missing"
    assert looks.cancelled_and_cleared(row)


def started_by_hand(looks: Looks, row: Conversion) -> None:
    with looks.pool() as session:
        reference = session.call("VM.get_by_uuid", row.target_vm_uuid)
        for operation in ("start", "start_on"):
            session.call("VM.remove_from_blocked_operations", reference, operation)
        session.call("VM.start", reference, False, False)


def test_a_vm_that_runs_in_the_pool_is_never_copied_over(site: Site, looks: Looks) -> None:
    row = copied(prepared(site.conversion("git01")))
    transitions.fail(row.pk, actor=SYSTEM, error={"code": "x", "message": "x", "next_step": "x"})
    started_by_hand(looks, row)
    lifecycle.retry(again(row), actor=SYSTEM)
    settle()
    row = again(row)

    assert told(row, "git01", "Running") == "target_vm_runs"
    assert looks.source_is("git01") == "off"
    lifecycle.cancel(row, actor=SYSTEM)
    settle()
    refused = Job.objects.get(kind="conversion.clean_up")
    assert (refused.state, refused.error["code"], looks.left_in_pool(row)) == ("failed", "vm_not_halted", (1, 1))
