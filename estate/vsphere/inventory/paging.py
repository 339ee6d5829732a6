"""Pages of a property collector: make a view, retrieve, follow the token, start again once when the session expired.

Delivers each object once even when the loop was restarted. What the objects mean is read by the callers' `build`.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog
from pyVmomi import VmomiSupport, vim, vmodl

from estate.errors import EdgeError
from estate.vsphere.errors import InvalidPath, SessionExpired
from estate.vsphere.inventory.values import NOT_KNOWN_THERE, SourceObject, source_object
from estate.vsphere.session import VsphereSession
from estate.vsphere.xmlstream import VIM

T = TypeVar("T")
log = structlog.get_logger(__name__)

_Collector = vmodl.query.PropertyCollector
_OBJECTS = f"{VIM}objects"
OBJECTS_PER_CALL = 500


@dataclass(frozen=True, slots=True)
class Query(Generic[T]):
    """Which objects (a pyVmomi type below the root folder), which paths, and what becomes of each.

    `dropped` collects paths that this server does not know, with the reason: those newer than its API are not even asked
    for, since one wrong path fails the whole call.
    """

    kind: type[Any]
    paths: tuple[str, ...]
    build: Callable[[SourceObject], T]
    dropped: dict[str, str] = field(default_factory=dict)


def pages(
    session: VsphereSession, query: Query[T], *, page_objects: int, alive: Callable[[], None] | None = None
) -> Iterator[list[T]]:
    """Yield what `query.build` makes of every object, at most `page_objects` at a time; `alive` is called before each request.

    The server may send smaller pages than `page_objects`, or all at once. A session that expires in the middle is logged
    in again once. A path the server does not know is dropped and recorded in `query.dropped`.

    Raises:
        SessionExpired: a second time in one loop.
        EdgeError: any other fault.
    """
    seen: set[str] = set()
    dropped = query.dropped
    dropped.update(_too_new(session, query))
    may_log_in = True
    while True:
        logins = session.logins
        try:
            for page in _one_pass(session, query, dropped, page_objects, alive or _no_question):
                yield from _built(_unseen(page, seen), query, page_objects)
            return
        except SessionExpired:
            if not may_log_in:
                raise
            may_log_in = False
            session.login_again(seen=logins)
        except InvalidPath as unknown:
            if unknown.path in dropped or unknown.path not in query.paths:
                raise
            dropped[unknown.path] = NOT_KNOWN_THERE


def picked(session: VsphereSession, query: Query[T], native_ids: list[str], *, alive: Callable[[], None]) -> Iterator[list[T]]:
    """Yield what `query.build` makes of the named objects, `OBJECTS_PER_CALL` in one call.

    Raises:
        AskPerson: one of them no longer exists (`object_gone`).
        EdgeError: any other fault.
    """
    query.dropped.update(_too_new(session, query))
    for start in range(0, len(native_ids), OBJECTS_PER_CALL):
        few = [session.managed(query.kind, native_id) for native_id in native_ids[start : start + OBJECTS_PER_CALL]]
        yield from (built for page in _named(session, query, few, alive) for built in _built(page, query, OBJECTS_PER_CALL))


def _named(
    session: VsphereSession, query: Query[Any], few: list[Any], alive: Callable[[], None]
) -> Iterator[Iterator[SourceObject]]:
    while True:
        spec = _Collector.FilterSpec(
            objectSet=[_Collector.ObjectSpec(obj=target, skip=False) for target in few],
            propSet=[_Collector.PropertySpec(type=query.kind, all=False, pathSet=_asked(query))],
        )
        try:
            yield from _answers(session, spec, query.dropped, OBJECTS_PER_CALL, alive)
            return
        except InvalidPath as unknown:
            if unknown.path not in _asked(query):
                raise
            query.dropped[unknown.path] = NOT_KNOWN_THERE


def _asked(query: Query[Any]) -> list[str]:
    return [path for path in query.paths if path not in query.dropped]


def _no_question() -> None:
    """Nobody wants to interrupt."""


def _built(page: Iterator[SourceObject], query: Query[T], page_objects: int) -> Iterator[list[T]]:
    """Pieces of one answer: a server that sends everything at once is not held in memory as a whole."""
    piece: list[T] = []
    for found in page:
        piece.append(query.build(found))
        if len(piece) >= page_objects:
            yield piece
            piece = []
    yield piece


def _unseen(page: Iterator[SourceObject], seen: set[str]) -> Iterator[SourceObject]:
    for found in page:
        if found.native_id not in seen:
            seen.add(found.native_id)
            yield found


def _too_new(session: VsphereSession, query: Query[Any]) -> dict[str, str]:
    """Paths that came after the API version of this session, by pyVmomi's own tables."""
    found = {}
    for path in query.paths:
        since = _newer_than(query.kind, path, session.stub.version)  # type: ignore[arg-type]  # a class is hashable
        if since:
            found[path] = f"not offered before API {since}"
    return found


