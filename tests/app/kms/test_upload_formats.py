"""Every kind of file through the API: read rightly, refused in sentences, and its product keys found nowhere afterwards."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings

from estate.facts.kms import KmsUploadFormat
from kms.core.policy import UPLOAD_LIMIT_BYTES
from kms.models import KmsGuestUpload, KmsReadingRow, KmsUpload
from project.backbone.accounts.policy import Role
from project.backbone.clock import frozen
from project.backbone.models import Job
from tests.builders.evtx import LogEvent, an_evtx
from tests.builders.jobs import run_jobs
from tests.builders.kms import SERVER_SKU, cmid, day, named, script_event, script_output
from tests.builders.people import People, a_client, a_user
from tests.builders.slmgr import client_text, host_text

KEY = "ABCDE-12345-FGHIJ-67890-KLMNO"
AT = 11.4  # 2026-03-12 09:36 UTC
pytestmark = pytest.mark.django_db(transaction=True)


def url(people: People, rest: str) -> str:
    return f"/api/v1/projects/{people.project.id}/kms/{rest}"


def a_host(people: People) -> str:
    return str(people.client("owner").post(url(people, "hosts"), {"name": "KMS01"}).data["id"])


def send(people: People, rest: str, body: bytes, at: float = AT, who: str = "owner", **query: str) -> Any:
    with frozen(day(at) + timedelta(minutes=1)):
        path = url(people, rest) + "?" + "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in query.items())
        answer = people.client(who).post(path, body, content_type="application/octet-stream")
        run_jobs()
    return answer


def told(at: float = AT) -> str:
    return day(at).isoformat()


def fields(client: str) -> list[str]:
    return ["0x0", "5", f"{client}.corp.example", cmid(client), "2026/3/12 8:41", "1", "2", "43020", SERVER_SKU]


def log(clients: int, extra: str = "", since: float = AT - 31) -> bytes:
    times = [since + 7 * week for week in range(5) if since + 7 * week <= AT]
    asked = [(at, name) for at in times for name in named("s", clients)]
    return an_evtx(LogEvent(12290, n, day(at), [*fields(name), extra]) for n, (at, name) in enumerate(asked, 1))


def csv_log(clients: int, extra: str = "") -> bytes:
    rows = [f'{day(at).isoformat()},12290,"Info:\n{",".join(fields(n))}\n{extra}"' for at in (1, 8) for n in named("s", clients)]
    return ("TimeCreated,Id,Message\r\n" + "\r\n".join(rows) + "\r\n").encode()


VAMT = (
    "Computer Name,Product Name,Product Key Type,License Status,CMID,Remark\r\n"
    f'app07.corp.example,"Windows(R), ServerStandard edition",GVLK,Licensed,{cmid("app07")},"{KEY}"\r\n'
).encode()

HOST_FILES = [
    json.dumps(script_output(AT, [script_event("s1", 9)], 17) | {"note": KEY}).replace("-", "\\u002d", 40).encode(),
    host_text(extra=f"Key: {KEY}\r\n").encode(),
    host_text(extra=f"Key: {KEY}\r\n").encode("utf-16"),
    host_text("ja", extra=f"Key: {KEY}\r\n").encode("cp932"),
    csv_log(6, extra=KEY),
    csv_log(6, extra=KEY).decode().encode("utf-16"),
    log(6, extra=KEY),
]
GUEST_FILES = [
    client_text(extra=f"Key: {KEY.lower()}\r\n").encode("utf-16"),
    VAMT,
    json.dumps(script_output(AT, [], 1) | {"note": KEY}).encode(),
]


MOST_BYTES = 64 << 20
"""Larger files are other runs' disks: an upload has at most 20 MB."""


def everything_stored(since_s: float) -> bytes:
    """All rows of all tables, and every file below the data directory that was written since this time."""
    rows = [repr(row) for model in apps.get_models() for row in model._base_manager.values()]
    found = (path for path in Path(settings.VAR_DIR).rglob("*") if path.is_file())
    files = [path.read_bytes() for path in found if path.stat().st_mtime >= since_s and path.stat().st_size < MOST_BYTES]
    return "\n".join(rows).encode() + b"".join(files)


def holds_key(stored: bytes) -> bool:
    folded = stored.upper().replace(b"\x00", b"")
    return KEY.encode() in folded or KEY.replace("-", "\\U002D").encode() in folded


@pytest.mark.parametrize("number", range(len(HOST_FILES)))
def test_product_keys_of_a_hosts_file_are_found_nowhere_on_disk(people: People, number: int) -> None:
    began_s = time.time() - 1.0  # file systems round
    answer = send(people, f"hosts/{a_host(people)}/readings", HOST_FILES[number], collected_at=told())
    assert answer.status_code == 202, answer.data
    job = Job.objects.get(pk=answer.data["id"])
    assert job.state == "succeeded", job.error
    stored = everything_stored(began_s)
    assert KmsUpload.objects.get().sha256.encode() in stored
    assert not holds_key(stored)


@pytest.mark.parametrize("number", range(len(GUEST_FILES)))
def test_product_keys_of_a_guests_file_are_found_nowhere_on_disk(people: People, number: int) -> None:
    began_s = time.time() - 1.0  # file systems round
    answer = send(people, "guests/readings", GUEST_FILES[number], collected_at=told(), computer="app07")
    assert answer.status_code == 202, answer.data
    job = Job.objects.get(pk=answer.data["id"])
    assert job.state == "succeeded", job.error
    stored = everything_stored(began_s)
    assert KmsGuestUpload.objects.get().sha256.encode() in stored
    assert not holds_key(stored)


