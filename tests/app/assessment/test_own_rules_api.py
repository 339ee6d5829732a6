"""A project's own rules over HTTP: checked member by member, versioned, asked beside the catalogue, waived and closed like it."""

from __future__ import annotations

from typing import Any

import pytest

from estate.facts.unknown import UNKNOWN
from migration.assessment import selectors
from migration.assessment.models import Finding, OwnRule, OwnRuleVersion
from project.backbone.accounts.policy import Role
from project.backbone.clock import now
from project.backbone.models import AuditEntry, Job
from tests.builders.estate import a_nic, a_vm
from tests.builders.inventory import a_source, an_inventory
from tests.builders.jobs import run_jobs
from tests.builders.people import People, a_client, a_user

pytestmark = pytest.mark.django_db
BACKUP: dict[str, Any] = {
    "id": "OWN-BACKUP", "field": "custom_values.Backup", "comparison": "is_not_set", "severity": "critical",
    "title": "No backup plan", "why": "Nobody could bring it back.", "remediation": "Name the backup plan in vCenter.",
}  # fmt: skip


def url(people: People, rest: str = "") -> str:
    return f"/api/v1/projects/{people.project.id}/rules{rest}"


def add(people: People, **changes: Any) -> Any:
    return people.client("owner").post(url(people), {**BACKUP, **changes}, format="json")


@pytest.fixture
def estate(people: People) -> People:
    """One machine with the attribute, one without, one whose attributes nobody could read."""
    vms = (
        a_vm("kept", nics=(a_nic(0),), custom_values=(("Backup", "daily"),)),
        a_vm("bare", nics=(a_nic(1),), custom_values=()),
        a_vm("unread", nics=(a_nic(2),), custom_values=UNKNOWN),
    )
    an_inventory(a_source(people.project), *vms)
    return people


def found(people: People) -> dict[str, str]:
    run_jobs(kind="assessment.assess")
    rows = Finding.objects.filter(rule_id="OWN-BACKUP").values_list("subject_name", "result")
    return dict(rows)


def test_an_added_rule_is_asked_of_every_machine_and_blocks_like_one_of_the_catalogue(estate: People) -> None:
    added = add(estate)
    assert (added.status_code, added["ETag"], added.json()["version"]) == (201, '"1"', 1)
    assert found(estate) == {"bare": "true", "unread": "unknown"}
    verdicts = selectors.verdicts(estate.project, at=now())
    by_name = {row.name: verdicts[row.id].value for row in estate.project.machines.all()}
    assert by_name["bare"] == "blocked"
    (shown,) = Finding.objects.filter(subject_name="bare", rule_id="OWN-BACKUP")
    assert shown.params["parts"][0]["version"] == 1


def test_the_list_has_the_catalogue_and_marks_what_is_the_projects_own(estate: People) -> None:
    add(estate)
    rows = people_rows(estate)
    assert len(rows) == len(selectors.rules()) + 1
    assert [row["id"] for row in rows if row["own"]] == ["OWN-BACKUP"]
    other = estate.client("stranger").get(url(estate))
    assert other.status_code == 404


def people_rows(people: People) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = people.client("owner").get(url(people)).json()["results"]
    return rows


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"id": "DSK-001"}, "id", "invalid"),
        ({"field": "backups"}, "field", "unknown_field"),
        ({"field": "vcpus", "comparison": "contains", "value": "x"}, "comparison", "wrong_type"),
        ({"field": "name", "comparison": "matches", "value": "("}, "value", "invalid_pattern"),
        ({"field": "vcpus", "comparison": "gt", "value": "many"}, "value", "wrong_type"),
        ({"severity": "fatal"}, "severity", "invalid_choice"),
        ({"title": ""}, "title", "required"),
        ({"title": "x" * 201}, "title", "max_length"),
        ({"project": "other"}, "project", "unknown_member"),
        ({"field": ["vcpus"]}, "field", "required"),
    ],
)
def test_what_is_no_rule_is_refused_member_by_member(changes: dict[str, Any], field: str, code: str, people: People) -> None:
    refused = add(people, **changes)
    assert refused.status_code == 400
    assert {"field": field, "code": code} in [
        {key: each[key] for key in ("field", "code")} for each in refused.json()["errors"]
    ], refused.json()
    assert not OwnRule.objects.exists()


@pytest.mark.parametrize("body", [[], "x", [1], None])
def test_what_is_no_object_is_refused(body: Any, people: People) -> None:
    assert people.client("owner").post(url(people), body, format="json").status_code == 400


def test_a_change_makes_a_version_and_the_older_one_stays_readable(estate: People) -> None:
    add(estate)
    owner = estate.client("owner")
    changed = owner.patch(
        url(estate, "/OWN-BACKUP"), {"definition": {"severity": "warning"}}, format="json", headers={"If-Match": '"1"'}
    )
    assert (changed.status_code, changed.json()["version"], changed.json()["definition"]["title"]) == (200, 2, "No backup plan")
    late = owner.patch(url(estate, "/OWN-BACKUP"), {"active": False}, format="json", headers={"If-Match": '"1"'})
    assert late.status_code == 412
    versions = owner.get(url(estate, "/OWN-BACKUP/versions")).json()
    assert [(each["version"], each["definition"]["severity"]) for each in versions] == [(2, "warning"), (1, "critical")]
    assert AuditEntry.objects.filter(action="rule.changed").exists()
    run_jobs(kind="assessment.assess")
    assert set(Finding.objects.filter(rule_id="OWN-BACKUP").values_list("severity", flat=True)) == {"warning"}


