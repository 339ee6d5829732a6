"""The service changes HA itself: only under a grant, with the old value recorded first, and it finds its way back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from estate.errors import AskPerson
from estate.xapi import ha
from lab.worlds.pool import slow_failover_pool
from lab.xapi_sim.spec import PoolSpec
from project.backbone.clock import now
from project.backbone.jobs.models import Job
from project.backbone.jobs.sweep import revive_orphans
from project.backbone.models import AuditEntry
from readiness.models import HaChange
from tests.builders.jobs import run_jobs
from tests.builders.people import People
from tests.builders.tuning import Tuner

pytestmark = pytest.mark.django_db


class Died(BaseException):
    """kill -9, as far as the job table can tell."""


@pytest.fixture
def tuner(tuner_of: Callable[[PoolSpec], Tuner]) -> Tuner:
    """A campaign whose next step is to set 90 s."""
    tuner = tuner_of(slow_failover_pool())
    tuner.begin()
    tuner.sign_window()
    tuner.whole_trial("san-a")
    return tuner


def granted(people: People, tuner: Tuner, hours: float = 1) -> Any:
    body = {"reason": "the night of the trials", "expires_at": (now() + timedelta(hours=hours)).isoformat()}
    return people.client("admin").post(f"{tuner.address}/ha-grants", body, format="json")


def ha_of(tuner: Tuner) -> dict[str, Any]:
    return dict(tuner.wire.desk("GET", "/state")["ha"])


def test_without_a_grant_nothing_is_touched(people: People, tuner: Tuner) -> None:
    refused = tuner.client.post(f"{tuner.campaign}/set-timeout")
    assert (refused.status_code, refused.json()["code"]) == (409, "ha_not_granted")
    assert tuner.client.post(f"{tuner.address}/ha-grants", {"reason": "x", "expires_at": now().isoformat()}).status_code == 403
    assert granted(people, tuner, hours=24 * 8).status_code == 400
    given = granted(people, tuner)
    assert given.status_code == 201
    tuner.client.post(f"{tuner.address}/ha-grants/{given.json()['id']}/revoke")
    assert tuner.client.post(f"{tuner.campaign}/set-timeout").json()["code"] == "ha_not_granted"
    assert not HaChange.objects.exists() and ha_of(tuner) == {"enabled": True, "timeout_s": 60}


def test_the_timeout_is_set_as_the_commands_would_and_can_be_given_back(people: People, tuner: Tuner) -> None:
    granted(people, tuner)
    assert tuner.client.post(f"{tuner.campaign}/set-timeout").status_code == 202
    assert tuner.client.post(f"{tuner.campaign}/set-timeout").json()["code"] == "change_open"
    assert tuner.ask("san-a", method="graceful").json()["code"] == "step_out_of_order", "no trial while HA is being changed"
    [job] = run_jobs()
    assert job.state == "succeeded" and ha_of(tuner) == {"enabled": True, "timeout_s": 90}
    after = tuner.now()
    [change] = after["changes"]
    assert (change["state"], change["before"]["timeout_s"], change["before"]["default"]) == ("changed", 60, None)
    assert (after["next_step"]["kind"], after["next_step"]["timeout_s"]) == ("trial", 90)
    assert tuner.client.post(f"{tuner.campaign}/set-timeout").json()["code"] == "step_out_of_order"

    assert tuner.client.post(f"{tuner.campaign}/restore-timeout").status_code == 202
    run_jobs()
    assert ha_of(tuner) == {"enabled": True, "timeout_s": 60} and tuner.now()["changes"][0]["state"] == "restored"
    session = tuner.wire.login()
    assert "default_ha_timeout" not in session.xenapi.pool.get_other_config(session.xenapi.pool.get_all()[0])
    actions = list(AuditEntry.objects.filter(action__startswith="ha_").order_by("number").values_list("action", flat=True))
    changed, restored = ["ha_change.record", "ha_change.finish"], ["ha_change.give_back", "ha_change.finish"]
    assert actions == ["ha_grant.given", "ha_change.asked_for", *changed, *restored]


@pytest.mark.parametrize("dies_in", ["keep_default", "switch_off", "switch_on"])
def test_a_worker_that_dies_in_mid_change_leaves_the_old_value_and_another_goes_on(
    people: People, tuner: Tuner, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    granted(people, tuner)
    tuner.client.post(f"{tuner.campaign}/set-timeout")
    real = getattr(ha, dies_in)

    def dying(*arguments: Any) -> None:
        real(*arguments)
        raise Died

    monkeypatch.setattr(ha, dies_in, dying)
    with pytest.raises(Died):
        run_jobs()
    assert HaChange.objects.get().before["timeout_s"] == 60, "recorded before anything was touched"
    monkeypatch.setattr(ha, dies_in, real)
    Job.objects.filter(state="running").update(lease_until=now() - timedelta(seconds=1))
    assert revive_orphans() == 1
    run_jobs()
    assert HaChange.objects.get().state == "changed" and ha_of(tuner) == {"enabled": True, "timeout_s": 90}


def test_a_pool_that_refuses_the_new_timeout_gets_its_old_one_back(
    people: People, tuner: Tuner, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted(people, tuner)
    tuner.client.post(f"{tuner.campaign}/set-timeout")
    real = ha.switch_on

    def refusing(session: Any, sr_uuid: str, configuration: Any, join_s: float) -> None:
        if configuration.get("timeout") == "90":
            raise AskPerson("The hosts do not meet.", code="ha_refused", next_step="Look at the network.")
        real(session, sr_uuid, configuration, join_s)

    monkeypatch.setattr(ha, "switch_on", refusing)
    run_jobs()
    [change] = tuner.now()["changes"]
    assert change["state"] == "restored" and "The hosts do not meet" in change["failed_because"]
    assert ha_of(tuner) == {"enabled": True, "timeout_s": 60}


def test_a_pool_that_takes_neither_says_that_ha_may_be_off(people: People, tuner: Tuner, monkeypatch: pytest.MonkeyPatch) -> None:
    granted(people, tuner)
    tuner.client.post(f"{tuner.campaign}/set-timeout")
    real = ha.switch_on

    def refusing(*_: Any) -> None:
        raise AskPerson("No.", code="ha_refused", next_step="Look.")

    monkeypatch.setattr(ha, "switch_on", refusing)
    run_jobs()
    [change] = tuner.now()["changes"]
    assert change["state"] == "failed" and "HA may be off" in change["failed_because"] and not ha_of(tuner)["enabled"]
    monkeypatch.setattr(ha, "switch_on", real)
    tuner.client.post(f"{tuner.campaign}/restore-timeout")
    run_jobs()
    assert ha_of(tuner) == {"enabled": True, "timeout_s": 60}


def test_what_stands_against_it_on_the_fresh_reading_fails_it_untouched(people: People, tuner: Tuner) -> None:
    granted(people, tuner)
    tuner.client.post(f"{tuner.campaign}/set-timeout")
    tuner.wire.desk("POST", "/pool/ha", enabled=False)
    run_jobs()
    [change] = tuner.now()["changes"]
    assert (
        change["state"] == "failed" and change["failed_because"].startswith("Nothing was touched.") and change["before"] is None
    )


def test_a_grant_that_is_revoked_before_the_job_ran_stops_it_untouched(people: People, tuner: Tuner) -> None:
    given = granted(people, tuner).json()
    tuner.client.post(f"{tuner.campaign}/set-timeout")
    tuner.client.post(f"{tuner.address}/ha-grants/{given['id']}/revoke")
    [job] = run_jobs()
    assert job.state == "failed" and job.error["code"] == "ha_not_granted"
    assert HaChange.objects.get().state == "failed" and ha_of(tuner) == {"enabled": True, "timeout_s": 60}


def test_a_grant_is_no_leave_to_do_anything_else(people: People, tuner: Tuner) -> None:
    granted(people, tuner)
    strange = people.client("stranger")
    assert strange.get(f"{tuner.address}/ha-grants").status_code == 404
    assert strange.post(f"{tuner.campaign}/set-timeout").status_code == 404
    assert tuner.client.post(f"{tuner.campaign}/restore-timeout").json()["code"] == "change_moved"
