"""How a sheet is written down here: a table from header to the function that fills it, and what the functions look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim

from lab.vcenter_sim.center import Center
from lab.vcenter_sim.mobs import Mob

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the object it is about and, on sheets about parts, the part (a disk, a card, a port group)."""

    center: Center
    mob: Mob
    part: Any = None

    def top(self, name: str) -> Any:
        """A property of the object."""
        return self.mob.top(name)

    def name_of(self, ref: Any) -> str:
        """The name of the object that a reference means; empty for none."""
        found = self.center.registry.find(ref._moId) if ref is not None else None
        return str(found.top("name")) if found is not None else ""


Columns = Mapping[str, Callable[[Row], Any]]


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """One sheet: its columns in order, and where its rows come from."""

    name: str
    columns: Columns
    rows: Callable[[Center], Iterator[Row]]


def all_of(kind: type) -> Callable[[Center], Iterator[Row]]:
    """A row for every object of a kind."""
    return lambda center: (Row(center, mob) for mob in center.registry.entities() if issubclass(mob.kind, kind))


def parts_of(kind: type, parts: Callable[[Row], Any]) -> Callable[[Center], Iterator[Row]]:
    """A row for every part of every object of a kind."""

    def rows(center: Center) -> Iterator[Row]:
        for row in all_of(kind)(center):
            yield from (Row(center, row.mob, part) for part in parts(row))

    return rows


def names(values: Any) -> str:
    """Several values in one cell, as RVTools writes them."""
    return ", ".join(str(value) for value in values or ())


def server(_: Row) -> str:
    return "vcenter.lab.example"


CENTER: Columns = {"VI SDK Server": server, "VI SDK UUID": lambda row: row.center.instance_uuid}
DISTRIBUTED = vim.dvs.DistributedVirtualPortgroup
