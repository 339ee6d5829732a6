"""A wave of two machines over the API, by two people: planned, prepared, gated twice, cut over, and held when it must be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lab.testing import Lab
from migration.conversion.models import Conversion
from migration.cutover.models import GateDecisionRow
from project.backbone.clock import now
from project.backbone.models import Job, Waiver
from tests.builders.path import settle
from tests.builders.people import People

pytestmark = pytest.mark.django_db

BOOT_RISK = "RISK-BOOT-NOT-PROVEN"


class Operator:
    """The owner at the API of the project, with jobs run as they come; the teammate approves and signs."""

    def __init__(self, people: People, lab: Lab) -> None:
        self.people, self.lab = people, lab
        self.base = f"/api/v1/projects/{people.project.id}"

    def get(self, path: str, **query: str) -> Any:
        answer = self.people.client("owner").get(f"{self.base}/{path}", query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def post(self, path: str, body: Any = None, *, who: str = "owner") -> Any:
        answer = self.people.client(who).post(f"{self.base}/{path}", body or {})
        assert answer.status_code in (200, 201, 202), answer.content
        return answer.json()

    def ran(self, path: str, body: Any = None) -> Job:
        asked = self.post(path, body)
        settle()
        return Job.objects.get(pk=asked["id"])

    def added(self, collection: str, side: str, **more: Any) -> str:
        place = self.lab.json[side]
        body = {"url": place["url"], "username": place["user"], "password": place["password"], "name": side, **more}
        path = f"{collection}/{self.post(collection, body)['id']}"
        for _ in range(2):
            self.ran(f"{path}/probe")
            pins = [certificate["sha256"] for certificate in self.get(path)["certificates"]]
            self.post(f"{path}/confirm", {"tls_thumbprints": pins})
        assert self.ran(f"{path}/collect").state == "succeeded"
        return path.partition("/")[2]

    def planned(self, pool: str, *names: str) -> str:
        """A wave of these machines, approved; its path."""
        mapping = self.post("mappings", {"name": "m", "pool": pool})["id"]
        proposal = self.get(f"mappings/{mapping}/suggest")
        tables = {name: proposal[name] for name in ("networks", "datastores", "templates")}
        assert self.people.client("owner").patch(f"{self.base}/mappings/{mapping}", tables).status_code == 200
        machines = [machine["id"] for machine in self.get("machines")["results"] if machine["name"] in names]
        result = self.ran("plans", {"pool": pool, "mapping": mapping, "machines": machines}).result
        assert result is not None
        self.post(f"plans/{result['plan_id']}/approve", who="teammate")
        return f"waves/{result['wave_ids'][0]}"

    def accept_named_risks(self, wave: str) -> None:
        """Ask the gate, and have a second person accept the boot risk and every question that nobody has answered."""
        assert self.ran(f"{wave}/gate").state == "succeeded"
        for code in {reason["code"] for reason in self.get(f"{wave}/gate")["reasons"]}:
            assert code == BOOT_RISK or code.startswith("unanswered:"), code
            body = {
                "check_id": code,
                "subject": f"wave:{wave.partition('/')[2]}",
                "reason": "first wave",
                "expires_at": (now() + timedelta(days=1)).isoformat(),
            }
            self.post(f"waivers/{self.post('waivers', body)['id']}/approve", who="teammate")

    def asked_and_signed(self, wave: str) -> None:
        assert self.ran(f"{wave}/gate").state == "succeeded"
        answer = self.get(f"{wave}/gate")
        assert answer["state"] == "open", answer["reasons"]
        self.post(f"{wave}/gate/sign", who="teammate")

    def states(self) -> dict[str, str]:
        return {row["name"]: row["state"] for row in self.get("conversions")["results"]}


@pytest.fixture
def operator(people: People, lab: Lab) -> Operator:
    """On a pool that is meant to run without HA, so that the tests are about the wave."""
    lab.control("POST", "/pool/ha", {"enabled": False})
    return Operator(people, lab)


@pytest.fixture
def wave(operator: Operator) -> str:
    operator.added("sources", "vcenter", kind="vcenter")
    pool = operator.added("pools", "pool", ha_intent="off")
    runbook = {"owner": "Ada", "alternatives": "restart by hand"}
    attested = {"kind": "manual_restart_runbook", "subject": "", "value": runbook, "tested_at": now().isoformat(), "who": "Ada"}
    operator.post(f"pools/{pool}/evidence", attested)
    path = operator.planned(pool, "web02", "db01")
    assert operator.ran(f"{path}/start").result == {"conversions": {"ready": 2}, "left_behind": []}
    return path


def test_a_wave_arrives_through_two_gates(operator: Operator, wave: str) -> None:
    operator.accept_named_risks(wave)
    first = operator.get(f"{wave}/gate")
    assert first["state"] == "closed" and BOOT_RISK in {reason["code"] for reason in first["reasons"]}
    operator.asked_and_signed(wave)
    job = operator.ran(f"{wave}/cutover")

    assert (job.state, job.result) == ("succeeded", {"conversions": {"done": 2}, "left_behind": []}), job.error
    phases = list(GateDecisionRow.objects.order_by("decided_at").values_list("phase", "state", "signed_by_name"))
    assert phases == [
        ("asked", "closed", ""),
        ("asked", "open", "teammate"),
        ("before_copy", "open", "teammate"),
        ("before_start", "open", "teammate"),
    ]
    assert Job.objects.filter(kind="readiness.collect_pool").count() == 1 + 4, "each answer stands on a reading of its own"


def test_an_acceptance_that_runs_out_during_the_copy_closes_the_second_gate_and_nothing_starts(
    operator: Operator, wave: str, at_first_segment: Callable[..., None]
) -> None:
    operator.accept_named_risks(wave)
    operator.asked_and_signed(wave)
    at_first_segment(lambda: Waiver.objects.update(expires_at=now()))
    held = operator.ran(f"{wave}/cutover")

    assert (held.state, held.error["code"]) == ("failed", "gate_closed")
    assert operator.states() == {"web02": "cutting_over", "db01": "cutting_over"}
    refused = operator.people.client("owner").post(f"{operator.base}/{wave}/cutover")
    assert (refused.status_code, refused.json()["code"]) == (409, "gate_closed")
    operator.accept_named_risks(wave)
    operator.asked_and_signed(wave)
    assert operator.ran(f"{wave}/cutover").state == "succeeded"
    assert operator.states() == {"web02": "done", "db01": "done"}
    assert Job.objects.filter(kind="conversion.copy").count() == 2, "nothing was copied twice"


def test_a_pool_that_went_away_closes_the_gate(operator: Operator, wave: str) -> None:
    operator.lab.whole.pool.stop()  # type: ignore[union-attr]
    operator.post(f"{wave}/gate")
    settle(within_s=30)
    answer = operator.get(f"{wave}/gate")

    assert answer["state"] == "closed"
    assert "pool_unreachable" in [reason["code"] for reason in answer["reasons"]]
    assert all(reason["remedy"] for reason in answer["reasons"])


def test_a_wave_rolls_back_as_a_whole(operator: Operator, wave: str) -> None:
    operator.accept_named_risks(wave)
    operator.asked_and_signed(wave)
    operator.ran(f"{wave}/cutover")
    assert operator.ran(f"{wave}/rollback").state == "succeeded"

    assert set(operator.states().values()) == {"rolled_back"}
    sources = operator.lab.control("GET", "/state")["source_vms"]
    assert (sources["web02"], sources["db01"]) == ("on", "on")
    assert not Conversion.objects.filter(target_vm_uuid="").exists()
