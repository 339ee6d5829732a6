"""Single trials against the lab's pool: what refuses one, what does not count, and a watch that outlives its worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace as replaced

from lab.worlds.pool import slow_failover_pool
from lab.xapi_sim.spec import PoolSpec, small_pool
from project.backbone.clock import now
from project.backbone.jobs.models import Job
from project.backbone.jobs.sweep import revive_orphans
from readiness.core.campaign.watching import missed
from readiness.core.evidence import EvidenceKind
from readiness.models import CampaignTrial, Evidence
from readiness.selectors.campaigns import observation_of
from readiness.selectors.pools import latest_facts
from readiness.services.trials import keep_look
from readiness.work import pools as work
from tests.builders.inventory import SYSTEM
from tests.builders.tuning import Tuner, look, until

pytestmark = pytest.mark.django_db
Start = Callable[[PoolSpec], Tuner]


def recovering(*failover_s: float) -> PoolSpec:
    """The pool whose hosts get their paths back so many seconds after a node went."""
    pool = slow_failover_pool()
    hosts = [replace(host, failover_s=dict.fromkeys(host.failover_s, s)) for host, s in zip(pool.hosts, failover_s, strict=True)]
    return replace(pool, hosts=tuple(hosts))


@pytest.fixture
def tuner(tuner_of: Start) -> Tuner:
    tuner = tuner_of(slow_failover_pool())
    tuner.begin()
    tuner.sign_window()
    return tuner


def fenced(trial: dict[str, Any]) -> list[bool | None]:
    return [host["fenced"] for host in trial["watched"]["hosts"]]


def names_fenced(trial: dict[str, Any], tuner: Tuner) -> set[str]:
    names = {host.uuid: host.name for host in latest_facts(tuner.pool.id).hosts}
    return {names[host["host_uuid"]] for host in trial["watched"]["hosts"] if host["fenced"]}


def test_vms_that_run_refuse_a_trial_until_they_are_named_as_expendable(tuner_of: Start) -> None:
    tuner = tuner_of(small_pool())
    begun = tuner.begin()
    assert [each["code"] for each in begun["obstacles"]] == ["vms_running", "vmware_unknown"]
    refused = tuner.ask("san-a")
    assert (refused.status_code, refused.json()["code"]) == (409, "trial_obstructed")
    assert "dns-01" in refused.json()["detail"]
    tuner.client.post(f"{tuner.campaign}/abandon", {"reason": "named no VMs"})
    tuner.begin(expendable_vms=["dns-01", "print-01", "web-01"])
    assert tuner.sign_window()["obstacles"] == []
    assert tuner.ask("san-a").status_code == 202


def test_a_vm_started_since_the_last_reading_refuses_the_trial_on_the_fresh_one(
    tuner: Tuner, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = work.read_facts
    dirty = [("VM", "this account may not see VMs")]
    monkeypatch.setattr(work, "read_facts", lambda *told, **how: replaced(read(*told, **how), unreadable=tuple(dirty)))
    assert tuner.ask("san-a").status_code == 202
    look()
    campaign = tuner.now()
    [trial] = campaign["trials"]
    assert (trial["state"], [each["code"] for each in trial["obstacles"]]) == ("refused", ["vms_unknown"])
    assert campaign["state"] == "preflight_failed" and campaign["sentence"].startswith("Clear what stands against a trial")


def test_an_unsynced_mirror_refuses_a_trial(tuner: Tuner) -> None:
    refused = tuner.ask("san-a", mirror_in_sync=False)
    assert refused.status_code == 409 and [each["code"] for each in refused.json()["errors"]] == ["mirror_out_of_sync"]


def test_a_hard_trial_has_to_be_the_next_step_at_the_timeout_in_force(tuner: Tuner) -> None:
    tuner.wire.desk("POST", "/pool/ha", enabled=True, timeout_s=120)
    tuner.collect()
    refused = tuner.ask("san-a")
    assert (refused.status_code, refused.json()["code"]) == (409, "step_out_of_order")
    assert "set timeout at 60 s" in refused.json()["next_step"]
    assert tuner.ask("san-x").json()["code"] == "step_out_of_order"


def test_a_second_trial_waits_for_the_first_and_the_first_can_be_discarded(tuner: Tuner) -> None:
    trial = tuner.start("san-a")
    refused = tuner.ask("san-a")
    assert (refused.status_code, refused.json()["code"]) == (409, "step_out_of_order")
    assert tuner.ask("san-a", method="graceful").json()["code"] == "trial_open"
    assert tuner.client.post(f"{tuner.campaign}/abandon", {"reason": "x"}).json()["code"] == "trial_open"
    assert tuner.client.post(f"{trial}/result", {"who": "Ada"}).json()["code"] == "trial_moved"
    discarded = tuner.client.post(f"{trial}/discard", {"reason": "the wrong node"}).json()
    assert (discarded["state"], discarded["closed_because"]) == ("discarded", "the wrong node")
    look()
    assert not Evidence.objects.filter(kind=EvidenceKind.FAILOVER_TEST).exists()
    assert tuner.now()["next_step"]["kind"] == "trial"


def test_a_trial_cannot_end_before_a_fence_could_have_been_seen(tuner: Tuner, settings: Any) -> None:
    trial = tuner.start("san-a")
    settings.TRIAL_CLOCK_FACTOR = 1.0
    refused = tuner.client.post(f"{trial}/end", {"storage_healthy": True, "mirror_in_sync": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "trial_too_short")
    assert "it shows after 98 s" in refused.json()["detail"]


def test_a_trial_in_which_nothing_was_pulled_proves_nothing(tuner: Tuner) -> None:
    trial = tuner.start("san-a")
    until(lambda: look() or tuner._ended(trial), "the trial to be long enough")
    until(lambda: look() or tuner._in_state(trial, "watched"), "the last look")
    confirmed = tuner.confirm(trial, max_latency_s=1.0)
    assert confirmed["result"]["pull_seen"] is False and fenced(confirmed) == [False, False, False]
    step = tuner.now()["next_step"]
    assert (step["kind"], step["node"], len(step["hosts"])) == ("trial", "san-a", 3), "san-a has to be pulled still"


def test_a_graceful_stop_is_stored_and_does_not_count(tuner_of: Start) -> None:
    tuner = tuner_of(recovering(5, 5, 5))
    tuner.begin()
    tuner.sign_window()
    trial = tuner.start("san-a", method="graceful")
    tuner.pull("san-a")
    tuner.end(trial)
    assert tuner.confirm(trial, max_latency_s=5.0)["state"] == "confirmed"
    assert Evidence.objects.get(kind=EvidenceKind.FAILOVER_TEST).value["method"] == "graceful"
    assert tuner.now()["next_step"]["node"] == "san-a"


def test_an_unknown_latency_is_not_a_pass(tuner_of: Start) -> None:
    tuner = tuner_of(recovering(5, 5, 5))
    tuner.begin()
    tuner.sign_window()
    trial = tuner.start("san-a")
    tuner.pull("san-a")
    assert fenced(tuner.end(trial)) == [False, False, False]
    assert tuner.confirm(trial)["result"]["max_latency_s"] is None
    assert tuner.now()["next_step"]["node"] == "san-a"
    _, confirmed = tuner.whole_trial("san-a")
    assert confirmed["result"]["max_latency_s"] == 5.0
    assert tuner.now()["next_step"]["node"] == "san-b"


def test_a_latency_that_hosts_keep_in_their_statistics_needs_no_person(tuner_of: Start) -> None:
    tuner = tuner_of(recovering(5, 45, 50))
    session = tuner.wire.login()
    statefile = next(file.vdi_uuid for file in latest_facts(tuner.pool.id).statefiles if file.vdi_type != "redo_log")  # type: ignore[union-attr]
    for host in session.xenapi.host.get_all():
        session.xenapi.host.record_data_source(host, f"statefile/{statefile}/latency")
    tuner.begin()
    tuner.sign_window()
    trial = tuner.start("san-a")
    tuner.pull("san-a")
    assert tuner.end(trial)["watched"]["max_latency_s"] == 50.0
    assert tuner.confirm(trial)["result"]["max_latency_s"] == 50.0
    assert tuner.now()["next_step"]["node"] == "san-b"


def test_hosts_that_all_lose_the_disk_live_on_and_the_step_rises_all_the_same(tuner_of: Start) -> None:
    tuner = tuner_of(recovering(80, 80, 80))
    tuner.begin()
    tuner.sign_window()
    watched, confirmed = tuner.whole_trial("san-a")
    assert fenced(watched) == [False, False, False] and confirmed["result"]["statefile_lost"] is True
    step = tuner.now()["next_step"]
    assert (step["kind"], step["timeout_s"]) == ("set_timeout", 90)


def test_a_coordinator_that_fences_is_seen_through_the_other_hosts(tuner_of: Start) -> None:
    tuner = tuner_of(recovering(100, 40, 40))
    tuner.begin()
    tuner.sign_window()
    watched, _ = tuner.whole_trial("san-a")
    assert names_fenced(watched, tuner) == {"xen01"}
    assert watched["watched"]["looks"] > 3


def test_a_timeout_that_is_changed_meanwhile_makes_the_trial_worth_nothing(tuner_of: Start) -> None:
    tuner = tuner_of(recovering(5, 5, 5))
    tuner.begin()
    tuner.sign_window()
    trial = tuner.start("san-a")
    tuner.pull("san-a")
    tuner.wire.desk("POST", "/pool/ha", enabled=True, timeout_s=240)
    until(lambda: look() or not tuner._in_state(trial, "watching")["watched"]["timeout_held"], "the change to be seen")  # type: ignore[index]
    tuner.wire.desk("POST", "/pool/ha", enabled=True, timeout_s=60)
    tuner.end(trial)
    assert tuner.confirm(trial, max_latency_s=5.0)["result"]["timeout_held"] is False
    assert tuner.now()["next_step"]["node"] == "san-a"


def test_a_watch_whose_worker_died_is_taken_up_and_sees_the_fence_that_happened_meanwhile(
    tuner: Tuner, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = tuner.start("san-a")
    looked = work.look_at

    class Died(BaseException):
        """kill -9, as far as the job table can tell."""

    def die(*_: Any, **__: Any) -> Any:
        raise Died

    monkeypatch.setattr(work, "look_at", die)
    with pytest.raises(Died):
        until(look, "the next look", 5)
    [job] = Job.objects.filter(kind="readiness.watch_trial", state="running")
    began = tuner._in_state(trial, "watching")
    pulled = tuner.wire.run_trial("/pool/storage/cut", node="san-a")
    tuner.wire.desk("POST", "/pool/storage/heal", node="san-a")
    assert set(pulled["fenced"]) == {"xen02", "xen03"}

    monkeypatch.setattr(work, "look_at", looked)
    Job.objects.filter(pk=job.pk).update(lease_until=now() - timedelta(seconds=1))
    assert revive_orphans() == 1
    watched = tuner.end(trial)
    assert names_fenced(watched, tuner) == {"xen02", "xen03"}
    assert began is not None and watched["began_at"] == began["began_at"] and watched["watched"]["pull_seen"] is True


def test_a_look_based_on_what_another_worker_has_gone_beyond_is_not_kept(tuner: Tuner) -> None:
    tuner.start("san-a")
    late = CampaignTrial.objects.get()
    seen = observation_of(late)
    assert seen is not None
    other = CampaignTrial.objects.get()
    assert keep_look(other, missed(seen, now())) is True
    assert keep_look(late, seen) is False
    found = observation_of(CampaignTrial.objects.get())
    assert found is not None and found.misses == 1


def test_a_worker_whose_clock_is_behind_ends_no_trial(tuner: Tuner, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = tuner.start("san-a")
    tuner.pull("san-a")
    until(lambda: look() or tuner._ended(trial), "the trial to be long enough")
    newest = observation_of(CampaignTrial.objects.get())
    assert newest is not None
    monkeypatch.setattr(work, "now", lambda: newest.looked_at - timedelta(seconds=30))
    row = CampaignTrial.objects.get()
    assert work.watch_trial(row, SYSTEM) is True
    assert CampaignTrial.objects.get().state == "ending"


def test_a_watch_that_is_cancelled_leaves_no_trial_behind(tuner: Tuner) -> None:
    trial = tuner.start("san-a")
    job = Job.objects.get(kind="readiness.watch_trial")
    assert tuner.client.post(f"/api/v1/jobs/{job.id}/cancel").status_code == 202
    left = tuner.client.get(trial).json()
    assert left["state"] == "discarded" and "cancelled" in left["closed_because"]
    assert tuner.now()["next_step"]["kind"] == "trial"


def test_a_person_may_add_a_fence_but_never_take_one_back(tuner: Tuner) -> None:
    trial = tuner.start("san-a")
    tuner.pull("san-a")
    tuner.end(trial)
    strange = tuner.client.post(f"{trial}/result", {"who": "Ada", "fenced_hosts": ["xen99"]}, format="json")
    assert strange.status_code == 400 and strange.json()["errors"][0]["field"] == "fenced_hosts"
    confirmed = tuner.confirm(trial, fenced_hosts=["xen01"], max_latency_s=1.0)
    assert [host["fenced"] for host in confirmed["result"]["hosts"]] == [True, True, True]


def test_a_host_that_joins_later_is_asked_for_alone(tuner_of: Start) -> None:
    tuner = tuner_of(recovering(5, 5, 5))
    tuner.begin()
    tuner.sign_window()
    for node in ("san-a", "san-b"):
        tuner.whole_trial(node)
    assert (tuner.now()["state"], tuner.now()["tuned_timeout_s"]) == ("complete", 60)
    late = latest_facts(tuner.pool.id).hosts[2].uuid
    for row in Evidence.objects.filter(kind=EvidenceKind.FAILOVER_TEST):
        row.value["hosts"] = [host for host in row.value["hosts"] if host["host_uuid"] != late]
        row.save()
    tuner.begin()
    step = tuner.sign_window()["next_step"]
    assert (step["kind"], step["timeout_s"], step["node"], step["hosts"]) == ("trial", 60, "san-a", [late])
    for node in ("san-a", "san-b"):
        tuner.whole_trial(node)
    assert tuner.now()["state"] == "complete"
