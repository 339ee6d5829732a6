"""What has been armed to go wrong on the vCenter side; control.py arms it, the handlers ask.

Those of ONCE go off once, or `times` times; the others stay until cleared.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ONCE = (
    "session_expire", "lease_dead", "truncate", "reset", "stall", "folder_whole", "folder_refused", "folder_reset", "http_503",
)  # fmt: skip
NUMBERS = {
    "session_expire": "after_pages",
    "lease_dead": "after_bytes",
    "truncate": "after_bytes",
    "reset": "after_bytes",
    "stall": "seconds",
    "folder_whole": None,
    "folder_refused": None,
    "folder_reset": "after_bytes",
    "http_503": None,
    "slow": "bytes_per_s",
    "page_size": "size",
    "tags_refused": None,
}


@dataclass(slots=True)
class Faults:
    """The armed faults of one vCenter. All numbers are plain integers in the unit their name says."""

    armed: dict[str, list[int]] = field(default_factory=dict)
    standing: dict[str, int] = field(default_factory=dict)
    unreadable: set[tuple[str, str]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, kind: str, arguments: Mapping[str, Any]) -> None:
        """Arm one fault of NUMBERS.

        Raises:
            ValueError: an argument is missing or no whole number.
        """
        name = NUMBERS[kind]
        value = _whole(arguments, name, default=0 if kind in ONCE else None) if name else 0
        with self._lock:
            if kind in ONCE:
                self.armed[kind] = [value] * _whole(arguments, "times", default=1)
            else:
                self.standing[kind] = value

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self.armed.clear()
            self.standing.clear()
            self.unreadable.clear()

    def take(self, kind: str) -> int | None:
        """The number of an armed fault, which is used up by asking; None when it is not armed."""
        with self._lock:
            waiting = self.armed.get(kind)
            return waiting.pop(0) if waiting else None

    def page_turned(self) -> bool:
        """Count one answered page; True when the session must be gone at the next one."""
        with self._lock:
            waiting = self.armed.get("session_expire")
            if not waiting:
                return False
            if waiting[0] <= 0:
                waiting.pop(0)
                return True
            waiting[0] -= 1
            return False

    def is_unreadable(self, moid: str, path: str) -> bool:
        """This path, or one above it, must not be read."""
        return any(one == moid and (path == bad or path.startswith(bad + ".")) for one, bad in self.unreadable)


def _whole(arguments: Mapping[str, Any], name: str, default: int | None) -> int:
    value = arguments.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} must be a whole number of 0 or more")
    return value
