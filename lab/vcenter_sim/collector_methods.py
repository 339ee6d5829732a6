"""SOAP methods of property collectors, filters and container views."""

from __future__ import annotations

from functools import partial
from typing import Any

from pyVmomi import vim, vmodl

from lab.vcenter_sim.center import Center, method, not_found, session_of
from lab.vcenter_sim.collector import first_page, next_page, select_rows, write_objects
from lab.vcenter_sim.mobs import Mob, Registry
from lab.vcenter_sim.paths import value_at
from lab.vcenter_sim.sessions import Session
from lab.vcenter_sim.updates import Collector, Filter, cancel, wait
from lab.vcenter_sim.wire import Call

DEFAULT_COLLECTOR = "propertyCollector"
query = vmodl.query.PropertyCollector


@method("RetrievePropertiesEx")
def retrieve_properties_ex(center: Center, session: Session | None, call: Call) -> Any:
    """The first page of a selection; null when it is empty."""
    rows = select_rows(center, call.arguments["specSet"], call.version)
    options = call.arguments["options"]
    return first_page(center, session_of(session), rows, options.maxObjects if options else None)


@method("ContinueRetrievePropertiesEx")
def continue_retrieve_properties_ex(center: Center, session: Session | None, call: Call) -> Any:
    """The next page."""
    return next_page(center, session_of(session), call.arguments["token"])


@method("CancelRetrievePropertiesEx")
def cancel_retrieve_properties_ex(_center: Center, session: Session | None, call: Call) -> None:
    """Give up the pages that are left."""
    session_of(session).tokens.pop(call.arguments["token"], None)


@method("RetrieveProperties")
def retrieve_properties(center: Center, session: Session | None, call: Call) -> Any:
    """The old call: everything at once."""
    session_of(session)
    rows = select_rows(center, call.arguments["specSet"], call.version)
    return lambda out, version: write_objects(center, out, version, rows, "returnval")


@method("CreatePropertyCollector")
def create_property_collector(center: Center, session: Session | None, _call: Call) -> Any:
    """A private collector, gone with the session."""
    moid = f"session[{session_of(session).key}]{center.next_number('collector')}"
    session_of(session).collectors[moid] = Collector(moid)
    return query(moid)


@method("DestroyPropertyCollector")
def destroy_property_collector(_center: Center, session: Session | None, call: Call) -> None:
    """Remove a private collector and its filters."""
    session_of(session).collectors.pop(call.target._moId, None)


def _collector(session: Session, moid: str) -> Collector:
    if moid == DEFAULT_COLLECTOR:
        return session.collectors.setdefault(moid, Collector(moid))
    if moid not in session.collectors:
        raise not_found(moid)
    found: Collector = session.collectors[moid]
    return found


@method("CreateFilter")
def create_filter(center: Center, session: Session | None, call: Call) -> Any:
    """Watch a selection; wrong paths are refused here already."""
    collector = _collector(session_of(session), call.target._moId)
    select_rows(center, [call.arguments["spec"]], call.version)
    one = Filter(f"{collector.moid}-filter{center.next_number('filter')}", call.arguments["spec"])
    collector.filters[one.moid] = one
    return query.Filter(one.moid)


@method("DestroyPropertyFilter")
def destroy_property_filter(_center: Center, session: Session | None, call: Call) -> None:
    """Stop watching."""
    for collector in session_of(session).collectors.values():
        if collector.filters.pop(call.target._moId, None):
            return
    raise not_found(call.target._moId)


@method("WaitForUpdatesEx")
def wait_for_updates_ex(center: Center, session: Session | None, call: Call) -> Any:
    """Changes since `version`; null after maxWaitSeconds without any."""
    options = call.arguments["options"]
    limit = options.maxObjectUpdates if options else None
    longest = options.maxWaitSeconds if options else None
    collector = _collector(session_of(session), call.target._moId)
    return wait(center, collector, call.arguments["version"], longest, limit, call.version)


@method("WaitForUpdates")
def wait_for_updates(center: Center, session: Session | None, call: Call) -> Any:
    """The old call: waits until something changes."""
    collector = _collector(session_of(session), call.target._moId)
    return wait(center, collector, call.arguments["version"], None, None, call.version)


@method("CheckForUpdates")
def check_for_updates(center: Center, session: Session | None, call: Call) -> Any:
    """Changes that are there already, or null."""
    collector = _collector(session_of(session), call.target._moId)
    return wait(center, collector, call.arguments["version"], 0.0, None, call.version)


@method("CancelWaitForUpdates")
def cancel_wait_for_updates(center: Center, session: Session | None, call: Call) -> None:
    """Make a waiting call of the same collector end with RequestCanceled."""
    cancel(center, _collector(session_of(session), call.target._moId))


@method("CreateContainerView")
def create_container_view(center: Center, session: Session | None, call: Call) -> Any:
    """A live list of the entities of some types below a container."""
    container = center.mob(call.arguments["container"]._moId)
    kinds = tuple(call.arguments["type"]) or (vim.ManagedEntity,)
    recursive = bool(call.arguments["recursive"])
    moid = f"session[{session_of(session).key}]view-{center.next_number('view')}"
    members = partial(_members, center.registry, container, kinds, recursive)
    shape = {
        "view": members,
        "container": lambda: container.ref,
        "type": lambda: list(kinds),
        "recursive": lambda: recursive,
    }
    _LiveView.add(center.registry, moid, shape)
    session_of(session).views.add(moid)
    return vim.view.ContainerView(moid)


class _LiveView(Mob):
    """A view's list is computed whenever it is read: VMs come and go."""

    __slots__ = ()

    @classmethod
    def add(cls, registry: Registry, moid: str, shape: Any) -> None:
        """Register the view."""
        registry.insert(cls(vim.view.ContainerView, moid, shape))

    def top(self, name: str) -> Any:
        """The present value."""
        builder = self.shape.get(name)
        return builder() if builder else None


def _members(registry: Registry, container: Mob, kinds: tuple[type, ...], recursive: bool) -> list[Any]:
    inside = _below(registry, container) if recursive else _children(registry, container)
    return [mob.ref for mob in inside if issubclass(mob.kind, kinds) and mob is not container]


def _below(registry: Registry, container: Mob) -> list[Mob]:
    inside: dict[str, bool] = {container.moid: True}

    def is_inside(mob: Mob | None) -> bool:
        if mob is None:
            return False
        if mob.moid not in inside:
            inside[mob.moid] = any(is_inside(registry.find(ref._moId)) for ref in _parents(mob))
        return inside[mob.moid]

    return [mob for mob in registry.entities() if is_inside(mob)]


def _parents(mob: Mob) -> list[Any]:
    refs = [mob.top("parent")]
    if issubclass(mob.kind, vim.VirtualMachine):
        refs += [mob.top("resourcePool"), value_at(mob, "runtime.host")]
    return [ref for ref in refs if ref is not None]


def _children(registry: Registry, container: Mob) -> list[Mob]:
    return [mob for mob in registry.entities() if container.ref._moId in {ref._moId for ref in _parents(mob)}]


@method("DestroyView")
def destroy_view(center: Center, session: Session | None, call: Call) -> None:
    """Forget a view."""
    moid = call.target._moId
    center.mob(moid)
    session_of(session).views.discard(moid)
    center.registry.remove(moid)
