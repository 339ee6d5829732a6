"""kill -9 a worker process in the middle of a job: another one goes on from the checkpoint, and no step is taken twice.

Embedded mode with its own worker processes; full mode with PostgreSQL, Redis and Celery workers (marker `full`).
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.acceptance.jobs.house import House, eventually

STEPS = 12
PAUSE_S = 0.25


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.manage("migrate", "--verbosity=0")
    try:
        yield house
    finally:
        house.stop()


@pytest.fixture
def full(tmp_path: Path) -> Iterator[House]:
    """A database of its own on the PostgreSQL server, a Redis database of its own; `make test-full` says where they are."""
    database, redis = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if not database or not redis:
        pytest.skip("DATABASE_URL and REDIS_URL are not set")
    name = f"kill_{uuid4().hex[:12]}"
    with psycopg.connect(database, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        more = {"DATABASE_URL": f"{database.rpartition('/')[0]}/{name}", "REDIS_URL": f"{redis.rpartition('/')[0]}/15"}
        house = House(tmp_path, more=more)
        try:
            house.manage("migrate", "--verbosity=0")
            yield house
        finally:
            house.stop()
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def killed_in_the_middle(house: House) -> None:
    """Kill whoever runs the job after three steps, then wait for somebody else to end it."""
    job_id = house.walk(steps=STEPS, pause_s=PAUSE_S)
    eventually(lambda: len(house.steps()) >= 3)
    victim = house.steps()[-1][1]
    os.kill(victim, signal.SIGKILL)
    seen = eventually(lambda: (row := house.look(job_id))["state"] in ("succeeded", "failed") and row, within_s=45, every_s=0.5)

    assert seen["state"] == "succeeded", (seen, house.log())
    taken = [step for step, _, _ in house.steps()]
    assert len(taken) == len(set(taken)), "a step was taken twice"
    # The killed process may have stored a checkpoint and died before it wrote the line of that one step.
    assert len(set(range(STEPS)) - set(taken)) <= 1
    assert (seen["attempts"], seen["losses"]) == (2, 1)
    survivors = {pid for _, pid, attempt in house.steps() if attempt == 2}
    assert survivors
    assert victim not in survivors
    first_of_second = min(step for step, _, attempt in house.steps() if attempt == 2)
    assert first_of_second >= 3, "the second attempt began at the start instead of the checkpoint"


def test_another_embedded_worker_goes_on_after_kill_9(embedded: House) -> None:
    embedded.start_manage("worker", "--queue", "disks")
    embedded.start_manage("worker", "--queue", "disks")
    embedded.start_manage("ticker")
    killed_in_the_middle(embedded)


@pytest.mark.soak
def test_many_kills_in_a_row_lose_no_step_and_repeat_none(embedded: House) -> None:
    """Three kills in a normal run, forty in `make soak` (XENBOUND_SOAK=1)."""
    kills = 40 if os.environ.get("XENBOUND_SOAK") == "1" else 3
    chance = random.Random(20261122)
    workers = [embedded.start_manage("worker", "--queue", "disks") for _ in range(3)]
    embedded.start_manage("ticker")
    files = [embedded.folder / f"steps-{number}.txt" for number in range(kills + 2)]
    job_ids = embedded.walks(files, steps=STEPS, pause_s=PAUSE_S)
    for _ in range(kills):
        time.sleep(chance.uniform(1.0, 2.0))
        victim = chance.randrange(len(workers))
        workers[victim].kill()
        workers[victim] = embedded.start_manage("worker", "--queue", "disks")

    def ended() -> bool:
        return all(row["state"] in ("succeeded", "failed") for row in embedded.look_at(job_ids))

    eventually(ended, within_s=60 + 20 * kills, every_s=1)
    assert {row["state"] for row in embedded.look_at(job_ids)} == {"succeeded"}, embedded.log()
    losses = [row["losses"] for row in embedded.look_at(job_ids)]
    for file, lost in zip(files, losses, strict=True):
        taken = [step for step, _, _ in embedded.steps(file)]
        assert len(taken) == len(set(taken)), "a step was taken twice"
        assert STEPS - len(taken) <= lost, "a step is missing that no kill explains"


@pytest.mark.full
@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_another_celery_worker_goes_on_after_kill_9(full: House, pool: str) -> None:
    for number in range(2):
        options = [
            "--pool",
            pool,
            "--concurrency",
            "1",
            "--queues",
            "disks",
            "--hostname",
            f"w{number}@%h",
            "--loglevel",
            "WARNING",
        ]
        full.start("-m", "celery", "-A", "project", "worker", *options)
    full.start_manage("ticker")
    killed_in_the_middle(full)
