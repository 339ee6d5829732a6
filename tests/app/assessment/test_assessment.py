"""Assessments: asked for after each inventory, findings with waivers, verdicts of machines, over services and HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from estate.facts.source import DiskBacking
from estate.facts.unknown import UNKNOWN
from migration.assessment import selectors
from migration.assessment.models import Assessment, Finding
from migration.assessment.selectors import rules_known
from migration.assessment.services import assessing
from project.backbone.accounts.policy import Role
from project.backbone.clock import now
from project.backbone.models import AuditEntry, Job, Waiver
from tests.builders.estate import a_disk, a_nic, a_snapshot, a_vm
from tests.builders.inventory import SYSTEM, a_pool_row, a_source, an_inventory, machine_named
from tests.builders.jobs import run_jobs
from tests.builders.people import People, a_client, a_user
from tests.builders.planning import a_target_pool, an_sr

pytestmark = pytest.mark.django_db
RDM = (a_disk(backing=DiskBacking.RDM_PHYSICAL),)


EIGHT = ("DSK-001", "DSK-004", "DSK-008", "FTL-001", "NIC-001", "NIC-003", "SNP-001", "STA-004")


@pytest.fixture(autouse=True)
def eight_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested here holds for any rules; these are known by heart."""
    eight = {rule_id: selectors.rules()[rule_id] for rule_id in EIGHT}
    monkeypatch.setattr(rules_known, "rules", lambda: eight)


def url(people: People, rest: str) -> str:
    return f"/api/v1/projects/{people.project.id}/{rest}"


@pytest.fixture
def assessed(people: People) -> People:
    """A clean machine, one with an RDM, one with a snapshot, one whose snapshots nobody could read."""
    vms = (
        a_vm("clean", nics=(a_nic(0),)),
        a_vm("rdm", disks=RDM, nics=(a_nic(1),)),
        a_vm("snap", snapshots=(a_snapshot(),), nics=(a_nic(2),)),
        a_vm("unread", snapshots=UNKNOWN, nics=(a_nic(3),)),
    )
    an_inventory(a_source(people.project), *vms)
    run_jobs(kind="assessment.assess")
    return people


def a_waiver(people: People, rule_id: str, subject: str, **changes: Any) -> Waiver:
    values = {
        "reason": "agreed", "expires_at": now() + timedelta(days=30), "requested_by": people.owner,
        "approved_by": people.teammate, "approved_at": now() - timedelta(hours=1),
    }  # fmt: skip
    return Waiver.objects.create(project=people.project, rule_id=rule_id, subject=subject, **(values | changes))


def verdicts(people: People) -> dict[str, str]:
    return {row["name"]: row["verdict"] for row in people.client("owner").get(url(people, "machines")).json()["results"]}


def test_an_inventory_is_assessed_after_it_is_complete(assessed: People) -> None:
    assessment = Assessment.objects.get()
    assert (assessment.machine_count, assessment.finding_count, assessment.limits_version) == (4, 3, "2026-11")
    found = list(Finding.objects.values_list("subject_name", "rule_id", "result"))
    assert found == [("rdm", "DSK-004", "true"), ("snap", "SNP-001", "true"), ("unread", "SNP-001", "unknown")]
    assert AuditEntry.objects.filter(action="inventory.assessed").count() == 1


def test_every_machine_has_its_verdict(assessed: People) -> None:
    assert verdicts(assessed) == {"clean": "ready", "rdm": "blocked", "snap": "ready_with_work", "unread": "unknown"}


def test_before_the_assessment_every_verdict_is_unknown(people: People) -> None:
    an_inventory(a_source(people.project), a_vm("clean"))
    assert verdicts(people) == {"clean": "unknown"}


def test_a_machine_the_latest_inventory_lacks_is_unknown(people: People) -> None:
    source = a_source(people.project)
    an_inventory(source, a_vm("gone"), a_vm("stays", nics=(a_nic(1),)))
    an_inventory(source, a_vm("stays", nics=(a_nic(1),)))
    run_jobs(kind="assessment.assess")
    assert verdicts(people) == {"gone": "unknown", "stays": "ready"}


