"""Questions no source answers: told once for a whole inventory, answered by people, waived, counted, exported."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.assessment import selectors
from migration.assessment.core.context import NO_PROBE
from migration.assessment.core.registry import Rule, Subject, When
from migration.assessment.core.results import Answer, Part, Parts, Severity
from migration.assessment.models import Assessment, Attestation, Finding, InheritedGaps
from migration.assessment.selectors import rules_known
from migration.assessment.services import assessing
from migration.inventory import selectors as inventory
from project.backbone.accounts.policy import Role
from project.backbone.clock import now
from project.backbone.models import AuditEntry
from tests.builders.estate import a_vm
from tests.builders.inventory import SYSTEM, a_source, an_inventory, machine_named
from tests.builders.jobs import run_jobs
from tests.builders.people import People, a_client, a_user

pytestmark = pytest.mark.django_db


def unprobed(vm: VmFacts, context: Any) -> Parts:
    """A guest question that concerns no machine named `appliance`."""
    return () if vm.name == "appliance" else (Part(Answer.UNKNOWN, "probe", NO_PROBE),)


def unread(vm: VmFacts, context: Any) -> Parts:
    return (Part(Answer.UNKNOWN, "x", Unknown("the host was silent")),) if vm.name == "blind" else ()


def bad(vm: VmFacts, context: Any) -> Parts:
    return (Part(Answer.TRUE, "x", "=1+1"),) if vm.name == "bad" else ()


def of_host(host: Any, context: Any) -> Parts:
    return (Part(Answer.UNKNOWN, "model", Unknown("nobody looked it up")),)


def a_rule(rule_id: str, ask: Any, severity: Severity = Severity.CRITICAL, **more: Any) -> Rule:
    return Rule(rule_id, severity, (), f"title of {rule_id}", "why", "do this", ask, **more)


RULES = {
    "GST-001": a_rule("GST-001", unprobed),
    "DSK-003": a_rule("DSK-003", unread),
    "DSK-004": a_rule("DSK-004", bad),
    "HST-003": a_rule("HST-003", of_host, Severity.WARNING, subject=Subject.HOST),
    "DSK-006": a_rule("DSK-006", bad, Severity.WARNING, when=When.WARM),
}


@pytest.fixture
def assessed(people: People, monkeypatch: pytest.MonkeyPatch) -> People:
    monkeypatch.setattr(rules_known, "rules", lambda: RULES)
    an_inventory(a_source(people.project), *(a_vm(name) for name in ("appliance", "bad", "blind", "plain")))
    run_jobs(kind="assessment.assess")
    return people


def url(people: People, rest: str) -> str:
    return f"/api/v1/projects/{people.project.id}/{rest}"


def verdicts(people: People) -> dict[str, str]:
    return {row["name"]: row["verdict"] for row in people.client("owner").get(url(people, "machines")).json()["results"]}


def attest(people: People, **body: Any) -> Any:
    asked = {"rule_id": "GST-001", "answer": False, "who": "Ann, guest team", **body}
    answer = people.client("owner").post(url(people, "attestations"), asked)
    run_jobs(kind="assessment.assess")
    return answer


def test_what_a_whole_source_lacks_is_told_once_and_counts_in_every_concerned_verdict(assessed: People) -> None:
    (row,) = assessed.client("owner").get(url(assessed, "findings?rule_id=GST-001")).json()["results"]
    assert (row["subject_kind"], row["params"]) == ("inventory", {"machines": 3, "all": False})
    assert verdicts(assessed) == {"appliance": "ready", "bad": "blocked", "blind": "unknown", "plain": "unknown"}
    (plain,) = assessed.client("owner").get(url(assessed, "machines?name=plain")).json()["results"]
    assert [(f["rule_id"], f["inherited"]) for f in plain["findings"]] == [("GST-001", True)]


def unlisted(host: Any, context: Any) -> Parts:
    return (Part(Answer.UNKNOWN, "hbas", Unknown("the workbook has no sheet vHBA", everywhere=True)),)


def test_what_no_host_of_a_source_tells_is_told_once_and_counts_for_each(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {"HST-003": a_rule("HST-003", unlisted, subject=Subject.HOST)}
    monkeypatch.setattr(rules_known, "rules", lambda: rules)
    source = a_source(people.project)
    an_inventory(source, a_vm("plain"))
    run_jobs(kind="assessment.assess")
    (row,) = people.client("owner").get(url(people, "findings?rule_id=HST-003")).json()["results"]
    assert (row["subject"], row["params"]) == (f"inventory:{source.id}", {"hosts": 1, "all": True})
    (host,) = InheritedGaps.objects.get().subjects
    (standing,) = selectors.open_findings_on(people.project, at=now(), subjects=[host])
    assert (standing.rule_id, standing.subject) == ("HST-003", row["subject"])
    assert selectors.open_findings_on(people.project, at=now(), subjects=["host:another"]) == []
    assert [each.subject for each in selectors.open_questions(people.project)] == [host]
    assert [each.subjects for each in selectors.questions_by_rule(people.project)] == [1]
    assert attest(people, rule_id="HST-003", source=str(source.id)).status_code == 201
    assert Attestation.objects.get().subjects == [host]
    assert not Finding.objects.exists()


def test_findings_of_hosts_have_their_own_spelling_and_cluster(assessed: People) -> None:
    (row,) = assessed.client("owner").get(url(assessed, "findings?subject_kind=host")).json()["results"]
    source = machine_named("plain").source_id
    assert row["subject"].startswith(f"host:{source}:")
    assert row["subject_name"] and row["result"] == "unknown"
    assert attest(assessed, rule_id="HST-003", machines=[row["subject"]]).status_code == 201
    assert not Finding.objects.filter(rule_id="HST-003").exists()


def test_a_person_answers_for_one_machine_and_only_that_one(assessed: People) -> None:
    answer = attest(assessed, machines=[str(machine_named("plain").id)], note="drivers staged")
    assert (answer.status_code, answer.json()["recorded_by_name"]) == (201, "owner")
    assert verdicts(assessed) == {"appliance": "ready", "bad": "blocked", "blind": "unknown", "plain": "ready"}
    assert AuditEntry.objects.filter(action="attestation.recorded").count() == 1


def test_a_person_answers_for_all_that_are_open_and_a_known_concern_stays(assessed: People) -> None:
    answer = attest(assessed, all=True).json()
    assert len(answer["machines"]) == 3
    assert not Finding.objects.filter(rule_id="GST-001").exists()
    assert verdicts(assessed)["bad"] == "blocked"


def test_a_confirmed_concern_names_who_said_so(assessed: People) -> None:
    attest(assessed, machines=[str(machine_named("plain").id)], answer=True)
    row = Finding.objects.get(rule_id="GST-001", subject_kind="machine")
    assert (row.result, row.evidence[0]["raw"]["who"]) == ("true", "Ann, guest team")
    assert verdicts(assessed)["plain"] == "blocked"


def test_a_known_fact_wins_over_a_person_and_the_conflict_is_shown(assessed: People) -> None:
    machine = str(machine_named("bad").id)
    made = attest(assessed, rule_id="DSK-004", machines=[machine]).json()
    assert Finding.objects.get(rule_id="DSK-004").result == "true"
    assert assessed.client("owner").get(url(assessed, f"attestations/{made['id']}")).json()["contradicted"] == [machine]


def test_an_answer_that_lapsed_or_was_withdrawn_leaves_the_question_open(assessed: People) -> None:
    made = attest(assessed, all=True, expires_at=(now() + timedelta(hours=1)).isoformat()).json()
    Attestation.objects.update(expires_at=now() - timedelta(minutes=1))
    assessing.assess_latest(assessed.project, actor=SYSTEM)
    assert verdicts(assessed)["plain"] == "unknown"
    Attestation.objects.update(expires_at=None)
    assert assessed.client("owner").post(url(assessed, f"attestations/{made['id']}/withdraw")).status_code == 200
    again = assessed.client("owner").post(url(assessed, f"attestations/{made['id']}/withdraw"))
    assert (again.status_code, again.json()["code"]) == (409, "attestation_withdrawn")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rule_id": "XXX-001", "machines": ["nobody"]}, "rule_id"),
        ({"machines": ["nobody"]}, "machines"),
        ({}, "machines"),
        ({"all": True, "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"cluster": "no such cluster"}, "machines"),
    ],
)
def test_bad_attestations_are_refused_with_the_field(assessed: People, body: dict[str, Any], field: str) -> None:
    answer = attest(assessed, **body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["field"] == field


def test_only_operators_attest_and_strangers_see_nothing(assessed: People) -> None:
    planner = a_client(a_user(Role.PLANNER, project=assessed.project))
    body = {"rule_id": "GST-001", "answer": False, "who": "me", "all": True}
    assert planner.post(url(assessed, "attestations"), body).status_code == 403
    assert assessed.client("stranger").get(url(assessed, "attestations")).status_code == 404


def test_a_waiver_on_the_whole_inventory_covers_what_its_machines_inherit(assessed: People) -> None:
    subject = f"inventory:{machine_named('plain').source_id}"
    body = {"rule_id": "GST-001", "subject": subject, "reason": "pilot", "expires_at": (now() + timedelta(days=9)).isoformat()}
    waiver = assessed.client("owner").post(url(assessed, "waivers"), body)
    assert waiver.status_code == 201, waiver.content
    assert assessed.client("teammate").post(url(assessed, f"waivers/{waiver.json()['id']}/approve")).status_code == 200
    assert verdicts(assessed)["plain"] == "ready"


def test_warm_rules_are_asked_only_when_warm_and_the_mode_is_kept(assessed: People) -> None:
    assert not Finding.objects.filter(rule_id="DSK-006").exists()
    inventory = str(Assessment.objects.get().inventory_id)
    for body in ({"warm": True}, {}):
        assert assessed.client("owner").post(url(assessed, "assessments"), {"inventory": inventory, **body}).status_code == 202
        run_jobs(kind="assessment.assess")
        assert Assessment.objects.get().warm
        assert Finding.objects.filter(rule_id="DSK-006").count() == 1


def test_findings_are_counted_by_column(assessed: People) -> None:
    owner = assessed.client("owner")
    counts = owner.get(url(assessed, "findings?group_by=rule_id")).json()
    assert {row["value"]: row["count"] for row in counts["results"]} == {"DSK-003": 1, "DSK-004": 1, "GST-001": 1, "HST-003": 1}
    some = owner.get(url(assessed, "findings?group_by=result&rule_id=DSK-003,DSK-004")).json()["results"]
    assert {row["value"]: row["count"] for row in some} == {"true": 1, "unknown": 1}
    by_subject = owner.get(url(assessed, "findings?group_by=subject")).json()["results"]
    assert {row["value"] for row in by_subject} == {
        row["subject"] for row in owner.get(url(assessed, "findings")).json()["results"]
    }
    assert owner.get(url(assessed, "findings?group_by=evidence")).status_code == 400


def test_the_csv_holds_every_finding_of_the_filter_and_no_formula(assessed: People) -> None:
    answer = assessed.client("owner").get(url(assessed, "findings.csv?severity=critical"))
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["Rule"] for row in rows] == ["DSK-004", "DSK-003", "GST-001"]
    assert not any(cell.startswith("=") for row in rows for cell in row.values())
    (latest,) = inventory.latest_inventories(assessed.project)
    told = (str(latest.source), f"{latest.collected_at:%Y-%m-%d %H:%M}", str(latest.id))
    assert {(row["Source"], row["Read at (UTC)"], row["Inventory"]) for row in rows} == {told}
    Finding.objects.filter(rule_id="DSK-004").update(
        evidence=[{"path": "x", "raw": 1, "at": "2026-11-01T10:00:00+00:00", "told_by": "book"}]
    )
    answer = assessed.client("owner").get(url(assessed, "findings.csv?rule_id=DSK-004"))
    assert "x = 1 (book, 2026-11-01T10:00:00+00:00)" in answer.content.decode()


def test_a_finding_list_never_needs_more_queries(assessed: People, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(12) as few:
        assessed.client("owner").get(url(assessed, "findings"))
    an_inventory(a_source(assessed.project), *(a_vm(f"bad{n}") for n in range(30)))
    run_jobs(kind="assessment.assess")
    with django_assert_max_num_queries(12) as many:
        assessed.client("owner").get(url(assessed, "findings"))
    assert len(few) == len(many)
