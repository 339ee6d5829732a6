"""Sources that are files: a package under the import folder becomes an inventory, and nothing asks it for a certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.services import gathering
from migration.inventory import selectors
from migration.inventory.models import Inventory, Source
from project.backbone.models import Job
from tests.builders import ova
from tests.builders.inventory import a_source
from tests.builders.jobs import run_jobs
from tests.builders.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def import_dir(tmp_path: Path, settings: Any) -> Path:
    settings.IMPORT_DIR = tmp_path
    (tmp_path / "web.ova").write_bytes(ova.archive(ova.package(b"x")))
    return tmp_path


def url(people: People, rest: str = "") -> str:
    return f"/api/v1/projects/{people.project.id}/sources{rest}"


def added(people: People, client: APIClient, **body: str) -> Any:
    answer = client.post(url(people), {"kind": "ova", "path": "web.ova", **body})
    assert answer.status_code == 201, answer.content
    return answer.json()


def collected(people: People, client: APIClient, sid: str) -> Job:
    asked = client.post(url(people, f"/{sid}/collect"))
    assert asked.status_code == 202, asked.content
    run_jobs()
    return Job.objects.get(pk=asked.json()["id"])


def test_a_package_becomes_an_assessed_inventory_without_any_certificate(people: People) -> None:
    owner = people.client("owner")
    source = added(people, owner, name="exports")
    assert (source["name"], source["path"], source["url"], source["confirmed_at"]) == ("exports", "web.ova", "", None)
    assert (source["tls_thumbprints"], source["certificates"]) == ([], [])
    job = collected(people, owner, source["id"])
    assert job.state == "succeeded", job.error
    inventory = Inventory.objects.get()
    assert (inventory.counts["vms"], inventory.counts["networks"], inventory.counts["disks"]) == (1, 1, 1)
    assert [vm.name for vm in selectors.vms(inventory)] == ["web"]
    assert Job.objects.get(kind="assessment.assess").state == "succeeded", Job.objects.get(kind="assessment.assess").error
    assert owner.get(url(people, f"/{source['id']}")).json()["about"]["product"] == "OVF of VMware"


def test_a_machine_of_a_package_has_facts_but_no_endpoint(people: People) -> None:
    owner = people.client("owner")
    collected(people, owner, added(people, owner)["id"])
    (view,) = selectors.machine_views(selectors.machines(people.project))
    assert (view.name, view.source_name, view.endpoint_id) == ("web", "web.ova", None)
    assert isinstance(view.vm, VmFacts)
    listed = owner.get(f"/api/v1/projects/{people.project.id}/machines")
    assert [row["source_name"] for row in listed.json()["results"]] == ["web.ova"]


@pytest.mark.parametrize(("verb", "body"), [("probe", {}), ("confirm", {"tls_thumbprints": ["AB"]})])
def test_a_file_has_nothing_to_probe_or_confirm(people: People, verb: str, body: dict[str, Any]) -> None:
    owner = people.client("owner")
    source = added(people, owner)
    answer = owner.post(url(people, f"/{source['id']}/{verb}"), body)
    assert (answer.status_code, answer.json()["code"]) == (409, "source_is_a_file")
    assert answer.json()["next_step"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "path", "required"),
        ({"path": "../web.ova"}, "path", "ova_path_not_allowed"),
        ({"path": "/etc/passwd"}, "path", "ova_path_not_allowed"),
        ({"path": "gone.ova"}, "path", "ova_path_not_allowed"),
        ({"path": "web.ova", "url": "https://vc.corp.example"}, "url", "not_for_this_kind"),
        ({"path": "web.ova", "username": "reader"}, "username", "not_for_this_kind"),
        ({"path": "web.ova", "kind": "vcenter", "url": "https://vc.corp.example"}, "path", "not_for_this_kind"),
    ],
)
def test_what_does_not_fit_the_kind_is_refused_by_field(people: People, body: dict[str, str], field: str, code: str) -> None:
    answer = people.client("owner").post(url(people), {"kind": "ova", "name": "exports", **body})
    assert answer.status_code == 400
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]
    assert not Source.objects.exists()


def test_without_an_import_folder_no_package_is_taken(people: People, settings: Any) -> None:
    settings.IMPORT_DIR = None
    answer = people.client("owner").post(url(people), {"kind": "ova", "name": "exports", "path": "web.ova"})
    assert answer.status_code == 400
    assert "XENBOUND_IMPORT_DIR" in answer.json()["next_step"]


def test_two_packages_of_one_name_are_refused(people: People) -> None:
    owner = people.client("owner")
    added(people, owner, name="exports")
    answer = owner.post(url(people), {"kind": "ova", "name": "exports", "path": "web.ova"})
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


def test_name_and_path_of_a_file_can_be_changed_and_nothing_else(people: People, import_dir: Path) -> None:
    owner = people.client("owner")
    source = added(people, owner)
    (import_dir / "new.ova").write_bytes(b"x")
    changed = owner.patch(url(people, f"/{source['id']}"), {"name": "renamed", "path": "new.ova"})
    assert (changed.json()["name"], changed.json()["path"]) == ("renamed", "new.ova")
    refused = owner.patch(url(people, f"/{source['id']}"), {"url": "https://vc.corp.example"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "not_for_this_kind")
    on_a_server = owner.patch(url(people, f"/{a_source(people.project).id}"), {"path": "web.ova"})
    assert (on_a_server.status_code, on_a_server.json()["errors"][0]["field"]) == (400, "path")


@pytest.mark.parametrize("content", [None, b"no archive"])
def test_a_package_that_went_or_broke_fails_its_job_with_a_next_step(
    people: People, import_dir: Path, content: bytes | None
) -> None:
    owner = people.client("owner")
    source = added(people, owner)
    if content is None:
        (import_dir / "web.ova").unlink()
    else:
        (import_dir / "web.ova").write_bytes(content)
    job = collected(people, owner, source["id"])
    assert (job.state, job.attempts) == ("failed", 1)
    assert job.error["code"].startswith("ova_")
    assert job.error["next_step"]
    assert not Inventory.objects.filter(state="complete").exists()


def test_servers_and_files_are_found_by_name_in_one_list(people: People) -> None:
    owner = people.client("owner")
    added(people, owner, name="exports")
    a_source(people.project, name="vc1")
    assert {row["name"] for row in owner.get(url(people)).json()["results"]} == {"exports", "vc1"}
    assert [row["name"] for row in owner.get(url(people, "?q=expo")).json()["results"]] == ["exports"]


def test_a_file_leaves_its_makers_rights_open_and_no_certificate(people: People) -> None:
    owner = people.client("owner")
    sid = added(people, owner)["id"]
    collected(people, owner, sid)
    facts = gathering.gather(Inventory.objects.get(), modes=frozenset()).source
    nobody_asked = Unknown("no host is asked on behalf of a file", everywhere=True)
    assert (facts.hosts_unread, facts.pins_changed) == (nobody_asked, nobody_asked)
    assert facts.privileges_missing == Unknown("a file does not say with which rights it was made")
