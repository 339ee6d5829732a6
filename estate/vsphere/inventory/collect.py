"""The order of an inventory: hosts, clusters, stores, networks, switches, containers, then the machines that refer to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from msgspec.structs import replace
from pyVmomi import vim

from estate.facts.source import ContainerFacts, SourceAbout, SourceFact
from estate.facts.unknown import UNKNOWN, Unknown
from estate.vsphere.inventory import hardware, landscape
from estate.vsphere.inventory.fields import custom_fields
from estate.vsphere.inventory.machines import Surroundings, machines
from estate.vsphere.inventory.networks import HostGroups, network_names, networks, read_subtypes
from estate.vsphere.inventory.paging import Query, T, pages
from estate.vsphere.inventory.places import read_places
from estate.vsphere.session import VsphereSession
from estate.vsphere.tags import Tags, tags_at, tags_of

PAGE_OBJECTS = 500


class OnPage(Protocol):
    """Takes one page of facts; `kind` is `host`, `cluster`, `datastore`, `network`, `switch`, `container` or `vm`.

    Never called with an empty page.
    """

    def __call__(self, kind: str, facts: Sequence[SourceFact], /) -> None: ...


def collect(
    session: VsphereSession,
    *,
    on_page: OnPage,
    page_objects: int = PAGE_OBJECTS,
    alive: Callable[[], None] | None = None,
) -> SourceAbout:
    """Read the whole estate and hand it to `on_page`, VMs last; each object once. Returns who answered.

    `alive` is called before every request and may raise to stop. A path that could not be read is UNKNOWN in the facts,
    with the reason, and listed in `unreadable`; one this server does not know is UNKNOWN everywhere and in `dropped_paths`.

    Raises:
        EdgeError: see `estate.vsphere.errors`; what was handed over so far stays valid.
    """
    return Collection(session, on_page, page_objects, alive).run()


class Collection:
    """One reading of an estate; `around` is what its machines refer to. `landscape` alone gives everything but the machines."""

    def __init__(
        self, session: VsphereSession, on_page: OnPage, page_objects: int = PAGE_OBJECTS, alive: Callable[[], None] | None = None
    ) -> None:
        self._session = session
        self._on_page = on_page
        self._page_objects = page_objects
        self._alive = alive
        self._dropped: dict[str, str] = {}
        self._tags: Tags | Unknown = UNKNOWN
        self.around: Surroundings | None = None

    def run(self) -> SourceAbout:
        """Read everything."""
        waited_s = self._session.server_s
        self.around = self.landscape()
        self._emit("vm", machines(self.around))
        server_s = round(self._session.server_s - waited_s, 3)
        return replace(
            self._session.about,
            dropped_paths=tuple(sorted(self._dropped.items())),
            lacking=self.around.lacking,
            measured_s=(("server", server_s),),
        )

    def landscape(self) -> Surroundings:
        """Read everything but the machines."""
        self._tags = tags_of(self._session, alive=self._alive)
        places = read_places(self._session, page_objects=self._page_objects, alive=self._alive)
        cluster_of_host, groups = self._hosts()
        self._emit("cluster", landscape.clusters())
        self._emit("datastore", landscape.datastores())
        subtypes = read_subtypes(self._session, page_objects=self._page_objects, alive=self._alive)
        known: list[Any] = []
        self._emit("network", networks(subtypes, groups), keep=known)
        if subtypes.switches:
            self._on_page("switch", self._tagged(list(subtypes.switches.values())))
        for query in landscape.containers(places):
            self._containers(query)
        fields = custom_fields(self._session)
        return Surroundings(places, network_names(known, subtypes), cluster_of_host, fields, self._tags)

    def _hosts(self) -> tuple[dict[str, str | Unknown | None], HostGroups]:
        cluster_of_host: dict[str, str | Unknown | None] = {}
        groups: HostGroups = {}
        for page in self._pages(hardware.hosts()):
            self._on_page("host", self._tagged([reading.facts for reading in page]))
            for reading in page:
                cluster_of_host[reading.facts.native_id] = reading.facts.cluster_id
                groups[reading.facts.native_id] = dict(reading.groups)
        return cluster_of_host, groups

    def _containers(self, query: Query[ContainerFacts]) -> None:
        """Hand over containers of one type. A storage pod is a folder too, and is read with what other folders lack."""
        for page in self._pages(query):
            own = [each for each in page if query.kind is not vim.Folder or each.kind != "storage_pod"]
            if own:
                self._on_page("container", self._tagged(own))

    def _emit(self, kind: str, query: Query[Any], *, keep: list[Any] | None = None) -> None:
        for page in self._pages(query):
            self._on_page(kind, page if kind == "vm" else self._tagged(page))
            if keep is not None:
                keep += page

    def _tagged(self, page: list[Any]) -> list[Any]:
        return [replace(fact, tags=tags_at(self._tags, fact.native_id)) for fact in page]

    def _pages(self, query: Query[T]) -> Iterator[list[T]]:
        for page in pages(self._session, query, page_objects=self._page_objects, alive=self._alive):
            if page:
                yield page
        self._dropped.update(query.dropped)
