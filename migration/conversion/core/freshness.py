"""Whether a copy may still be cut over as final: only if the source never ran again since it was confirmed off.

A copy taken while the source ran, or before it ran again, is a rehearsal at best. Unknown never counts as unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

POWERED_ON, POWERED_OFF = "poweredOn", "poweredOff"


@dataclass(frozen=True, slots=True)
class SourceMarker:
    """What tells one power-off of a source from the next. `boot_time` is ISO 8601 or None for a VM that reports none."""

    power_state: str
    boot_time: str | None
    change_version: str
    unreadable: str = ""
    """What could not be read of it, in words; such a marker proves nothing."""

    @property
    def is_off(self) -> bool:
        return self.power_state == POWERED_OFF

    @property
    def is_on(self) -> bool:
        return self.power_state == POWERED_ON


def stale_reason(at_power_off: SourceMarker | None, seen: SourceMarker) -> str | None:
    """Why the copy is stale, in words for a person; None when the source is provably unchanged since it was confirmed off."""
    if at_power_off is None or not at_power_off.is_off or at_power_off.unreadable:
        return "the source was never confirmed off before the copy"
    if seen.unreadable:
        return f"the source's state could not be read ({seen.unreadable})"
    if not seen.is_off:
        return f"the source is {seen.power_state} now"
    if seen.boot_time != at_power_off.boot_time:
        return f"the source booted again (boot time {seen.boot_time}, was {at_power_off.boot_time} when confirmed off)"
    if not seen.change_version or seen.change_version != at_power_off.change_version:
        return "the source's configuration changed since it was confirmed off"
    return None
