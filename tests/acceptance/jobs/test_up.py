"""`manage.py up`: serves, runs jobs, starts a killed child again, and stops everything at SIGTERM."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.jobs.house import House, eventually, free_port


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, more={"XENBOUND_ADMIN_USERNAME": "root", "XENBOUND_ADMIN_PASSWORD": "a long enough phrase"})
    try:
        yield house
    finally:
        house.stop()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_up_serves_runs_jobs_survives_a_kill_and_stops_cleanly(house: House) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    up = house.start_manage("up", "--port", str(port), "--workers", "1")
    eventually(lambda: answers(url), within_s=60)
    house.manage("createadmin")
    body = {"username": "root", "password": "a long enough phrase"}
    token = httpx.post(f"{url}/api/v1/auth/token", json=body, timeout=10).json()["token"]
    assert httpx.get(f"{url}/readyz", timeout=10).json()["status"] == "ok"

    job_id = house.walk(steps=8, pause_s=0.25)
    eventually(lambda: len(house.steps()) >= 2)
    victim = house.steps()[-1][1]
    os.kill(victim, signal.SIGKILL)
    seen = eventually(lambda: (row := house.look(job_id))["state"] == "succeeded" and row, within_s=45, every_s=0.5)
    assert seen["result"]["attempt"] == 2
    headers = {"Authorization": f"Bearer {token}"}
    shown = httpx.get(f"{url}/api/v1/jobs/{job_id}", headers=headers, timeout=10).json()
    assert (shown["state"], shown["progress"]["unit"]) == ("succeeded", "steps")

    with httpx.stream("GET", f"{url}/api/v1/jobs/{job_id}/events", headers=headers, timeout=10) as stream:
        assert [line for line in stream.iter_lines() if line.startswith("event: ")] == ["event: job"]

    workers = {pid for _, pid, _ in house.steps()}
    up.send_signal(signal.SIGTERM)
    assert up.wait(30) == 0
    assert not answers(url)
    assert not any(alive(pid) for pid in workers)
    assert token not in house.log()
    assert "a long enough phrase" not in house.log()
