"""Rules on NICs and their networks (NIC): a true, a false and an unknown case of each, and both sides of every limit."""

from __future__ import annotations

import pytest

from estate.facts.pool import PoolNetworkFacts
from estate.facts.source import VirtualSwitchFacts
from estate.facts.unknown import UNKNOWN
from migration.assessment.core.results import Answer, Severity
from tests.builders.assessment import a_context, answer_of, outcome_of
from tests.builders.estate import a_guest_nic, a_host, a_network, a_nic, a_vm
from tests.builders.pools import a_pool

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
MAC = "00:50:56:aa:00:00"
UNREAD = {"nics": UNKNOWN}
MAPPED = {"mapped_networks": {"network-1": "net-1"}}


def one_nic(**changes: object) -> dict:
    return {"nics": (a_nic(**changes),)}


def one_guest_nic(**changes: object) -> dict:
    return {"guest_nics": (a_guest_nic(**changes),)}


def on(**changes: object) -> dict:
    """The machine's network is this one."""
    return {"networks": {"network-1": a_network(**changes)}}


def mapped_to(mtu: object) -> dict:
    """The machine's network is mapped to one with this MTU."""
    return {**MAPPED, "pools": (a_pool(networks=(PoolNetworkFacts("net-1", "VM Network", "xenbr0", mtu, ()),)),)}


def switched(mtu: object) -> dict:
    """The machine's host has the network's switch with this MTU, behind two others."""
    names = ("vSwitch1", "vSwitch", "vSwitch0")
    sizes = (1499, 1499, mtu)
    return {"hosts": {"host-1": a_host(switches=tuple(map(VirtualSwitchFacts, names, sizes)))}}


def among_others(mtu: int) -> dict:
    """The same, in a pool whose other networks have none of the estate's MTUs."""
    found = [
        PoolNetworkFacts(uuid, uuid, "xenbr", size, ())
        for uuid, size in (("net-0", 1), ("net-9", 9999), ("net-1", mtu), ("net-0a", 1))
    ]
    return {**MAPPED, "pools": (a_pool(networks=tuple(found)),)}


NICS = [
    ("NIC-001", {"nics": (a_nic(),) * 7}, {}, F),
    ("NIC-001", {"nics": (a_nic(),) * 8}, {}, T),
    ("NIC-001", UNREAD, {}, U),
    ("NIC-002", one_nic(adapter="VirtualSriovEthernetCard"), {}, T),
    ("NIC-002", one_nic(adapter="VirtualVmxnet3Vrdma"), {}, T),
    ("NIC-002", one_nic(direct_path=True), {}, T),
    ("NIC-002", {}, {}, F),
    ("NIC-002", one_nic(adapter=""), {}, U),
    ("NIC-002", UNREAD, {}, U),
    ("NIC-002", one_nic(direct_path=UNKNOWN), {}, U),
    ("NIC-003", one_nic(mac_address=""), {}, T),
    ("NIC-003", one_nic(mac_address="01:00:5e:00:00:01"), {}, T),
    ("NIC-003", one_nic(mac_address="not a mac"), {}, T),
    ("NIC-003", {}, {"mac_owners": {MAC: ("app-01", "app-02")}}, T),
    ("NIC-003", {}, {"mac_owners": {MAC: ("app-01", "app-01")}}, T),
    ("NIC-003", {}, {"mac_owners": {MAC: ("app-01",)}, "pool_mac_owners": {MAC: ("x (pool p)",)}}, T),
    ("NIC-003", one_nic(mac_address="00-50-56-AA-00-00"), {"mac_owners": {MAC: ("app-01", "x")}}, T),
    ("NIC-003", one_nic(mac_address="10:50:56:aa:00:00"), {}, F),
    ("NIC-003", one_nic(mac_address="fe:50:56:aa:00:00"), {}, F),
    ("NIC-003", {}, {"mac_owners": {MAC: ("app-01",)}}, F),
    ("NIC-003", {"nics": ()}, {}, F),
    ("NIC-003", {}, {"machines_unread": UNKNOWN}, U),
    ("NIC-003", {"nics": ()}, {"machines_unread": UNKNOWN}, F),
    ("NIC-003", one_nic(mac_address=""), {"machines_unread": UNKNOWN}, T),
    ("NIC-003", one_nic(mac_address=UNKNOWN), {}, U),
    ("NIC-003", UNREAD, {}, U),
    ("NIC-004", one_nic(address_type="Manual"), {}, T),
    ("NIC-004", one_nic(address_type="generated"), {}, F),
    ("NIC-004", one_nic(address_type=UNKNOWN), {}, U),
]

