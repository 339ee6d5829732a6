"""Ports of a conversion's source: what a machine's side of the move must do, whether a server or a package stands behind it.

`row` is the conversion; sizes are bytes. Everything may run twice: what is already as wanted is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from estate.disks.ports import ExtentSource
from migration.conversion.models import Conversion


class OfferedDisk(Protocol):
    """A disk that the machine has; `address` is that of the facts."""

    @property
    def address(self) -> str: ...
    @property
    def label(self) -> str: ...


class Disks(Protocol):
    """The machine's disks while they are held open. Raises: `estate.errors`."""

    @property
    def offered(self) -> Sequence[OfferedDisk]: ...

    def open(self, address: str) -> ExtentSource:
        """The offered disk at this address, from its first byte; to be closed by the caller. Raises: AskPerson when nobody can
        read it.
        """
        ...


class MachineSource(Protocol):
    """The side a machine comes from. Raises: `estate.errors`."""

    def bring_down(self, row: Conversion) -> None:
        """Leave the machine off and store what it looks like then. Raises: AskPerson when that cannot be had."""
        ...

    def is_unchanged(self, row: Conversion) -> bool:
        """Whether it is provably as it was when it was stored: off since, and neither started nor changed."""
        ...

    def require_unchanged(self, row: Conversion) -> None:
        """Raises: AskPerson when it is not provably as it was when it was stored, so that what was copied is stale."""
        ...

    def disks(self) -> AbstractContextManager[Disks]:
        """Its disks, held open until the block ends; a clean end tells the other side that all is read."""
        ...

    def mark_moved(self, row: Conversion, line: str) -> None:
        """Leave a note on it for whoever would start it again."""
        ...

    def bring_back(self, row: Conversion) -> str:
        """Undo `bring_down` as far as Xenbound did it; what came of it, in words."""
        ...