def test_a_waiver_in_force_opens_the_verdict_and_stays_beside_the_finding(assessed: People) -> None:
    waiver = a_waiver(assessed, "DSK-004", str(machine_named("rdm").id))
    assert verdicts(assessed)["rdm"] == "ready"
    (row,) = assessed.client("owner").get(url(assessed, "findings?rule_id=DSK-004")).json()["results"]
    assert (row["waiver"]["id"], row["waiver"]["approved_by"]) == (str(waiver.id), "teammate")


@pytest.mark.parametrize(
    "changes",
    [{"approved_at": None, "approved_by": None}, {"expires_at": now() - timedelta(minutes=1)}, {"withdrawn_at": now()}],
)
def test_a_waiver_that_is_not_in_force_opens_nothing(assessed: People, changes: dict[str, Any]) -> None:
    a_waiver(assessed, "DSK-004", str(machine_named("rdm").id), **changes)
    assert verdicts(assessed)["rdm"] == "blocked"


def test_a_waiver_covers_its_own_rule_and_machine_only(assessed: People) -> None:
    a_waiver(assessed, "DSK-004", str(machine_named("snap").id))
    a_waiver(assessed, "DSK-008", str(machine_named("rdm").id))
    assert verdicts(assessed)["rdm"] == "blocked"


def test_open_findings_leave_waived_ones_out(assessed: People) -> None:
    machine = machine_named("rdm")
    ids = [machine.id, machine_named("snap").id]
    assert {f.rule_id for f in selectors.open_findings(assessed.project, at=now(), machine_ids=ids)} == {"DSK-004", "SNP-001"}
    a_waiver(assessed, "DSK-004", str(machine.id))
    (left,) = selectors.open_findings(assessed.project, at=now(), machine_ids=ids)
    assert (left.rule_id, left.subject_name, left.severity, left.result) == ("SNP-001", "snap", "warning", "true")


def test_assessing_again_replaces_the_findings(assessed: People) -> None:
    inventory = Assessment.objects.get().inventory_id
    for _ in range(2):
        asked = assessed.client("owner").post(url(assessed, "assessments"), {"inventory": str(inventory)})
        assert asked.status_code == 202
        run_jobs(kind="assessment.assess")
    assert Assessment.objects.count() == 1
    assert Finding.objects.count() == 3


def test_a_pool_that_becomes_known_answers_open_questions_and_shows_macs_taken(people: People) -> None:
    big = a_disk(capacity_bytes=3 << 40)
    inventory = an_inventory(a_source(people.project), a_vm("big", disks=(big,)))
    assessing.assess(inventory, actor=SYSTEM)
    assert Finding.objects.get().result == "unknown"
    a_pool_row(people.project, a_target_pool(an_sr("vhd", kind="lvmoiscsi")))
    assessing.assess(inventory, actor=SYSTEM)
    assert Finding.objects.get().result == "true"


def test_macs_are_compared_across_all_sources_of_the_project_and_no_other(people: People) -> None:
    an_inventory(a_source(people.other_project), a_vm("foreign"))
    an_inventory(a_source(people.project), a_vm("left"))
    right = an_inventory(a_source(people.project), a_vm("right"))
    assessing.assess(right, actor=SYSTEM)
    finding = Finding.objects.get()
    assert finding.params["parts"][0]["also_on"] == ["left"]


