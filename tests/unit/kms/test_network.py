"""What DNS and port tries say of KMS hosts: each finding, and that nothing unknown reads as well."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.facts.kms_network import PortOutcome, PortTry, SrvAnswer, SrvRecord
from estate.facts.unknown import Unknown
from kms.core.network import Grade, KnownHost, Lookup, NetworkCase, Suggestion, Tried, findings, suggestions, to_try
from tests.builders.kms import day

NOW = day(1)
KMS01 = KnownHost("1", "kms01", ("kms01.corp.example", "KMS01"))
KMS02 = KnownHost("2", "kms02", ("kms02.corp.example",))


def a_record(target: str = "kms01.corp.example", **changes: Any) -> SrvRecord:
    fields: dict[str, Any] = {"target": target, "port": 1688, "priority": 0, "weight": 0, "addresses": ("10.0.0.1",)}
    return SrvRecord(**(fields | changes))


def a_lookup(*records: SrvRecord, hours_ago: float = 1, domain: str = "corp.example") -> Lookup:
    return Lookup(domain, NOW - timedelta(hours=hours_ago), SrvAnswer(domain, records))


def tried(name: str, outcome: PortOutcome = PortOutcome.OPEN, port: int = 1688, hours_ago: float = 1) -> dict[Any, Tried]:
    return {(name, port): Tried(NOW - timedelta(hours=hours_ago), PortTry(name, port, outcome, 5, 0.1, "words"))}


def a_case(*records: SrvRecord, hosts: tuple[KnownHost, ...] = (KMS01, KMS02), **changes: Any) -> NetworkCase:
    open_ports = tried("kms01.corp.example") | tried("kms02.corp.example")
    fields: dict[str, Any] = {"domains": ("corp.example",), "lookups": (a_lookup(*records),), "tries": open_ports}
    return NetworkCase(at=NOW, hosts=hosts, **(fields | changes))


BOTH = (a_record(), a_record("kms02.corp.example"))


def codes(case: NetworkCase) -> list[str]:
    return [finding.code for finding in findings(case)]


def test_two_hosts_that_dns_names_and_whose_ports_open_leave_nothing_to_say() -> None:
    assert codes(a_case(*BOTH)) == []


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (a_case(), ["kms_srv_none"]),
        (a_case(a_record()), ["kms_srv_missing", "kms_srv_single"]),
        (a_case(*BOTH, a_record("gone.corp.example", addresses=())), ["kms_srv_stale"]),
        (a_case(*BOTH, a_record("new.corp.example")), ["kms_srv_unknown_host"]),
        (a_case(*BOTH, a_record("new.corp.example", addresses=Unknown("no answer"))), ["kms_srv_unknown_host"]),
        (a_case(a_record(port=1700), BOTH[1]), ["kms_srv_port"]),
        (a_case(*BOTH, tries={}), ["kms_port_unknown", "kms_port_unknown"]),
        (a_case(*BOTH, lookups=()), ["kms_dns_unknown"]),
        (a_case(lookups=(a_lookup(*BOTH, hours_ago=25),)), ["kms_dns_unknown"]),
        (a_case(lookups=(Lookup("corp.example", NOW, None, "no answer in time"),)), ["kms_dns_unknown"]),
        (
            a_case(*BOTH, tries=tried("kms01.corp.example") | tried("kms02.corp.example", PortOutcome.TIMED_OUT)),
            ["kms_port_closed"],
        ),
        (
            a_case(*BOTH, tries=tried("kms01.corp.example", hours_ago=25) | tried("kms02.corp.example")),
            ["kms_port_unknown"],
        ),
    ],
)  # fmt: skip
def test_each_fault_is_told_by_its_code(case: NetworkCase, expected: list[str]) -> None:
    assert codes(case) == expected
    assert all(finding.subject and finding.detail and finding.remedy for finding in findings(case))


def test_a_record_of_a_retired_host_is_stale_until_a_host_of_that_name_is_in_use_again() -> None:
    retired = KnownHost("0", "old", ("old.corp.example",), retired=True)
    record = a_record("OLD.corp.example.")
    (stale,) = [each for each in findings(a_case(*BOTH, record, hosts=(KMS01, KMS02, retired))) if each.grade is Grade.ALARM]
    assert (stale.code, stale.subject) == ("kms_srv_stale", "OLD.corp.example.:1688") and "old is retired" in stale.detail
    again = KnownHost("3", "old", ("old.corp.example",))
    assert "kms_srv_stale" not in codes(a_case(*BOTH, record, hosts=(retired, KMS01, KMS02, again)))


def test_a_stranger_that_resolves_is_suggested_once_and_its_port_is_tried_too() -> None:
    stranger = a_record("new.corp.example")
    case = a_case(*BOTH, stranger, stranger, a_record("gone.corp.example", addresses=()))
    assert suggestions(case) == (Suggestion("new.corp.example", 1688, "corp.example"),)
    assert to_try(case) == (("kms01.corp.example", 1688), ("kms02.corp.example", 1688), ("new.corp.example", 1688))
    closed = tried("kms01.corp.example") | tried("kms02.corp.example") | tried("new.corp.example", PortOutcome.REFUSED)
    assert codes(a_case(*BOTH, stranger, tries=closed)) == ["kms_port_closed", "kms_srv_unknown_host"]


def test_a_missing_record_is_no_alarm_while_one_domain_was_not_asked() -> None:
    case = a_case(a_record(), domains=("corp.example", "other.example"))
    assert "kms_srv_missing" not in codes(case)
    assert codes(case) == ["kms_srv_single", "kms_dns_unknown"]


def test_alarms_come_first_and_unknowns_last() -> None:
    case = a_case(a_record(), a_record("gone.corp.example", addresses=()), tries={})
    grades = [finding.grade for finding in findings(case)]
    assert grades == sorted(grades, key=list(Grade).index) and grades[0] is Grade.ALARM


@settings(deadline=None)
@given(
    targets=st.lists(st.sampled_from(["kms01.corp.example", "kms02", "x.example", "."]), max_size=5),
    outcomes=st.dictionaries(st.sampled_from(["kms01.corp.example", "kms02.corp.example"]), st.sampled_from(list(PortOutcome))),
)
def test_silence_means_that_every_host_is_named_and_every_port_was_seen_open(
    targets: list[str], outcomes: dict[str, PortOutcome]
) -> None:
    tries = {key: value for name, outcome in outcomes.items() for key, value in tried(name, outcome).items()}
    case = a_case(*(a_record(target) for target in targets), tries=tries)
    if not findings(case):
        assert {"kms01.corp.example", "kms02"} <= set(targets)
        assert list(outcomes.values()) == [PortOutcome.OPEN] * 2
