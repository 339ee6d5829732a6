"""The order of an inventory: places, hosts, clusters, datastores, networks, and then the machines that refer to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from estate.facts.source import ClusterFacts, DatastoreFacts, NetworkFacts, SourceAbout, SourceFact
from estate.vsphere.inventory import hardware
from estate.vsphere.inventory.machines import Surroundings, machines
from estate.vsphere.inventory.networks import HostVlans, network_names, networks, read_subtypes
from estate.vsphere.inventory.paging import Query, T, pages
from estate.vsphere.inventory.places import read_places
from estate.vsphere.session import VsphereSession

PAGE_OBJECTS = 500

F = TypeVar("F", ClusterFacts, DatastoreFacts, NetworkFacts)


class OnPage(Protocol):
    """Takes one page of facts; `kind` is `host`, `cluster`, `datastore`, `network` or `vm`. Never called with an empty page."""

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
    with the reason, and listed in `unreadable`.

    Raises:
        EdgeError: see `estate.vsphere.errors`; what was handed over so far stays valid.
    """
    return _Collection(session, on_page, page_objects, alive).run()


class _Collection:
    def __init__(self, session: VsphereSession, on_page: OnPage, page_objects: int, alive: Callable[[], None] | None) -> None:
        self._session = session
        self._on_page = on_page
        self._page_objects = page_objects
        self._alive = alive

    def run(self) -> SourceAbout:
        places = read_places(self._session, page_objects=self._page_objects, alive=self._alive)
        cluster_of_host, vlans = self._hosts()
        self._emit("cluster", hardware.CLUSTERS)
        self._emit("datastore", hardware.DATASTORES)
        subtypes = read_subtypes(self._session, page_objects=self._page_objects, alive=self._alive)
        known: list[NetworkFacts] = self._emit("network", networks(subtypes, vlans))
        around = Surroundings(places, network_names(known, subtypes), cluster_of_host)
        for page in self._pages(machines(around)):
            self._on_page("vm", page)
        return self._session.about

    def _hosts(self) -> tuple[dict[str, str | None], HostVlans]:
        cluster_of_host: dict[str, str | None] = {}
        vlans: HostVlans = {}
        for page in self._pages(hardware.HOSTS):
            self._on_page("host", [reading.facts for reading in page])
            for reading in page:
                cluster_of_host[reading.facts.native_id] = reading.facts.cluster_id
                vlans[reading.facts.native_id] = dict(reading.vlans)
        return cluster_of_host, vlans

    def _emit(self, kind: str, query: Query[F]) -> list[F]:
        emitted: list[F] = []
        for page in self._pages(query):
            self._on_page(kind, page)
            emitted += page
        return emitted

    def _pages(self, query: Query[T]) -> Iterator[list[T]]:
        found = pages(self._session, query, page_objects=self._page_objects, alive=self._alive)
        return (page for page in found if page)
