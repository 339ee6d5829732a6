"""KMS through the API: a host, its uploads, count, forecast, clients and the verdict, by the roles that may."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from estate.facts.kms import KmsContact
from kms.models import InsertOnly, KmsHost, KmsReadingRow, KmsUpload
from project.backbone.accounts.policy import Role
from project.backbone.audit.services import verify
from project.backbone.clock import frozen
from project.backbone.models import AuditEntry, Endpoint, Job
from tests.builders.jobs import run_jobs
from tests.builders.kms import cmid, day, named, script_event, script_output, weekly
from tests.builders.people import People, a_client, a_user

KEY = "ABCDE-12345-FGHIJ-67890-KLMNO"
JSON = "application/json"


def url(people: People, rest: str = "hosts") -> str:
    return f"/api/v1/projects/{people.project.id}/kms/{rest}"


def a_host(people: People, name: str = "KMS01", who: str = "owner") -> str:
    answer = people.client(who).post(url(people), {"name": name})
    assert answer.status_code == 201, answer.data
    return str(answer.data["id"])


def output(at: float, count: int, contacts: list[KmsContact], **changes: Any) -> dict[str, Any]:
    asked_on = ((contact, (contact.seen_at - day(0)) / timedelta(days=1)) for contact in contacts)
    events = [script_event(contact.machine_name.split(".")[0], asked, contact.required_count) for contact, asked in asked_on]
    return script_output(at, events, count, **changes)


def upload(people: People, host_id: str, body: dict[str, Any] | bytes, *, at: float, **headers: Any) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with frozen(day(at)):
        client = people.client("owner")
        answer = client.post(url(people, f"hosts/{host_id}/readings"), raw, content_type=JSON, headers=headers)
        run_jobs()
    return answer


def get(people: People, rest: str, *, at: float = 35.1, who: str = "owner", **query: Any) -> Any:
    with frozen(day(at)):
        return people.client(who).get(url(people, rest), query or None)


@pytest.fixture
def host_id(people: People) -> str:
    """A host with nine servers that renew weekly, read on day 35 at count 9."""
    made = a_host(people)
    answer = upload(people, made, output(35, 9, weekly(named("s", 9), until=35)), at=35)
    assert answer.status_code == 202, answer.data
    assert Job.objects.get(pk=answer.data["id"]).state == "succeeded"
    return made


def test_uploaded_reading_is_counted(people: People, host_id: str) -> None:
    count = get(people, f"hosts/{host_id}/count").data
    assert (count["count"], count["observed"], count["modelled"], count["quality"]) == (9, 9, 9, "exact")
    assert (count["server_ok"], count["client_ok"], count["at_cap"]) == (True, False, False)
    (reading,) = get(people, f"hosts/{host_id}/readings").data["results"]
    assert (reading["current_count"], reading["contacts"], reading["uploaded_by"]) == (9, 54, "owner")
    assert get(people, "hosts").data["results"][0]["computer_name"] == "KMS01"


def test_count_of_a_past_moment_is_replayed_from_the_log(people: People, host_id: str) -> None:
    path = f"hosts/{host_id}/count"
    assert get(people, f"{path}?at=2026-03-02T00:00:00%2B00:00").data["modelled"] == 9
    assert get(people, f"{path}?at=2026-03-02T00:00:00+00:00").data["modelled"] == 9
    assert get(people, f"{path}?at=2026-02-20T00:00:00Z").data["count"] is None


def test_forecast_keeps_the_weekly_renewals(people: People, host_id: str) -> None:
    forecast = get(people, f"hosts/{host_id}/forecast", days=45).data
    assert len(forecast["days"]) == 46
    assert {(each["lower"], each["upper"]) for each in forecast["days"]} == {(9, 9)}


def test_forecast_under_a_plan_tells_the_bounds_and_what_happens_on_the_way(people: People, host_id: str) -> None:
    at = day(36).isoformat()
    plan = {
        "departures": [{"cmid": cmid(name), "at": at} for name in named("s", 6)],
        "moves": [{"cmid": cmid("s7"), "at": at}],
        "rebuilds": [{"cmid": cmid(name), "at": at, "image": "gold"} for name in named("s", 2, 8)],
    }
    with frozen(day(35.1)):
        answer = people.client("owner").post(url(people, f"hosts/{host_id}/forecast"), plan)
    assert answer.status_code == 200
    days = answer.data["days"]
    assert (days[0]["lower"], days[0]["upper"], days[0]["server"], days[0]["client"]) == (9, 9, "ok", "low")
    assert (days[-1]["lower"], days[-1]["upper"], days[-1]["server"]) == (2, 3, "low")
    (low,) = [event for event in answer.data["events"] if event["kind"] == "low"]
    assert (low["day"], low["required_count"]) == (29, 5)
    assert "servers stop activating and renewing" in low["detail"]


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        ({"moves": [{"cmid": "x", "at": "2026-04-06T00:00:00Z"}]}, "moves"),
        ({"moves": [{"cmid": cmid("s1")}]}, "moves"),
        ({"days": 181}, "days"),
        ({"departures": [{"cmid": cmid("s1"), "at": "2026-04-06T00:00:00Z"}] * 2}, "departures"),
        ({"rebuilds": [{"cmid": cmid("s1"), "at": "2026-04-06T00:00:00Z"}]}, "rebuilds"),
        (
            {
                "rebuilds": [{"cmid": cmid("s1"), "at": "2026-04-06T00:00:00Z", "image": "gold"}],
                "moves": [{"cmid": cmid("s1"), "at": "2026-04-06T00:00:00Z"}],
            },
            "rebuilds",
        ),
    ],
)
def test_plan_that_cannot_be_is_refused_by_its_field(people: People, host_id: str, plan: Any, field: str) -> None:
    answer = people.client("owner").post(url(people, f"hosts/{host_id}/forecast"), plan)
    assert answer.status_code == 400
    assert field in repr(answer.data["errors"])


def test_clients_are_listed_by_their_last_contact(people: People, host_id: str) -> None:
    clients = get(people, f"hosts/{host_id}/clients").data
    assert clients["count"] == 9
    assert {client["cmid"] for client in clients["results"]} == {cmid(name) for name in named("s", 9)}
    assert all(client["counted"] and client["required_count"] == 5 for client in clients["results"])


def test_verdict_of_the_site_and_of_a_wave(people: People, host_id: str) -> None:
    site = get(people, "verdict").data
    assert (site["state"], site["count"], site["server_ok"], site["client_ok"]) == ("ok", 9, True, False)
    assert site["detail"].startswith("KMS01: the count is 9 today and 9 at its lowest")
    assert site["hosts"][0]["reading_id"] == str(KmsReadingRow.objects.get().pk)
    question = {"machines": [{"id": "m1", "names": ["s1"]}, {"id": "m2", "names": ["pc1"], "is_server": False}]}
    with frozen(day(35.1)):
        wave = people.client("owner").post(url(people, "verdict"), question).data
    assert (wave["state"], wave["closes_gate"], wave["machines_not_seen"]) == ("low", True, ["pc1"])
    assert [reason["code"] for reason in wave["reasons"]] == ["kms_low", "kms_machine_not_seen", "kms_single_host"]


def test_what_is_recommended_shows_its_arithmetic(people: People, host_id: str) -> None:
    servers, clients = get(people, "recommendation").data
    assert (servers["way"], servers["advice"]) == ("kms", "Stay with KMS on KMS01.")
    assert servers["arithmetic"][0] == "KMS01: at least 9 in the next 45 days, enough for 5, calm"
    assert (clients["required_count"], clients["way"]) == (25, "nobody")
    assert {each["way"] for each in get(people, "recommendation", at=37).data} == {"unknown"}
    assert get(people, "recommendation", who="stranger").status_code == 404


def test_verdict_without_a_fresh_reading_is_unknown_and_closes_the_gate(people: People, host_id: str) -> None:
    stale = get(people, "verdict", at=36.5).data
    assert (stale["state"], stale["closes_gate"], stale["server_ok"], stale["count"]) == ("unknown", True, None, None)
    assert "older than 24 hours" in stale["detail"]
    assert "upload its JSON" in stale["remedy"]
    assert get(people, "verdict", at=35.1, who="owner").data["state"] == "ok"


def test_same_file_twice_is_one_upload_and_one_reading(people: People, host_id: str) -> None:
    again = upload(people, host_id, output(35, 9, weekly(named("s", 9), until=35)), at=35.2)
    assert again.status_code == 202
    assert Job.objects.get(pk=again.data["id"]).result["reading_id"] == str(KmsReadingRow.objects.get().pk)
    assert KmsUpload.objects.count() == 1


def test_idempotency_key_gives_the_same_job_and_refuses_another_body(people: People) -> None:
    made = a_host(people)
    first = upload(people, made, output(1, 0, []), at=1, **{"Idempotency-Key": "k1"})
    assert upload(people, made, output(1, 0, []), at=1, **{"Idempotency-Key": "k1"}).data["id"] == first.data["id"]
    other = upload(people, made, output(1, 1, []), at=1, **{"Idempotency-Key": "k1"})
    assert (other.status_code, other.data["code"]) == (409, "idempotency_key_reused")


def test_daily_readings_chain_and_only_the_needed_ones_are_loaded(people: People, django_assert_max_num_queries: Any) -> None:
    made = a_host(people)
    contacts = weekly(named("s", 6), until=42)
    for at in range(21, 43, 7):
        seen = [contact for contact in contacts if day(at - 7) <= contact.seen_at <= day(at)]
        upload(people, made, output(at + 0.1, 6, seen), at=at + 0.2)
    with django_assert_max_num_queries(12):
        count = get(people, f"hosts/{made}/count", at=42.3).data
    assert (count["count"], count["quality"]) == (6, "partial")
    assert count["notes"] == ["the event log covers 28 of 30 days: increase the log size of Key Management Service"]


@pytest.mark.parametrize(
    ("body", "code", "place"),
    [
        (b'{"schema": 1, "now"', "kms_not_json", "line 1"),
        (json.dumps(script_output(1, [], 5) | {"now": "soon"}).encode(), "kms_upload_refused", "now"),
        (json.dumps(script_output(9, [], 5)).encode(), "kms_clock_ahead", "now"),
    ],
)
def test_file_that_is_no_reading_fails_its_job_with_the_place(people: People, body: bytes, code: str, place: str) -> None:
    answer = upload(people, a_host(people), body, at=1)
    job = Job.objects.get(pk=answer.data["id"])
    assert job.state == "failed"
    assert job.error["code"] == code
    assert place in job.error["message"]
    assert job.error["next_step"]
    assert not KmsReadingRow.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "kms_upload_empty"),
        (b"{\x00}", 400, "kms_upload_unreadable"),
        (b"Software licensing service version: 10", 400, "kms_format_unknown"),
        (b" " * (20 * 1024 * 1024 + 1), 413, "kms_upload_too_large"),
    ],
)
def test_unusable_body_is_refused_at_once(people: People, body: bytes, status: int, code: str) -> None:
    answer = upload(people, a_host(people), body, at=1)
    assert (answer.status_code, answer.data["code"]) == (status, code)
    assert answer.data["next_step"]
    assert not KmsUpload.objects.exists()


def test_product_keys_of_an_upload_are_found_nowhere_in_the_database(people: People) -> None:
    made = a_host(people)
    body = output(1, 1, weekly(["s1"], until=1), name="KMS01", note=f"line\n{KEY}")
    body["product"][0]["Description"] = f"key {KEY.lower()}"
    assert Job.objects.get(pk=upload(people, made, body, at=1).data["id"]).state == "succeeded"
    rows = [*KmsUpload.objects.values(), *KmsReadingRow.objects.values(), *Job.objects.values(), *AuditEntry.objects.values()]
    assert rows
    assert KEY not in repr(rows).upper()


def test_file_of_another_computer_is_refused(people: People, host_id: str) -> None:
    other = upload(people, host_id, output(35.2, 4, weekly(["x"], until=35), name="KMS99"), at=35.3)
    assert Job.objects.get(pk=other.data["id"]).error["code"] == "kms_other_computer"
    second = a_host(people, "second")
    twice = upload(people, second, output(35.2, 9, weekly(["x"], until=35)), at=35.3)
    assert Job.objects.get(pk=twice.data["id"]).error["code"] == "kms_host_twice"
    assert KmsReadingRow.objects.count() == 1


def test_retired_host_counts_for_nobody_and_frees_its_name(people: People, host_id: str) -> None:
    assert people.client("owner").delete(url(people, f"hosts/{host_id}")).status_code == 204
    assert get(people, "verdict").data["reasons"][0]["code"] == "kms_no_host"
    assert get(people, f"hosts/{host_id}/count").status_code == 404
    assert a_host(people, "KMS01") != host_id


def test_name_is_taken_once_per_project(people: People) -> None:
    a_host(people)
    again = people.client("owner").post(url(people), {"name": "KMS01"})
    assert (again.status_code, again.data["code"]) == (409, "name_taken")


def test_endpoint_of_another_kind_or_project_is_refused(people: People) -> None:
    fields = {"name": "kms01", "url": "https://kms01.corp.example:5986"}
    kms = Endpoint.objects.create(project=people.project, kind="kms", **fields)
    vcenter = Endpoint.objects.create(project=people.project, kind="vcenter", **fields)
    foreign = Endpoint.objects.create(project=people.other_project, kind="kms", **fields)
    client = people.client("owner")
    made = client.post(url(people), {"name": "KMS01", "endpoint": str(kms.pk)})
    assert (made.status_code, made.data["endpoint"]) == (201, str(kms.pk))
    for wrong in (vcenter, foreign):
        refused = client.post(url(people), {"name": "KMS02", "endpoint": str(wrong.pk)})
        assert (refused.status_code, refused.data["errors"][0]["field"]) == (400, "endpoint")


def test_viewer_reads_and_operator_writes(people: People, host_id: str) -> None:
    viewer = a_client(a_user(Role.VIEWER, project=people.project))
    assert viewer.get(url(people, f"hosts/{host_id}/count")).status_code == 200
    assert viewer.get(url(people, "verdict")).status_code == 200
    for answer in (
        viewer.post(url(people), {"name": "x"}),
        viewer.post(url(people, f"hosts/{host_id}/readings"), b"{}", content_type=JSON),
        viewer.delete(url(people, f"hosts/{host_id}")),
    ):
        assert (answer.status_code, answer.data["role_needed"]) == (403, "operator")


def test_another_projects_host_is_not_there(people: People, host_id: str) -> None:
    stranger: APIClient = people.client("stranger")
    foreign = f"/api/v1/projects/{people.other_project.id}/kms/hosts/{host_id}"
    for path in (url(people), url(people, "verdict"), url(people, f"hosts/{host_id}/count"), foreign, f"{foreign}/forecast"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"{foreign}/readings", b"{}", content_type=JSON).status_code == 404


@pytest.mark.parametrize(
    "rest",
    ["forecast?days=x", "forecast?days=181", "forecast?days=-1", "count?at=yesterday", "count?at=2026-03-01T00:00:00",
     "count?at=0001-01-01T00:00:00%2B14:00", "clients?at=2026-13-01T00:00:00Z"],
)  # fmt: skip
def test_bad_parameters_are_refused_by_name(people: People, host_id: str, rest: str) -> None:
    answer = people.client("owner").get(url(people, f"hosts/{host_id}/{rest}"))
    assert (answer.status_code, answer.data["code"]) == (400, "invalid")
    assert answer.data["errors"][0]["field"] in rest


@pytest.mark.parametrize(
    "question",
    [[], {"machines": 5}, {"machines": [{}]}, {"machines": [{"id": "m", "cmid_policy": "kept"}]}, {"moves_at": "soon"},
     {"machines": [{"id": "m", "cmids": ["x"]}]}],
)  # fmt: skip
def test_bad_question_is_refused(people: People, question: Any) -> None:
    assert people.client("owner").post(url(people, "verdict"), question).status_code == 400


def test_move_more_than_half_a_year_ahead_is_refused(people: People, host_id: str) -> None:
    with frozen(day(35.1)):
        answer = people.client("owner").post(url(people, "verdict"), {"moves_at": "2027-12-01T00:00:00Z"})
    assert answer.status_code == 400
    assert answer.data["errors"][0]["field"] == "moves_at"


def test_every_change_is_in_the_audit_log(people: People, host_id: str) -> None:
    actions = set(AuditEntry.objects.filter(project=people.project).values_list("action", flat=True))
    assert {"kms.host_added", "kms.reading_uploaded", "kms.reading_stored"} <= actions
    assert verify(people.project).whole


def test_uploads_and_readings_are_never_changed(people: People, host_id: str) -> None:
    for model in (KmsUpload, KmsReadingRow):
        with pytest.raises(InsertOnly):
            model.objects.get().save()
        with pytest.raises(InsertOnly):
            model.objects.update(host=None)
    assert KmsHost.objects.count() == 1
