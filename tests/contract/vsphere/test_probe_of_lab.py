"""The two steps of a first contact with the lab's vCenter."""

from __future__ import annotations

import pytest

from estate.facts.unknown import Unknown
from estate.vsphere import privileges, probe
from estate.vsphere.errors import LoginRefused
from lab.vcenter_sim import service
from tests.contract.vsphere.lab_vcenter import LabVcenter


def _own_pin(lab: LabVcenter) -> frozenset[str]:
    return frozenset({lab.sim.lab_json()["vcenter"]["sha256"]})


def test_before_anybody_confirmed_it_shows_one_certificate_and_sends_no_request(lab_vcenter: LabVcenter) -> None:
    found = probe.probe(lab_vcenter.connection(pins=frozenset()))
    assert {offered.sha256 for offered in found.certificates} == _own_pin(lab_vcenter)
    assert (found.about, found.hosts_unread) == (None, ())
    assert isinstance(found.privileges_missing, Unknown)
    assert lab_vcenter.sim.log.since(0) == []


def test_after_that_it_lists_every_host_with_the_certificate_it_will_show(lab_vcenter: LabVcenter) -> None:
    found = probe.probe(lab_vcenter.connection(pins=_own_pin(lab_vcenter)))
    assert {offered.sha256 for offered in found.certificates} == lab_vcenter.connection().pins
    assert found.certificates[0].sha256 in _own_pin(lab_vcenter)
    assert [offered.subject for offered in found.certificates[1:]] == [f"CN=esxi0{n}.lab.example" for n in (1, 2, 3, 4)]
    assert found.about is not None
    assert found.about.is_vcenter
    assert found.privileges_missing == ()
    assert [name for name, _ in found.hosts_unread] == [f"esxi0{n}.lab.example" for n in (1, 2, 3, 4)], "no such names, no host"


def test_a_changed_certificate_is_shown_again_and_gets_no_password(lab_vcenter: LabVcenter) -> None:
    confirmed = lab_vcenter.connection()
    lab_vcenter.sim.listeners["vcenter"].renew()
    found = probe.probe(confirmed)
    assert found.about is None
    assert {offered.sha256 for offered in found.certificates} == _own_pin(lab_vcenter)
    assert lab_vcenter.logins() == 0


def test_a_wrong_password_is_told_and_sent_once(lab_vcenter: LabVcenter) -> None:
    with pytest.raises(LoginRefused):
        probe.probe(lab_vcenter.connection(password="no"))
    assert lab_vcenter.logins() == 1


def test_missing_privileges_say_what_cannot_be_done(lab_vcenter: LabVcenter, monkeypatch: pytest.MonkeyPatch) -> None:
    make = service.make

    def without_export(kind: type, **values: object) -> object:
        if values.get("privId") == "VApp.Export":
            values["isGranted"] = False
        return make(kind, **values)

    monkeypatch.setattr(service, "make", without_export)
    found = probe.probe(lab_vcenter.connection())
    assert found.privileges_missing == (privileges.MissingPrivilege("VApp.Export", "reading disks"),)
