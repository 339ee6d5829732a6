"""The value of a fact that could not be read. It is never a default and never counts as a pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact that nobody could read, and why (`reason` is shown to people).

    `everywhere`: the source has this fact for none of its objects (a workbook without the sheet, no guest probe), so that
    the gap can be told once for the whole inventory.
    """

    reason: str = "not read"
    everywhere: bool = False

    def __bool__(self) -> bool:
        raise TypeError("an unknown fact is neither true nor false; ask is_known() first")


UNKNOWN = Unknown()


def is_known(value: T | Unknown) -> TypeGuard[T]:
    """Whether a fact was read."""
    return not isinstance(value, Unknown)
