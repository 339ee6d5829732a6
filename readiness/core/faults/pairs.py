"""Pairs of faults: kept are those that do more harm than their two faults one by one.

Every pair up to 16 hosts. Above that one pair stands for each class of pairs that are alike: hosts wired in the same way fail in
the same way, so two things of a class on one host, or on two, are asked once and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from estate.facts.unknown import Unknown
from readiness.core.cabling import cabling_of
from readiness.core.case import Case
from readiness.core.faults.singles import Outcome, SimulatedFault, Simulation, single_outcomes, unnamed
from readiness.core.faults.topology import Element, HostWires, Link, Topology
from readiness.core.results import Result

EVERY_PAIR_HOSTS = 16
Pair = tuple[Element, Element]
PairClass = tuple[Any, ...]


def simulated_faults(case: Case) -> tuple[SimulatedFault, ...]:
    """Every single fault of the case's pool by kind and subject, then the pairs that are worse than their parts."""
    simulation = Simulation(case)
    singles = single_outcomes(simulation)
    told = [outcome.fault for outcome in singles.values()] + unnamed(simulation, cabling_of(case))
    return (*told, *worse_pairs(simulation, singles))


def single_points_of_failure(faults: Sequence[SimulatedFault]) -> tuple[SimulatedFault, ...]:
    """The single faults that more than one host, or every host, falls to."""
    return tuple(fault for fault in faults if fault.result is Result.FAIL and fault.kind != "pair")


def worse_pairs(simulation: Simulation, singles: Mapping[Element, Outcome]) -> list[SimulatedFault]:
    """One fault of kind `pair` for each class of pairs that takes down more than its parts; it warns, and counts those alike."""
    known = [element for element, outcome in singles.items() if outcome.is_known]
    classes = _Classes(simulation.topology)
    kept: dict[PairClass, SimulatedFault] = {}
    counted: Counter[PairClass] = Counter()
    for pair, kind, number in _pairs(known, classes, every=len(simulation.topology.hosts) <= EVERY_PAIR_HOSTS):
        found = simulation.outcome("pair", f"{pair[0].label} and {pair[1].label}", pair)
        if found.is_known and _is_worse(found, singles[pair[0]], singles[pair[1]]):
            kept.setdefault(kind, replace(found.fault, result=Result.WARN))
            counted[kind] += number
    return [replace(fault, alike=counted[kind]) for kind, fault in kept.items()]


def _is_worse(pair: Outcome, one: Outcome, other: Outcome) -> bool:
    stranded = {*one.fault.vms_stranded, *other.fault.vms_stranded}
    return bool(pair.down - one.down - other.down) or not stranded.issuperset(pair.fault.vms_stranded)


class _Classes:
    """What makes two things of a pool fail alike: kind, and for a host's own what the host is wired like."""

    def __init__(self, topology: Topology) -> None:
        self._host = {host.uuid: _wired(host) for host in topology.hosts}
        self._port = {port: like for host in topology.hosts for port, like in _ports(host)}

    def of(self, element: Element) -> tuple[Any, ...]:
        if not element.host:
            return element.kind, element.id
        return element.kind, self._host[element.host], self._port.get(element.id)

    def of_pair(self, one: Element, other: Element) -> PairClass:
        return (*sorted((self.of(one), self.of(other)), key=repr), bool(one.host) and one.host == other.host)


def _link(link: Link) -> tuple[Any, ...]:
    return link.up, link.domain


def _wired(host: HostWires) -> tuple[Any, ...]:
    paths = () if isinstance(host.paths, Unknown) else host.paths
    ways = [(path.portal, path.node, None if path.links is None else tuple(map(_link, path.links))) for path in paths]
    known = not isinstance(host.paths, Unknown)
    return tuple(sorted(map(_link, host.links), key=repr)), tuple(sorted(ways, key=repr)), host.moves_paths, known


def _ports(host: HostWires) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Each port with what it carries."""
    carried: dict[str, list[Any]] = {link.port: ["management", _link(link)] for link in host.links}
    for path in () if isinstance(host.paths, Unknown) else host.paths:
        for link in path.links or ():
            carried.setdefault(link.port, [_link(link)]).append((path.portal, path.node, len(path.links or ())))
    return ((port, tuple(what)) for port, what in carried.items())


def _pairs(elements: list[Element], classes: _Classes, *, every: bool) -> Iterator[tuple[Pair, PairClass, int]]:
    """Pairs to be simulated with their class and for how many each stands: all of them, or one for each class."""
    if every:
        for one, other in combinations(elements, 2):
            yield (one, other), classes.of_pair(one, other), 1
        return
    first: dict[PairClass, Pair] = {}
    numbers: Counter[PairClass] = Counter()
    for one, other in combinations(elements, 2):
        kind = classes.of_pair(one, other)
        first.setdefault(kind, (one, other))
        numbers[kind] += 1
    for kind, pair in first.items():
        yield pair, kind, numbers[kind]