def test_a_rule_that_is_switched_off_finds_nothing_and_its_id_is_not_given_again(estate: People) -> None:
    add(estate)
    assert found(estate)
    assert estate.client("owner").delete(url(estate, "/OWN-BACKUP")).status_code == 204
    assert found(estate) == {}
    again = add(estate)
    assert (again.status_code, again.json()["code"]) == (409, "rule_id_taken")
    assert estate.client("owner").patch(url(estate, "/OWN-BACKUP"), {"active": True}, format="json").status_code == 200
    assert set(found(estate)) == {"bare", "unread"}
    assert OwnRuleVersion.objects.count() == 3


def test_an_id_never_changes(people: People) -> None:
    add(people)
    refused = people.client("owner").patch(url(people, "/OWN-BACKUP"), {"definition": {"id": "OWN-OTHER"}}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "cannot_change")


def test_a_trial_tells_on_what_it_would_stand_and_keeps_nothing(estate: People) -> None:
    asked = estate.client("owner").post(url(estate, "/try"), BACKUP, format="json")
    assert asked.status_code == 202
    run_jobs(kind="assessment.try_rule")
    result = Job.objects.get(pk=asked.json()["id"]).result
    assert (result["true"], result["unknown"]) == (1, 1)
    assert [(each["name"], each["result"]) for each in result["subjects"]] == [("bare", "true"), ("unread", "unknown")]
    assert not OwnRule.objects.exists() and not Finding.objects.filter(rule_id="OWN-BACKUP").exists()


def test_every_listed_field_can_be_asked_with_every_listed_comparison(people: People) -> None:
    from migration.assessment.core.own_rules import own_rule_from

    for subject in ("machine", "host", "cluster", "source", "pool"):
        rows = people.client("owner").get(url(people, f"/fields?subject={subject}")).json()
        assert len(rows) > 5, subject
        for row in rows:
            path = f"{row['path']}Backup" if row["keyed"] else row["path"]
            for comparison in row["comparisons"]:
                value = {"number": 1, "truth": True, "time": "2026-11-01T08:00:00+00:00"}.get(row["kind"], "a")
                wanted = None if comparison.startswith("is_") else [value] if comparison.endswith("in") else value
                own_rule_from({**BACKUP, "subject": subject, "field": path, "comparison": comparison, "value": wanted})


def test_units_and_choices_of_fields_are_told(people: People) -> None:
    rows = {row["path"]: row for row in people.client("owner").get(url(people, "/fields")).json()}
    assert rows["disks[].capacity_bytes"]["unit"] == "bytes"
    assert "poweredOn" in rows["power_state"]["choices"]
    assert rows["custom_values."]["keyed"]


def test_rules_are_for_planners_of_this_project(people: People) -> None:
    viewer = a_client(a_user(Role.VIEWER, project=people.project))
    assert viewer.post(url(people), BACKUP, format="json").status_code == 403
    assert viewer.post(url(people, "/try"), BACKUP, format="json").status_code == 403
    assert viewer.get(url(people)).status_code == 200
    assert people.client("stranger").post(url(people), BACKUP, format="json").status_code == 404
    assert not OwnRule.objects.exists()


def test_a_question_of_an_own_rule_is_answered_by_a_person(estate: People) -> None:
    add(estate)
    run_jobs(kind="assessment.assess")
    (unread,) = Finding.objects.filter(rule_id="OWN-BACKUP", result="unknown")
    body = {"rule_id": "OWN-BACKUP", "machines": [unread.subject], "answer": False, "who": "Eve"}
    said = estate.client("owner").post(f"/api/v1/projects/{estate.project.id}/attestations", body, format="json")
    assert said.status_code == 201, said.json()
    assert found(estate) == {"bare": "true"}


def test_the_page_adds_and_switches_a_rule_and_shows_the_catalogue(estate: People, client: Any) -> None:
    client.force_login(estate.owner)
    page = f"/projects/{estate.project.id}/rules"
    client.post(f"{page}/add", {**BACKUP, "comparison": "matches", "value": "("})
    assert "value: " in client.get(page).content.decode() and not OwnRule.objects.exists()
    client.post(f"{page}/add", BACKUP)
    shown = client.get(page).content.decode()
    assert "OWN-BACKUP" in shown and "DSK-001" in shown
    client.post(f"{page}/OWN-BACKUP/switch", {"active": "false"})
    assert OwnRule.objects.get().active is False
    narrowed = client.get(f"{page}?q=vgpu").content.decode()
    assert "DEV-002" in narrowed and "DSK-001" not in narrowed
    assert client.post(f"{page}/OWN-NONE/switch", {"active": "true"}).status_code == 404


def test_a_number_on_the_form_is_a_number(estate: People, client: Any) -> None:
    client.force_login(estate.owner)
    more = {**BACKUP, "id": "OWN-BIG", "field": "vcpus", "comparison": "gt", "value": "8"}
    client.post(f"/projects/{estate.project.id}/rules/add", more)
    assert OwnRule.objects.get().definition["value"] == 8


def test_a_text_that_no_database_keeps_is_refused_on_the_page_too(estate: People, client: Any) -> None:
    client.force_login(estate.owner)
    page = f"/projects/{estate.project.id}/rules"
    assert client.post(f"{page}/add", {**BACKUP, "title": "a\x00b"}).status_code == 303
    assert "NUL character" in client.get(page).content.decode()
    assert not OwnRule.objects.exists()
