"""Collecting a KMS host over WinRM through the API, the page and by schedule, against the lab's WinRM server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import management
from django.urls import reverse

from kms.models import KmsCollection, KmsHost, KmsReadingRow, KmsUpload
from kms.services.hosts import retire_host
from lab.kms_sim.winrm import Site, WinRmServer
from lab.tls import CertFiles, make_certificate
from lab.worlds import kms as world
from project.backbone.audit.services import verify
from project.backbone.clock import frozen, now
from project.backbone.jobs import periodic
from project.backbone.models import AuditEntry, Endpoint, Job
from tests.builders.inventory import SYSTEM
from tests.builders.jobs import run_jobs
from tests.builders.pages import signed_in
from tests.builders.people import People

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")]
USER, PASSWORD = "LAB\\kms-reader", "correct horse; battery staple"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> CertFiles:
    return make_certificate(tmp_path_factory.mktemp("kms01"), "kms01.corp.example", ["127.0.0.1"])


@pytest.fixture
def site() -> Site:
    return Site(reading=lambda: json.dumps(world.reading(1, ("win-app01",), now())), users={USER: PASSWORD})


@pytest.fixture
def server(site: Site, certificate: CertFiles, tmp_path: Path) -> Iterator[WinRmServer]:
    with WinRmServer(site, certificate, tmp_path) as running:
        yield running


@pytest.fixture
def host(people: People) -> KmsHost:
    return KmsHost.objects.create(project=people.project, name="kms01")


def url(host: KmsHost, verb: str = "") -> str:
    return f"/api/v1/projects/{host.project_id}/kms/hosts/{host.pk}/collection{verb}"


def run_all() -> None:
    """Run what is due, and once more when a job that waits for another looks again."""
    run_jobs()
    with frozen(now() + timedelta(seconds=2)):
        run_jobs()


def ended(people: People, host: KmsHost, verb: str) -> Job:
    answer = people.client("owner").post(url(host, verb))
    assert answer.status_code == 202, answer.content
    run_all()
    return Job.objects.get(pk=answer.data["id"])


def set_up(people: People, host: KmsHost, server: WinRmServer, **changes: Any) -> Any:
    body = {"url": server.url, "username": USER, "secret": PASSWORD, "timeout_s": 20} | changes
    return people.client("owner").patch(url(host), body)


def confirmed(people: People, host: KmsHost, server: WinRmServer, **changes: Any) -> None:
    """Set, probed, and the certificate vouched for."""
    assert set_up(people, host, server, **changes).status_code == 200
    shown = (ended(people, host, "/probe").result or {})["certificates"]
    prints = [certificate["sha256"] for certificate in shown]
    assert people.client("owner").post(url(host, "/confirm"), {"tls_thumbprints": prints}).status_code == 200


def test_a_host_is_set_probed_confirmed_and_collected_like_an_upload(
    people: People, host: KmsHost, server: WinRmServer, site: Site
) -> None:
    confirmed(people, host, server)
    job = ended(people, host, "/collect")
    assert (job.state, (job.result or {})["count"]) == ("succeeded", 7), job.error
    row = KmsReadingRow.objects.get(host=host)
    assert (row.current_count, str(row.pk)) == (7, (job.result or {})["reading_id"])
    told = people.client("owner").get(url(host)).data
    assert told["failed"] is None and told["collected_at"] and told["confirmed_at"]
    assert len(site.scripts) == 1
    assert AuditEntry.objects.filter(action__in=["kms.collection_set", "kms.reading_stored"]).count() == 2
    assert verify(people.project).whole


def test_the_secret_is_sealed_and_shown_nowhere(people: People, host: KmsHost, server: WinRmServer, tmp_path: Path) -> None:
    confirmed(people, host, server)
    ended(people, host, "/collect")
    told = people.client("owner").get(url(host)).content.decode()
    page = signed_in(people.owner).get(reverse("kms-host", args=[people.project.id, host.pk])).content.decode()
    dump = tmp_path / "dump.json"
    management.call_command("dumpdata", output=str(dump), verbosity=0)
    for text in (told, page, dump.read_text()):
        assert PASSWORD not in text
    assert Endpoint.objects.get().sealed_password


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"secret": "wrong"}, "winrm_login_refused"),
        ({"configuration": "JEA.Nothing"}, "winrm_configuration_refused"),
    ],
)
def test_what_is_wrong_is_told_by_code_and_next_step_and_kept(
    fault: dict[str, str], code: str, people: People, host: KmsHost, server: WinRmServer
) -> None:
    confirmed(people, host, server, **fault)
    job = ended(people, host, "/collect")
    assert job.state == "failed" and (job.error or {})["code"] == code and (job.error or {})["next_step"]
    told = people.client("owner").get(url(host)).data["failed"]
    assert (told["code"], bool(told["next_step"])) == (code, True)
    page = signed_in(people.owner).get(reverse("kms-host", args=[people.project.id, host.pk])).content.decode()
    assert code in page


def test_a_refused_login_is_not_tried_again_at_once(people: People, host: KmsHost, server: WinRmServer, site: Site) -> None:
    confirmed(people, host, server, secret="wrong")
    ended(people, host, "/collect")
    asked = site.requests
    assert (ended(people, host, "/collect").error or {})["code"] == "login_not_tried"
    assert site.requests == asked
    people.client("owner").patch(url(host), {"secret": PASSWORD})
    assert ended(people, host, "/collect").state == "succeeded"


def test_another_certificate_stops_the_collection(people: People, host: KmsHost, server: WinRmServer, site: Site) -> None:
    confirmed(people, host, server)
    Endpoint.objects.update(pins=["AA:" * 31 + "AA"])
    assert (ended(people, host, "/collect").error or {})["code"] == "certificate_changed"
    assert site.requests == 0


def test_nothing_is_collected_before_it_is_set_and_confirmed(people: People, host: KmsHost, server: WinRmServer) -> None:
    client = people.client("owner")
    for verb in ("/probe", "/collect"):
        answer = client.post(url(host, verb))
        assert (answer.status_code, answer.data["code"]) == (409, "kms_collection_not_set")
    assert client.get(url(host)).status_code == 409
    set_up(people, host, server)
    answer = client.post(url(host, "/collect"))
    assert (answer.status_code, answer.data["code"]) == (409, "pins_not_confirmed")


def test_a_reading_that_is_wrong_fails_the_collection_with_the_reading_s_own_words(
    people: People, host: KmsHost, server: WinRmServer, site: Site
) -> None:
    confirmed(people, host, server)
    site.reading = lambda: '{"schema": 99}'
    job = ended(people, host, "/collect")
    assert (job.state, (job.error or {})["code"]) == ("failed", "kms_schema_unknown")


def test_product_keys_a_host_prints_are_stored_nowhere(
    people: People, host: KmsHost, server: WinRmServer, site: Site, tmp_path: Path
) -> None:
    confirmed(people, host, server)
    plain = site.reading
    site.reading = lambda: plain().replace("VOLUME_KMS", "ABCDE-12345-FGHIJ-67890-KLMNO VOLUME_KMS")
    assert ended(people, host, "/collect").state == "succeeded"
    dump = tmp_path / "dump.json"
    management.call_command("dumpdata", output=str(dump), verbosity=0)
    assert "ABCDE-12345" not in dump.read_text() and KmsUpload.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "http://kms01.corp.example", "username": "a", "secret": "b"}, "url"),
        ({"url": "https://kms01.corp.example/wsman", "username": "a", "secret": "b"}, "url"),
        ({"url": "https://kms01.corp.example", "username": "a"}, "secret"),
        ({"url": "https://kms01.corp.example", "secret": "b"}, "username"),
        ({"url": "https://kms01.corp.example", "secret": "b", "auth": "certificate"}, "secret"),
        ({"url": "https://kms01.corp.example", "username": "a", "secret": "b", "auth": "basic"}, "auth"),
        ({"url": "https://kms01.corp.example", "username": "a", "secret": "b", "configuration": "a b"}, "configuration"),
        ({"url": "https://kms01.corp.example", "username": "a", "secret": "b", "timeout_s": 0}, "timeout_s"),
    ],
)
def test_what_cannot_be_is_refused_by_field_and_leaves_nothing(
    body: dict[str, Any], field: str, people: People, host: KmsHost
) -> None:
    answer = people.client("owner").patch(url(host), body)
    assert (answer.status_code, answer.data["errors"][0]["field"]) == (400, field), answer.data
    assert not KmsCollection.objects.exists() and not Endpoint.objects.exists()


def test_winrm_s_own_port_is_taken_where_none_is_given_and_another_way_to_sign_in_needs_its_own_secret(
    people: People, host: KmsHost
) -> None:
    client = people.client("owner")
    body = {"url": "https://kms01.corp.example/", "username": USER, "secret": PASSWORD}
    assert client.patch(url(host), body).data["url"] == "https://kms01.corp.example:5986"
    refused = client.patch(url(host), {"auth": "certificate"})
    assert (refused.status_code, refused.data["errors"][0]["field"]) == (400, "secret")


def test_only_operators_of_the_project_touch_it(people: People, host: KmsHost, server: WinRmServer) -> None:
    set_up(people, host, server)
    stranger = people.client("stranger")
    for answer in (
        stranger.get(url(host)),
        stranger.patch(url(host), {"every_hours": 1}),
        stranger.delete(url(host)),
        stranger.post(url(host, "/probe")),
        stranger.post(url(host, "/confirm"), {"tls_thumbprints": ["x"]}),
        stranger.post(url(host, "/collect")),
    ):
        assert answer.status_code == 404


def test_a_schedule_collects_confirmed_hosts_in_use_when_they_are_due(people: People, host: KmsHost, server: WinRmServer) -> None:
    set_up(people, host, server, every_hours=6)
    at = now()

    def collected(after: timedelta) -> int:
        with frozen(at + after):
            periodic.ask_due()
            run_all()
        return Job.objects.filter(kind="kms.collect_host").count()

    assert collected(timedelta(minutes=1)) == 0, "nobody confirmed its certificate"
    confirmed(people, host, server)
    assert collected(timedelta(hours=2)) == 1
    assert collected(timedelta(hours=6)) == 1
    assert collected(timedelta(hours=9)) == 2
    retire_host(host, actor=SYSTEM)
    assert collected(timedelta(hours=30)) == 2
    assert not Endpoint.objects.exists(), "a retired host leaves no secret behind"


def test_a_stopped_collection_forgets_address_and_secret_and_keeps_the_readings(
    people: People, host: KmsHost, server: WinRmServer
) -> None:
    confirmed(people, host, server)
    ended(people, host, "/collect")
    assert people.client("owner").delete(url(host)).status_code == 204
    assert people.client("owner").delete(url(host)).status_code == 204
    assert not Endpoint.objects.exists() and KmsReadingRow.objects.count() == 1
    host.refresh_from_db()
    assert host.endpoint is None


def test_the_page_sets_probes_confirms_collects_and_stops(people: People, host: KmsHost, server: WinRmServer) -> None:
    browser, args = signed_in(people.owner), [people.project.id, host.pk]
    fields = {"url": server.url, "auth": "ntlm", "username": USER, "secret": PASSWORD, "every_hours": "24"}
    browser.post(reverse("kms-collection-form", args=args), fields)
    browser.post(reverse("kms-probe-form", args=args))
    run_jobs()
    page = browser.get(reverse("kms-host", args=args)).content.decode()
    assert "I compared it: confirm" in page and "not confirmed" in page and "every 24 h" in page
    (shown,) = Endpoint.objects.get().offered_pins
    browser.post(reverse("kms-confirm-form", args=args), {"sha256": shown["sha256"]})
    browser.post(reverse("kms-collect-form", args=args))
    run_all()
    page = browser.get(reverse("kms-host", args=args)).content.decode()
    assert KmsReadingRow.objects.count() == 1 and "Collect now" in page and "last observed 7" in page.lower()
    browser.post(reverse("kms-collection-form", args=args), {"auth": "basic"})
    assert "no such way to sign in" in browser.get(reverse("kms-host", args=args)).content.decode()
    browser.post(reverse("kms-stop-form", args=args))
    assert "Not set: its readings come by upload" in browser.get(reverse("kms-host", args=args)).content.decode()
