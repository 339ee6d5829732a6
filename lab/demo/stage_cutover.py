"""Third act: the cutover. A worker dies in mid-copy, somebody powers a source on, the others arrive with every block proven."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from lab.demo.client import NotAsTold, Person
from lab.demo.stage_setup import Cast

THROTTLE_BYTES_PER_S = 12_000_000
REFUSED_CODES = frozenset({"source_ran_again"})
PATIENCE_S = 150.0


def cut_over(cast: Cast, wave: dict[str, Any], victim: str) -> list[dict[str, Any]]:
    """Cut the wave over; `victim` is the machine whose source is powered on by somebody. Returns the conversions."""
    cast.stagehand.throttle_pool(THROTTLE_BYTES_PER_S)
    cutover = cast.operator.post(f"./waves/{wave['id']}/cutover")
    with cast.story.stage("A worker is killed with -9 in mid-copy") as stage:
        row, killed = _kill_a_copying_worker(cast.operator)
        cast.stagehand.throttle_pool(0)
        stage.figure = _wait_for_another_worker(cast.operator, row, killed)
    with cast.story.stage("Somebody powers a source on") as stage:
        _wait_for_state(cast.operator, victim, "cutting_over")
        cast.stagehand.power_on_source(victim)
        stage.figure = f"{victim}, after its copy was proven"
    with cast.story.stage("Cutover of the wave") as stage:
        cast.operator.finish(cutover, within_s=PATIENCE_S)
        rows = cast.operator.everything("./conversions")
        done = sum(row["state"] == "done" for row in rows)
        verified = sum(disk["verified"] for row in rows for disk in row["disks"])
        stage.figure = f"{done} of {len(rows)} machines run in the pool, {verified} disks proven block by block"
    for row in rows:
        if row["error"]:
            cast.story.tell(f"refused: {row['error']['message']}")
    return rows


def _kill_a_copying_worker(operator: Person) -> tuple[dict[str, Any], dict[str, Any]]:
    """Find a copy under way with a finished segment behind it and kill its worker. Returns the conversion and the job."""
    row, job = _copy_under_way(operator)
    os.kill(int(job["worker"]["pid"]), signal.SIGKILL)
    return row, job


def _wait_for_another_worker(operator: Person, row: dict[str, Any], killed: dict[str, Any]) -> str:
    """Wait until another worker goes on with the copy, and say so."""
    pid = killed["worker"]["pid"]
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        job = operator.get(f"jobs/{killed['id']}")
        worker = job["worker"] or {}
        if job["state"] == "succeeded" or (worker.get("pid") not in (None, pid) and job["state"] == "running"):
            return f"worker {pid} at {row['name']}; worker {worker.get('pid', 'another')} took the copy up from its last segment"
        time.sleep(0.2)
    raise NotAsTold(f"no other worker took up the copy of {row['name']}")


def _copy_under_way(operator: Person) -> tuple[dict[str, Any], dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for row in operator.everything("./conversions", state="copying"):
            begun = any(0 < disk["durable_bytes"] < disk["bytes_total"] for disk in row["disks"])
            job = operator.get(f"jobs/{row['job_id']}") if begun else None
            if job is not None and job["state"] == "running" and job["worker"]:
                return row, job
        time.sleep(0.1)
    raise NotAsTold("no copy was seen under way")


def _wait_for_state(operator: Person, name: str, state: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        row = next(row for row in operator.everything("./conversions") if row["name"] == name)
        if row["state"] == state:
            return
        if row["state"] in ("failed", "done"):
            raise NotAsTold(f"{name} is {row['state']} before somebody could power its source on: {row['error']}")
        time.sleep(0.1)
    raise NotAsTold(f"{name} did not reach {state}")


def write_report(cast: Cast) -> dict[str, str]:
    """The readiness report as HTML and PDF, saved beside the summary."""
    with cast.story.stage("Readiness report") as stage:
        job = cast.operator.run("./reports", {"kind": "readiness"})
        report_id = job["result"]["report_id"]
        files = {}
        for form in ("html", "pdf"):
            target = cast.folder / f"readiness.{form}"
            target.write_bytes(cast.operator.download(f"./reports/{report_id}.{form}"))
            files[form] = str(target)
        stage.figure = f"{files['html']} and {files['pdf']}"
    return files
