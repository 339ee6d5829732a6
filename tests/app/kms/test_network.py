"""The way to KMS through the API, on the page and by schedule, against a DNS server and ports on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from kms.models import KmsHost, KmsLookup, KmsPortTry
from kms.services.hosts import add_host, retire_host
from lab.kms_sim.dns import DnsServer
from lab.kms_sim.port import OpenPort
from project.backbone import clock
from project.backbone.audit.services import verify
from project.backbone.clock import frozen, now
from project.backbone.jobs import periodic
from project.backbone.models import AuditEntry, Job
from tests.builders.inventory import SYSTEM
from tests.builders.jobs import run_jobs
from tests.builders.kms import day, script_output
from tests.builders.pages import HOSTILE, signed_in
from tests.builders.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture
def port() -> Iterator[OpenPort]:
    with OpenPort("127.0.0.1") as listening:
        yield listening


@pytest.fixture
def zone(port: OpenPort) -> Iterator[DnsServer]:
    """DNS names a host that is open on loopback, and one that is gone."""
    records = [f"0 0 {port.port} localhost.", "10 0 1688 gone.corp.example."]
    with DnsServer({("_vlmcs._tcp.corp.example", "SRV"): records, ("localhost", "A"): ["127.0.0.1"]}) as server:
        yield server


def url(people: People) -> str:
    return f"/api/v1/projects/{people.project.id}/kms/network"


def set_up(people: People, zone: DnsServer, **changes: Any) -> Any:
    body = {"domains": ["corp.example"], "resolvers": [zone.resolver], "timeout_s": 2} | changes
    return people.client("owner").patch(url(people), body)


def looked(people: People) -> dict[str, Any]:
    answer = people.client("owner").post(url(people))
    assert answer.status_code == 202, answer.content
    run_jobs()
    return dict(Job.objects.get(pk=answer.data["id"]).result or {})


def test_a_look_tells_records_ports_stale_targets_and_hosts_to_add(people: People, zone: DnsServer, port: OpenPort) -> None:
    assert set_up(people, zone).status_code == 200
    assert looked(people) == {"domains": 1, "domains_failed": 0, "ports": 1, "ports_open": 1}
    told = people.client("owner").get(url(people)).data
    (lookup,) = told["lookups"]
    assert [(record["target"], record["addresses"]) for record in lookup["records"]] == [
        ("localhost", ["127.0.0.1"]),
        ("gone.corp.example", []),
    ]
    (tried,) = told["tries"]
    assert (tried["name"], tried["port"], tried["outcome"], tried["timeout_s"]) == ("localhost", port.port, "open", 2)
    assert {finding["code"] for finding in told["findings"]} == {"kms_srv_stale", "kms_srv_unknown_host"}
    assert [each["name"] for each in told["suggestions"]] == ["localhost"]
    assert port.wait_for(1) and port.received == b""
    assert AuditEntry.objects.filter(action="kms.looked_around").count() == 1 and verify(people.project).whole


def test_a_record_of_a_retired_host_is_told_as_stale(people: People, zone: DnsServer) -> None:
    set_up(people, zone)
    host = KmsHost.objects.create(project=people.project, name="localhost")
    retire_host(host, actor=SYSTEM)
    looked(people)
    stale = {f["subject"] for f in people.client("owner").get(url(people)).data["findings"] if f["code"] == "kms_srv_stale"}
    assert len(stale) == 2 and any(subject.startswith("localhost:") for subject in stale)


def test_a_silent_dns_leaves_it_unknown_and_says_why(people: People, zone: DnsServer) -> None:
    zone.silent = True
    set_up(people, zone, timeout_s=0.5)
    assert looked(people)["domains_failed"] == 1
    told = people.client("owner").get(url(people)).data
    assert told["lookups"][0]["records"] == [] and "no answer" in told["lookups"][0]["failed"]
    assert [finding["code"] for finding in told["findings"]] == ["kms_dns_unknown"]
    assert KmsLookup.objects.get().failed_code == "dns_timeout"


def test_nothing_known_is_unknown_and_a_look_without_anything_to_look_at_is_refused(people: People) -> None:
    assert [f["code"] for f in people.client("owner").get(url(people)).data["findings"]] == ["kms_dns_unknown"]
    answer = people.client("owner").post(url(people))
    run_jobs()
    assert (Job.objects.get(pk=answer.data["id"]).error or {})["code"] == "kms_nothing_to_look_at"
    KmsHost.objects.create(project=people.project, name="kms01.invalid")
    assert [f["code"] for f in people.client("owner").get(url(people)).data["findings"]] == [
        "kms_dns_unknown",
        "kms_port_unknown",
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"domains": ["a b"]}, "domains"),
        ({"domains": ["-x.example"]}, "domains"),
        ({"domains": [f"d{n}.example" for n in range(51)]}, "domains"),
        ({"domains": "corp.example"}, "domains"),
        ({"resolvers": ["dns.example"]}, "resolvers"),
        ({"resolvers": ["10.0.0.1:0"]}, "resolvers"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"every_hours": 200}, "every_hours"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_field(people: People, body: dict[str, Any], field: str) -> None:
    answer = people.client("owner").patch(url(people), body)
    assert answer.status_code == 400
    assert answer.data["errors"][0]["field"].startswith(field)


def test_settings_are_kept_as_asked_domains_in_one_spelling_and_each_once(people: People, zone: DnsServer) -> None:
    answer = set_up(people, zone, domains=["Corp.Example.", "corp.example"], every_hours=24)
    assert (answer.data["domains"], answer.data["every_hours"]) == (["corp.example"], 24)
    assert people.client("owner").patch(url(people), {"every_hours": 0}).data["domains"] == ["corp.example"]


def test_the_port_tried_is_the_one_the_host_says_it_listens_on(people: People) -> None:
    host = add_host(people.project, name="kms01.invalid", actor=SYSTEM)
    told = script_output(35, [], 9)
    told["service"]["KeyManagementServiceListeningPort"] = 1700
    with frozen(day(35)):
        path = f"/api/v1/projects/{people.project.id}/kms/hosts/{host.pk}/readings"
        people.client("owner").post(path, json.dumps(told), content_type="application/json")
        run_jobs()
        findings = people.client("owner").get(url(people)).data["findings"]
    assert [f["subject"] for f in findings if f["code"] == "kms_port_unknown"] == ["kms01.invalid:1700"]


def test_only_operators_of_the_project_set_and_look(people: People) -> None:
    for who, status in (("stranger", 404),):
        client = people.client(who)
        assert {client.get(url(people)).status_code, client.patch(url(people), {}).status_code} == {status}
        assert client.post(url(people)).status_code == status


def test_a_schedule_asks_when_it_is_due_and_not_before(people: People, zone: DnsServer) -> None:
    set_up(people, zone, every_hours=6)
    at = now()

    def looks_asked(after: timedelta) -> int:
        with frozen(at + after):
            periodic.ask_due()
            run_jobs()
        return Job.objects.filter(kind="kms.look_around").count()

    assert looks_asked(timedelta(minutes=1)) == 1
    assert looks_asked(timedelta(hours=5)) == 1
    assert looks_asked(timedelta(hours=7)) == 2
    set_up(people, zone, every_hours=0)
    assert looks_asked(timedelta(hours=30)) == 2


def test_looks_older_than_thirty_days_are_forgotten_and_do_not_count_before(people: People, zone: DnsServer) -> None:
    set_up(people, zone)
    looked(people)
    with clock.frozen(now() + timedelta(hours=25)):
        assert "kms_dns_unknown" in {f["code"] for f in people.client("owner").get(url(people)).data["findings"]}
    with clock.frozen(now() + timedelta(days=31)):
        looked(people)
    assert (KmsLookup.objects.count(), KmsPortTry.objects.count()) == (1, 1)


def test_the_page_shows_it_sets_it_looks_and_adds_what_dns_names(people: People, zone: DnsServer) -> None:
    browser, project = signed_in(people.owner), people.project.id
    fields = {"domains": "corp.example", "resolvers": zone.resolver, "every_hours": "0"}
    assert browser.post(reverse("kms-network-settings-form", args=[project]), fields).status_code == 303
    assert browser.post(reverse("kms-look-form", args=[project])).status_code == 303
    run_jobs()
    page = browser.get(reverse("project-kms", args=[project])).content.decode()
    assert "gone.corp.example" in page and "does not resolve" in page and "Add localhost" in page and "kms_srv_stale" in page
    assert browser.post(reverse("kms-add-suggested-form", args=[project]), {"name": "localhost"}).status_code == 303
    assert KmsHost.objects.get().name == "localhost"
    browser.post(reverse("kms-add-suggested-form", args=[project]), {"name": HOSTILE})
    browser.post(reverse("kms-network-settings-form", args=[project]), {"every_hours": "-1"})
    assert KmsHost.objects.count() == 1
    assert "whole number from 0 to 168" in browser.get(reverse("project-kms", args=[project])).content.decode()


def test_a_stranger_looks_at_no_page_and_sends_no_form(people: People) -> None:
    browser = signed_in(people.stranger)
    assert browser.get(reverse("project-kms", args=[people.project.id])).status_code == 404
    for name in ("kms-look-form", "kms-network-settings-form", "kms-add-suggested-form"):
        assert browser.post(reverse(name, args=[people.project.id])).status_code == 404
