"""The value of a fact that could not be read. It is never a default and never counts as a pass."""

from __future__ import annotations

from typing import Any, TypeGuard, TypeVar

import msgspec

T = TypeVar("T")


class Unknown(msgspec.Struct, frozen=True, omit_defaults=True, rename={"reason": "unknown"}):
    """A fact that nobody could read, and why (`reason` is shown to people).

    `everywhere`: the source has this fact for none of its objects (a workbook without the sheet, no guest probe), so that
    the gap can be told once for the whole inventory.
    """

    reason: str
    everywhere: bool = False

    def __bool__(self) -> bool:
        raise TypeError("an unknown fact is neither true nor false; ask is_known() first")


UNKNOWN = Unknown("not read")


def unknown_from(value: Any) -> Any:
    """The unknown fact that a mapping in its JSON form stands for; anything else as it is."""
    return msgspec.convert(value, Unknown) if isinstance(value, dict) and "unknown" in value else value


def is_known(value: T | Unknown) -> TypeGuard[T]:
    """Whether a fact was read."""
    return not isinstance(value, Unknown)
