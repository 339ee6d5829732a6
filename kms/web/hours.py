"""The schedule's field that several forms have: hours from one time to the next, 0 for by hand only."""

from __future__ import annotations

from project.backbone.problems import Invalid

MOST_HOURS = 168


def hours_of(text: str) -> int:
    """A whole number from 0 to 168; an empty field is 0. Raises: Invalid."""
    typed = text.strip() or "0"
    if not typed.isascii() or not typed.isdigit() or len(typed) > 3 or int(typed) > MOST_HOURS:
        raise Invalid(f"The hours must be a whole number from 0 to {MOST_HOURS}.", next_step="Type 0 for by hand only.")
    return int(typed)
