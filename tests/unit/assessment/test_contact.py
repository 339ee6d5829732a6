"""What the last probe and the inventory tell of a source's hosts: who was never tried, and who shows another certificate."""

from __future__ import annotations

from datetime import timedelta

import pytest

from estate.facts.source import HostFacts
from estate.facts.unknown import UNKNOWN, Unknown
from migration.assessment.core.contact import Probed, certificates_changed, hosts_out_of_reach
from tests.builders.estate import SEEN_AT, a_host

ESX1 = a_host(name="ESX1.corp.example", tls_sha256="AA")
ESX2 = a_host(name="esx2.corp.example", tls_sha256="BB")
SHOWN = {"vc.corp.example:443": "CC", "esx1.corp.example:443": "AA", "esx2.corp.example:443": "BB"}
BEFORE, LATER = SEEN_AT - timedelta(hours=1), SEEN_AT + timedelta(hours=1)
ALL = frozenset({"AA", "BB", "CC"})


def probed(*, unread: tuple[tuple[str, str], ...] = (), asks_hosts: bool = True, **changes: object) -> Probed:
    values = {"offered": SHOWN, "offered_at": BEFORE, **changes}
    return Probed(unread=unread, asks_hosts=asks_hosts, **values)


def changed(seen: Probed, *hosts: HostFacts, pins: frozenset[str] = ALL) -> tuple[str, ...] | Unknown:
    return certificates_changed(seen, hosts, collected_at=SEEN_AT, pins=pins)


def test_hosts_that_the_probe_asked_are_within_reach() -> None:
    assert hosts_out_of_reach(probed(), (ESX1, ESX2)) == ()


def test_a_host_that_came_after_the_probe_is_unknown_and_named() -> None:
    found = hosts_out_of_reach(probed(), (ESX1, a_host(name="esx3"), a_host(name="esx4")))
    assert found == Unknown("no probe has met esx3, esx4")


def test_of_many_hosts_the_first_are_named_and_all_are_counted() -> None:
    found = hosts_out_of_reach(probed(), tuple(a_host(name=f"new{number:02}") for number in range(25)))
    assert isinstance(found, Unknown)
    assert found.reason.endswith("new18, new19 and 5 more")


def test_hosts_whose_certificate_nobody_has_are_out_of_reach_whoever_came_later() -> None:
    told = (("esx9.corp.example", "no address"), ("esx2.corp.example", "no answer"))
    assert hosts_out_of_reach(probed(unread=told), (ESX1, ESX2, a_host(name="esx3"))) == told[:1]


def test_a_host_that_did_not_answer_is_open_while_vcenter_tells_its_certificate() -> None:
    found = hosts_out_of_reach(probed(unread=(("ESX2.corp.example", "no answer"),)), (ESX1, ESX2))
    assert found == Unknown("no probe has met esx2.corp.example")


def test_an_esxi_is_itself_the_host_that_was_asked() -> None:
    seen = probed(offered={"10.0.0.5:443": "AA"}, asks_hosts=False)
    assert hosts_out_of_reach(seen, (ESX1,)) == ()
    assert changed(seen, ESX1) == ()


def test_confirmed_certificates_have_not_changed() -> None:
    assert changed(probed(), ESX1, ESX2) == ()


def test_a_certificate_of_the_probe_that_nobody_confirmed_is_another_one() -> None:
    assert changed(probed(), ESX1, ESX2, pins=frozenset({"AA", "BB"})) == ("vc.corp.example",)


@pytest.mark.parametrize(("offered_at", "found"), [(BEFORE, ("esx1.corp.example",)), (LATER, ()), (None, ("esx1.corp.example",))])
def test_the_newer_of_probe_and_inventory_tells_what_a_host_shows(offered_at: object, found: tuple[str, ...]) -> None:
    assert changed(probed(offered_at=offered_at), a_host(name="esx1.corp.example", tls_sha256="DD"), ESX2) == found


def test_an_unread_certificate_keeps_the_one_that_the_probe_saw() -> None:
    assert changed(probed(), a_host(name="esx1.corp.example", tls_sha256=UNKNOWN)) == ()


def test_a_host_nobody_probed_is_compared_by_what_vcenter_says_of_it() -> None:
    assert changed(probed(offered_at=LATER), a_host(name="esx3", tls_sha256="DD")) == ("esx3",)
    assert changed(probed(offered_at=LATER), a_host(name="esx3", tls_sha256="AA")) == ()


def test_a_host_whose_certificate_nobody_read_is_unknown_unless_another_one_changed() -> None:
    silent = a_host(name="esx3", tls_sha256=UNKNOWN)
    assert changed(probed(), silent) == Unknown("no certificate was read of esx3")
    assert changed(probed(), silent, pins=frozenset({"AA", "BB"})) == ("vc.corp.example",)
