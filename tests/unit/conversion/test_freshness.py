"""A copy counts as final only while the source provably stayed off since it was confirmed off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migration.conversion.core.freshness import SourceMarker, stale_reason

OFF = SourceMarker("poweredOff", "2026-11-20T08:00:00+00:00", "2026-11-22T10:00:00.1Z")


def test_an_untouched_source_keeps_the_copy_fresh() -> None:
    assert stale_reason(OFF, OFF) is None


@pytest.mark.parametrize(
    ("before", "seen", "words"),
    [
        (None, OFF, "never confirmed off"),
        (SourceMarker("poweredOn", None, "1"), OFF, "never confirmed off"),
        (OFF, replace(OFF, unreadable="no permission"), "could not be read (no permission)"),
        (replace(OFF, unreadable="no permission"), OFF, "never confirmed off"),
        (OFF, SourceMarker("poweredOn", OFF.boot_time, OFF.change_version), "poweredOn now"),
        (OFF, SourceMarker("suspended", OFF.boot_time, OFF.change_version), "suspended now"),
        (OFF, SourceMarker("poweredOff", "2026-11-22T11:00:00+00:00", OFF.change_version), "booted again"),
        (OFF, SourceMarker("poweredOff", None, OFF.change_version), "booted again"),
        (OFF, SourceMarker("poweredOff", OFF.boot_time, "2026-11-22T11:00:00.1Z"), "configuration changed"),
        (
            SourceMarker("poweredOff", None, ""),
            SourceMarker("poweredOff", None, ""),
            "configuration changed",
        ),
    ],
)
def test_any_sign_of_life_makes_the_copy_stale(before: SourceMarker | None, seen: SourceMarker, words: str) -> None:
    reason = stale_reason(before, seen)
    assert reason is not None
    assert words in reason
