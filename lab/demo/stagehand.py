"""The hand behind the scenes: pulls plugs and throttles lines at the lab's control desk. The product never sees this door."""

from __future__ import annotations

import time
from typing import Any

import httpx


class Stagehand:
    """Calls of docs/lab.md, by name."""

    def __init__(self, described: dict[str, Any]) -> None:
        control = described["control"]
        self._http = httpx.Client(base_url=control["url"], headers={"Authorization": f"Bearer {control['token']}"}, timeout=60)

    def pull_storage_node(self, node: str) -> dict[str, Any]:
        """Hard power cycle of a storage node: waits for the end of the trial, heals it, and returns what was seen."""
        trial = self._call("POST", "pool/storage/cut", {"node": node})["trial"]
        while (seen := self._call("GET", f"pool/trials/{trial}"))["state"] != "done":
            time.sleep(0.1)
        self._call("POST", "pool/storage/heal", {"node": node})
        return dict(seen)

    def set_ha(self, timeout_s: int) -> None:
        """What a person types on the host's console: HA off, and on again with this timeout."""
        self._call("POST", "pool/ha", {"enabled": False})
        self._call("POST", "pool/ha", {"enabled": True, "timeout_s": timeout_s})

    def throttle_pool(self, bytes_per_s: int) -> None:
        """Slow down disk transfer into the pool; 0 lifts it."""
        self._call(
            "POST", "pool/fault", {"kind": "slow", "bytes_per_s": bytes_per_s, "times": 1000} if bytes_per_s else {"kind": "none"}
        )

    def power_on_source(self, vm: str) -> None:
        """Somebody presses the button in vCenter."""
        self._call("POST", "vcenter/power", {"vm": vm, "state": "on"})

    def source_disks(self) -> list[dict[str, Any]]:
        """The lab's source disks with their SHA-256 over the raw bytes."""
        return list(self._call("GET", "disks"))

    def vdis(self) -> list[dict[str, Any]]:
        """The lab's VDIs with their files."""
        return list(self._call("GET", "vdis"))

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._http.request(method, f"/{path}", json=body)
        answer.raise_for_status()
        return answer.json()
