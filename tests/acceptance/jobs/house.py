"""A whole installation in a folder, started as real processes: what the kill tests need to kill."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
ENQUEUE = """
import json, sys
from project.backbone.accounts.policy import Actor
from project.backbone.jobs.services import enqueue
for params in json.loads(sys.argv[1]):
    print("job", enqueue("stepping.walk", project=None, params=params, actor=Actor.system("test")).id)
"""
LOOK = """
import json, sys
from project.backbone.models import Job
for pk in json.loads(sys.argv[1]):
    job = Job.objects.get(pk=pk)
    print("job", json.dumps({"state": job.state, "result": job.result, "pid": job.worker_pid, "checkpoint": job.checkpoint,
                             "attempts": job.attempts, "losses": job.losses, "error": job.error}))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(look: Callable[[], Any], *, within_s: float = 30, every_s: float = 0.1) -> Any:
    """The first truthy answer. Raises AssertionError with the last one otherwise."""
    until, seen = time.monotonic() + within_s, None
    while time.monotonic() < until:
        seen = look()
        if seen:
            return seen
        time.sleep(every_s)
    raise AssertionError(f"not within {within_s} s; last seen {seen!r}")


@dataclass
class House:
    """One installation: its folder, its environment, and the processes this test started."""

    folder: Path
    more: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XENBOUND_", "DATABASE_", "REDIS_"))}
        quick = {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "PYTHONPATH": str(ROOT),
            "XENBOUND_VAR": str(self.folder),
            "XENBOUND_EXTRA_APPS": "tests.acceptance.jobs.stepping",
            "XENBOUND_JOB_LEASE_S": "1.5",
            "XENBOUND_JOB_BEAT_S": "0.3",
            "XENBOUND_JOB_TICK_S": "0.2",
            "XENBOUND_SLOTS_DISKS": "1",
        }
        return {**kept, **quick, **self.more}

    def manage(self, *arguments: str) -> str:
        """Run a command to its end; its output."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a lasting process; `stop()` ends it."""
        with (self.folder / "processes.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, *arguments], env=self.environment, cwd=ROOT, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def start_manage(self, *arguments: str) -> subprocess.Popen[bytes]:
        return self.start(str(ROOT / "manage.py"), *arguments)

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def walk(self, *, steps: int, pause_s: float) -> str:
        """Ask for a stepping job; its id."""
        return self.walks([self.steps_file], steps=steps, pause_s=pause_s)[0]

    def walks(self, files: list[Path], *, steps: int, pause_s: float) -> list[str]:
        """Ask for one stepping job per file; their ids."""
        params = [{"file": str(file), "steps": steps, "pause_s": pause_s} for file in files]
        return self._answers(ENQUEUE, json.dumps(params))

    def look(self, job_id: str) -> dict[str, Any]:
        """The job's row."""
        return self.look_at([job_id])[0]

    def look_at(self, job_ids: list[str]) -> list[dict[str, Any]]:
        """The rows of several jobs, in that order."""
        return [json.loads(line) for line in self._answers(LOOK, json.dumps(job_ids))]

    @property
    def steps_file(self) -> Path:
        return self.folder / "steps.txt"

    def steps(self, file: Path | None = None) -> list[tuple[int, int, int]]:
        """Step, process id and attempt of every step taken so far."""
        file = file or self.steps_file
        if not file.exists():
            return []
        lines = file.read_text().splitlines()
        return [(int(step), int(pid), int(attempt)) for step, pid, attempt in (line.split() for line in lines)]

    def log(self) -> str:
        return (self.folder / "processes.log").read_text(errors="replace")

    def _answers(self, script: str, *arguments: str) -> list[str]:
        code = f"import django; django.setup()\n{script}"
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return [line.removeprefix("job ") for line in done.stdout.splitlines() if line.startswith("job ")]
