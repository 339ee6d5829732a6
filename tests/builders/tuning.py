"""Somebody who tunes a pool of the lab through the API: the jobs run in the test's own thread, the lab's clock runs fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from project.backbone.clock import now
from tests.builders.jobs import run_jobs
from tests.builders.people import People
from tests.builders.pool_at_hand import PoolAtHand
from tests.contract.xapi_sim.pool_wire import Wire

NODES = {"san-a": "10.20.0.201", "san-b": "10.20.0.202"}
IQN = "iqn.2000-08.example.san:lun01"


class Tuner(PoolAtHand):
    """The owner at the API with the lab's pool collected, and the campaign that was begun last."""

    def __init__(self, people: People, wire: Wire) -> None:
        super().__init__(people, wire)
        self.collect()
        self.campaign = ""

    def collect(self) -> None:
        self.ran("collect")

    def verdict(self) -> dict[str, Any]:
        self.ran("readiness")
        return dict(self.client.get(f"{self.address}/readiness").json())

    def alarms(self) -> list[dict[str, Any]]:
        """The pool's open alarms."""
        return list(self.client.get(f"{self.address}/alarms?closed_at__isnull=true").json()["results"])

    def attest(self, kind: str, subject: str, value: dict[str, Any]) -> None:
        body = {"kind": kind, "subject": subject, "value": value, "tested_at": now().isoformat(), "who": "Ada"}
        answer = self.client.post(f"{self.address}/evidence", body)
        assert answer.status_code == 201, answer.content

    def attest_nodes(self) -> None:
        self.attest("storage_nodes", "", {"nodes": [{"name": node, "portals": [address]} for node, address in NODES.items()]})

    def begin(self, **body: Any) -> dict[str, Any]:
        """Begin a campaign; what it says."""
        answer = self.client.post(f"{self.address}/campaigns", body, format="json")
        assert answer.status_code == 201, answer.content
        self.campaign = f"{self.address}/campaigns/{answer.json()['id']}"
        return dict(answer.json())

    def sign_window(self) -> dict[str, Any]:
        window = {"owner": "Vera VMware", "document": {"name": "window.pdf", "sha256": "ab" * 32}}
        window |= {"starts_at": (now() - timedelta(hours=1)).isoformat(), "ends_at": (now() + timedelta(hours=9)).isoformat()}
        answer = self.client.post(f"{self.campaign}/change-window", window, format="json")
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    def now(self) -> dict[str, Any]:
        """What the campaign says now."""
        return dict(self.client.get(self.campaign).json())

    def ask(self, node: str, **word: Any) -> Any:
        body = {"storage_node": node, "storage_healthy": True, "mirror_in_sync": True, **word}
        return self.client.post(f"{self.campaign}/trials", body, format="json")

    def start(self, node: str, **word: Any) -> str:
        """A trial that is being watched; its address."""
        answer = self.ask(node, **word)
        assert answer.status_code == 202, answer.content
        look()
        newest = self.now()["trials"][-1]
        assert newest["state"] == "watching", newest
        return f"{self.campaign}/trials/{newest['id']}"

    def pull(self, node: str) -> dict[str, Any]:
        """Power-cycle the node and heal it, looking meanwhile; what the lab knows of it."""
        trial = self.wire.desk("POST", "/pool/storage/cut", node=node)["trial"]
        seen = until(lambda: look() or self._done(trial), "the lab's trial to end")
        self.wire.desk("POST", "/pool/storage/heal", node=node)
        look()
        return dict(seen)

    def _done(self, trial: str) -> dict[str, Any] | None:
        found = self.wire.desk("GET", f"/pool/trials/{trial}")
        return dict(found) if found["state"] == "done" else None

    def end(self, trial: str) -> dict[str, Any]:
        """Say that all is back, and wait for the last look."""
        until(lambda: self._ended(trial), "the trial to be long enough")
        return dict(until(lambda: look() or self._in_state(trial, "watched"), "the last look"))

    def _ended(self, trial: str) -> bool:
        answer = self.client.post(f"{trial}/end", {"storage_healthy": True, "mirror_in_sync": True}, format="json")
        assert answer.status_code == 200 or answer.json()["code"] == "trial_too_short", answer.content
        return bool(answer.status_code == 200)

    def _in_state(self, trial: str, state: str) -> dict[str, Any] | None:
        found = dict(self.client.get(trial).json())
        return found if found["state"] == state else None

    def confirm(self, trial: str, **said: Any) -> dict[str, Any]:
        answer = self.client.post(f"{trial}/result", {"who": "Ada", **said}, format="json")
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    def whole_trial(self, node: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start, pull, end and confirm one trial with what the lab measured; what the service saw, what was confirmed."""
        trial = self.start(node)
        measured = self.pull(node)
        watched = self.end(trial)
        said = {key: measured[key] for key in ("max_latency_s", "failover_s") if measured[key] is not None}
        return watched, self.confirm(trial, **said)

    def type_commands(self) -> int:
        """Do at the pool what the campaign's commands say; the timeout they set."""
        lines = [command["line"] for command in self.now()["commands"]]
        [enable] = [line for line in lines if line.startswith("xe pool-ha-enable")]
        timeout_s = int(enable.rpartition("=")[2])
        assert f"other-config:default_ha_timeout={timeout_s}" in " ".join(lines)
        self.wire.desk("POST", "/pool/ha", enabled=True, timeout_s=timeout_s, persist=True)
        self.collect()
        return timeout_s


def look() -> None:
    """Let the watching job look once, if it is due."""
    run_jobs()


def until(found: Callable[[], Any], what: str, seconds: float = 20) -> Any:
    """Ask until the answer is truthy."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for {what}")
