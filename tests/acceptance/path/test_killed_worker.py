"""kill -9 a worker process in the middle of a copy: another one goes on behind the last segment, and nothing is made twice."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from estate.xapi.session import XapiSession
from lab.testing import Lab, running_lab
from tests.acceptance.jobs.house import ROOT, House, eventually
from tests.builders.path import connection_to, pool_pins

SEGMENT_BYTES = 4 << 20
SLOW_BYTES_PER_S = 3_000_000
KILLS_A_ROUND = 5
ROUNDS = 40 if os.environ.get("XENBOUND_SOAK") == "1" else 2
ENDED = "select state, losses, error from backbone_job where kind = 'conversion.copy' and state in ('succeeded', 'failed')"
SET_UP = """
import json, sys
from tests.builders.path import SYSTEM, a_site, prepared
from tests.builders.people import a_project
from migration.conversion.services import lifecycle
row = prepared(a_site(a_project(), json.loads(sys.argv[1])).conversion("db01"))
assert row.state == "ready", row.error
lifecycle.start_copying(row, actor=SYSTEM)
"""


@pytest.fixture
def lab(tmp_path: Path, kept_disks: Path) -> Iterator[Lab]:
    """With leases that die before a killed worker's job is given to another: otherwise that one waits for the lease first."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "disks").symlink_to(kept_disks, target_is_directory=True)
    with running_lab(tmp_path, world="tiny", clock_factor=200.0, lease_timeout_s=1) as running:
        yield running


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    folder = tmp_path / "site"
    folder.mkdir()
    house = House(folder, more={"XENBOUND_SEGMENT_BYTES": str(SEGMENT_BYTES), "XENBOUND_JOB_LEASE_S": "3"})
    house.manage("migrate", "--verbosity=0")
    try:
        yield house
    finally:
        house.stop()


def rows(house: House, query: str) -> list[tuple[Any, ...]]:
    """Straight from the installation's database: nobody has to be asked."""
    with closing(sqlite3.connect(house.folder / "xenbound.sqlite3", timeout=10)) as database:
        return database.execute(query).fetchall()


def set_up(house: House, lab: Lab) -> None:
    code = f"import django; django.setup()\n{SET_UP}"
    command = [sys.executable, "-c", code, json.dumps(lab.json)]
    done = subprocess.run(command, env=house.environment, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def segments(house: House) -> list[tuple[str, int]]:
    found = rows(house, "select disk_copy_id, end_bytes from conversion_segment order by finished_at")
    return [(str(disk), int(end)) for disk, end in found]


def test_another_worker_goes_on_behind_the_last_segment(house: House, lab: Lab) -> None:
    set_up(house, lab)
    lab.control("POST", "/pool/fault", {"kind": "slow", "bytes_per_s": SLOW_BYTES_PER_S, "times": 1000})
    for _ in range(2):
        house.start_manage("worker", "--queue", "disks")
    house.start_manage("ticker")
    eventually(lambda: segments(house))
    [(victim,)] = rows(house, "select worker_pid from backbone_job where kind = 'conversion.copy' and state = 'running'")
    os.kill(victim, signal.SIGKILL)
    sent_before = segments(house)
    lab.control("POST", "/pool/fault", {"kind": "none"})
    [(state, losses, error)] = eventually(lambda: rows(house, ENDED), within_s=90)

    assert (state, losses) == ("succeeded", 1), (error, house.log()[-3000:])
    assert rows(house, "select state from conversion_conversion") == [("cutting_over",)]
    journal = segments(house)
    assert journal[: len(sent_before)] == sent_before
    assert len(journal) == len(set(journal)), "no segment was journalled twice"
    imports = [entry for entry in lab.whole.pool.log.since(0) if str(entry["what"]).endswith("/import_raw_vdi")]  # type: ignore[union-attr]
    disks = {disk for disk, _ in journal}
    assert len(imports) - len(journal) <= len(disks), "of each disk only the segment that was under way was sent again"
    assert_equal_and_single(house, lab)


@pytest.mark.soak
@pytest.mark.parametrize("round_", range(ROUNDS))
def test_kills_at_random_bytes_cost_nothing_but_time(house: House, lab: Lab, round_: int) -> None:
    """Ten kills in a normal run, two hundred in `make soak` (XENBOUND_SOAK=1): five of each copy, as ten would end its job."""
    chance = random.Random(f"kills {round_}")
    set_up(house, lab)
    lab.control("POST", "/pool/fault", {"kind": "slow", "bytes_per_s": SLOW_BYTES_PER_S // 2, "times": 10_000})
    for _ in range(2):
        house.start_manage("worker", "--queue", "disks")
    house.start_manage("ticker")
    fences = [kill_one(house, chance)]
    while len(fences) < KILLS_A_ROUND:
        house.start_manage("worker", "--queue", "disks")
        fences.append(kill_one(house, chance, after=fences[-1]))
    house.start_manage("worker", "--queue", "disks")
    lab.control("POST", "/pool/fault", {"kind": "none"})
    [(state, losses, error)] = eventually(lambda: rows(house, ENDED), within_s=120)

    assert (state, losses) == ("succeeded", KILLS_A_ROUND), (error, house.log()[-3000:])
    journal = segments(house)
    assert len(journal) == len(set(journal)), "no segment was journalled twice"
    assert_equal_and_single(house, lab)
    ledger = rows(house, "select kind, count(*) from conversion_ledgerentry where removed_at is null group by kind order by kind")
    assert ledger == [("vdi", 2), ("vm", 1)], "the ledger has everything that was made, once"


def kill_one(house: House, chance: random.Random, *, after: int = 0) -> int:
    """Kill the worker that copies, some random bytes after it took the job with a fence above `after`; the fence it had."""
    held = f"select fence, worker_pid from backbone_job where kind = 'conversion.copy' and state = 'running' and fence > {after}"
    eventually(lambda: rows(house, held), within_s=60)
    time.sleep(chance.uniform(0.0, 2.0))
    [(fence, victim)] = eventually(lambda: rows(house, held), within_s=60)
    os.kill(victim, signal.SIGKILL)
    return int(fence)


def assert_equal_and_single(house: House, lab: Lab) -> None:
    """Every byte is right, and the conversion has one VM and one VDI per disk."""
    [(conversion,)] = rows(house, "select id from conversion_conversion")
    with XapiSession(connection_to(lab.json, "pool", pool_pins(lab.json))) as session:
        tags = [
            record["other_config"].get("xenbound-conversion", "").replace("-", "")
            for kind in ("VM", "VDI")
            for record in session.call(f"{kind}.get_all_records").values()
        ]
    assert tags.count(conversion) == 3
    files = {vdi["uuid"]: Path(vdi["path"]) for vdi in lab.control("GET", "/vdis")}
    sources = {disk["device_key"]: Path(disk["raw_path"]) for disk in lab.control("GET", "/disks") if disk["vm"] == "db01"}
    copies = rows(house, "select device_key, vdi_uuid, verified from conversion_diskcopy")
    assert len(copies) == 2
    for device_key, uuid, verified in copies:
        assert verified and files[uuid].read_bytes() == sources[device_key].read_bytes()
