"""Batches over HTTP and jobs: one request, one wave, the same gate; everything wrong told at once and nothing half made."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from estate.errors import AskPerson, EdgeError
from estate.facts.codec import to_json
from estate.facts.source import DiskBacking
from migration.conversion.core.preflight import Look, Result
from migration.conversion.core.states import Event
from migration.conversion.models import Conversion
from migration.conversion.services.transitions import move
from migration.conversion.work import legs, preflight
from migration.cutover.models import Batch
from migration.cutover.work import conduct
from migration.planning.models import Mapping, Plan, Wave
from project.backbone.clock import now
from project.backbone.models import AuditEntry, Job
from readiness.models import Pool
from tests.builders.conversions import SYSTEM
from tests.builders.estate import a_disk, a_nic, a_vm
from tests.builders.inventory import a_pool_row, a_source, an_inventory, machine_named
from tests.builders.jobs import run_jobs
from tests.builders.people import People, a_client, a_user
from tests.builders.planning import a_target_pool, an_sr, mapping_values

pytestmark = pytest.mark.django_db
NAMES = ("app", "db", "web")
Bench = Any


class Desk:
    """A project with three machines, a pool and a mapping; machines in `fails` cannot be prepared."""

    def __init__(self, people: People) -> None:
        self.people = people
        source = a_source(people.project)
        an_inventory(
            source,
            *(a_vm(name, nics=(a_nic(number),)) for number, name in enumerate(NAMES)),
            a_vm("rdm", disks=(a_disk(backing=DiskBacking.RDM_PHYSICAL),), nics=(a_nic(9),)),
        )
        self.pool: Pool = a_pool_row(people.project, a_target_pool(an_sr("fast"), an_sr("slow")))
        self.mapping = Mapping.objects.create(project=people.project, name="to berlin", **mapping_values())
        self.fails: set[str] = set()
        self.looks: list[Look] | EdgeError = []
        self.most_at_once = 0
        run_jobs(most=200)

    def url(self, rest: str = "") -> str:
        return f"/api/v1/projects/{self.people.project.id}/batches{rest}"

    def body(self, *names: str, **changes: Any) -> dict[str, Any]:
        asked = [{"vm": str(machine_named(name).id)} for name in names or NAMES]
        return {"pool": str(self.pool.id), "mapping": str(self.mapping.id), "conversions": asked, **changes}

    def post(self, body: dict[str, Any], **headers: str) -> Any:
        return self.people.client("owner").post(self.url(), body, **headers)

    def shown(self, batch_id: str) -> dict[str, Any]:
        return dict(self.people.client("owner").get(self.url(f"/{batch_id}")).json())

    def look_at(self, _job: Any, _project: Any, machines: Any) -> list[Look]:
        assert [each.spec.name for each in machines] and all(each.verify == "full" for each in machines)
        if isinstance(self.looks, EdgeError):
            raise self.looks
        return self.looks

    def prepare(self, _job: Any, conversion_id: str, **_more: Any) -> dict[str, Any]:
        row = Conversion.objects.get(pk=conversion_id)
        self.most_at_once = max(
            self.most_at_once, Job.objects.filter(kind="conversion.prepare", state__in=["queued", "running"]).count()
        )
        if row.name in self.fails:
            raise AskPerson(f"{row.name} cannot be made", code="sr_full", next_step="Make room.")
        move(row.pk, Event.PREPARED, actor=SYSTEM, message="prepared")
        return {}


@pytest.fixture
def desk(people: People, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(people)
    monkeypatch.setattr(conduct, "POLL_S", 0.0)
    monkeypatch.setattr(legs, "prepare", desk.prepare)
    monkeypatch.setattr(preflight, "look_at", desk.look_at)
    return desk


def job_of(answer: Any) -> Job:
    assert answer.status_code == 202, answer.content
    run_jobs(most=200)
    return Job.objects.get(pk=answer.json()["id"])


def test_a_batch_makes_one_wave_whose_machines_are_prepared(desk: Desk) -> None:
    answer = desk.post(desk.body(name="first hundred"))
    job = job_of(answer)
    shown = desk.shown(answer.json()["batch_id"])

    assert (job.state, job.result["conversions"], job.result["left_behind"]) == ("succeeded", {"ready": 3}, [])
    assert job.result["wave_id"] == shown["wave_id"] == str(Wave.objects.get().pk)
    assert (shown["state"], shown["name"], shown["problems"]) == ("ready", "first hundred", [])
    assert [each["name"] for each in shown["conversions"]] == list(NAMES), "in the order asked"
    progress = shown["progress"]
    assert (progress["conversions"], progress["states"], progress["bytes_total"]) == (3, {"ready": 3}, 3 * (10 << 30))
    assert AuditEntry.objects.filter(action="batch.asked_for").count() == 1


def test_a_batch_is_no_way_round_the_gate(desk: Desk) -> None:
    job_of(desk.post(desk.body()))
    wave = Wave.objects.get()
    refused = desk.people.client("owner").post(f"/api/v1/projects/{desk.people.project.id}/waves/{wave.pk}/cutover")
    assert (refused.status_code, refused.json()["code"]) == (409, "gate_closed")
    assert not Job.objects.filter(kind__in=["conversion.copy", "conversion.go_live"]).exists()


def test_wishes_of_one_machine_go_before_the_mapping(desk: Desk) -> None:
    body = desk.body("app", "db")
    body["conversions"][0] |= {"sr": "slow", "name": "app-in-pool"}
    job_of(desk.post(body))
    places = {row.name: row.placement for row in Plan.objects.get(kind="batch").machines.all()}
    assert places["app"]["target_name"] == "app-in-pool"
    assert list(places["app"]["sr_by_disk"].values()) == ["sr-slow"] and list(places["db"]["sr_by_disk"].values()) == ["sr-fast"]
    desk.mapping.refresh_from_db()
    assert desk.mapping.overrides == {}, "the mapping itself stays as it was"


def test_a_batch_with_one_machine_that_cannot_go_makes_nothing_and_tells_everything(desk: Desk) -> None:
    body = desk.body("app", "db", "rdm")
    body["conversions"][1]["sr"] = "nowhere"
    answer = desk.post(body)
    job = job_of(answer)
    shown = desk.shown(answer.json()["batch_id"])

    assert (job.state, job.error["code"], shown["state"]) == ("failed", "batch_refused", "refused")
    assert {(problem["name"], problem["code"]) for problem in shown["problems"]} == {
        ("db", "sr_missing"), ("rdm", "critical_finding"),
    }  # fmt: skip
    assert all(problem["next_step"] for problem in shown["problems"])
    assert not (Wave.objects.exists() or Conversion.objects.exists())


def test_a_refused_batch_is_checked_again_by_a_retry(desk: Desk) -> None:
    body = desk.body("app")
    body["conversions"][0]["sr"] = "new"
    answer = desk.post(body)
    assert job_of(answer).state == "failed"
    desk.pool.inventories.update(facts=to_json(a_target_pool(an_sr("new"))))
    again = desk.people.client("owner").post(desk.url(f"/{answer.json()['batch_id']}/retry"))
    assert job_of(again).state == "succeeded"
    assert desk.shown(answer.json()["batch_id"])["state"] == "ready"


def test_a_dry_run_tells_all_problems_at_once_and_changes_nothing(desk: Desk) -> None:
    body = desk.body("app", "rdm", options={"dry_run": True})
    body["conversions"].append({"vm": str(uuid4())})
    answer = desk.post(body)
    job = job_of(answer)

    assert (job.state, answer.json()["batch_id"], job.result["accepted"]) == ("succeeded", None, False)
    assert {problem["code"] for problem in job.result["problems"]} == {"critical_finding", "unknown_machine"}
    assert not (Batch.objects.exists() or Wave.objects.exists() or Plan.objects.exists() or Conversion.objects.exists())


def test_a_dry_run_of_a_good_batch_is_accepted(desk: Desk) -> None:
    job = job_of(desk.post(desk.body(options={"dry_run": True})))
    assert (job.result["accepted"], job.result["conversions"], job.result["problems"]) == (True, 3, [])


def test_a_dry_run_tells_what_is_seen_of_both_sides(desk: Desk) -> None:
    desk.looks = [
        Look("mac_in_use", "app", Result.FAIL, "addresses in use in the pool", "Remove it."),
        Look("worker_memory", "worker", Result.UNKNOWN, "it could not be read", "Look."),
        Look("template", "Other", Result.PASS, "the pool has it"),
    ]
    result = job_of(desk.post(desk.body("app", "db", options={"dry_run": True}))).result

    [problem] = result["problems"]
    assert (result["accepted"], problem["code"], problem["name"]) == (False, "mac_in_use", "app")
    [unknown] = result["unknown"]
    assert (unknown["code"], unknown["name"], unknown["unknown"]) == ("worker_memory", "worker", True)


def test_a_dry_run_of_a_pool_that_does_not_answer_says_so_beside_everything_else(desk: Desk) -> None:
    desk.looks = AskPerson("pool01 does not answer", code="pool_unreachable", next_step="Look at it.", where="pool01")
    job = job_of(desk.post(desk.body("app", "rdm", options={"dry_run": True})))

    assert (job.state, job.result["accepted"]) == ("succeeded", False)
    assert {problem["code"] for problem in job.result["problems"]} == {"critical_finding", "pool_unreachable"}


def test_the_same_key_and_body_is_one_batch_and_another_body_is_refused(desk: Desk) -> None:
    first = desk.post(desk.body(), HTTP_IDEMPOTENCY_KEY="night-1")
    again = desk.post(desk.body(), HTTP_IDEMPOTENCY_KEY="night-1")
    other = desk.post(desk.body("app"), HTTP_IDEMPOTENCY_KEY="night-1")
    assert (first.json()["id"], first.json()["batch_id"]) == (again.json()["id"], again.json()["batch_id"])
    assert (other.status_code, other.json()["code"], Batch.objects.count()) == (409, "idempotency_key_reused", 1)


def test_a_machine_that_another_conversion_is_taking_is_refused(desk: Desk) -> None:
    job_of(desk.post(desk.body("app")))
    job = job_of(desk.post(desk.body("app", "db")))
    (problem,) = Batch.objects.get(pk=Batch.objects.order_by("created_at").last().pk).problems
    assert (job.error["code"], problem["code"], problem["name"]) == ("batch_refused", "machine_in_conversion", "app")


def test_what_failed_is_taken_up_again_and_the_others_are_left_alone(desk: Desk) -> None:
    desk.fails = {"db"}
    answer = desk.post(desk.body())
    job = job_of(answer)
    batch = answer.json()["batch_id"]
    assert (job.result["conversions"], job.result["left_behind"]) == ({"ready": 2, "failed": 1}, ["db"])
    assert desk.shown(batch)["state"] == "failed"
    assert [each["error"]["code"] for each in desk.shown(batch)["conversions"] if each["error"]] == ["sr_full"]

    desk.fails = set()
    again = job_of(desk.people.client("owner").post(desk.url(f"/{batch}/retry")))
    assert (again.state, again.result["conversions"]) == ("succeeded", {"ready": 3})
    assert Job.objects.filter(kind="conversion.prepare").count() == 4
    nothing = desk.people.client("owner").post(desk.url(f"/{batch}/retry"))
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_failed")


def test_a_machine_whose_vm_may_have_run_is_not_taken_up_with_the_rest(desk: Desk) -> None:
    desk.fails = {"db", "app"}
    batch = desk.post(desk.body()).json()["batch_id"]
    run_jobs(most=200)
    Conversion.objects.filter(name="app").update(start_asked_at=now())
    desk.fails = set()
    again = job_of(desk.people.client("owner").post(desk.url(f"/{batch}/retry")))

    assert (again.state, again.result["conversions"]) == ("succeeded", {"ready": 2, "failed": 1})
    assert again.result["left_behind"] == ["app"]
    nothing = desk.people.client("owner").post(desk.url(f"/{batch}/retry"))
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_failed")
    assert "by itself" in nothing.json()["next_step"]


def test_a_batch_that_stops_on_failure_begins_no_further_machine(desk: Desk) -> None:
    desk.fails = {"app"}
    answer = desk.post(desk.body(options={"parallel": 1, "stop_on_failure": True}))
    job = job_of(answer)
    assert job.result["not_begun"] == ["db", "web"]
    assert desk.shown(answer.json()["batch_id"])["progress"]["states"] == {"failed": 1, "planned": 2}

    desk.fails = set()
    again = job_of(desk.people.client("owner").post(desk.url(f"/{answer.json()['batch_id']}/retry")))
    assert again.result["conversions"] == {"ready": 3}, "the retry takes the ones along that were never begun"


@pytest.mark.parametrize("parallel", [1, 2, 3])
def test_no_more_machines_are_at_work_than_the_batch_allows(desk: Desk, parallel: int) -> None:
    assert job_of(desk.post(desk.body(options={"parallel": parallel}))).state == "succeeded"
    assert desk.most_at_once == parallel


BAD = [
    ({"conversions": []}, "conversions"),
    ({"conversions": [{"vm": str(uuid4())}] * 1001}, "conversions"),
    ({"conversions": [{"vm": "x"}]}, "conversions"),
    ({"conversions": [{"vm": str(uuid4()), "memory": 3}]}, "conversions"),
    ({"options": {"parallel": 0}}, "options"),
    ({"options": {"verify": "sampled 0 %"}}, "options"),
    ({"options": {"verify": "never"}}, "options"),
    ({"options": {"paralel": 3}}, "options"),
    ({"pool": "x"}, "pool"),
    ({"surprise": 1}, "surprise"),
]


@pytest.mark.parametrize(("changes", "field"), BAD)
def test_a_request_that_cannot_be_meant_is_refused_with_its_field(desk: Desk, changes: dict[str, Any], field: str) -> None:
    answer = desk.post({**desk.body(), **changes})
    assert answer.status_code == 400, answer.content
    assert any(error["field"].startswith(field) for error in answer.json()["errors"])
    assert not Batch.objects.exists()


def test_machines_named_twice_and_unknown_ones_are_all_listed(desk: Desk) -> None:
    body = desk.body("app", "app", "db")
    body["conversions"].append({"vm": str(uuid4())})
    errors = desk.post(body).json()["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [
        ("conversions.0.vm", "named_twice"), ("conversions.1.vm", "named_twice"), ("conversions.3.vm", "unknown_machine"),
    ]  # fmt: skip


def test_roles_and_tenancy_of_batches(desk: Desk) -> None:
    answer = desk.post(desk.body())
    viewer = a_client(a_user("viewer", project=desk.people.project))
    assert viewer.post(desk.url(), desk.body()).json()["role_needed"] == "operator"
    batch = desk.url(f"/{answer.json()['batch_id']}")
    assert viewer.get(batch).status_code == 200
    assert viewer.post(f"{batch}/retry").status_code == 403
    assert desk.people.client("stranger").get(batch).status_code == 404
    assert desk.people.client("stranger").post(desk.url(), desk.body()).status_code == 404
    unknown = {**desk.body(), "pool": str(uuid4())}
    assert desk.post(unknown).status_code == 404


def queries_of(call: Any) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert call().status_code in (200, 202)
    return len(seen)


def test_asking_for_and_reading_a_batch_takes_no_more_queries_as_it_grows(desk: Desk) -> None:
    desk.post(desk.body("rdm"))  # the first entry of an audit chain and the first look at a table cost once
    asked, read = [], []
    for names in (("app",), ("db", "web")):
        body = desk.body(*names)
        asked.append(queries_of(lambda body=body: desk.post(body)))
        batch = desk.url(f"/{Batch.objects.order_by('created_at').last().pk}")
        run_jobs(most=200)
        read.append(queries_of(lambda batch=batch: desk.people.client("owner").get(batch)))
    assert (len(set(asked)), len(set(read))) == (1, 1), (asked, read)
    one = queries_of(lambda: desk.people.client("owner").get(desk.url("?limit=1")))
    assert one == queries_of(lambda: desk.people.client("owner").get(desk.url("?limit=3")))
