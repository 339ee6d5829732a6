"""Keeping an inventory fresh: a few cheap paths of every object are watched, and what moved is read again in full.

A watch has a property collector of its own, so that nobody else's wait blocks it. It never patches: a changed machine is
read anew with all its paths, and on demand everything that is no machine: rules, limits, VLANs and free space move unheard. So do
tags: they are read with whatever moved, and when they are others everything has to be read, so that no inventory holds tags of
two times. So it is when server or session lost the thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog
from msgspec.structs import replace
from pyVmomi import vim, vmodl

from estate.errors import EdgeError
from estate.facts.source import SourceAbout, SourceFact
from estate.vsphere.errors import SessionExpired, VersionLost
from estate.vsphere.inventory.collect import PAGE_OBJECTS, Collection, OnPage
from estate.vsphere.inventory.machines import Surroundings, machines
from estate.vsphere.inventory.paging import picked
from estate.vsphere.session import VsphereSession
from estate.vsphere.tags import tags_of
from estate.vsphere.xmlstream import VIM

log = structlog.get_logger(__name__)
_Collector = vmodl.query.PropertyCollector
T = TypeVar("T")

STEP_S = 5
UPDATES_PER_ANSWER = 2000
_WATCHED: dict[type[Any], str] = {
    vim.VirtualMachine: (
        "name parent runtime.powerState runtime.host snapshot guest.toolsRunningStatus config.changeVersion config.modified"
        " summary.config.template"
    ),
    vim.HostSystem: "name parent runtime.connectionState runtime.inMaintenanceMode",
    vim.ClusterComputeResource: "name host",
    vim.Datastore: "name summary.accessible summary.maintenanceMode",
    vim.Network: "name host",
    vim.DistributedVirtualSwitch: "name",
    vim.Folder: "name parent",
    vim.Datacenter: "name parent",
    vim.ResourcePool: "name parent",
}
_KINDS = {
    "VirtualMachine": "vm",
    "HostSystem": "host",
    "ClusterComputeResource": "cluster",
    "Datastore": "datastore",
    "Network": "network",
    "OpaqueNetwork": "network",
    "DistributedVirtualPortgroup": "network",
    "DistributedVirtualSwitch": "switch",
    "VmwareDistributedVirtualSwitch": "switch",
}
_OBJECT, _VERSION, _TRUNCATED = f"{VIM}objectSet", f"{VIM}version", f"{VIM}truncated"
_PARENTS = (f"{VIM}filterSet", f"{VIM}returnval")


Moved = dict[tuple[str, str], str]
"""What moved: (kind, native id) to the last kind of change, `enter`, `modify` or `leave`."""


@dataclass(frozen=True, slots=True)
class WatchState:
    """Where a watch stands, to go on from elsewhere: morefs of its collector and view, version, mark of names and places."""

    collector: str
    view: str
    version: str
    mark: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened since the last word.

    `full`: everything has to be read again (`Watch.read_all`), for `reason`; the lists are empty then. `gone` is (kind, native
    id) with the kinds of `OnPage`. `server_s` is what reading the changed objects waited for the server's first bytes.
    """

    changed: tuple[SourceFact, ...] = ()
    gone: tuple[tuple[str, str], ...] = ()
    full: bool = False
    reason: str = ""
    server_s: float = 0.0

    def __bool__(self) -> bool:
        return self.full or bool(self.changed or self.gone)


