"""The page of uploads takes files in by the door of the API, shows results and refusals; guests are followed on theirs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from kms.models import KmsGuestUpload, KmsUpload
from kms.services.hosts import add_host
from migration.conversion.models import Conversion, ConversionEvent
from migration.cutover.windows import WavesOfPlans
from project.backbone.accounts.policy import Role
from project.backbone.clock import frozen, now
from tests.builders.jobs import run_jobs
from tests.builders.kms import day, script_event, script_output
from tests.builders.pages import HOSTILE, World, a_world, signed_in
from tests.builders.people import People, a_user
from tests.builders.slmgr import client_text, host_text

pytestmark = pytest.mark.django_db
AT = 11.4
TARGET = "5d7c0a8e-1111-4222-8333-44445555abcd"


def post(people: People, form: str, body: bytes | None, who: Any = None, **fields: str) -> str:
    sent: dict[str, Any] = dict(fields)
    if body is not None:
        sent["file"] = SimpleUploadedFile("what ever.bin", body)
    with frozen(day(AT)):
        answer = signed_in(who or people.owner).post(reverse(form, args=[people.project.id]), sent, follow=True)
        run_jobs()
    return str(answer.content.decode())


def page(people: People, name: str = "project-kms-uploads", who: Any = None) -> str:
    with frozen(day(AT)):
        answer = signed_in(who or people.owner).get(reverse(name, args=[people.project.id]))
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.fixture
def host(people: People) -> Any:
    return add_host(people.project, name="KMS01", actor=people.actor("owner"))


def test_file_is_uploaded_with_its_time_and_its_result_is_shown(people: People, host: Any) -> None:
    said = post(
        people, "kms-host-file-form", host_text().encode(), host=str(host.pk), collected_at="2026-03-12T10:30:00", offset="+01:00"
    )
    assert "is taken in and being read" in said
    upload = KmsUpload.objects.get()
    assert upload.collected_at is not None
    assert (upload.collected_at.hour, upload.collected_at.minute, upload.utc_offset_min) == (9, 30, 60)
    assert "KMS01: count 17, 0 requests in the log." in page(people)


@pytest.mark.parametrize(
    ("body", "fields", "sentence"),
    [
        (None, {}, "No file was sent."),
        (b"hello", {}, "is none of the kinds that are read"),
        (host_text().encode(), {}, "does not say when it was collected"),
        (host_text().encode(), {"collected_at": "soon"}, "is no time"),
        (host_text().encode(), {"collected_at": "2026-03-12T10:00", "offset": "east"}, "must look like +01:00"),
        (host_text().encode(), {"collected_at": "2027-03-12T10:00"}, "which is yet to come"),
        (b"x" * (20 * 1024 * 1024 + 1), {}, "larger than 20 MiB"),
        (b"", {}, "empty"),
    ],
)
def test_refusals_stand_on_the_page_in_sentences(
    people: People, host: Any, body: bytes | None, fields: dict[str, str], sentence: str
) -> None:
    said = post(people, "kms-host-file-form", body, **{"host": str(host.pk), **fields})
    assert sentence in said
    assert 'role="alert"' in said
    assert not KmsUpload.objects.exists()


@pytest.mark.parametrize("chosen", ["", "no id", "00000000-0000-4000-8000-000000000000"])
def test_file_of_no_host_of_the_project_is_refused(people: People, host: Any, chosen: str) -> None:
    assert "No KMS host was chosen." in post(people, "kms-host-file-form", b"{}", host=chosen)


def test_file_the_job_cannot_read_is_shown_with_its_next_step(people: People, host: Any) -> None:
    changed = host_text().replace("Current count: 17", "Current count: many").encode()
    post(people, "kms-host-file-form", changed, host=str(host.pk), collected_at="2026-03-12T09:30")
    shown = page(people)
    assert "is no whole number" in shown
    assert "copy slmgr.vbs to an empty folder" in shown


def test_viewers_see_results_and_no_form_and_may_not_upload(people: People, host: Any) -> None:
    viewer = a_user(Role.VIEWER, project=people.project)
    assert "<form class" not in page(people, who=viewer)
    post(people, "kms-host-file-form", b"{}", who=viewer, host=str(host.pk))
    assert not KmsUpload.objects.exists()


def a_moved_machine(people: People) -> tuple[World, Conversion]:
    world = a_world(people, at=now())
    (first, *_) = WavesOfPlans().planned(world.wave.plan.project, str(world.wave.pk))
    row = Conversion.objects.filter(machine_id=first.machine.machine_id).first()
    if row is None:
        row = Conversion.objects.create(
            project=people.project, wave_id=world.wave.pk, machine_id=first.machine.machine_id,
            pool_id=world.pool.pk, name=first.machine.label, spec={}, updated_at=day(9),
        )  # fmt: skip
    Conversion.objects.filter(pk=row.pk).update(state="done", target_vm_uuid=TARGET)
    ConversionEvent.objects.create(conversion=row, at=day(10), from_state="cutting_over", to_state="done", message="runs")
    return world, row


def guest_of(people: People, row: Conversion) -> dict[str, Any]:
    with frozen(day(AT)):
        told = (
            people.client("owner")
            .get(f"/api/v1/projects/{people.project.id}/kms/guests?until={day(200):%Y-%m-%dT%H:%M:%SZ}")
            .data
        )
    (found,) = [guest for guest in told["guests"] if guest["machine_id"] == str(row.machine_id)]
    return dict(found)


def test_moved_guest_is_followed_by_the_uuid_of_its_copy_in_either_byte_order(people: People) -> None:
    _, row = a_moved_machine(people)
    assert (guest_of(people, row)["stage"], guest_of(people, row)["confidence"]) == ("pending", None)
    output = script_output(AT, [script_event("x", 9)], 1, name="RENAMED", smbios="8E0A7C5D-1111-2242-8333-44445555ABCD")
    output["product"][0] |= {
        "Description": "Windows(R) Operating System, VOLUME_KMSCLIENT channel",
        "LicenseStatus": 1,
        "GracePeriodRemaining": 259200,
    }
    post(people, "kms-guest-file-form", json.dumps(output).encode())
    guest = guest_of(people, row)
    assert (guest["stage"], guest["alarm"], guest["confidence"], guest["lasts"]) == ("licensed", "none", "certain", False)
    assert guest["days_left"] == pytest.approx(180, abs=0.01)
    assert '<span class="mark good">licensed</span>' in page(people, "project-kms-guests")


def test_text_of_a_guest_is_linked_by_the_name_told_and_its_wrong_channel_is_named(people: People) -> None:
    world, row = a_moved_machine(people)
    name = next(m.machine.label for m in WavesOfPlans().moved(people.project) if m.machine.machine_id == str(row.machine_id))
    text = client_text(channel="OEM_SLP", minutes=4320).replace(": Licensed", ": Additional grace period (hardware)").encode()
    post(people, "kms-guest-file-form", text, computer=name, collected_at="2026-03-12T09:30")
    guest = guest_of(people, row)
    assert (guest["stage"], guest["alarm"], guest["confidence"]) == ("grace", "critical", "possible")
    assert "OEM licence belongs to the hardware" in guest["channel_problem"]
    assert guest["channel_remedy"]
    assert "OEM licence belongs to the hardware" in page(people, "project-kms-guests")
    assert world.wave.pk


def test_reading_of_no_moved_machine_is_told_apart_and_hostile_names_stay_text(people: People) -> None:
    a_moved_machine(people)
    text = client_text().encode()
    post(people, "kms-guest-file-form", text, computer=HOSTILE, collected_at="2026-03-12T09:30")
    assert KmsGuestUpload.objects.get().computer_name == HOSTILE
    shown = page(people, "project-kms-guests")
    assert "of no machine that moved" in shown
    assert HOSTILE not in shown
