"""Discovery against a DNS server that speaks UDP and TCP: records, truncation, silence, errors; and ports that open or do not."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import dns.rcode
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.errors import AskPerson, Retry
from estate.facts.kms_network import PortOutcome, resolver_address
from estate.facts.unknown import Unknown
from estate.kmshost.dns import look_up
from estate.kmshost.reach import try_port
from lab.kms_sim.dns import DnsServer
from lab.kms_sim.port import OpenPort

ZONE = {
    ("_vlmcs._tcp.corp.example", "SRV"): [
        "10 5 1688 kms02.corp.example.",
        "0 0 1688 kms01.corp.example.",
        "10 9 1689 old.corp.example.",
    ],
    ("kms01.corp.example", "A"): ["127.0.0.1"],
    ("kms02.corp.example", "AAAA"): ["::1"],
    ("empty.example", "TXT"): ['"nothing"'],
}


@pytest.fixture
def zone() -> Iterator[DnsServer]:
    with DnsServer(ZONE) as server:
        yield server


def test_records_come_in_the_order_clients_ask_them_with_their_addresses(zone: DnsServer) -> None:
    answer = look_up("corp.example", resolvers=[zone.resolver])
    assert [(r.target, r.port, r.priority, r.weight, r.addresses) for r in answer.records] == [
        ("kms01.corp.example", 1688, 0, 0, ("127.0.0.1",)),
        ("old.corp.example", 1689, 10, 9, ()),
        ("kms02.corp.example", 1688, 10, 5, ("::1",)),
    ]
    assert zone.address in answer.resolver
    assert ("_vlmcs._tcp.corp.example", "SRV", "udp") in zone.asked


@pytest.mark.parametrize("domain", ["nothing.example", "empty.example", "corp.example.other"])
def test_a_domain_without_records_is_an_answer_without_any(zone: DnsServer, domain: str) -> None:
    zone.answers["_vlmcs._tcp.empty.example", "TXT"] = ['"no SRV here"']
    assert look_up(domain, resolvers=[zone.resolver]).records == ()


def test_an_answer_too_long_for_udp_is_fetched_by_tcp_and_at_most_64_records_are_taken(zone: DnsServer) -> None:
    zone.answers["_vlmcs._tcp.big.example", "SRV"] = [f"0 {n} 1688 kms-with-a-long-name-{n}.big.example." for n in range(100)]
    answer = look_up("big.example", resolvers=[zone.resolver])
    assert len(answer.records) == 64
    assert ("_vlmcs._tcp.big.example", "SRV", "tcp") in zone.asked


def test_a_silent_resolver_is_a_passing_fault_with_a_code(zone: DnsServer) -> None:
    zone.silent = True
    with pytest.raises(Retry) as refused:
        look_up("corp.example", resolvers=[zone.resolver], timeout_s=0.6)
    assert refused.value.code == "dns_timeout" and refused.value.next_step


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_a_resolver_that_answers_with_an_error_is_not_taken_for_one_without_records(
    zone: DnsServer, rcode: dns.rcode.Rcode
) -> None:
    zone.rcode = rcode
    with pytest.raises(Retry) as refused:
        look_up("corp.example", resolvers=[zone.resolver], timeout_s=1)
    assert refused.value.code == "dns_failed"


def test_an_address_that_could_not_be_asked_is_unknown_not_missing(zone: DnsServer) -> None:
    class Half(DnsServer):
        def answer(self, wire: bytes, transport: str) -> bytes | None:
            self.rcode = dns.rcode.SERVFAIL if self.asked else None
            return super().answer(wire, transport)

    with Half(ZONE, address="127.0.0.54") as half:
        (first, *_) = look_up("corp.example", resolvers=[half.resolver], timeout_s=1).records
    assert isinstance(first.addresses, Unknown)


@pytest.mark.parametrize("domain", ["a..b", "x" * 64 + ".example", "\ud800.example"])
def test_what_is_no_domain_is_refused_before_anybody_is_asked(zone: DnsServer, domain: str) -> None:
    with pytest.raises(AskPerson) as refused:
        look_up(domain, resolvers=[zone.resolver])
    assert refused.value.code == "dns_name_invalid" and zone.asked == []


def test_what_is_no_resolver_is_refused() -> None:
    with pytest.raises(AskPerson) as refused:
        look_up("corp.example", resolvers=["dns.example"])
    assert refused.value.code == "dns_resolver_invalid"


@settings(deadline=None)
@given(st.text(max_size=40))
def test_a_resolver_is_an_address_with_a_usable_port_or_a_value_error(text: str) -> None:
    try:
        _, port = resolver_address(text)
    except ValueError:
        return
    assert 0 < port < 65536


def test_an_open_port_is_reached_and_nothing_is_sent_to_it() -> None:
    with OpenPort() as port:
        tried = try_port("127.0.0.1", port.port, timeout_s=5)
        assert port.wait_for(1)
    assert (tried.outcome, tried.detail, tried.timeout_s) == (PortOutcome.OPEN, "", 5)
    assert (port.connections, port.received) == (1, b"")


def test_a_closed_port_an_unknown_name_and_a_name_that_is_none_are_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    assert try_port("127.0.0.1", closed).outcome is PortOutcome.REFUSED
    assert try_port("no-such-host.invalid", 1688).outcome is PortOutcome.NO_SUCH_NAME
    assert try_port("a" * 70 + ".example", 1688).outcome is PortOutcome.NO_SUCH_NAME


def test_a_port_that_stays_silent_times_out_as_told() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        for line in waiting:
            line.setblocking(False)
            line.connect_ex(full.getsockname())
        tried = try_port("127.0.0.1", full.getsockname()[1], timeout_s=0.5)
        for line in waiting:
            line.close()
    assert (tried.outcome, tried.timeout_s) == (PortOutcome.TIMED_OUT, 0.5)
    assert tried.took_s >= 0.5
