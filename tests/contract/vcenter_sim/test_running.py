"""`python -m lab`: starts, says where, stops cleanly; and the files it leaves."""

from __future__ import annotations

import datetime
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lab.whole import LabRefused, mark_state_dir, remove_state_dir
from lab.worlds import tiny
from lab.worlds.kms import NEEDED_BY_SERVERS, reading
from lab.worlds.pool import pool_for
from lab.worlds.small import WINDOWS_VMS

ROOT = Path(__file__).parents[3]
NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)


def test_the_lab_starts_reports_and_stops_on_sigterm(tmp_path: Path) -> None:
    ready, signalled = os.pipe()
    command = [
        sys.executable,
        "-m",
        "lab",
        "--world",
        "tiny",
        "--state",
        str(tmp_path / "state"),
        "--json",
        str(tmp_path / "lab.json"),
    ]
    more = ["--ready-fd", str(signalled), "--seed-secrets", "test", "--hide-secrets", "--fresh"]
    process = subprocess.Popen([*command, *more], cwd=ROOT, pass_fds=[signalled], stdout=subprocess.PIPE, text=True)
    os.close(signalled)
    try:
        assert os.read(ready, 1) == b"1"
        written = json.loads((tmp_path / "lab.json").read_text())
        assert stat.S_IMODE((tmp_path / "lab.json").stat().st_mode) == 0o600
        assert set(written) == {"world", "seed", "pid", "vcenter", "esxi", "pool", "kms", "rvtools", "appliances", "control"}
        assert written["pid"] == process.pid
        assert len(written["esxi"]) == 4
        files = [written["kms"]["reading_file"], written["rvtools"]["workbook"]]
        files += [f"{written['appliances']['folder']}/{package['file']}" for package in written["appliances"]["packages"]]
        assert len(files) == 4 and all(Path(file).exists() for file in files)
    finally:
        os.close(ready)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert "lab stopped" in said
    for secret in (written["vcenter"]["password"], written["pool"]["password"], written["control"]["token"]):
        assert secret not in said


def test_fresh_removes_only_what_a_lab_made(tmp_path: Path) -> None:
    mine, others = tmp_path / "mine", tmp_path / "others"
    mark_state_dir(mine)
    (mine / "disks").mkdir()
    remove_state_dir(mine)
    assert not mine.exists()
    others.mkdir()
    (others / "thesis.txt").write_text("years of work")
    with pytest.raises(LabRefused, match="was not made by the lab"):
        remove_state_dir(others)
    assert (others / "thesis.txt").exists()


def test_the_kms_reading_has_a_count_that_its_events_explain() -> None:
    collected = reading(1, WINDOWS_VMS, NOW)
    recent = [e for e in collected["ev12290"] if NOW - datetime.datetime.fromisoformat(e["t"]) < datetime.timedelta(days=30)]
    distinct = {event["d"][3] for event in recent}
    assert len(distinct) == collected["product"][0]["KeyManagementServiceCurrentCount"] == 9
    assert NEEDED_BY_SERVERS <= len(distinct) < 25
    names = {event["d"][2].partition(".")[0] for event in recent}
    assert set(WINDOWS_VMS) <= names
    oldest = min(datetime.datetime.fromisoformat(event["t"]) for event in collected["ev12290"])
    assert NOW - oldest >= datetime.timedelta(days=30)  # so the log covers the whole window


def test_the_pool_has_a_network_for_every_vlan_of_the_estate() -> None:
    estate = tiny()
    vlans = {network.vlan for network in pool_for(estate).networks}
    assert {network.vlan for network in estate.networks} <= vlans
