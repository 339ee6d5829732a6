"""Pools over the API: added, probed, confirmed, collected; facts are kept and other apps read them through selectors."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from estate.errors import AskPerson
from project.backbone.models import AuditEntry, Endpoint, Job
from project.backbone.problems import Conflict
from readiness.models import Pool, PoolInventory
from readiness.selectors import pools as selectors
from readiness.services import pools as services
from readiness.work import pools as work
from tests.builders.jobs import run_jobs
from tests.builders.people import People
from tests.builders.pools import NOW, a_pool, a_vm
from tests.builders.readiness import PIN, a_confirmed_pool, collected

pytestmark = pytest.mark.django_db
NEW = {"url": "https://xen1.example", "username": "root", "password": "a very secret word", "name": "pool01"}


def base(people: People) -> str:
    return f"/api/v1/projects/{people.project.id}/pools"


def test_a_pool_is_added_and_its_password_never_comes_back(people: People) -> None:
    answer = people.client("owner").post(base(people), NEW)
    assert (answer.status_code, answer.json()["ha_intent"]) == (201, "required")
    listed = people.client("owner").get(base(people)).json()
    assert [pool["name"] for pool in listed["results"]] == ["pool01"]
    assert "secret word" not in json.dumps(listed) + answer.content.decode()
    assert "secret word" not in str(list(AuditEntry.objects.values_list("after", flat=True)))


def test_a_second_pool_of_the_same_name_is_refused_whole(people: People) -> None:
    people.client("owner").post(base(people), NEW)
    answer = people.client("owner").post(base(people), NEW)
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
    assert (Pool.objects.count(), Endpoint.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("change", "field"), [({"url": "ftp://x"}, "url"), ({"ha_intent": "maybe"}, "ha_intent"), ({"password": None}, "password")]
)
def test_a_bad_value_is_named(people: People, change: dict[str, Any], field: str) -> None:
    answer = people.client("owner").post(base(people), {**NEW, **change})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_ha_intent_can_be_changed_and_the_audit_log_has_both_values(people: People) -> None:
    pool = a_confirmed_pool(people)
    answer = people.client("owner").patch(f"{base(people)}/{pool.id}", {"ha_intent": "off"})
    assert answer.json()["ha_intent"] == "off"
    entry = AuditEntry.objects.get(action="pool.changed")
    assert (entry.before["ha_intent"], entry.after["ha_intent"]) == ("required", "off")


def test_a_probe_job_shows_certificates_and_a_person_confirms_them(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    made = people.client("owner").post(base(people), NEW).json()
    address = f"{base(people)}/{made['id']}"
    answer = people.client("owner").post(f"{address}/probe")
    assert (answer.status_code, answer.json()["kind"]) == (202, "readiness.probe_pool")
    offered = [{"subject": "CN=xen1", "sha256": PIN, "sha1": "", "address": "xen1:443", "not_after": "2027-01-01T00:00:00+00:00"}]

    def seen(pool: Pool, actor: Any) -> dict[str, Any]:
        services.store_probe(pool, pool_uuid="", offered=offered, actor=actor)
        return {"certificates": offered}

    monkeypatch.setattr(work, "probe_pool", seen)
    assert [job.state for job in run_jobs()] == ["succeeded"]
    assert people.client("owner").get(address).json()["certificates"][0]["sha256"] == PIN
    confirmed = people.client("owner").post(f"{address}/confirm", {"tls_thumbprints": [PIN]})
    assert (confirmed.status_code, confirmed.json()["tls_thumbprints"]) == (200, [PIN])


def test_a_pool_is_not_read_before_its_certificates_are_confirmed(people: People) -> None:
    made = people.client("owner").post(base(people), NEW).json()
    answer = people.client("owner").post(f"{base(people)}/{made['id']}/collect")
    assert (answer.status_code, answer.json()["code"]) == (409, "pins_not_confirmed")
    assert not Job.objects.exists()


def test_a_collection_keeps_the_facts_and_says_which(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = a_confirmed_pool(people)
    monkeypatch.setattr(work, "read_pool", lambda target, actor: services.store_facts(target, a_pool(), actor=actor))
    people.client("owner").post(f"{base(people)}/{pool.id}/collect")
    [job] = run_jobs()
    answer = people.client("owner").get(f"{base(people)}/{pool.id}/facts").json()
    assert answer["id"] == job.result["facts_id"]
    assert answer["facts"]["ha_configuration"] == {"timeout": "120"}
    assert Pool.objects.get().pool_uuid == "pool-1"


def test_asking_twice_while_the_first_waits_makes_one_job(people: People) -> None:
    pool = a_confirmed_pool(people)
    answers = [people.client("owner").post(f"{base(people)}/{pool.id}/collect").json()["id"] for _ in range(2)]
    assert answers[0] == answers[1] and Job.objects.count() == 1


def test_an_idempotency_key_used_for_another_request_is_refused(people: People) -> None:
    pool = a_confirmed_pool(people)
    client = people.client("owner")
    first = client.post(f"{base(people)}/{pool.id}/collect", headers={"Idempotency-Key": "k1"})
    second = client.post(f"{base(people)}/{pool.id}/probe", headers={"Idempotency-Key": "k1"})
    assert (first.status_code, second.status_code, second.json()["code"]) == (202, 409, "idempotency_key_reused")


def test_an_unchanged_pool_keeps_its_digest_and_a_changed_one_does_not(people: People) -> None:
    pool = a_confirmed_pool(people)
    later = replace(a_pool(), collected_at=NOW + timedelta(hours=1))
    digests = [collected(pool, facts).digest for facts in (a_pool(), later, a_pool(timeout_s=60))]
    assert digests[0] == digests[1] != digests[2]
    assert PoolInventory.objects.count() == 3


def test_another_pool_behind_the_same_address_is_refused(people: People) -> None:
    pool = a_confirmed_pool(people)
    collected(pool, a_pool())
    with pytest.raises(Conflict, match="now pool xen-pool"):
        collected(pool, replace(a_pool(), uuid="pool-2"))


def test_a_collection_that_is_refused_says_why_and_what_next_on_its_job(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = a_confirmed_pool(people)

    def refuses(target: Pool, actor: Any) -> None:
        raise AskPerson("pool01 shows another certificate", code="certificate_changed", next_step="Probe it again.")

    monkeypatch.setattr(work, "read_pool", refuses)
    people.client("owner").post(f"{base(people)}/{pool.id}/collect")
    [job] = run_jobs()
    assert job.state == "failed"
    assert job.error["code"] == "certificate_changed" and job.error["next_step"] == "Probe it again."
    assert not PoolInventory.objects.exists()


def test_facts_before_the_first_collection_are_a_conflict_with_a_next_step(people: People) -> None:
    pool = a_confirmed_pool(people)
    for part in ("facts", "drift", "drawing"):
        answer = people.client("owner").get(f"{base(people)}/{pool.id}/{part}")
        assert (answer.status_code, answer.json()["code"]) == (409, "pool_not_collected")


def test_drift_and_drawing_of_a_collected_pool(people: People) -> None:
    pool = a_confirmed_pool(people)
    collected(pool, a_pool(timeout_s=60))
    drift = people.client("owner").get(f"{base(people)}/{pool.id}/drift").json()
    assert (drift["timeout_s"], drift["tuned_timeout_s"], drift["drifted"]) == (60, None, None)
    drawing = people.client("owner").get(f"{base(people)}/{pool.id}/drawing")
    assert drawing["Content-Type"] == "image/svg+xml" and drawing.content.startswith(b"<svg")


def test_planning_reads_facts_through_selectors(people: People) -> None:
    pool = a_confirmed_pool(people)
    facts = a_pool(vms=(a_vm(mac_addresses=("AA:BB:CC:00:00:01",)),))
    collected(pool, facts)
    assert selectors.latest_facts(pool.id) == facts


@pytest.mark.parametrize("verb", ["get", "patch", "delete"])
def test_a_stranger_finds_no_pool(people: People, verb: str) -> None:
    pool = a_confirmed_pool(people)
    answer = getattr(people.client("stranger"), verb)(f"{base(people)}/{pool.id}")
    assert answer.status_code == 404
    other = f"/api/v1/projects/{people.other_project.id}/pools/{pool.id}"
    assert people.client("stranger").get(other).status_code == 404
    for part in ("readiness", "evidence"):
        assert people.client("stranger").get(f"{other}/{part}").status_code == 404
