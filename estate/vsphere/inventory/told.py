"""What one VM tells, and what its silence means: "none" on a machine that was read whole, nobody knows on any other."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar
from xml.etree.ElementTree import Element

from estate.facts.unknown import Unknown, is_known
from estate.vsphere.inventory.values import NOT_GIVEN, SourceObject, boolean

D = TypeVar("D")


class Told:
    """Reads one VM. `whole`: it is connected and gave its configuration; `silence` is the value of what it did not give."""

    __slots__ = ("found", "silence", "whole")

    def __init__(self, found: SourceObject) -> None:
        state = found.text("runtime.connectionState")
        self.found = found
        self.whole = state == "connected" and any(path.startswith("config.") for path in found.values)
        said = state if is_known(state) else "unknown"
        self.silence = NOT_GIVEN if self.whole else Unknown(f"not given while the machine's connection state is {said}")

    def text(self, path: str) -> str | Unknown:
        return self._meant(self.found.text(path))

    def word(self, path: str) -> str | Unknown | None:
        """A text that is None where a whole machine is silent or gives an empty one."""
        value = self.found.text(path)
        return self.or_none(value) if isinstance(value, Unknown) else value or None

    def integer(self, path: str) -> int | Unknown:
        return self._meant(self.found.integer(path))

    def boolean(self, path: str) -> bool | Unknown:
        return self._meant(self.found.boolean(path))

    def moment(self, path: str) -> datetime | Unknown:
        return self._meant(self.found.moment(path))

    def element(self, path: str) -> Element | Unknown:
        return self._meant(self.found.element(path))

    def is_silent(self, value: object) -> bool:
        """Whether a whole machine gave nothing, which means that there is none."""
        return self.whole and value is NOT_GIVEN

    def or_none(self, value: D | Unknown) -> D | Unknown | None:
        """`None` where a whole machine is silent."""
        return None if self.is_silent(value) else self._meant(value)

    def or_zero(self, value: int | Unknown) -> int | Unknown:
        return 0 if self.is_silent(value) else value

    def flag(self, path: str) -> bool | Unknown:
        """A switch that is off where a whole machine is silent."""
        value = self.boolean(path)
        return False if self.is_silent(value) else value

    def listed(self, path: str) -> tuple[str, ...] | Unknown:
        """The texts of a list; empty where a whole machine is silent."""
        value = self.element(path)
        if isinstance(value, Unknown):
            return () if self.is_silent(value) else value
        return tuple(each.text or "" for each in value)

    def present(self, path: str) -> bool | Unknown:
        """Whether an optional part is there at all."""
        value = self.element(path)
        if isinstance(value, Unknown):
            return False if self.is_silent(value) else value
        return True

    def setting(self, name: str) -> bool | Unknown:
        """A switch inside `config.flags`."""
        flags = self.element("config.flags")
        return flags if isinstance(flags, Unknown) else boolean(flags, name, unset=False)

    def _meant(self, value: D | Unknown) -> D | Unknown:
        return self.silence if value is NOT_GIVEN else value
