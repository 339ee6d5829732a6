"""From the names a workbook uses to ids: a moref where the workbook has it, else one made of the name.

A made id has a colon, which no moref has. With several vCenters in one workbook every id begins with its vCenter's UUID.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from estate.facts.unknown import Unknown

Key = tuple[str, str]
"""The vCenter's UUID (empty where a sheet has no such column) and a name."""


@dataclass(slots=True)
class Ids:
    """Ids of one kind by vCenter and name; a name that two objects bear is none's."""

    kind: str
    several: bool
    by_key: dict[Key, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, center: str, name: str, native_id: str = "") -> str:
        """The id of an object, and remember it by name."""
        found = scoped(center, native_id or f"{self.kind}:{name}", several=self.several)
        self.by_key[center, name].add(found)
        return found

    def find(self, center: str, name: str | Unknown) -> str | Unknown:
        """The id of the object of this name."""
        if isinstance(name, Unknown):
            return name
        found = self.by_key.get((center, name), set())
        if len(found) == 1:
            return next(iter(found))
        return Unknown(f"several bear the name {name!r}" if found else f"the workbook has no {self.kind} {name!r}")


def scoped(center: str, native_id: str, *, several: bool) -> str:
    return f"{center}/{native_id}" if several else native_id