NETWORKS = [
    ("NIC-005", one_nic(network_id="network-2"), MAPPED, T),
    ("NIC-005", {}, MAPPED, F),
    ("NIC-005", {"nics": ()}, {}, F),
    ("NIC-005", one_nic(network_id=UNKNOWN), MAPPED, U),
    ("NIC-005", {}, {}, U),
    ("NIC-006", {}, on(is_opaque=True), T),
    ("NIC-006", {}, on(is_opaque=False), F),
    ("NIC-006", {}, on(is_opaque=UNKNOWN), U),
    ("NIC-006", {}, {}, U),
    ("NIC-007", {}, on(is_trunk=True), T),
    ("NIC-007", {}, on(), F),
    ("NIC-007", {}, on(is_trunk=UNKNOWN), U),
    ("NIC-008", {}, on(is_private_vlan=True), T),
    ("NIC-008", {}, on(), F),
    ("NIC-008", {}, on(is_private_vlan=UNKNOWN), U),
    ("NIC-009", {}, on(promiscuous=True), T),
    ("NIC-009", {}, on(forged_transmits=True), T),
    ("NIC-009", {}, on(mac_changes=True, promiscuous=UNKNOWN), T),
    ("NIC-009", {}, on(), F),
    ("NIC-009", {}, on(promiscuous=UNKNOWN), U),
    ("NIC-013", {}, {**on(mtu=9000), **mapped_to(8999)}, T),
    ("NIC-013", {}, {**on(mtu=9000), **mapped_to(9000)}, F),
    ("NIC-013", {}, {**on(mtu=1501), **mapped_to(1500)}, T),
    ("NIC-013", {}, {**on(mtu=1500), **mapped_to(1400)}, F),
    ("NIC-013", {}, {**on(mtu=9000), **mapped_to(9216)}, F),
    ("NIC-013", {}, on(mtu=1400), F),
    ("NIC-013", {}, {**on(mtu=9000), **among_others(9000)}, F),
    ("NIC-013", {}, {**on(mtu=9000), **among_others(8999)}, T),
    ("NIC-013", {}, {**on(mtu=9000), **mapped_to(UNKNOWN)}, U),
    ("NIC-013", {}, {**on(mtu=UNKNOWN), **mapped_to(1500)}, U),
    ("NIC-013", {}, {**on(mtu=UNKNOWN), **mapped_to(1500), **switched(9000)}, T),
    ("NIC-013", {}, {**on(mtu=UNKNOWN), **mapped_to(1500), **switched(1500)}, F),
    ("NIC-013", {}, {**on(mtu=UNKNOWN), **mapped_to(1500), **switched(UNKNOWN)}, U),
    ("NIC-013", {}, {**on(mtu=1500), **mapped_to(1500), **switched(9000)}, F),
    ("NIC-013", {}, {**on(mtu=UNKNOWN, switch_name=UNKNOWN), **mapped_to(1500), **switched(1500)}, U),
    ("NIC-013", {}, {**on(mtu=UNKNOWN, switch_name="vSwitch9"), **mapped_to(1500), **switched(1500)}, U),
    ("NIC-013", {"host_id": UNKNOWN}, {**on(mtu=UNKNOWN), **mapped_to(1500), **switched(1500)}, U),
    ("NIC-013", {}, {**on(mtu=UNKNOWN), **mapped_to(1500), "hosts": {"host-1": a_host(switches=UNKNOWN)}}, U),
    ("NIC-013", one_nic(network_id=UNKNOWN), mapped_to(1500), U),
    ("NIC-013", {}, on(mtu=9000), U),
    ("NIC-013", UNREAD, {}, U),
]