@functools.cache
def _newer_than(kind: type[Any], path: str, version: str) -> str:
    """The API version that brought a path when that is newer than `version`; empty for one that is there or unheard of."""
    for step in path.split("."):
        try:
            info = kind._GetPropertyInfo(step)
        except AttributeError:
            return ""
        if not VmomiSupport.IsChildVersion(version, info.version):
            return ".".join(str(VmomiSupport.versionIdMap[info.version]).split(".")[:2])
        kind = info.type
    return ""


def _one_pass(
    session: VsphereSession, query: Query[T], dropped: dict[str, str], page_objects: int, alive: Callable[[], None]
) -> Iterator[Iterator[SourceObject]]:
    alive()
    with _view(session, query.kind) as view:
        yield from _answers(session, _filter(view, query.kind, _asked(query)), dropped, page_objects, alive)


def _answers(
    session: VsphereSession, spec: Any, dropped: dict[str, str], page_objects: int, alive: Callable[[], None]
) -> Iterator[Iterator[SourceObject]]:
    collector = session.content.propertyCollector
    options = _Collector.RetrieveOptions(maxObjects=page_objects)
    alive()
    page = _Page(session.bulk(collector, "RetrievePropertiesEx", [spec], options), dropped)
    yield page.objects()
    while page.token:
        alive()
        page = _Page(session.bulk(collector, "ContinueRetrievePropertiesEx", page.token), dropped)
        yield page.objects()


class _Page:
    """One answer. `token` is known once `objects()` has been read to its end."""

    def __init__(self, elements: Iterator[Any], dropped: dict[str, str]) -> None:
        self._elements = elements
        self._dropped = dropped
        self.token = ""

    def objects(self) -> Iterator[SourceObject]:
        with _collector_paused():
            for element in self._elements:
                if element.tag == _OBJECTS:
                    yield source_object(element, self._dropped)
                else:
                    self.token = element.text or ""


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection while a page is parsed: it would walk the growing page again and again and free nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _view(session: VsphereSession, kind: type[Any]) -> Iterator[Any]:
    content = session.content
    view = session.call(lambda: content.viewManager.CreateContainerView(content.rootFolder, [kind], True))
    logins = session.logins
    try:
        yield view
    finally:
        if session.logins == logins:
            _destroy(session, view)


def _destroy(session: VsphereSession, view: Any) -> None:
    try:
        with session.translated():
            view.DestroyView()
    except EdgeError as error:
        # The view dies with the session anyway; the page loop's own error, if any, is the one to be told.
        log.info("vsphere.view_left_behind", endpoint=session.where, code=error.code)


def _filter(view: Any, kind: type[Any], paths: list[str]) -> Any:
    through = _Collector.TraversalSpec(name="view", type=vim.view.ContainerView, path="view", skip=False)
    return _Collector.FilterSpec(
        objectSet=[_Collector.ObjectSpec(obj=view, skip=True, selectSet=[through])],
        propSet=[_Collector.PropertySpec(type=kind, all=False, pathSet=paths)],
    )