def test_findings_are_filtered_and_show_params_and_evidence(assessed: People) -> None:
    owner = assessed.client("owner")

    def names(query: str) -> list[str]:
        answer = owner.get(url(assessed, f"findings?{query}"))
        assert answer.status_code == 200, answer.content
        return [row["subject_name"] for row in answer.json()["results"]]

    rdm = machine_named("rdm")
    assert names("severity=critical") == ["rdm"]
    assert names("result=unknown") == ["unread"]
    assert names(f"subject={rdm.id}") == names("subject=rdm") == ["rdm"]
    assert names(f"inventory={Assessment.objects.get().inventory_id}") == ["rdm", "snap", "unread"]
    (row,) = owner.get(url(assessed, "findings?rule_id=DSK-004")).json()["results"]
    assert row["params"]["parts"][0]["label"] == "Hard disk 1"
    assert (row["evidence"][0]["path"], row["evidence"][0]["raw"]) == ("disks[0].backing", "rdm_physical")
    assert row["subject"] == str(rdm.id)
    assert row["remediation"]


def test_machines_are_filtered_by_verdict_and_name(assessed: People) -> None:
    owner = assessed.client("owner")
    for query, expected in [("verdict=blocked", ["rdm"]), ("verdict=ready", ["clean"]), ("name__icontains=SNA", ["snap"])]:
        assert [row["name"] for row in owner.get(url(assessed, f"machines?{query}")).json()["results"]] == expected
    assert owner.get(url(assessed, "machines?verdict=fine")).status_code == 400


def test_a_machine_shows_its_facts_and_takes_a_disposition_from_a_planner(assessed: People) -> None:
    machine = machine_named("clean")
    path = url(assessed, f"machines/{machine.id}")
    shown = assessed.client("owner").get(path).json()
    assert (shown["present"], shown["summary"]["disk_bytes"], shown["facts"]["vcpus"]) == (True, 10 << 30, 2)
    assert shown["facts"]["secure_boot"] is False
    planner = a_client(a_user(Role.PLANNER, project=assessed.project))
    assert planner.patch(path, {"disposition": "retire"}).json()["disposition"] == "retire"
    assert planner.patch(path, {"disposition": "burn"}).status_code == 400
    viewer = a_client(a_user(Role.VIEWER, project=assessed.project))
    refused = viewer.patch(path, {"disposition": "migrate"})
    assert (refused.status_code, refused.json()["role_needed"]) == (403, "planner")
    entry = AuditEntry.objects.get(action="machine.changed")
    assert (entry.before, entry.after) == ({"disposition": "migrate"}, {"disposition": "retire"})


def test_an_unread_machine_shows_unknown_and_no_number(people: People) -> None:
    an_inventory(a_source(people.project), a_vm("blind", disks=UNKNOWN, vcpus=UNKNOWN))
    (row,) = people.client("owner").get(url(people, "machines")).json()["results"]
    assert "unknown" in row["summary"]["disk_bytes"]
    assert row["summary"]["vcpus"] == {"unknown": "not read"}


def test_a_list_of_machines_never_needs_more_queries(people: People, django_assert_max_num_queries: Any) -> None:
    counts = []
    for number in (1, 50):
        source = a_source(people.project)
        an_inventory(source, *(a_vm(f"m{number}-{n}", disks=RDM) for n in range(number)))
        run_jobs(kind="assessment.assess")
        with django_assert_max_num_queries(15) as captured:
            people.client("owner").get(url(people, "machines"))
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_strangers_see_nothing(assessed: People) -> None:
    stranger = assessed.client("stranger")
    for rest in ("machines", "findings", "assessments", f"machines/{machine_named('rdm').id}"):
        assert stranger.get(url(assessed, rest)).status_code == 404
    foreign = f"/api/v1/projects/{assessed.other_project.id}/assessments"
    inventory = str(Assessment.objects.get().inventory_id)
    assert stranger.post(foreign, {"inventory": inventory}).status_code == 404
    assert not Job.objects.filter(state="queued").exists()


def test_the_catalogue_of_rules_is_for_everybody_signed_in(people: People) -> None:
    answer = people.client("stranger").get("/api/v1/rules").json()
    assert answer["count"] == len(selectors.rules())
    assert "DSK-001" in {row["id"] for row in answer["results"]}
    assert a_client().get("/api/v1/rules").status_code == 401