ADDRESSES = [
    ("NIC-010", {"guest_nics": ()}, {}, T),
    ("NIC-010", one_guest_nic(ip_addresses=()), {}, T),
    ("NIC-010", one_guest_nic(ip_addresses=(), connected=False), {}, F),
    ("NIC-010", {}, {}, F),
    ("NIC-010", {"nics": (), "guest_nics": ()}, {}, F),
    ("NIC-010", {"nics": (), "guest_nics": UNKNOWN}, {}, F),
    ("NIC-010", {"nics": UNKNOWN, "guest_nics": ()}, {}, U),
    ("NIC-010", {"guest_nics": UNKNOWN}, {}, U),
    ("NIC-010", {"nics": UNKNOWN}, {}, U),
    ("NIC-010", {"nics": (a_nic(), a_nic(1, connected=True))}, {}, T),
    ("NIC-010", {"nics": (a_nic(), a_nic(1, connected=False))}, {}, F),
    ("NIC-010", {"nics": (a_nic(), a_nic(1, connected=UNKNOWN))}, {}, U),
    ("NIC-010", {"nics": (a_nic(device_key=4999),), **one_guest_nic(mac_address="00-50-56-AA-00-00")}, {}, F),
    ("NIC-010", {"nics": (a_nic(mac_address=UNKNOWN, device_key=4999, connected=True),)}, {}, U),
    ("NIC-010", {"nics": (a_nic(mac_address=UNKNOWN, device_key=4999, connected=False),)}, {}, F),
    ("NIC-010", one_guest_nic(ip_addresses=(), connected=UNKNOWN), {}, U),
    ("NIC-011", one_guest_nic(origins=("manual",)), {}, T),
    ("NIC-011", {}, {}, F),
    ("NIC-011", one_guest_nic(origins=("",)), {}, U),
    ("NIC-011", one_guest_nic(origins=()), {}, U),
    ("NIC-011", one_guest_nic(origins=("", "manual")), {}, T),
    ("NIC-011", one_guest_nic(ip_addresses=(), origins=()), {}, F),
    ("NIC-011", one_guest_nic(ip_addresses=("192.0.2.10",), origins=("dhcp", "linklayer")), {}, F),
    ("NIC-011", {"guest_nics": (a_guest_nic(origins=("",)), a_guest_nic(origins=("manual",)))}, {}, T),
    ("NIC-011", {"guest_nics": UNKNOWN}, {}, U),
    ("NIC-012", {}, {"ipv4_owners": {"192.0.2.10": ("app-01", "b")}}, T),
    ("NIC-012", one_guest_nic(ip_addresses=("192.0.2.10", "192.0.2.11")), {}, T),
    ("NIC-012", one_guest_nic(ip_addresses=("192.0.2.10", "fe80::1", "2001:db8::1")), {}, F),
    ("NIC-012", {}, {"ipv4_owners": {"192.0.2.10": ("app-01",)}}, F),
    ("NIC-012", one_guest_nic(ip_addresses=("fe80::1",)), {}, F),
    ("NIC-012", {"guest_nics": UNKNOWN}, {}, U),
]

CASES = [*NICS, *NETWORKS, *ADDRESSES]


@pytest.mark.parametrize(("rule_id", "vm", "context", "expected"), CASES)
def test_a_nic_rule_answers_in_three_values(rule_id: str, vm: dict, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm), a_context(**context)) is expected


def test_a_direct_path_is_a_warning_beside_hardware_that_blocks() -> None:
    found = [
        outcome_of("NIC-002", a_vm(**one_nic(**c))) for c in ({"direct_path": True}, {"adapter": "VirtualSriovEthernetCard"})
    ]
    assert [outcome.severity for outcome in found] == [Severity.WARNING, Severity.CRITICAL]


def test_an_unread_direct_path_is_as_severe_as_the_rule() -> None:
    assert outcome_of("NIC-002", a_vm(**one_nic(direct_path=UNKNOWN))).severity is Severity.CRITICAL


def test_a_duplicate_mac_names_the_other_machine() -> None:
    outcome = outcome_of("NIC-003", a_vm(), a_context(mac_owners={MAC: ("app-01", "web-07")}))
    part = outcome.params["parts"][0]
    assert (part["problem"], part["also_on"], part["mac_address"]) == ("duplicate", ["web-07"], MAC)


def test_a_smaller_mtu_is_named_beside_the_source_s_own() -> None:
    outcome = outcome_of("NIC-013", a_vm(), a_context(**on(mtu=9000), **mapped_to(1500)))
    assert outcome.params["parts"] == [{"device_key": 4000, "target_mtu": 1500}]
    assert outcome.evidence[0].raw == 9000


def test_what_is_not_told_of_a_nic_is_named_with_it() -> None:
    adapter = outcome_of("NIC-002", a_vm(nics=(a_nic(), a_nic(1, adapter=""))))
    assert [(each.path, each.raw) for each in adapter.evidence] == [
        ("nics[1].adapter", {"unknown": "the source does not tell the adapter's type"})
    ]
    origin = outcome_of("NIC-011", a_vm(guest_nics=(a_guest_nic(), a_guest_nic(origins=("",)))))
    assert [each.path for each in origin.evidence] == ["guest_nics[1].origins"]
    manual = outcome_of("NIC-011", a_vm(guest_nics=(a_guest_nic(origins=("manual",)),)))
    assert [(each.path, each.raw) for each in manual.evidence] == [("guest_nics[0].origins", ["manual"])]
    assert manual.params["parts"] == [{"device_key": a_guest_nic().device_key}]


def test_a_nic_that_the_guest_does_not_mention_is_named() -> None:
    outcome = outcome_of("NIC-010", a_vm(nics=(a_nic(), a_nic(1, connected=True), a_nic(2, connected=True))))
    assert [(each.path, each.raw) for each in outcome.evidence] == [("nics[1].connected", True), ("nics[2].connected", True)]
    assert [part["device_key"] for part in outcome.params["parts"]] == [4001, 4002]
    silent = outcome_of("NIC-010", a_vm(nics=(a_nic(1, mac_address=UNKNOWN, connected=True),)))
    assert [(each.path, each.raw) for each in silent.evidence] == [("nics[0].connected", {"unknown": "not read"})]
