"""Port 1688 from the networks a wave moves into: proven where a machine that runs there already has asked a KMS host, else asked.

Pure. From the server nobody can try a port out of another VLAN, so silence is a question, and an alarm only where machines that
ought to have asked by now have not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from kms.core.machines import MovedMachine, name_key
from kms.core.network import Grade, NetworkFinding
from kms.core.observed import HostHistory
from kms.core.policy import DEFAULT_POLICY, KmsPolicy


@dataclass(frozen=True, slots=True)
class PlannedNetwork:
    """A network of the pool into which Windows machines of a wave move, by the label people know (`LAN, VLAN 10`)."""

    network_id: str
    label: str
    machines: tuple[str, ...]


def firewall_findings(
    planned: Sequence[PlannedNetwork],
    moved: Sequence[MovedMachine],
    histories: Sequence[HostHistory],
    at: datetime,
    policy: KmsPolicy = DEFAULT_POLICY,
) -> tuple[NetworkFinding, ...]:
    """One question or alarm for each network of which no KMS host has heard yet; nothing for the others."""
    return tuple(_findings(planned, moved, histories, at, policy))


def _findings(
    planned: Sequence[PlannedNetwork],
    moved: Sequence[MovedMachine],
    histories: Sequence[HostHistory],
    at: datetime,
    policy: KmsPolicy,
) -> Iterator[NetworkFinding]:
    hosts = ", ".join(history.name for history in histories) or "the KMS hosts"
    heard = _Heard.of(histories, at)
    for network in sorted(planned, key=lambda each: each.label):
        there = [each for each in moved if network.network_id in each.network_ids]
        if any(heard.asked_since(each) for each in there):
            continue
        overdue = [each.machine.label for each in there if _is_overdue(each, histories, at, policy)]
        yield _silent(network, overdue, hosts) if overdue else _unproven(network, hosts)


@dataclass(frozen=True, slots=True)
class _Heard:
    """When each name and CMID asked any host last; a refused request came through as well."""

    by_cmid: dict[str, datetime]
    by_name: dict[str, dict[str, datetime]]

    @staticmethod
    def of(histories: Sequence[HostHistory], at: datetime) -> _Heard:
        heard = _Heard({}, defaultdict(dict))
        for contact in (each for history in histories for reading in history.readings for each in reading.contacts):
            if contact.seen_at <= at:
                names = heard.by_name[name_key(contact.machine_name)]
                _later(heard.by_cmid, contact.cmid, contact.seen_at)
                _later(names, contact.machine_name, contact.seen_at)
        return heard

    def asked_since(self, moved: MovedMachine) -> bool:
        """Whether this machine asked after it came up in the pool."""
        machine = moved.machine
        names = [self.by_name[key] for key in {name_key(name) for name in machine.names} if key in self.by_name]
        times = [self.by_cmid[cmid] for cmid in machine.cmids if cmid in self.by_cmid]
        times += [seen_at for alike in names for name, seen_at in alike.items() if machine.goes_by(name)]
        return any(seen_at > moved.since for seen_at in times)


def _later(times: dict[str, datetime], key: str, seen_at: datetime) -> None:
    times[key] = max(times.get(key, seen_at), seen_at)


def _is_overdue(moved: MovedMachine, histories: Sequence[HostHistory], at: datetime, policy: KmsPolicy) -> bool:
    """Whether a host was read so late after the move that a weekly renewal would be in its log."""
    read = [latest.collected_at for history in histories if (latest := history.latest(at)) is not None]
    return any(collected_at - moved.since > policy.silent_after for collected_at in read)


def _unproven(network: PlannedNetwork, hosts: str) -> NetworkFinding:
    detail = f"{_named(network.machines)} will ask KMS from here; no machine of this network has asked a KMS host yet"
    return NetworkFinding("kms_network_unproven", Grade.QUESTION, network.label, detail, _step(hosts))


def _silent(network: PlannedNetwork, overdue: list[str], hosts: str) -> NetworkFinding:
    who = _named(tuple(overdue))
    detail = f"{who} moved here more than a week ago and asked no KMS host since: port 1688 may be closed from here"
    return NetworkFinding("kms_network_silent", Grade.ALARM, network.label, detail, _step(hosts))


def _step(hosts: str) -> str:
    return f"Open 1688/tcp from this network to {hosts}; try it there with Test-NetConnection HOST -Port 1688."


def _named(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
