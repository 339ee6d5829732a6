"""Each bad state of the lab's pool, read over the wire: the check it is named after fires, and was quiet before."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from estate.connection import Connection
from estate.facts.pool import PoolFacts
from estate.xapi.pool import read_facts
from estate.xapi.session import XapiSession
from lab.xapi_sim.bad_states import BAD_STATES
from project.backbone.clock import now
from readiness.core.case import Case
from readiness.core.engine import HaIntent, run_checks
from readiness.core.results import CheckResult
from readiness.selectors.profiles import policy
from tests.contract.xapi_sim.pool_wire import PASSWORD, Wire, start_pool

WARNS = {"HA-043", "HA-074", "HA-089"}
"""Checks whose worst answer to what a pool shows is a warning."""


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    running = start_pool(tmp_path)
    yield running
    running.control.stop()
    running.sim.stop()


def facts_of(wire: Wire) -> PoolFacts:
    lab = wire.sim.lab_json()
    pins = frozenset(host["sha256"] for host in lab["hosts"])
    with XapiSession(Connection(url=lab["url"], username=lab["user"], password=PASSWORD, pins=pins, name="lab")) as session:
        return read_facts(session, now())


def asked(facts: PoolFacts, check_id: str) -> CheckResult:
    ids = [f"HA-{n:03}" for n in range(100)]
    case = Case(facts, policy("xenserver-8"), facts.collected_at)
    return next(result for result in run_checks(case, HaIntent.REQUIRED, waived=ids) if result.id == check_id)


@pytest.mark.parametrize("check_id", BAD_STATES)
def test_the_bad_state_of_a_check_is_noticed_over_the_wire(wire: Wire, check_id: str) -> None:
    before = asked(facts_of(wire), check_id)
    wire.desk("POST", "/pool/bad-state", check=check_id)
    after = asked(facts_of(wire), check_id)
    assert before.result not in ("fail", after.result)
    assert after.result == ("warn" if check_id in WARNS else "fail"), after.detail


def test_a_bad_state_that_there_is_not_is_refused(wire: Wire) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        wire.desk("POST", "/pool/bad-state", check="HA-999")
    assert refused.value.code == 400
