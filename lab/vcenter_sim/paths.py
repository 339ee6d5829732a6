"""Property paths: is a path legal for a type, and what is its value on an object.

A path follows the declared types of pyvmomi's tables only, as a vCenter does. Which paths are asked for is
collector.py's matter.
"""

from __future__ import annotations

import functools
from typing import Any

from pyVmomi import vim, vmodl
from pyVmomi.VmomiSupport import DataObject, Enum, IsChildVersion, ManagedObject, Object

from lab.vcenter_sim.mobs import Mob

# Inherited properties that the derived type's documentation narrows, which the tables do not repeat.
NARROWED = {(vim.ClusterComputeResource, "configurationEx"): vim.cluster.ConfigInfoEx}
NUMBERS = ("long", "short", "byte", "double", "float")


@functools.cache
def declared(kind: type, path: str, version: str) -> Object | None:
    """The type table's entry at the end of `path` below `kind`, or None when the path is wrong in this API version."""
    info = None
    for step in path.split("."):
        if not issubclass(kind, (DataObject, ManagedObject)):
            return None
        try:
            info = kind._GetPropertyInfo(step)
        except AttributeError:
            return None
        if not IsChildVersion(version, info.version):
            return None
        kind = NARROWED.get((kind, step), info.type)
    return info


def require(kind: type, path: str, version: str) -> Object:
    """As `declared`.

    Raises:
        vmodl.query.InvalidProperty: names the path, as a vCenter does for the whole call.
    """
    info = declared(kind, path, version)
    if info is None:
        raise vmodl.query.InvalidProperty(name=path, msg=f"property {path} is not known")
    return info


def value_at(mob: Mob, path: str) -> Any:
    """The value at `path` of `mob` as the type tables declare it; None when unset. The path must be legal."""
    first, *rest = path.split(".")
    value = mob.top(first)
    for step in rest:
        if value is None:
            return None
        value = getattr(value, step)
    return value


def typed(info: Object, value: Any, *, top_level: bool) -> Any:
    """`value` in the wire type its field declares; an empty list below the top level counts as unset (None)."""
    kind = info.type
    if value is None:
        return None
    if issubclass(kind, list):
        if not value and not top_level:
            return None
        return value if isinstance(value, kind) else kind(value)
    if issubclass(kind, Enum) or kind.__name__ in NUMBERS:
        return kind(value)
    return value
