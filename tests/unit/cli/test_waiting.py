"""Watching a job: progress on standard error, a server that restarts, an interrupt that does not stop the job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.builders.cli import JOB, THING, Desk, Server, a_job, a_list
from xenbound_cli.waiting import PATIENCE_S, progress_line

RUNNING = a_job(
    "running", progress={"done": 34, "total": 120, "unit": "machines", "rate_per_s": 12.0, "eta_s": 7.2}, message="on"
)


def watch(tmp_path: Path, *looks: Any, terminal: bool = False) -> tuple[Any, Desk, Server]:
    server = Server({f"GET jobs/{JOB}": list(looks)})
    desk = Desk(tmp_path, server, terminal=terminal).signed_in()
    return desk.run("jobs", "watch", JOB), desk, server


@pytest.mark.parametrize(
    ("job", "line"),
    [
        (RUNNING, "running  34 of 120 machines  12.0/s  7 s left  on"),
        (
            a_job("running", progress={"done": 2**30, "total": 2**32, "unit": "bytes", "rate_per_s": 5e6, "eta_s": 644.0}),
            "running  1.0 GiB of 4.0 GiB  4.8 MiB/s  10 min 44 s left",
        ),
        (a_job("waiting", message="3 machines are being copied"), "waiting  3 machines are being copied"),
        (a_job("queued"), "queued"),
        (
            a_job("running", progress={"done": 5, "total": None, "unit": "hosts", "rate_per_s": None, "eta_s": None}),
            "running  5 hosts",
        ),
        ({"state": "running"}, "running"),
        (a_job("running", message="\x1b[2Jboo"), "running  [2Jboo"),
    ],
)
def test_progress_says_how_far_how_fast_and_how_long(job: dict[str, Any], line: str) -> None:
    assert progress_line(job) == line


def test_a_log_gets_progress_in_lines_and_answers_stay_apart(tmp_path: Path) -> None:
    ran, _, _ = watch(tmp_path, RUNNING, a_job(result={"ok": 1}))
    assert ran.code == 0
    assert ran.err == "some.work  running  34 of 120 machines  12.0/s  7 s left  on\n"
    assert "34 of 120" not in ran.out


def test_a_log_gets_a_line_every_five_seconds_at_most(tmp_path: Path) -> None:
    looks = [a_job("running", message=f"step {n}") for n in range(40)]
    ran, desk, _ = watch(tmp_path, *looks, a_job())
    assert len(ran.err.splitlines()) <= sum(desk.slept_s) / 5 + 1


def test_a_terminal_gets_one_line_that_is_taken_away_at_the_end(tmp_path: Path) -> None:
    ran, _, _ = watch(tmp_path, RUNNING, a_job(), terminal=True)
    assert ran.err.startswith("\rsome.work  running  34 of 120")
    assert ran.err.endswith("\r\x1b[K")
    assert "\n" not in ran.err


def test_quiet_shows_no_progress(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Server({f"GET jobs/{JOB}": [RUNNING, a_job()]})).signed_in()
    assert desk.run("-q", "jobs", "watch", JOB).err == ""


def test_a_server_that_restarts_is_asked_again(tmp_path: Path) -> None:
    ran, desk, _ = watch(tmp_path, RUNNING, httpx.ConnectError("restarting"), httpx.ConnectError("restarting"), a_job())
    assert ran.code == 0
    assert sum(desk.slept_s) < 10


def test_a_server_that_stays_away_is_given_up_with_a_way_back_to_the_job(tmp_path: Path) -> None:
    ran, desk, _ = watch(tmp_path, RUNNING, httpx.ConnectError("gone"))
    assert ran.code == 4
    assert PATIENCE_S <= sum(desk.slept_s) < PATIENCE_S + 10
    assert f"xenbound jobs watch {JOB}" in ran.err


def test_an_interrupt_leaves_the_job_alone_and_says_so(tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    server = Server({f"GET jobs/{JOB}": RUNNING})
    desk = Desk(tmp_path, server, while_waiting=interrupt).signed_in()
    ran = desk.run("jobs", "watch", JOB)
    assert ran.code == 130
    assert "The job goes on without us" in ran.err
    assert not any("cancel" in path for path in server.paths())


def test_the_server_is_asked_less_often_as_time_goes_by(tmp_path: Path) -> None:
    _, desk, _ = watch(tmp_path, *[RUNNING] * 12, a_job())
    assert desk.slept_s == sorted(desk.slept_s)
    assert desk.slept_s[-1] == 2.0


def test_no_wait_prints_the_job_and_returns(tmp_path: Path) -> None:
    pool = {"id": THING, "name": "pool01"}
    server = Server({"GET pools": a_list(pool), f"POST pools/{THING}/collect": a_job("queued")})
    ran = Desk(tmp_path, server).signed_in().run("pool", "collect", "pool01", "--no-wait", "--key", "night 7", "--json")
    assert ran.code == 0
    assert ran.document["id"] == JOB
    assert server.asked[-1].headers["Idempotency-Key"] == "night 7"


def test_a_key_that_cannot_be_sent_is_a_usage_error(tmp_path: Path) -> None:
    server = Server({"GET pools": a_list({"id": THING, "name": "pool01"})})
    assert Desk(tmp_path, server).signed_in().run("pool", "collect", "pool01", "--key", "nächtlich").code == 2
