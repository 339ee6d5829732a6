"""The way of a source from its address to assessed machines, over the API and real jobs, against somebody else's vCenter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from rest_framework.test import APIClient

from migration.inventory.models import Inventory, Machine
from project.backbone.models import Job
from tests.builders.jobs import run_jobs
from tests.builders.people import People
from tests.vcsim.server import PASSWORD, USER, ToolMissing, Vcsim, build, running_vcsim

pytestmark = [pytest.mark.vcsim, pytest.mark.django_db]


@pytest.fixture
def vcsim(tmp_path: Path) -> Iterator[Vcsim]:
    try:
        build()
    except ToolMissing as missing:
        pytest.skip(str(missing))
    with running_vcsim(tmp_path) as simulator:
        yield simulator


class SourceAtHand:
    """One source as its owner drives it over HTTP, with the jobs run in between."""

    def __init__(self, people: People, url: str, password: str = PASSWORD, username: str = USER) -> None:
        self.client: APIClient = people.client("owner")
        self.base = f"/api/v1/projects/{people.project.id}"
        body = {"kind": "vcenter", "name": "vc", "url": url, "username": username, "password": password}
        created = self.client.post(f"{self.base}/sources", body)
        assert created.status_code == 201, created.content
        self.path = f"{self.base}/sources/{created.json()['id']}"

    def get(self, rest: str = "") -> Any:
        return self.client.get(f"{self.path}{rest}").json()

    def run(self, verb: str) -> Job:
        asked = self.client.post(f"{self.path}/{verb}")
        assert asked.status_code == 202, asked.content
        run_jobs()
        return Job.objects.get(pk=asked.json()["id"])

    def confirm_all(self) -> None:
        shown = [certificate["sha256"] for certificate in self.get()["certificates"]]
        answer = self.client.post(f"{self.path}/confirm", {"tls_thumbprints": shown})
        assert answer.status_code == 200, answer.content


def test_a_vcenter_is_probed_confirmed_collected_and_assessed(people: People, vcsim: Vcsim) -> None:
    source = SourceAtHand(people, vcsim.url)
    assert source.run("probe").state == "succeeded"
    assert source.get()["about"] is None
    assert [shown["sha256"] for shown in source.get()["certificates"]] == [vcsim.files.sha256_fingerprint]
    source.confirm_all()
    assert source.run("probe").result["logged_in"] is True
    assert source.get()["about"]["is_vcenter"] is True
    source.confirm_all()
    job = source.run("collect")
    assert job.state == "succeeded", job.error
    counts = {
        "vms": 9, "hosts": 5, "clusters": 2, "datastores": 2, "networks": 4, "switches": 1, "containers": 13, "disks": 9,
    }  # fmt: skip
    assert (job.result["counts"], Inventory.objects.get().counts) == (counts, counts)
    machines = source.client.get(f"{source.base}/machines").json()
    assert machines["count"] == Machine.objects.count() == 9
    assert Job.objects.get(kind="assessment.assess").state == "succeeded"
    hosts = source.client.get(f"{source.base}/inventories/{job.result['inventory_id']}/hosts").json()
    assert hosts["count"] == 5


def test_a_second_collection_of_an_unchanged_estate_stores_no_fact_again(people: People, vcsim: Vcsim) -> None:
    source = SourceAtHand(people, vcsim.url)
    source.run("probe")
    source.confirm_all()
    old, new = (source.run("collect").result["inventory_id"] for _ in range(2))
    found = source.client.get(f"{source.base}/inventories/{new}/diff?against={old}").json()
    assert (found["added"], found["gone"], found["changed"]) == ([], [], [])


def test_a_changed_certificate_is_refused_before_the_password_leaves(people: People, tmp_path: Path, vcsim: Vcsim) -> None:
    source = SourceAtHand(people, vcsim.url)
    source.run("probe")
    source.confirm_all()
    with running_vcsim(tmp_path / "second") as other:
        people.project.endpoints.update(url=f"https://127.0.0.1:{urlsplit(other.url).port}/sdk")
        job = source.run("collect")
    assert (job.state, job.error["code"]) == ("failed", "certificate_changed")
    assert job.error["next_step"]
    assert Inventory.objects.get().state == "failed"


def test_a_wrong_password_fails_once_and_is_not_tried_again(people: People, vcsim: Vcsim) -> None:
    source = SourceAtHand(people, vcsim.url, password="guess")
    source.run("probe")
    source.confirm_all()
    job = source.run("collect")
    assert (job.state, job.attempts) == ("failed", 1)
    assert "guess" not in str(job.error)
    assert job.error["next_step"]
