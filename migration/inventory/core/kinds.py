"""Kinds of facts an inventory holds, and the facts class of each. Storing and reading them belongs to the rooms above."""

from __future__ import annotations

from enum import StrEnum

from estate.facts.source import (
    ClusterFacts,
    ContainerFacts,
    DatastoreFacts,
    HostFacts,
    NetworkFacts,
    SourceFact,
    SwitchFacts,
    VmFacts,
)


class FactKind(StrEnum):
    VM = "vm"
    HOST = "host"
    CLUSTER = "cluster"
    DATASTORE = "datastore"
    NETWORK = "network"
    SWITCH = "switch"
    CONTAINER = "container"

    @property
    def plural(self) -> str:
        """Its name in an inventory's counts."""
        return "switches" if self is FactKind.SWITCH else f"{self.value}s"


FACTS_CLASS: dict[FactKind, type[SourceFact]] = {
    FactKind.VM: VmFacts,
    FactKind.HOST: HostFacts,
    FactKind.CLUSTER: ClusterFacts,
    FactKind.DATASTORE: DatastoreFacts,
    FactKind.NETWORK: NetworkFacts,
    FactKind.SWITCH: SwitchFacts,
    FactKind.CONTAINER: ContainerFacts,
}
_KIND_OF_CLASS: dict[type[SourceFact], FactKind] = {cls: kind for kind, cls in FACTS_CLASS.items()}


def kind_of(fact: SourceFact) -> FactKind:
    """The kind under which a fact is stored."""
    return _KIND_OF_CLASS[type(fact)]
