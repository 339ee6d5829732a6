"""Armed faults: what the control desk prepared and the next call or transfer runs into.

A fault is armed once unless `times` is given. Taking one uses it up; asking for a kind that is not armed costs nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

REQUIRED = {
    "task_failure": ("error",),
    "sr_full": ("sr",),
    "redirect": ("to",),
    "drop_connection": ("after_bytes",),
    "session_expire": (),
    "corrupt": ("offset", "length"),
    "slow": ("bytes_per_s",),
    "stall": ("seconds",),
    "vdi_in_use": (),
    "task_expiry": (),
    "raw_lvm": ("sr",),
    "pending": ("method", "seconds"),
}
MAY_PEND = ("VM.start", "VM.start_on", "VDI.create")
WHOLE_NUMBERS = ("after_bytes", "offset", "length", "bytes_per_s", "times", "seconds")


class Faults:
    """The armed faults in the order they were armed."""

    def __init__(self) -> None:
        self.clearings = 0
        """How often all were cleared: what an earlier fault holds up goes on then."""
        self._armed: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def arm(self, kind: str, arguments: dict[str, Any]) -> None:
        """Arm a fault.

        Raises:
            ValueError: the kind is unknown, an argument is missing or not a whole number; the text says which.
        """
        if kind not in REQUIRED:
            raise ValueError(f"unknown fault {kind!r}; there are {', '.join(REQUIRED)}, and none to clear all")
        missing = [name for name in REQUIRED[kind] if name not in arguments]
        if missing:
            raise ValueError(f"fault {kind} needs {', '.join(missing)}")
        odd = [n for n in WHOLE_NUMBERS if n in arguments and not _is_whole_number(arguments[n])]
        if odd:
            raise ValueError(f"{', '.join(odd)} must be whole numbers of 0 or more")
        if kind == "task_failure" and not _is_description(arguments["error"]):
            raise ValueError('error must be an array of texts, the code first, such as ["VDI_IO_ERROR", "Device I/O errors"]')
        if kind == "pending" and arguments["method"] not in MAY_PEND:
            raise ValueError(f"method must be one of {', '.join(MAY_PEND)}")
        with self._lock:
            self._armed.append({"times": 1, **arguments, "kind": kind})

    def take(self, kind: str, fits: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any] | None:
        """Use up one fault of that kind whose arguments fit, or None."""
        with self._lock:
            for fault in self._armed:
                if fault["kind"] == kind and fits(fault):
                    fault["times"] -= 1
                    if fault["times"] <= 0:
                        self._armed.remove(fault)
                    return fault
        return None

    def armed(self) -> list[dict[str, Any]]:
        """What is armed, for the control desk to show."""
        with self._lock:
            return [dict(fault) for fault in self._armed]

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._armed.clear()
            self.clearings += 1


def _is_whole_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_description(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)
