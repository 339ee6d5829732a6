"""What changed between two answers of a gate: reasons that came and reasons that went, by what they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Told = Mapping[str, Any]
"""A reason as it is stored: code, subject, detail, remedy, evidence."""


@dataclass(frozen=True, slots=True)
class Change:
    """`came` and `went` are reasons of the newer and the older answer; one told in other words only is in neither."""

    came: tuple[Told, ...]
    went: tuple[Told, ...]


def change_between(older: Sequence[Told], newer: Sequence[Told]) -> Change:
    """Two reasons are the same when their code and what they are about are."""
    before, after = {_about(each) for each in older}, {_about(each) for each in newer}
    came = tuple(each for each in newer if _about(each) not in before)
    return Change(came, tuple(each for each in older if _about(each) not in after))


def _about(reason: Told) -> tuple[str, str]:
    return str(reason["code"]), str(reason["subject"])
