"""Evidence and verdicts over the API and through the service the cutover gate calls."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from estate.errors import Retry
from project.backbone import clock
from project.backbone.accounts.policy import Actor, Role
from project.backbone.models import AuditEntry
from project.backbone.waivers.services import approve_waiver, request_waiver
from readiness.core.verdict import VerdictState
from readiness.models import Evaluation, Evidence, Pool
from readiness.selectors.cases import pool_drawing, pool_picture
from readiness.selectors.evaluations import latest_evaluation
from readiness.services.evaluation import evaluate
from readiness.services.pools import store_facts
from readiness.work import pools as work
from tests.builders.evidence import YESTERDAY, full_evidence
from tests.builders.jobs import run_jobs
from tests.builders.people import People, a_client, a_user
from tests.builders.pools import NOW, a_planned_vm, a_pool, with_host, without_bond
from tests.builders.readiness import a_confirmed_pool, attested, collected

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("job:test")


@pytest.fixture(autouse=True)
def at_now() -> Iterator[None]:
    with clock.frozen(NOW):
        yield


@pytest.fixture
def pool(people: People) -> Pool:
    made = a_confirmed_pool(people)
    collected(made, replace(a_pool(), collected_at=NOW - timedelta(minutes=10)))
    return made


def url(pool: Pool, part: str) -> str:
    return f"/api/v1/projects/{pool.project_id}/pools/{pool.id}/{part}"


def a_switch(subject: str = "xen-h1/eth0", **changes: Any) -> dict[str, Any]:
    body = {
        "kind": "switch_of_slave",
        "subject": subject,
        "value": {"switch": "sw-a"},
        "tested_at": YESTERDAY.isoformat(),
        "who": "Ada",
    }
    return {**body, **changes}


def test_evidence_is_recorded_bound_to_the_facts_and_shown(people: People, pool: Pool) -> None:
    answer = people.client("owner").post(url(pool, "evidence"), a_switch())
    assert (answer.status_code, answer.json()["subject"], answer.json()["recorded_by"]) == (201, "h1-eth0", "owner")
    assert Evidence.objects.get().bound_to == {"bond:h1-eth0": "h1-eth0,h1-eth1"}
    [shown] = people.client("owner").get(url(pool, "evidence")).json()["results"]
    assert (shown["kind"], shown["withdrawn"]) == ("switch_of_slave", False)
    assert AuditEntry.objects.filter(action="evidence.recorded").count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "rumour"}, "kind"),
        ({"subject": "nobody/eth0"}, "subject"),
        ({"value": {}}, "value.switch"),
        ({"value": []}, "value"),
        ({"tested_at": (NOW + timedelta(days=1)).isoformat()}, "tested_at"),
        ({"expires_at": (YESTERDAY - timedelta(days=1)).isoformat()}, "expires_at"),
        ({"attachment": {"name": "photo.jpg", "sha256": "short"}}, "attachment.sha256"),
        ({"value": {"switch": "s", "note": "x" * 70_000}}, "value"),
        ({"who": ""}, "who"),
    ],
)
def test_unusable_evidence_is_refused_by_field(people: People, pool: Pool, change: dict[str, Any], field: str) -> None:
    answer = people.client("owner").post(url(pool, "evidence"), a_switch(**change))
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field])
    assert not Evidence.objects.exists()


def test_evidence_before_the_first_collection_is_a_conflict(people: People) -> None:
    fresh = a_confirmed_pool(people, name="pool02")
    answer = people.client("owner").post(url(fresh, "evidence"), a_switch())
    assert (answer.status_code, answer.json()["code"]) == (409, "pool_not_collected")


def test_withdrawn_evidence_no_longer_counts_and_stays_in_the_list(people: People, pool: Pool) -> None:
    rows = attested(people, pool, full_evidence(a_pool()))
    assert evaluate(pool.id, at=NOW, actor=SYSTEM).verdict is VerdictState.READY
    trial = next(row for row in rows if row.kind == "failover_test")
    answer = people.client("owner").post(f"{url(pool, 'evidence')}/{trial.id}/withdraw", {"reason": "wrong node pulled"})
    assert answer.status_code == 201
    assert evaluate(pool.id, at=NOW, actor=SYSTEM).verdict is VerdictState.NOT_READY
    again = people.client("owner").post(f"{url(pool, 'evidence')}/{trial.id}/withdraw", {"reason": "twice"})
    assert (again.status_code, again.json()["code"]) == (409, "already_withdrawn")
    shown = people.client("owner").get(f"{url(pool, 'evidence')}/{trial.id}").json()
    assert shown["withdrawn"] is True


def test_a_viewer_reads_and_may_not_write(people: People, pool: Pool) -> None:
    viewer = a_client(a_user(Role.VIEWER, project=people.project))
    evaluate(pool.id, at=NOW, actor=SYSTEM)
    assert viewer.get(url(pool, "readiness")).status_code == 200
    for part, body in (
        ("evidence", a_switch()),
        ("readiness", {}),
        ("probe", {}),
        ("collect", {}),
        ("confirm", {"tls_thumbprints": ["x"]}),
    ):
        answer = viewer.post(url(pool, part), body)
        assert (answer.status_code, answer.json()["role_needed"]) == (403, "operator")


def test_evaluating_reads_the_pool_first_and_answers_verdict_checks_and_faults(
    people: People, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    attested(people, pool, full_evidence(a_pool()))
    monkeypatch.setattr(work, "read_pool", lambda target, actor: store_facts(target, a_pool(timeout_s=60), actor=actor))
    asked = people.client("owner").post(url(pool, "readiness"), {})
    assert (asked.status_code, asked.json()["kind"]) == (202, "readiness.evaluate")
    [job] = run_jobs()
    answer = people.client("owner").get(url(pool, "readiness")).json()
    assert (answer["verdict"], answer["facts_id"]) == ("not_ready", job.result["facts_id"])
    check = next(check for check in answer["checks"] if check["id"] == "HA-022")
    assert (check["result"], check["blocks"]) == ("fail", True)
    assert check["evidence"][0]["path"] == 'pool.ha_configuration["timeout"]'
    assert "ha-config:timeout=120" in check["remediation"][-1]
    assert {fault["kind"] for fault in answer["simulated_faults"]} == {"host", "nic", "switch", "storage_node", "pair"}


def test_a_pool_that_cannot_be_read_is_not_ready(people: People, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(target: Pool, actor: Actor) -> None:
        raise Retry("pool01 does not answer", code="pool_unreachable")

    monkeypatch.setattr(work, "read_pool", gone)
    people.client("owner").post(url(pool, "readiness"), {"collect": True})
    [job] = run_jobs()
    assert (job.state, job.result["verdict"], job.result["facts_id"]) == ("succeeded", "not_ready", None)
    answer = people.client("owner").get(url(pool, "readiness")).json()
    assert [reason["code"] for reason in answer["reasons"]] == ["pool_unreachable"]


def test_a_pool_nobody_evaluated_has_no_verdict(people: People, pool: Pool) -> None:
    assert people.client("owner").get(url(pool, "readiness")).status_code == 404


def test_an_evaluation_comes_back_from_the_table_as_it_was_made(pool: Pool) -> None:
    made = evaluate(pool.id, at=NOW, actor=SYSTEM, planned=[a_planned_vm()])
    assert latest_evaluation(pool.id) == made
    assert made.checks and made.reasons and made.simulated_faults


def test_a_waiver_of_a_check_on_this_pool_counts_and_one_on_another_does_not(people: People, pool: Pool) -> None:
    collected(pool, without_bond(a_pool(), "h2"))
    attested(people, pool, [item for item in full_evidence(a_pool()) if not item.subject.startswith("h2-")])
    other = a_confirmed_pool(people, name="pool02")
    for check_id, subject in (("HA-041", str(pool.id)), ("HA-044", other.name)):
        waiver = request_waiver(
            people.project, check_id=check_id, rule_id="", subject=subject, reason="one weekend",
            expires_at=NOW + timedelta(days=7), actor=people.actor("owner"),
        )  # fmt: skip
        approve_waiver(waiver, actor=people.actor("teammate"))
    view = evaluate(pool.id, at=NOW, actor=SYSTEM)
    assert {check.id: bool(check.waived_by) for check in view.checks if check.waived_by or check.blocks} == {
        "HA-041": True,
        "HA-044": False,
    }


@pytest.mark.parametrize(("hours", "codes"), [(3, []), (5, ["facts_stale"])])
def test_a_cutover_needs_facts_of_the_last_four_hours(people: People, pool: Pool, hours: int, codes: list[str]) -> None:
    attested(people, pool, full_evidence(a_pool()))
    view = evaluate(pool.id, at=NOW + timedelta(hours=hours), actor=SYSTEM, for_cutover=True)
    assert [reason.code for reason in view.reasons] == codes


def test_a_pool_is_judged_by_the_reading_that_is_asked_for(pool: Pool) -> None:
    old = collected(pool, replace(with_host(a_pool(), "h2", live=False), collected_at=NOW - timedelta(minutes=5)))
    collected(pool, a_pool())
    view = evaluate(pool.id, at=NOW, actor=SYSTEM, facts_id=old.id)
    assert view.facts_id == old.id
    assert "HA-003" in [reason.code for reason in view.reasons]


def test_a_pool_without_ha_is_ready_with_its_runbook(people: People) -> None:
    pool = a_confirmed_pool(people, ha_intent="off", name="pool03")
    collected(pool, a_pool(hosts=2, ha_enabled=False))
    assert [reason.code for reason in evaluate(pool.id, at=NOW, actor=SYSTEM).reasons] == ["runbook_missing"]
    body = a_switch("", kind="manual_restart_runbook", value={"owner": "Grace", "alternatives": "third host in March"})
    assert people.client("owner").post(url(pool, "evidence"), body).status_code == 201
    assert evaluate(pool.id, at=NOW, actor=SYSTEM).verdict is VerdictState.READY


def test_the_picture_is_had_by_pool_id(people: People, pool: Pool) -> None:
    attested(people, pool, full_evidence(a_pool()))
    assert pool_picture(pool.id, NOW).switches == ("sw-a", "sw-b")
    assert pool_drawing(pool.id, NOW).startswith("<svg")


def test_the_catalogue_of_checks_is_listed(people: People) -> None:
    answer = people.client("owner").get("/api/v1/checks").json()
    assert answer["count"] == 71
    first = answer["results"][0]
    assert (first["id"], first["severity"], first["waiver"], first["prerequisites"]) == ("HA-001", "B", "A", [])


def test_evaluating_costs_the_same_queries_with_more_evidence(
    people: People, pool: Pool, django_assert_max_num_queries: Any
) -> None:
    attested(people, pool, full_evidence(a_pool()))
    with django_assert_max_num_queries(20):
        evaluate(pool.id, at=NOW, actor=SYSTEM)
    assert Evaluation.objects.count() == 1


def test_listing_evidence_costs_the_same_queries_for_many_rows(
    people: People, pool: Pool, django_assert_max_num_queries: Any
) -> None:
    attested(people, pool, full_evidence(a_pool()))
    with django_assert_max_num_queries(8):
        people.client("owner").get(url(pool, "evidence"))
