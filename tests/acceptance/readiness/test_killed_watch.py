"""kill -9 every worker in the middle of a trial: a new one goes on watching, and the fences of the time between are seen."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lab.testing import Lab, running_lab
from tests.acceptance.jobs.house import ROOT, House, eventually

FACTOR = 200
SET_UP = """
import json, sys
from datetime import timedelta
from project.backbone.clock import now
from readiness.core.campaign.preflight import StorageWord
from readiness.services import campaigns, evidence, trials
from tests.builders.path import SYSTEM, a_site
from tests.builders.people import a_project
pool = a_site(a_project(), json.loads(sys.argv[1])).pool
nodes = [{"name": "san-a", "portals": ["10.20.0.201"]}, {"name": "san-b", "portals": ["10.20.0.202"]}]
evidence.record_evidence(pool, kind="storage_nodes", subject="", value={"nodes": nodes}, tested_at=now(), who="Ada", actor=SYSTEM)
campaign = campaigns.begin_campaign(pool, actor=SYSTEM)
window = {"starts_at": now() - timedelta(hours=1), "ends_at": now() + timedelta(hours=1)}
window["document"] = {"name": "window.pdf", "sha256": "a" * 64}
campaigns.record_window(campaign, owner="Vera", **window, actor=SYSTEM)
trials.ask_for_trial(campaign, storage_node="san-a", method="hard_power_cycle", word=StorageWord(True, True), actor=SYSTEM)
"""
END = """
from readiness.models import CampaignTrial
from readiness.services.trial_results import end_trial
from tests.builders.path import SYSTEM
end_trial(CampaignTrial.objects.get(), storage_healthy=True, mirror_in_sync=True, actor=SYSTEM)
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with running_lab(tmp_path, world="tiny", pool="slow-failover", clock_factor=float(FACTOR)) as running:
        yield running


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    folder = tmp_path / "site"
    folder.mkdir()
    house = House(folder, more={"XENBOUND_TRIAL_LOOK_S": "0.1", "XENBOUND_TRIAL_CLOCK_FACTOR": str(FACTOR)})
    house.manage("migrate", "--verbosity=0")
    try:
        yield house
    finally:
        house.stop()


def run(house: House, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"import django; django.setup()\n{script}"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=house.environment, cwd=ROOT, capture_output=True, text=True, timeout=60)


def trial(house: House) -> tuple[str, dict[str, Any]]:
    """State and observation, straight from the installation's database."""
    with closing(sqlite3.connect(house.folder / "xenbound.sqlite3", timeout=10)) as database:
        [(state, seen)] = database.execute("select state, observation from readiness_campaigntrial").fetchall()
    return state, json.loads(seen) if seen else {}


def test_a_trial_outlives_every_worker_that_watched_it(house: House, lab: Lab) -> None:
    done = run(house, SET_UP, json.dumps(lab.json))
    assert done.returncode == 0, done.stderr
    victims = [house.start_manage("worker", "--queue", "default") for _ in range(2)]
    house.start_manage("ticker")
    eventually(lambda: trial(house)[1].get("looks", 0) > 2)
    before = trial(house)[1]

    number = lab.control("POST", "/pool/storage/cut", {"node": "san-a"})["trial"]
    for victim in victims:
        os.kill(victim.pid, signal.SIGKILL)
    pulled = eventually(lambda: (seen := lab.control("GET", f"/pool/trials/{number}"))["state"] == "done" and seen)
    lab.control("POST", "/pool/storage/heal", {"node": "san-a"})
    assert pulled["fenced"] == ["xen02", "xen03"]

    house.start_manage("worker", "--queue", "default")
    eventually(lambda: trial(house)[1]["looks"] > before["looks"] + 2, within_s=60)
    eventually(lambda: run(house, END).returncode == 0, within_s=60)
    eventually(lambda: trial(house)[0] == "watched", within_s=60)
    after = trial(house)[1]
    assert after["began_at"] == before["began_at"], "the same trial, not a new one"
    names = {host["uuid"]: host["name"] for host in lab.json["pool"]["hosts"]}
    assert {names[host["uuid"]] for host in after["hosts"] if host["signs"]} == {"xen02", "xen03"}
