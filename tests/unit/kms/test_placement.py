"""KMS hosts that share one server or one SR are told; where one of them is elsewhere or unknown, that is told or left alone."""

from __future__ import annotations

import pytest

from estate.facts.unknown import UNKNOWN, Unknown
from kms.core.judge import judge
from kms.core.verdict import Placement, VerdictQuestion
from tests.builders.kms import a_history, a_reading, day, named, weekly

ONE, TWO = "5d7c0a8e-1111-4222-8333-44445555abcd", "11111111-2222-4333-8444-555555555555"


def place(
    name: str, server: str | Unknown = "xen1", srs: frozenset[str] | Unknown = frozenset({"sr1"}), uuid: str = ""
) -> Placement:
    return Placement(uuid or f"uuid-{name}", name, server, srs)


def codes(*placements: Placement, hosts: int = 2) -> list[str]:
    uuids = (ONE, TWO)
    readings = [
        a_reading(35, weekly(named("s", 9), until=35), 9, host_name=f"KMS0{number + 1}", smbios_uuid=uuids[number])
        for number in range(hosts)
    ]
    histories = [a_history(reading, name=reading.host_name) for reading in readings]
    told = judge(VerdictQuestion(day(35.1), day(35.1), placements=placements), histories)
    return [reason.code for reason in told.reasons if reason.code.startswith("kms_hosts_")]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (place("kms01"), place("kms02"), ["kms_hosts_on_one_server", "kms_hosts_on_one_sr"]),
        (place("kms01"), place("kms02", "xen2"), ["kms_hosts_on_one_sr"]),
        (place("kms01"), place("kms02", srs=frozenset({"sr2"})), ["kms_hosts_on_one_server"]),
        (place("kms01"), place("kms02", "xen2", frozenset({"sr2"})), []),
        (place("kms01"), place("kms02", UNKNOWN, frozenset({"sr2"})), ["kms_hosts_place_unknown"]),
        (place("kms01"), place("kms02", "xen2", UNKNOWN), ["kms_hosts_place_unknown"]),
        (place("kms01"), place("other"), []),
        (place("renamed", uuid=ONE), place("too", uuid=TWO.upper()), ["kms_hosts_on_one_server", "kms_hosts_on_one_sr"]),
    ],
)
def test_what_two_kms_hosts_share_is_told(first: Placement, second: Placement, expected: list[str]) -> None:
    assert codes(first, second) == expected


def test_single_host_and_a_name_that_two_vms_have_say_nothing() -> None:
    assert codes(place("kms01"), hosts=1) == []
    assert codes(place("kms01"), place("kms02"), place("KMS02", uuid="another")) == []
