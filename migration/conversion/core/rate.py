"""How fast a copy goes just now, from looks at how far it is: over ten seconds, so that a stall shows and a hiccup does not."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW_S = 10.0


@dataclass(slots=True)
class Rate:
    """Fed with (time, bytes); bytes that fall (a copy that began anew) begin it anew."""

    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def take(self, at_s: float, done_bytes: int) -> float | None:
        """Bytes a second over the last ten seconds; None before two looks."""
        seen = self._seen
        if seen and done_bytes < seen[-1][1]:
            seen.clear()
        seen.append((at_s, done_bytes))
        while len(seen) > 2 and seen[1][0] <= at_s - WINDOW_S:
            seen.popleft()
        (first_s, first), (last_s, last) = seen[0], seen[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else None


def left_s(left_bytes: int, bytes_per_s: float | None) -> float | None:
    """Seconds to the end at this rate; None while nothing moves."""
    return left_bytes / bytes_per_s if bytes_per_s else None
