"""Port 1688 from the networks a wave moves into: proven by who asked from there, else a question, an alarm when it is overdue."""

from __future__ import annotations

import pytest

from kms.core.firewall import MovedMachine, PlannedNetwork, firewall_findings
from kms.core.machines import MachineAlias
from kms.core.network import Grade
from tests.builders.kms import a_contact, a_history, a_reading, cmid, day

LAN = PlannedNetwork("net-lan", "LAN, VLAN 10", ("app1", "app2", "app3", "app4"))
NOW = day(20)


def a_moved(name: str = "app0", at: float = 10, networks: tuple[str, ...] = ("net-lan",), **changes: object) -> MovedMachine:
    return MovedMachine(MachineAlias(name, names=(name,), **changes), frozenset(networks), day(at))  # type: ignore[arg-type]


def told(*moved: MovedMachine, contacts: tuple[tuple[str, float], ...] = (), read_at: float = 20) -> list[tuple[str, str]]:
    history = a_history(a_reading(read_at, [a_contact(name, at) for name, at in contacts], 9))
    found = firewall_findings([LAN], moved, [history], NOW)
    return [(finding.code, finding.grade) for finding in found]


def test_a_network_where_nobody_moved_yet_is_a_question_that_names_who_will_ask_from_it() -> None:
    (finding,) = firewall_findings([LAN], [], [a_history(a_reading(20, (), 9))], NOW)
    assert (finding.code, finding.grade, finding.subject) == ("kms_network_unproven", Grade.QUESTION, "LAN, VLAN 10")
    assert finding.detail.startswith("app1, app2, app3 and 1 more will ask KMS from here")
    assert "1688/tcp" in finding.remedy and "KMS01" in finding.remedy


@pytest.mark.parametrize(
    ("moved", "contacts", "expected"),
    [
        ((a_moved(),), (("app0", 11),), []),
        ((a_moved(), a_moved("app9")), (("app9", 12),), []),
        ((a_moved("renamed", cmids=(cmid("app0"),)),), (("app0", 11),), []),
        ((a_moved(),), (("app0", 9),), [("kms_network_silent", "alarm")]),
        ((a_moved(at=13),), (("app0", 9),), [("kms_network_unproven", "question")]),
        ((a_moved(networks=("net-dmz",)),), (("app0", 11),), [("kms_network_unproven", "question")]),
        ((a_moved(),), (("app0", 21),), [("kms_network_unproven", "question")]),
    ],
)
def test_only_a_machine_of_that_network_that_asked_after_it_moved_proves_it(
    moved: tuple[MovedMachine, ...], contacts: tuple[tuple[str, float], ...], expected: list[tuple[str, str]]
) -> None:
    assert told(*moved, contacts=contacts, read_at=22 if contacts[0][1] > 20 else 20) == expected


def test_silence_of_a_host_that_was_not_read_since_is_no_alarm() -> None:
    assert told(a_moved(), contacts=(("app0", 9),), read_at=15) == [("kms_network_unproven", "question")]


def test_without_kms_hosts_it_stays_a_question() -> None:
    (finding,) = firewall_findings([LAN], [a_moved()], [], NOW)
    assert finding.code == "kms_network_unproven" and "the KMS hosts" in finding.remedy