def test_text_gives_the_count_and_a_log_who_asked_and_both_are_one_history(people: People) -> None:
    host = a_host(people)
    send(people, f"hosts/{host}/readings", log(9), collected_at=told())
    with frozen(day(AT + 0.1)):
        alone = people.client("owner").get(url(people, f"hosts/{host}/count")).data
    assert (alone["count"], alone["observed"], alone["modelled"], alone["quality"]) == (9, None, 9, "exact")
    send(people, f"hosts/{host}/readings", host_text(count="9").encode(), collected_at=told())
    with frozen(day(AT + 0.1)):
        both = people.client("owner").get(url(people, f"hosts/{host}/count")).data
        readings = people.client("owner").get(url(people, f"hosts/{host}/readings")).data["results"]
    assert (both["count"], both["observed"], both["modelled"], both["quality"]) == (9, 9, 9, "exact")
    assert {(reading["format"], reading["parser_version"]) for reading in readings} == {
        ("slmgr_text", "slmgr-text/1"), ("events_evtx", "events-evtx/1"),
    }  # fmt: skip


def test_v20_count_the_host_says_is_used_where_the_log_is_too_short(people: People) -> None:
    host = a_host(people)
    send(people, f"hosts/{host}/readings", host_text(count="14").encode(), collected_at=told())
    send(people, f"hosts/{host}/readings", log(9, since=AT - 12), collected_at=told())
    with frozen(day(AT + 0.1)):
        count = people.client("owner").get(url(people, f"hosts/{host}/count")).data
    assert (count["count"], count["observed"], count["modelled"], count["quality"]) == (14, 14, 9, "partial")


def test_text_is_stale_a_day_after_the_time_it_was_collected_at_not_sent(people: People) -> None:
    host = a_host(people)
    send(people, f"hosts/{host}/readings", host_text().encode(), collected_at=told(AT - 1.1))
    with frozen(day(AT + 0.1)):
        verdict = people.client("owner").get(url(people, "verdict")).data
    assert (verdict["state"], verdict["closes_gate"]) == ("unknown", True)


@pytest.mark.parametrize(
    ("rest", "body", "query", "code"),
    [
        ("hosts/{}/readings", host_text().encode(), {}, "kms_collected_at_missing"),
        ("hosts/{}/readings", host_text().encode(), {"collected_at": told(13)}, "kms_clock_ahead"),
        ("hosts/{}/readings", host_text().encode(), {"collected_at": "yesterday"}, "invalid"),
        ("hosts/{}/readings", b"%PDF-1.7 of something", {"collected_at": told()}, "kms_format_unknown"),
        ("hosts/{}/readings", log(1)[:-9], {"collected_at": told()}, "kms_upload_refused"),
        ("hosts/{}/readings", b"y" * (20 << 20), {"collected_at": told()}, "kms_format_unknown"),
        ("guests/readings", client_text().encode(), {"collected_at": told()}, "kms_computer_missing"),
        ("guests/readings", client_text().encode(), {"computer": "app07"}, "kms_collected_at_missing"),
    ],
)
def test_unusable_file_is_refused_at_once_and_not_stored(
    people: People, rest: str, body: bytes, query: dict[str, str], code: str
) -> None:
    answer = send(people, rest.format(a_host(people)), body, **query)
    assert (answer.status_code, answer.data["code"]) == (400, code)
    assert answer.data.get("next_step") or answer.data["errors"]
    assert not KmsUpload.objects.exists()
    assert not KmsGuestUpload.objects.exists()


@pytest.mark.parametrize(
    ("rest", "body", "code"),
    [
        ("hosts/{}/readings", VAMT, "kms_wrong_place"),
        ("guests/readings", log(2), "kms_wrong_place"),
        ("hosts/{}/readings", host_text().replace("3/12/2026", "1/12/2026").encode(), "kms_collected_at_contradicted"),
        ("hosts/{}/readings", host_text().replace("Current", "Nykyinen").encode(), "kms_unsupported_language"),
    ],
)
def test_file_that_says_something_else_fails_its_job_in_a_sentence(people: People, rest: str, body: bytes, code: str) -> None:
    answer = send(people, rest.format(a_host(people)), body, collected_at=told(), computer="app07")
    job = Job.objects.get(pk=answer.data["id"])
    assert (job.state, job.error["code"]) == ("failed", code)
    assert job.error["next_step"]
    assert not KmsReadingRow.objects.exists()


def test_same_file_told_of_another_time_is_another_reading(people: People) -> None:
    host = a_host(people)
    for at in (AT, AT, AT - 0.1):
        assert send(people, f"hosts/{host}/readings", host_text().encode(), collected_at=told(at)).status_code == 202
    assert KmsUpload.objects.count() == 2
    assert {upload.format for upload in KmsUpload.objects.all()} == {KmsUploadFormat.SLMGR_TEXT.value}


def test_guests_are_written_by_operators_and_read_by_viewers_of_the_project(people: People) -> None:
    viewer = a_client(a_user(Role.VIEWER, project=people.project))
    refused = viewer.post(url(people, "guests/readings"), VAMT, content_type="text/csv")
    assert (refused.status_code, refused.data["role_needed"]) == (403, "operator")
    assert viewer.get(url(people, "guests")).data == {"guests": [], "not_linked": []}
    stranger = people.client("stranger")
    assert stranger.get(url(people, "guests")).status_code == 404
    assert stranger.post(url(people, "guests/readings"), VAMT, content_type="text/csv").status_code == 404


def test_largest_upload_is_held_in_memory_by_the_server() -> None:
    """Django spools a body to a temporary file above this size, product keys and all."""
    assert settings.FILE_UPLOAD_MAX_MEMORY_SIZE > UPLOAD_LIMIT_BYTES
