"""The storage failover that fences hosts at 60 and 90 s and not at 120: a whole campaign against the lab's pool, over the wire.

The hosts get their paths back 40, 70 and 100 s after a node lost its power. docs/story-slow-failover.md tells it to people.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lab.worlds.pool import slow_failover_pool
from lab.xapi_sim.spec import PoolSpec
from project.backbone.clock import now
from project.backbone.models import AuditEntry
from project.backbone.notices.signing import signature
from readiness.core.alerts import outside_trials
from readiness.selectors.cases import case_of, drift
from readiness.selectors.pools import latest_facts
from tests.builders.people import People
from tests.builders.receiver import Receiver, a_receiver
from tests.builders.tuning import Tuner, look, until

pytestmark = pytest.mark.django_db


@pytest.fixture
def tuner(tuner_of: Callable[[PoolSpec], Tuner]) -> Tuner:
    return tuner_of(slow_failover_pool())


def fenced(trial: dict[str, Any], tuner: Tuner) -> set[str]:
    names = {host.uuid: host.name for host in latest_facts(tuner.pool.id).hosts}
    return {names[host["host_uuid"]] for host in trial["watched"]["hosts"] if host["fenced"]}


def result(verdict: dict[str, Any], check_id: str) -> str:
    return str(next(check["result"] for check in verdict["checks"] if check["id"] == check_id))


def test_a_campaign_climbs_from_60_to_120_seconds_and_its_result_drifts_when_a_gui_enables_ha_again(
    tuner: Tuner, people: People, settings: Any
) -> None:
    settings.POOL_LOOK_S, settings.NOTICE_LOOPBACK = 0.3, True
    begun_under_a_signed_window(tuner)
    climbed(tuner)
    complete_with_its_evidence(tuner)
    drifted_and_restored(tuner)
    with a_receiver() as receiver:
        alarmed_and_told(tuner, people, receiver)
    audited_and_never_executed(tuner)


def begun_under_a_signed_window(tuner: Tuner) -> None:
    begun = tuner.begin()
    assert (begun["state"], [each["code"] for each in begun["obstacles"]]) == ("preflight_failed", ["vmware_unknown"])
    signed = tuner.sign_window()
    assert signed["state"] == "running"
    assert signed["sentence"].startswith("With storage healthy and its mirror in sync, begin the trial of san-a at 60 s")


def climbed(tuner: Tuner) -> None:
    """At 60 s two hosts fence, at 90 s one, at 120 s none, on either node."""
    watched, _ = tuner.whole_trial("san-a")
    assert fenced(watched, tuner) == {"xen02", "xen03"}
    assert watched["watched"]["pull_seen"] is True and watched["watched"]["timeout_held"] is True

    after_60 = tuner.now()
    assert (after_60["next_step"]["kind"], after_60["next_step"]["timeout_s"]) == ("set_timeout", 90)
    assert tuner.type_commands() == 90
    watched, confirmed = tuner.whole_trial("san-a")
    assert fenced(watched, tuner) == {"xen03"}
    by_host = {host["host_uuid"]: host for host in confirmed["result"]["hosts"]}
    lost = next(host for host in by_host.values() if host["fenced"])
    assert lost["false_fence"] is True and 60 <= lost["detection_s"] < 400 and lost["signs"]

    assert tuner.type_commands() == 120
    for node in ("san-a", "san-b"):
        assert tuner.now()["next_step"]["node"] == node
        watched, confirmed = tuner.whole_trial(node)
        assert fenced(watched, tuner) == set()
        assert confirmed["result"]["max_latency_s"] == 100.0 and confirmed["result"]["statefile_lost"] is False


def complete_with_its_evidence(tuner: Tuner) -> None:
    ended = tuner.now()
    assert (ended["state"], ended["tuned_timeout_s"], ended["next_step"]) == ("complete", 120, None)
    assert ended["sentence"].startswith("Nothing: the tuned timeout of 120 s is in force") and ended["commands"] == []
    verdict = tuner.verdict()
    assert {check: result(verdict, check) for check in ("HA-022", "HA-023", "HA-026")} == dict.fromkeys(
        ("HA-022", "HA-023", "HA-026"), "pass"
    )
    assert result(verdict, "HA-024") == "warn", "100 s of failover leave 120 s less than a quarter of margin"
    case = case_of(tuner.pool, latest_facts(tuner.pool.id), now())
    fences = [message for message in case.facts.messages if message.name in ("HA_HOST_FAILED", "HA_HOST_WAS_FENCED")]
    assert fences and not outside_trials(case, fences), "what a trial's fences made the pool say is that trial's evidence"


def drifted_and_restored(tuner: Tuner) -> None:
    # Enabled again from a graphical tool: no timeout is passed; the pool's default keeps it.
    tuner.wire.desk("POST", "/pool/ha", enabled=True)
    tuner.collect()
    assert drift(tuner.pool.id, now()).drifted is False
    # The same where somebody took the default away: back to 60 s, and the drift is there to be seen.
    session = tuner.wire.login()
    pool = session.xenapi.pool.get_all()[0]
    session.xenapi.pool.remove_from_other_config(pool, "default_ha_timeout")
    tuner.wire.desk("POST", "/pool/ha", enabled=True)
    verdict = tuner.verdict()
    assert (result(verdict, "HA-022"), result(verdict, "HA-026")) == ("fail", "fail"), "hosts fenced in a trial at 60 s"
    fallen = drift(tuner.pool.id, now())
    assert (fallen.timeout_s, fallen.tuned_timeout_s, fallen.drifted) == (60, 120, True)
    drifted = tuner.now()
    assert drifted["sentence"].startswith("Enable HA with the tuned timeout of 120 s") and drifted["commands"]
    # Restored, and the evidence holds again without a single new trial.
    tuner.wire.desk("POST", "/pool/ha", enabled=True, timeout_s=120, persist=True)
    assert result(tuner.verdict(), "HA-026") == "pass"


def alarmed_and_told(tuner: Tuner, people: People, receiver: Receiver) -> None:
    """The same fall, with nobody reading the pool but its watch: it opens an alarm, and a webhook says so."""
    target = people.client("admin").post(
        f"/api/v1/projects/{people.project.id}/notice-targets",
        {
            "kind": "webhook",
            "name": "hall",
            "url": receiver.url,
            "events": ["alarm.opened", "alarm.closed", "pool.timeout_reset"],
        },
    )
    assert target.status_code == 201, target.content
    assert tuner.client.post(f"{tuner.address}/watch", {"enabled": True}).status_code == 200
    until(lambda: look() or tuner.client.get(f"{tuner.address}/watch").json()["judged_at"], "the first judgement")
    assert tuner.alarms() == [], "what the trials made the pool say is theirs"
    session = tuner.wire.login()
    session.xenapi.pool.remove_from_other_config(session.xenapi.pool.get_all()[0], "default_ha_timeout")
    tuner.wire.desk("POST", "/pool/ha", enabled=True)
    opened = until(lambda: look() or tuner.alarms(), "the alarm")
    [reset] = [alarm for alarm in opened if alarm["kind"] == "timeout_reset"]
    assert (reset["path"], reset["before"], reset["after"]) == ("pool.ha_configuration.timeout", "120 s", "60 s")
    assert {"HA-022", "HA-026"} <= set(reset["checks"])
    until(lambda: look() or receiver.told("pool.timeout_reset"), "the webhook")
    headers, body = next((h, b) for h, b in receiver.got if h["Xenbound-Event"] == "pool.timeout_reset")
    assert headers["Xenbound-Signature"] == signature(target.json()["secret"], int(headers["Xenbound-Timestamp"]), body)
    assert "60 s" in json.loads(body)["text"]
    tuner.wire.desk("POST", "/pool/ha", enabled=True, timeout_s=120, persist=True)
    until(lambda: look() or not tuner.alarms(), "the alarm to close")
    until(lambda: look() or receiver.told("alarm.closed"), "the webhook that it is over")
    assert len(receiver.told("pool.timeout_reset")) == 1, "not repeated while it is open"


def audited_and_never_executed(tuner: Tuner) -> None:
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"campaign.begun", "campaign.window_signed", "trial.asked_for", "trial.begin", "trial.end", "trial.confirm"} <= actions
    assert "campaign.complete" in actions
    called = [entry["what"] for entry in tuner.wire.desk("GET", "/log?since=0")]
    assert "pool.get_all_records" in called
    assert not [what for what in called if "able_ha" in what or "emergency" in what], "the service never touches HA itself"
