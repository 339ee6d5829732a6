"""Fixtures: one small pool per test module, a fresh one for tests that break hosts, a disk on each kind of SR."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.xapi_sim.pool_wire import Disk, Wire, a_disk, start_pool


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    running = start_pool(tmp_path_factory.mktemp("pool"))
    yield running
    running.control.stop()
    running.sim.stop()


@pytest.fixture
def fresh_wire(tmp_path: Path) -> Iterator[Wire]:
    """A pool of its own, for tests that break hosts."""
    running = start_pool(tmp_path)
    yield running
    running.control.stop()
    running.sim.stop()


@pytest.fixture
def session(wire: Wire) -> Any:
    return wire.login()


@pytest.fixture
def disk(wire: Wire, session: Any) -> Iterator[Disk]:
    yield from a_disk(wire, session, "san-lun-01")
    wire.desk("POST", "/pool/fault", kind="none")


@pytest.fixture
def thin_disk(wire: Wire, session: Any) -> Iterator[Disk]:
    yield from a_disk(wire, session, "nfs-01")
    wire.desk("POST", "/pool/fault", kind="none")
