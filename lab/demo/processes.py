"""The processes of a demonstration: lab and product, each started by its own command, logging to a file, stopped at the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import yaml

FULL_MODE_SERVICES = ("web", "worker-default", "worker-disks", "beat")
ROOT = Path(__file__).resolve().parents[2]
LEASE_TIMEOUT_S = 8
"""An export lease of a killed worker lives this long; until then the machine cannot be exported again."""


class NotUp(Exception):
    """A process did not come up; the message names its log."""


class Child:
    """One background process with a log file of its own, in a process group of its own."""

    def __init__(self, name: str, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            self.process = subprocess.Popen(  # noqa: S603 - our own commands, fixed above
                command, cwd=ROOT, stdout=out, stderr=out, env={**os.environ, **environment}, start_new_session=True
            )

    def require_alive(self) -> None:
        """Raises NotUp with the end of the log when the process ended."""
        if self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise NotUp(f"{self.name} ended with status {self.process.returncode}; see {self.log}:\n{tail}")

    def stop(self, grace_s: float = 10) -> None:
        """SIGTERM, and after `grace_s` SIGKILL to the whole group."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(grace_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def free_port() -> int:
    """A TCP port on 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_lab(state: Path, clock_factor: float) -> tuple[Child, dict[str, Any]]:
    """The simulators on world `small`; returns when they listen, with the content of lab.json."""
    described = state / "lab.json"
    described.unlink(missing_ok=True)
    command = [sys.executable, "-m", "lab", "--world", "small", "--state", str(state / "state"), "--json", str(described)]
    options = ["--fresh", "--hide-secrets", "--clock-factor", str(clock_factor), "--lease-timeout", str(LEASE_TIMEOUT_S)]
    child = Child("the lab", [*command, *options], state / "lab.log", {})
    deadline = time.monotonic() + 90
    while not described.exists():
        child.require_alive()
        if time.monotonic() > deadline:
            raise NotUp(f"the lab did not come up within 90 s; see {child.log}")
        time.sleep(0.1)
    return child, json.loads(described.read_text())


def manage(arguments: list[str], environment: dict[str, str], log: Path) -> None:
    """Run one management command to its end. Raises NotUp with the end of its log."""
    child = Child(f"manage.py {arguments[0]}", [sys.executable, "manage.py", *arguments], log, environment)
    if child.process.wait() != 0:
        child.require_alive()


def start_embedded(port: int, environment: dict[str, str], log: Path) -> list[Child]:
    """`manage.py up`: one command for everything; returns when it answers."""
    command = [sys.executable, "manage.py", "up", "--port", str(port), "--no-migrate"]
    children = [Child("manage.py up", command, log, environment)]
    _wait_until_ready(port, children)
    return children


def start_full(port: int, environment: dict[str, str], log: Path) -> list[Child]:
    """The very commands of docker-compose.yml as processes, on the PostgreSQL and Redis that the environment names."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    children = []
    for name in FULL_MODE_SERVICES:
        command = [_local_word(word, port) for word in services[name]["command"]]
        if command[0] == "celery":
            command = [sys.executable, "-m", *command]
        children.append(Child(name, command, log.with_name(f"{name}.log"), environment))
    _wait_until_ready(port, children)
    return children


def _local_word(word: str, port: int) -> str:
    """A word of a container's command on this machine: its Python, its loopback, its free port."""
    return {"python": sys.executable, "0.0.0.0": "127.0.0.1", "8000": str(port)}.get(word, word)


def _wait_until_ready(port: int, children: list[Child]) -> None:
    deadline = time.monotonic() + 60
    while True:
        for child in children:
            child.require_alive()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
        if time.monotonic() > deadline:
            raise NotUp(f"the product did not answer within 60 s; see {children[0].log}")
