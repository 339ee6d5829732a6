"""What RetrievePropertiesEx answers: walk the selection, choose the properties, write the page.

Pages are cut by the server: the client's `maxObjects` is an upper bound only. Waiting for changes is updates.py's work.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

from pyVmomi import vim, vmodl
from pyVmomi.VmomiSupport import ManagedObject, Object

from lab.vcenter_sim.center import Center, not_authenticated
from lab.vcenter_sim.mobs import Mob
from lab.vcenter_sim.neutral import make
from lab.vcenter_sim.paths import require, typed, value_at
from lab.vcenter_sim.sessions import Session
from lab.vcenter_sim.wire import LATEST, serializer

PAGE_OBJECTS = 500
query = vmodl.query.PropertyCollector
VAL = Object(name="val", type=object, version=LATEST, flags=0)
MISSING = Object(name="missingSet", type=query.MissingProperty, version=LATEST, flags=0)


@dataclass(frozen=True, slots=True)
class Row:
    """One object of an answer and the paths wanted of it."""

    mob: Mob
    paths: tuple[str, ...]


def select_rows(center: Center, specs: list[Any], version: str) -> list[Row]:
    """The objects that filter specs select, each once per spec, with their paths.

    Raises:
        vmodl.query.InvalidProperty: a path is wrong for its type.
        vmodl.fault.ManagedObjectNotFound: a starting object is not there.
    """
    rows = []
    for spec in specs:
        wanted = [(one.type, _paths_of(one, version)) for one in spec.propSet]
        for mob in _walk_all(center, spec):
            paths = _paths_for(mob, wanted)
            if paths is not None:
                rows.append(Row(mob, paths))
    return rows


def _paths_of(spec: Any, version: str) -> tuple[str, ...] | None:
    if spec.all:
        return None
    paths = tuple(dict.fromkeys(spec.pathSet))
    for path in paths:
        require(spec.type, path, version)
    return paths


def _paths_for(mob: Mob, wanted: list[tuple[type, tuple[str, ...] | None]]) -> tuple[str, ...] | None:
    fitting = [(kind, paths) for kind, paths in wanted if issubclass(mob.kind, kind)]
    if not fitting:
        return None
    _, paths = max(fitting, key=lambda pair: len(pair[0].__mro__))
    return tuple(mob.shape) if paths is None else paths


def _walk_all(center: Center, spec: Any) -> Iterator[Mob]:
    named: dict[str, Any] = {}
    for start in spec.objectSet:
        _collect_names(start.selectSet, named)
    seen: dict[str, Mob] = {}
    for start in spec.objectSet:
        _walk(center, center.mob(start.obj._moId), bool(start.skip), start.selectSet, named, seen, set())
    return iter(seen.values())


def _collect_names(selections: list[Any], named: dict[str, Any]) -> None:
    for selection in selections or []:
        if isinstance(selection, query.TraversalSpec):
            if selection.name:
                named[selection.name] = selection
            _collect_names(selection.selectSet, named)


def _walk(
    center: Center,
    mob: Mob,
    skip: bool,
    selections: list[Any],
    named: dict[str, Any],
    seen: dict[str, Mob],
    visited: set[tuple[str, int]],
) -> None:
    if not skip:
        seen.setdefault(mob.moid, mob)
    for selection in selections or []:
        step = selection if isinstance(selection, query.TraversalSpec) else named.get(selection.name)
        if step is None:
            raise vmodl.fault.InvalidArgument(invalidProperty="selectSet", msg=f"no selection is named {selection.name}")
        if not issubclass(mob.kind, step.type) or (mob.moid, id(step)) in visited:
            continue
        visited.add((mob.moid, id(step)))
        for ref in _references(mob, step.path):
            reached = center.registry.find(ref._moId)
            if reached is not None:
                _walk(center, reached, bool(step.skip), step.selectSet, named, seen, visited)


def _references(mob: Mob, path: str) -> list[ManagedObject]:
    value = value_at(mob, path)
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def first_page(
    center: Center, session: Session, rows: list[Row], max_objects: int | None
) -> Callable[[StringIO, str], None] | None:
    """The writer of the first page, and the rest kept under a token; None when nothing was selected."""
    return _page(center, session, rows, max_objects) if rows else None


def _page(center: Center, session: Session, rows: list[Row], max_objects: int | None) -> Callable[[StringIO, str], None]:
    if center.faults.page_turned():
        center.sessions.end(session)
        raise not_authenticated()
    size = min(max_objects or PAGE_OBJECTS, center.faults.standing.get("page_size") or PAGE_OBJECTS)
    page, rest = rows[:size], rows[size:]
    token = ""
    if rest:
        token = secrets.token_hex(8)
        session.tokens[token] = [rest, max_objects]
    return lambda out, version: _write_page(center, out, version, page, token)


def next_page(center: Center, session: Session, token: str) -> Callable[[StringIO, str], None]:
    """The page behind `token`, which is used up.

    Raises:
        vmodl.fault.InvalidArgument: the token is unknown, or belongs to another session.
    """
    if token not in session.tokens:
        raise vmodl.fault.InvalidArgument(invalidProperty="token", msg="the token is not valid in this session")
    rows, max_objects = session.tokens.pop(token)
    return _page(center, session, rows, max_objects)


def _write_page(center: Center, out: StringIO, version: str, rows: list[Row], token: str) -> None:
    out.write("<returnval>")
    if token:
        out.write(f"<token>{token}</token>")
    write_objects(center, out, version, rows, "objects")
    out.write("</returnval>")


def write_objects(center: Center, out: StringIO, version: str, rows: list[Row], tag: str) -> None:
    """Write ObjectContent elements named `tag`; what may not be read goes to `missingSet`."""
    writer = serializer(out, version)
    for row in rows:
        out.write(f'<{tag}><obj type="{row.mob.kind._wsdlName}">{row.mob.moid}</obj>')
        missing = []
        for path in row.paths:
            if center.faults.is_unreadable(row.mob.moid, path):
                missing.append(path)
                continue
            value = read(row.mob, path, version)
            if value is not None:
                out.write(f"<propSet><name>{path}</name>")
                writer.Serialize(value, VAL)
                out.write("</propSet>")
        for path in missing:
            writer.Serialize(_missing(row.mob, path), MISSING)
        out.write(f"</{tag}>")


def read(mob: Mob, path: str, version: str) -> Any:
    """The value of a path in its wire type, None when unset."""
    return typed(require(mob.kind, path, version), value_at(mob, path), top_level="." not in path)


def _missing(mob: Mob, path: str) -> Any:
    denied = make(vim.fault.NoPermission, object=mob.ref, privilegeId="System.Read")
    return make(query.MissingProperty, path=path, fault=denied)
