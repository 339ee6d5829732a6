"""An upload with a wrong time is withdrawn: count, verdict and guests are as if it had never come; sent again it counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse

from kms.models import KmsHost, KmsUpload, KmsWithdrawal
from kms.work.take_upload import take_reading
from project.backbone.accounts.policy import Role
from project.backbone.clock import frozen
from project.backbone.models import AuditEntry, Job
from tests.app.kms.test_upload_formats import AT, a_host, send, told, url
from tests.app.kms.test_upload_page import page, post
from tests.builders.jobs import run_jobs
from tests.builders.kms import day, script_output
from tests.builders.pages import signed_in
from tests.builders.people import People, a_client, a_user
from tests.builders.slmgr import client_text, host_text

pytestmark = pytest.mark.django_db(transaction=True)
WRONG = "its time was of another time zone"


def withdraw(people: People, upload_id: Any, *, who: str = "owner", reason: str = WRONG) -> Any:
    with frozen(day(AT)):
        return people.client(who).post(url(people, f"uploads/{upload_id}/withdraw"), {"reason": reason})


def count(people: People, host: str) -> Any:
    with frozen(day(AT + 0.1)):
        return people.client("owner").get(url(people, f"hosts/{host}/count")).data["count"]


def test_a_withdrawn_reading_counts_for_nothing_and_stands_in_the_list_as_withdrawn(people: People) -> None:
    host = a_host(people)
    send(people, f"hosts/{host}/readings", host_text().encode(), collected_at=told())
    assert count(people, host) == 17
    upload = KmsUpload.objects.get()
    answer = withdraw(people, upload.pk)
    assert (answer.status_code, answer.data["upload"], answer.data["reason"]) == (200, str(upload.pk), WRONG)
    assert count(people, host) is None
    with frozen(day(AT + 0.1)):
        client = people.client("owner")
        [reading] = client.get(url(people, f"hosts/{host}/readings")).data["results"]
        timeline = client.get(url(people, f"hosts/{host}/timeline")).data
        verdict = client.get(url(people, "verdict")).data
    assert (reading["withdrawn"], reading["upload"]) == (f"withdrawn by owner: {WRONG}", str(upload.pk))
    assert verdict["closes_gate"] and verdict["state"] == "unknown"
    assert all(row["observed"] is None for row in timeline["rows"])
    assert AuditEntry.objects.filter(action="kms.upload_withdrawn").count() == 1


def test_an_earlier_reading_counts_again_once_the_wrong_one_is_gone(people: People) -> None:
    host = a_host(people)
    send(people, f"hosts/{host}/readings", host_text().encode(), collected_at=told(AT - 0.5))
    right = KmsUpload.objects.get()
    send(people, f"hosts/{host}/readings", host_text().replace("17", "3").encode(), collected_at=told())
    assert count(people, host) == 3
    withdraw(people, KmsUpload.objects.exclude(pk=right.pk).get().pk)
    assert count(people, host) == 17


def test_the_very_same_file_again_counts_again(people: People) -> None:
    host = a_host(people)
    send(people, f"hosts/{host}/readings", host_text().encode(), collected_at=told())
    withdraw(people, KmsUpload.objects.get().pk)
    assert count(people, host) is None
    send(people, f"hosts/{host}/readings", host_text().encode(), collected_at=told())
    assert (count(people, host), KmsUpload.objects.count()) == (17, 1)
    assert AuditEntry.objects.filter(action="kms.withdrawal_taken_back").count() == 1


def test_guests_of_a_withdrawn_file_are_not_known_any_more(people: People) -> None:
    send(people, "guests/readings", client_text().encode(), collected_at=told(), computer="app07")

    def known() -> Any:
        with frozen(day(AT + 0.1)):
            return people.client("owner").get(url(people, "guests")).data["not_linked"]

    assert known() == ["app07"]
    upload_id = Job.objects.get(kind="kms.read_guests").result["upload_id"]
    assert withdraw(people, upload_id).status_code == 200
    assert known() == []


def test_a_host_whose_only_file_was_of_another_computer_is_told_anew_who_it_is(people: People) -> None:
    host = a_host(people)
    for name in ("OTHER", "KMS01"):
        send(people, f"hosts/{host}/readings", json.dumps(script_output(AT, [], 9, name=name)).encode())
        assert KmsHost.objects.get().computer_name == name
        withdraw(people, KmsUpload.objects.order_by("created_at").last().pk)  # type: ignore[union-attr]


def named(name: str, asked: int, at: float = AT) -> bytes:
    return json.dumps(script_output(at, [], asked, name=name)).encode()


def test_a_withdrawn_file_of_another_computer_does_not_come_back_by_the_back_door(people: People) -> None:
    host = a_host(people)
    send(people, f"hosts/{host}/readings", named("OTHER", 49))
    withdraw(people, KmsUpload.objects.get().pk)
    send(people, f"hosts/{host}/readings", named("KMS01", 9, AT - 0.01))
    again = send(people, f"hosts/{host}/readings", named("OTHER", 49))
    assert (again.status_code, again.json()["code"]) == (409, "kms_other_computer")
    assert (KmsHost.objects.get().computer_name, count(people, host), KmsWithdrawal.objects.count()) == ("KMS01", 9, 1)


def test_a_file_sent_again_says_again_which_computer_the_host_is(people: People) -> None:
    host = a_host(people)
    for _ in range(2):
        send(people, f"hosts/{host}/readings", named("KMS01", 9, AT - 0.01))
        if not AuditEntry.objects.filter(action="kms.upload_withdrawn").exists():
            withdraw(people, KmsUpload.objects.get().pk)
    send(people, f"hosts/{host}/readings", named("OTHER", 49))
    assert (KmsHost.objects.get().computer_name, count(people, host)) == ("KMS01", 9)
    assert Job.objects.filter(state="failed", error__code="kms_other_computer").count() == 1


def test_a_text_that_still_counts_keeps_no_wrong_computer_name(people: People) -> None:
    host = a_host(people)
    send(people, f"hosts/{host}/readings", host_text().encode(), collected_at=told(AT - 0.5))
    send(people, f"hosts/{host}/readings", named("OTHER", 49))
    withdraw(people, KmsUpload.objects.order_by("created_at").last().pk)  # type: ignore[union-attr]
    send(people, f"hosts/{host}/readings", named("KMS01", 9, AT - 0.01))
    assert (KmsHost.objects.get().computer_name, count(people, host)) == ("KMS01", 9)


def test_a_file_withdrawn_before_it_was_read_says_nothing_of_the_host(people: People) -> None:
    host = a_host(people)
    with frozen(day(AT)):
        job = take_reading(KmsHost.objects.get(pk=host), named("OTHER", 49), collected_at=None, actor=people.actor("owner"))
        withdraw(people, KmsUpload.objects.get().pk)
        run_jobs()
    assert (Job.objects.get(pk=job.pk).state, KmsHost.objects.get().computer_name) == ("succeeded", "")


@pytest.mark.parametrize(("who", "reason", "status"), [("stranger", WRONG, 404), ("owner", " ", 400)])
def test_who_may_not_or_gives_no_reason_withdraws_nothing(people: People, who: str, reason: str, status: int) -> None:
    host = a_host(people)
    send(people, f"hosts/{host}/readings", host_text().encode(), collected_at=told())
    assert withdraw(people, KmsUpload.objects.get().pk, who=who, reason=reason).status_code == status
    viewer = a_client(a_user(Role.VIEWER, project=people.project, username="viewer"))
    assert viewer.post(url(people, f"uploads/{KmsUpload.objects.get().pk}/withdraw"), {"reason": WRONG}).status_code == 403
    assert not KmsWithdrawal.objects.exists()


def test_a_second_word_says_who_was_first(people: People) -> None:
    host = a_host(people)
    send(people, f"hosts/{host}/readings", host_text().encode(), collected_at=told())
    upload = KmsUpload.objects.get()
    withdraw(people, upload.pk)
    again = withdraw(people, upload.pk)
    assert (again.status_code, again.json()["code"]) == (409, "kms_upload_withdrawn")
    assert WRONG in again.json()["detail"]
    assert withdraw(people, people.project.id).status_code == 404


def test_on_the_page_a_file_is_withdrawn_and_shown_so(people: People) -> None:
    host = a_host(people)
    post(people, "kms-host-file-form", host_text().encode(), host=host, collected_at="2026-03-12T09:30", offset="+00:00")
    assert "Count it for nothing" in page(people)
    form = reverse("kms-upload-withdraw-form", args=[people.project.id, KmsUpload.objects.get().pk])
    with frozen(day(AT)):
        assert signed_in(people.owner).post(form, {"reason": "a <b>wrong</b> time"}).status_code == 303
    shown = page(people)
    assert "withdrawn by owner: a &lt;b&gt;wrong&lt;/b&gt; time" in shown and "Count it for nothing" not in shown
    with frozen(day(AT)):
        assert signed_in(people.stranger).post(form, {"reason": "x"}).status_code == 404