class Watch:
    """Watches one source through a session; leaving the context removes the collector. For one thread.

    The first `wait` begins the watch and asks for a full reading; changes after that moment are told by the next `wait`,
    however long the reading takes::

        with VsphereSession(connection) as session, Watch(session) as watch:
            while True:
                changes = watch.wait(60, alive=alive)
                if changes.full:
                    about = watch.read_all(on_page, alive=alive)
    """

    def __init__(self, session: VsphereSession, *, page_objects: int = PAGE_OBJECTS) -> None:
        self._session = session
        self._page_objects = page_objects
        self._collector: Any = None
        self._view: Any = None
        self._logins = 0
        self._version = ""
        self._around: Surroundings | None = None
        self._mark = ""

    @classmethod
    def resumed(cls, session: VsphereSession, state: WatchState, *, page_objects: int = PAGE_OBJECTS) -> Self:
        """The watch that `state` tells of, in the session it was made in."""
        watch = cls(session, page_objects=page_objects)
        watch._collector = session.managed(_Collector, state.collector)
        watch._view = session.managed(vim.view.ContainerView, state.view)
        watch._logins, watch._version, watch._mark = session.logins, state.version, state.mark
        return watch

    def leave(self) -> WatchState:
        """Let the watch live on at the server when this is left; its session has to be kept too."""
        state = WatchState(self._collector._moId, self._view._moId, self._version, self._mark)
        self._collector = None
        return state

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def wait(self, max_wait_s: float, *, alive: Callable[[], None] | None = None) -> Changes:
        """Changes since the last call, at the latest after `max_wait_s` seconds (then without any).

        `alive` is called every `STEP_S` seconds and before each request; it may raise to stop.

        Raises:
            EdgeError: any fault but a lost session, version or object, which lead to a full reading.
        """
        moved = self.peek(max_wait_s, alive=alive)
        return moved if isinstance(moved, Changes) else self.fetch(moved, alive=alive)

    def peek(self, max_wait_s: float, *, alive: Callable[[], None] | None = None) -> Moved | Changes:
        """What moved since the last call, without reading it; Changes that ask for a full reading when the thread was lost.

        Raises: EdgeError, as `wait` does.
        """
        return self._guarded(lambda: self._moved(max_wait_s, alive or _no_question), alive)

    def fetch(self, moved: Moved, *, surroundings: bool = False, alive: Callable[[], None] | None = None) -> Changes:
        """What moved, read in full; it may have been told in more than one `peek`. With `surroundings` everything that is no
        machine is read, moved or not. Raises: EdgeError, as `wait` does.
        """
        return self._guarded(lambda: self._changes(moved, alive or _no_question, surroundings=surroundings), alive)

    def _guarded(self, look: Callable[[], T], alive: Callable[[], None] | None) -> T | Changes:
        if self._collector is None:
            return self._begin("the watch begins", alive)
        if self._session.logins != self._logins:
            return self._begin("the source was logged in to anew", alive)
        try:
            return look()
        except SessionExpired:
            self._session.login_again(seen=self._logins)
            return self._begin("the session had ended", alive)
        except VersionLost:
            return self._begin("the source no longer knows how far it had told", alive)
        except EdgeError as error:
            if error.code != "object_gone":
                raise
            return self._begin("an object went away while it was read", alive)

    def read_all(self, on_page: OnPage, *, alive: Callable[[], None] | None = None) -> SourceAbout:
        """Read everything as `inventory.collect` does, and keep what changed machines will be read with."""
        reading = Collection(self._session, on_page, self._page_objects, alive)
        about = reading.run()
        self._around = reading.around
        self._mark = self._around.mark if self._around else ""
        return about

    @property
    def session(self) -> VsphereSession:
        """The session it was made in."""
        return self._session

    def about(self, changes: Changes) -> SourceAbout:
        """Who answered, with what the server took for these changes."""
        lacking = self._around.lacking if self._around else ()
        return replace(self._session.about, lacking=lacking, measured_s=(("server", changes.server_s),))

    def _begin(self, reason: str, alive: Callable[[], None] | None) -> Changes:
        self._end()
        content = self._session.content
        kinds = list(_WATCHED)
        self._view = self._session.call(lambda: content.viewManager.CreateContainerView(content.rootFolder, kinds, True))
        self._logins = self._session.logins
        with self._session.translated():
            self._collector = content.propertyCollector.CreatePropertyCollector()
            self._collector.CreateFilter(_spec(self._view), True)
        self._version, self._around, self._mark = "", None, ""
        self._moved(0, alive or _no_question)
        log.info("vsphere.watch_begun", endpoint=self._session.where, reason=reason)
        return Changes(full=True, reason=reason)

    def _changes(self, moved: Moved, alive: Callable[[], None], *, surroundings: bool) -> Changes:
        waited_s = self._session.server_s
        gone = tuple((kind, native_id) for (kind, native_id), last in moved.items() if last == "leave")
        machine_ids = [native_id for (kind, native_id), last in moved.items() if kind == "vm" and last != "leave"]
        changed: list[SourceFact] = []
        around = self._around
        if surroundings or (moved and (around is None or any(kind != "vm" for kind, _native_id in moved))):
            around = Collection(self._session, lambda _kind, facts: changed.extend(facts), self._page_objects, alive).landscape()
            if not self._still_true(around):
                return Changes(full=True, reason="names, places or tags that machines are read with have changed")
            self._around, self._mark = around, around.mark
        elif moved and around is not None and not around.tagged_as(tags_of(self._session, alive=alive)):
            return Changes(full=True, reason="tags have changed")
        if machine_ids and around is not None:
            for page in picked(self._session, machines(around), machine_ids, alive=alive):
                changed += page
        return Changes(tuple(changed), gone, server_s=round(self._session.server_s - waited_s, 3))

    def _still_true(self, around: Surroundings) -> bool:
        """Whether what machines were read with still holds. A watch that was taken up again knows its mark alone."""
        if self._around is not None:
            return self._around.holds_in(around)
        return self._mark == around.mark

    def _moved(self, max_wait_s: float, alive: Callable[[], None]) -> Moved:
        moved: Moved = {}
        until = time.monotonic() + max_wait_s
        while True:
            alive()
            left_s = until - time.monotonic()
            truncated = self._one_answer(0 if moved else max(0, min(STEP_S, round(left_s))), moved)
            if not truncated and (moved or left_s <= STEP_S / 2):
                return moved

    def _one_answer(self, wait_s: int, moved: Moved) -> bool:
        options = _Collector.WaitOptions(maxWaitSeconds=wait_s, maxObjectUpdates=UPDATES_PER_ANSWER)
        truncated = False
        wanted = (_OBJECT, _VERSION, _TRUNCATED)
        answer = self._session.bulk(
            self._collector, "WaitForUpdatesEx", self._version, options, tags=wanted, parents=_PARENTS, timed=False
        )
        for element in answer:
            if element.tag == _VERSION:
                self._version = element.text or ""
            elif element.tag == _TRUNCATED:
                truncated = element.text == "true"
            else:
                seen = element.find(f"{VIM}obj")
                if seen is not None:
                    kind = _KINDS.get(seen.get("type") or "", "container")
                    moved[kind, seen.text or ""] = element.findtext(f"{VIM}kind") or "modify"
        return truncated

    def _end(self) -> None:
        collector, view, self._collector = self._collector, self._view, None
        if collector is None or self._session.logins != self._logins:
            return
        try:
            with self._session.translated():
                collector.DestroyPropertyCollector()
                view.DestroyView()
        except EdgeError as error:
            # Both die with the session anyway.
            log.info("vsphere.watch_left_behind", endpoint=self._session.where, code=error.code)


def _no_question() -> None:
    """Nobody wants to interrupt."""


def _spec(view: Any) -> Any:
    through = _Collector.TraversalSpec(name="view", type=vim.view.ContainerView, path="view", skip=False)
    return _Collector.FilterSpec(
        objectSet=[_Collector.ObjectSpec(obj=view, skip=True, selectSet=[through])],
        propSet=[_Collector.PropertySpec(type=kind, all=False, pathSet=paths.split()) for kind, paths in _WATCHED.items()],
    )
