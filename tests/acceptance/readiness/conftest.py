"""A pool of the lab, as a test describes it, and somebody who tunes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.xapi_sim.spec import PoolSpec
from tests.builders.people import People
from tests.builders.tuning import Tuner
from tests.contract.xapi_sim.pool_wire import CLOCK_FACTOR, Wire, start_pool


@pytest.fixture
def tuner_of(people: People, tmp_path: Path, settings: Any) -> Iterator[Callable[[PoolSpec], Tuner]]:
    """Starts the pool that is described and adds it; its storage nodes are attested."""
    settings.TRIAL_LOOK_S, settings.TRIAL_CLOCK_FACTOR = 0.05, CLOCK_FACTOR
    running: list[Wire] = []

    def start(spec: PoolSpec) -> Tuner:
        running.append(start_pool(tmp_path, spec))
        tuner = Tuner(people, running[-1])
        tuner.attest_nodes()
        return tuner

    yield start
    for wire in running:
        wire.control.stop()
        wire.sim.stop()
