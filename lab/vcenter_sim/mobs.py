"""The managed objects a vCenter has: what they are called, where they hang, what their properties are.

Properties are built when first read and kept until their object is touched. Selecting and paging is collector.py's
work, the values themselves come from the `*_shape` modules.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pyVmomi import vim
from pyVmomi.VmomiSupport import ManagedObject

Shape = Mapping[str, Callable[[], Any]]


class Mob:
    """One managed object. `shape` maps a top-level property to the function that builds its value (None is unset)."""

    __slots__ = ("_built", "kind", "moid", "ref", "shape")

    def __init__(self, kind: type[ManagedObject], moid: str, shape: Shape) -> None:
        self.kind, self.moid, self.shape = kind, moid, shape
        self.ref = kind(moid)
        self._built: dict[str, Any] = {}

    def top(self, name: str) -> Any:
        """The value of top-level property `name`, None when unset."""
        if name not in self._built:
            builder = self.shape.get(name)
            self._built[name] = builder() if builder else None
        return self._built[name]

    def forget(self) -> None:
        """Build the properties anew when they are next read."""
        self._built.clear()


class Registry:
    """All managed objects by id; `changed` is notified, and `generation` grows, whenever one of them changes."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.generation = 0
        self._mobs: dict[str, Mob] = {}

    def add(self, kind: type[ManagedObject], moid: str, shape: Shape) -> Mob:
        """Add an object and tell the waiting collectors."""
        return self.insert(Mob(kind, moid, shape))

    def insert(self, mob: Mob) -> Mob:
        """Add an object that was made elsewhere."""
        with self.changed:
            self._mobs[mob.moid] = mob
            self._bump()
        return mob

    def find(self, moid: str) -> Mob | None:
        """The object with this id, or None."""
        return self._mobs.get(moid)

    def remove(self, moid: str) -> None:
        """Forget an object; unknown ids are ignored."""
        with self.changed:
            self._mobs.pop(moid, None)
            self._bump()

    def touch(self, *moids: str) -> None:
        """The properties of these objects changed."""
        with self.changed:
            for moid in moids:
                if moid in self._mobs:
                    self._mobs[moid].forget()
            self._bump()

    def entities(self) -> Iterator[Mob]:
        """Everything that has a name and a place in the tree, in order of creation."""
        return (mob for mob in list(self._mobs.values()) if issubclass(mob.kind, vim.ManagedEntity))

    def _bump(self) -> None:
        self.generation += 1
        self.changed.notify_all()
