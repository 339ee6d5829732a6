"""What the lab's KMS host reports is read like a real one's, and counts as the world says."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from estate.kmshost.collected import read_collected
from kms.core.alarm import Level
from kms.core.judge import judge
from kms.core.machines import MachineAlias
from kms.core.observed import HostHistory, Quality
from kms.core.verdict import PlannedMachine, VerdictQuestion
from lab.worlds import kms as world
from tests.builders.kms import day

WINDOWS_VMS = ("win-app01", "win-sql01", "win-file01")


@pytest.mark.parametrize("seed", range(5))
def test_world_reading_counts_nine_servers_and_holds_for_a_wave(seed: int) -> None:
    text = json.dumps(world.reading(seed, WINDOWS_VMS, day(60)))
    reading = read_collected(text, received_at=day(60) + timedelta(minutes=1))
    machines = tuple(PlannedMachine(MachineAlias(name, names=(name.upper(),))) for name in WINDOWS_VMS)
    history = HostHistory("kms01", "kms01", (reading,))
    verdict = judge(VerdictQuestion(day(60) + timedelta(minutes=5), day(60.5), machines), [history])
    assert (reading.contacts_unreadable, reading.is_kms_host) == (0, True)
    assert (verdict.count, verdict.server_ok, verdict.client_ok) == (9, True, False)
    assert (verdict.state, verdict.quality, verdict.machines_not_seen) == (Level.OK, Quality.EXACT, ())
