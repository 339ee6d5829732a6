"""A watched pool of the lab, over the wire: each thing it loses opens one alarm, and being back closes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from estate.connection import Connection
from estate.facts.pool_watch import PoolStanding
from estate.xapi.events import peek
from estate.xapi.session import XapiSession
from lab.worlds.pool import slow_failover_pool
from lab.xapi_sim.spec import PoolSpec
from project.backbone.clock import now
from project.backbone.endpoints.selectors import connection_of
from readiness.models import PoolAlarm, PoolWatch
from tests.builders.people import People
from tests.builders.tuning import Tuner, look, until

pytestmark = pytest.mark.django_db


@pytest.fixture
def tuner(tuner_of: Callable[[PoolSpec], Tuner], settings: Any) -> Tuner:
    settings.POOL_LOOK_S = 0.05
    return tuner_of(slow_failover_pool())


def watched(tuner: Tuner) -> None:
    assert tuner.client.post(f"{tuner.address}/watch", {"enabled": True}).status_code == 200
    until(lambda: look() or PoolWatch.objects.get().judged_at, "the first judgement")


def opened(tuner: Tuner, kind: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        look()
        return next((alarm for alarm in tuner.alarms() if alarm["kind"] == kind), None)

    return dict(until(found, f"an alarm of kind {kind}"))


def closed(tuner: Tuner) -> None:
    until(lambda: look() or not tuner.alarms(), "the alarms to close")


def test_ha_that_was_switched_off_a_bond_a_path_and_an_sr_are_noticed_and_close_again(tuner: Tuner) -> None:
    watched(tuner)
    assert tuner.alarms() == []
    store = tuner.wire.sim.pool.store
    bond = store.refs("Bond")[0]
    with store.lock:
        store.set("Bond", bond, links_up=1)
    alarm = opened(tuner, "bond_degraded")
    assert (alarm["before"], alarm["after"]) == ("2", "1") and alarm["path"].endswith(".links_up")
    with store.lock:
        store.set("Bond", bond, links_up=2)
    closed(tuner)
    shared = next(ref for ref in store.refs("PBD") if store.get("SR", store.get("PBD", ref, "SR"), "shared"))
    with store.lock:
        store.set("PBD", shared, currently_attached=False)
    opened(tuner, "sr_unplugged")
    with store.lock:
        store.set("PBD", shared, currently_attached=True)
    closed(tuner)
    tuner.wire.desk("POST", "/pool/ha", enabled=False)
    assert opened(tuner, "ha_off")["before"] == "true"
    tuner.wire.desk("POST", "/pool/ha", enabled=True, timeout_s=60)
    closed(tuner)
    assert PoolAlarm.objects.filter(kind="ha_off").count() == 1, "not repeated while it was open"


def test_a_pool_that_does_not_answer_is_an_alarm_and_the_verdict_says_so(tuner: Tuner, settings: Any) -> None:
    settings.POOL_UNREADABLE_S = 0
    watched(tuner)
    tuner.wire.sim.stop()
    alarm = opened(tuner, "pool_unreadable")
    assert alarm["found_by"] and "does not answer since" in alarm["detail"]
    assert tuner.client.get(f"{tuner.address}/readiness").json()["reasons"][0]["code"] == "pool_unreachable"
    until(lambda: look() or PoolWatch.objects.get().faults > 2, "more looks")
    assert len(tuner.alarms()) == 1


def test_a_watch_that_is_refused_ends_with_an_alarm(tuner: Tuner) -> None:
    watched(tuner)
    tuner.pool.endpoint.__class__.objects.update(pins=["AA:" * 31 + "AA"])
    alarm = opened(tuner, "pool_unreadable")
    assert "is not watched any more" in alarm["detail"]
    assert tuner.client.get(f"{tuner.address}/watch").json()["enabled"] is False


def test_what_a_trial_does_opens_no_alarm(tuner: Tuner, settings: Any) -> None:
    settings.POOL_LOOK_S = 0.3
    tuner.begin()
    tuner.sign_window()
    watched(tuner)
    tuner.whole_trial("san-a")
    until(lambda: look() or PoolWatch.objects.get().due == "", "the judgement after the trial")
    look()
    assert not PoolAlarm.objects.exists()


def test_a_person_may_say_that_the_pool_stays_as_it_is(tuner: Tuner, people: People) -> None:
    watched(tuner)
    tuner.wire.desk("POST", "/pool/ha", enabled=False)
    opened(tuner, "ha_off")
    accept = f"{tuner.address}/alarms/accept"
    assert people.client("stranger").post(accept, {"reason": "x"}).status_code == 404
    told = tuner.client.post(accept, {"reason": "HA comes back next week"}, format="json")
    assert told.status_code == 200 and [each["accepted_by"] for each in told.json()] == ["owner"], told.content
    for _ in range(3):
        look()
    assert tuner.alarms() == []
    assert tuner.client.post(accept, {"reason": "again"}, format="json").json()["code"] == "no_alarm_to_accept"


def test_a_token_is_good_until_it_is_lost_or_the_coordinator_moves(tuner: Tuner) -> None:
    def asked(standing: PoolStanding) -> Any:
        with XapiSession(connection()) as session:
            return peek(session, standing, now())

    def connection() -> Connection:
        return connection_of(tuner.pool.endpoint)

    first = asked(PoolStanding())
    assert first.reasons[0] == "the watch begins"
    quiet = asked(first.standing)
    assert quiet.reasons == () and quiet.standing.seen == first.standing.seen
    tuner.wire.desk("POST", "/pool/ha", enabled=False)
    assert "pool has changed" in asked(quiet.standing).reasons
    spoilt = PoolStanding(first.standing.coordinator, "no-token", {}, ())
    assert "no longer tells" in asked(spoilt).reasons[0]
    less = PoolStanding(quiet.standing.coordinator, quiet.standing.token, {}, ())
    assert "other objects" in asked(less).reasons[0]
    tuner.wire.desk("POST", "/pool/coordinator", host="xen02")
    assert "the coordinator is" in asked(quiet.standing).reasons[0]


def test_the_readiness_page_switches_the_watch_and_shows_what_was_lost(tuner: Tuner, people: People) -> None:
    browser = Client()
    browser.force_login(people.owner)
    page = f"/projects/{people.project.id}/readiness/{tuner.pool.id}"
    assert "not watched" in browser.get(page).content.decode()
    assert browser.post(f"{page}/watch", {"enabled": "yes"}).status_code == 303
    until(lambda: look() or PoolWatch.objects.get().judged_at, "the first judgement")
    tuner.wire.desk("POST", "/pool/ha", enabled=False)
    opened(tuner, "ha_off")
    shown = browser.get(page).content.decode()
    assert "HA is off: no host failure" in shown and "pool.ha_enabled" in shown
    browser.post(f"{page}/alarms/accept", {"reason": "known"})
    assert "HA is off: no host failure" not in browser.get(page).content.decode()
    stranger = Client()
    stranger.force_login(people.stranger)
    assert stranger.post(f"{page}/watch", {"enabled": "no"}).status_code == 404
