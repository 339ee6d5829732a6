"""A pool of the lab for the adapter's contract tests, with a session, a VDI and direct sight of the VDI's file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from estate.connection import Connection
from estate.xapi.session import XapiSession
from lab.xapi_sim import PoolSim, small_pool

PASSWORD = "not-a-real-password"
MIB = 1 << 20


@pytest.fixture(scope="module")
def running_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoolSim]:
    sim = PoolSim(small_pool(), tmp_path_factory.mktemp("pool"), PASSWORD)
    sim.start()
    yield sim
    sim.stop()


@pytest.fixture
def pool(running_pool: PoolSim) -> Iterator[PoolSim]:
    """The running pool, without faults before and after."""
    running_pool.pool.faults.clear()
    yield running_pool
    running_pool.pool.faults.clear()


@pytest.fixture
def connection(pool: PoolSim) -> Connection:
    """With the certificates of all hosts confirmed."""
    facts = pool.lab_json()
    pins = frozenset(host["sha256"] for host in facts["hosts"])
    return Connection(url=facts["url"], username=facts["user"], password=PASSWORD, pins=pins, name="pool-west")


@pytest.fixture
def session(connection: Connection) -> Iterator[XapiSession]:
    with XapiSession(connection) as session:
        yield session


@pytest.fixture
def make_vdi(session: XapiSession) -> Callable[..., str]:
    """Makes a VDI on the NFS SR (or another) and gives its uuid."""

    def make(size_bytes: int = 8 * MIB, sr_name: str = "nfs-01") -> str:
        (sr,) = session.call("SR.get_by_name_label", sr_name)
        record = {
            "name_label": "disk-0", "SR": sr, "virtual_size": str(size_bytes), "type": "user", "sharable": False,
            "read_only": False, "other_config": {},
        }  # fmt: skip
        return str(session.call("VDI.get_uuid", session.call("VDI.create", record)))

    return make


@pytest.fixture
def file_of(pool: PoolSim) -> Callable[[str], Path]:
    """The file behind a VDI of the lab."""

    def path(vdi_uuid: str) -> Path:
        return Path(pool.pool.storage.path(pool.pool.store.by_uuid("VDI", vdi_uuid)))

    return path
