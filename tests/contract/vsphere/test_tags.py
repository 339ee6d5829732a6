"""Tags over REST: of govmomi's simulator in the old dialect, of the lab's vCenter in the new one; unknown where refused."""

from __future__ import annotations

import http.client
from typing import Any

import pytest

from estate.errors import AskPerson, EdgeError, Retry
from estate.facts.unknown import Unknown
from estate.vsphere import tags
from estate.vsphere.inventory import fields
from estate.vsphere.tags import read_tags
from lab.disks import DiskStore
from lab.vcenter_sim.rest import Answer, RestDesk
from tests.contract.vsphere.agreement import collected
from tests.contract.vsphere.lab_vcenter import LabVcenter, running_lab_vcenter
from tests.vcsim.server import Vcsim, running_vcsim
from tests.vcsim.tagging import Tagger


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Any:
    work = tmp_path_factory.mktemp("lab")
    with running_lab_vcenter(work, DiskStore(work / "disks"), world="small") as lab:
        yield lab


@pytest.fixture
def tagged_vcsim(built_vcsim: None, tmp_path: Any) -> Any:
    """A simulator with two tags on one machine, and one tag on nothing."""
    with running_vcsim(tmp_path, cluster=1, vm=1) as simulator:
        machine = collected(simulator.connection())["vm"][0]
        tagger = Tagger(simulator.connection())
        for title in ("Tier:Gold", "Backup:Nightly"):
            tagger.tag(title, [("VirtualMachine", machine.native_id)])
        tagger.tag("Tier 2:Nothing", [])
        yield simulator, machine.native_id


@pytest.mark.vcsim
def test_the_simulators_tags_arrive_with_their_category(tagged_vcsim: tuple[Vcsim, str]) -> None:
    simulator, native_id = tagged_vcsim
    assert read_tags(simulator.connection()) == {native_id: ("Backup:Nightly", "Tier:Gold")}
    estate = collected(simulator.connection())
    found = {vm.native_id: vm.tags for vm in estate["vm"]}
    assert found.pop(native_id) == ("Backup:Nightly", "Tier:Gold")
    assert set(found.values()) <= {()}
    assert {host.tags for host in estate["host"]} == {()}


@pytest.mark.vcsim
def test_a_vcenter_without_any_tag_has_none(built_vcsim: None, tmp_path: Any) -> None:
    with running_vcsim(tmp_path, cluster=1, vm=1) as simulator:
        assert read_tags(simulator.connection()) == {}


@pytest.mark.vcsim
def test_an_esxi_is_not_asked_and_does_not_speak_for_its_vcenter(built_vcsim: None, tmp_path: Any) -> None:
    with running_vcsim(tmp_path, esx=True, vm=1) as simulator:
        told = {(vm.tags, vm.custom_values) for vm in collected(simulator.connection())["vm"]}
        assert told == {(tags.ESXI_HAS_NONE, fields.ESXI_HAS_NONE)}


def test_the_labs_tags_arrive_on_every_kind_of_object(small: LabVcenter) -> None:
    estate = collected(small.connection())
    told = {
        fact.name: fact.tags for kind in ("vm", "host", "cluster", "datastore", "network") for fact in estate[kind] if fact.tags
    }
    assert told == {
        "sql01": ("Backup:Nightly", "Tier:Gold"),
        "dc01": ("Tier:Gold",),
        "vmfs-gold-01": ("Tier:Gold",),
        "Cluster-Apps": ("Backup:Nightly",),
        "esxi01.lab.example": ("Backup:Nightly",),
        "dv-db-130": ("Backup:Nightly",),
    }


def test_a_tag_goes_with_the_machine_that_bore_it(lab_vcenter: LabVcenter) -> None:
    assert lab_vcenter.sim.center.places.machine_named("sql01") is None, "the tiny world lacks it, and keeps its tags"
    assert {tags for facts in collected(lab_vcenter.connection()).values() for fact in facts for tags in fact.tags} == {
        "Tier:Gold",
        "Backup:Nightly",
    }


def test_no_session_is_left_behind_however_it_ends(small: LabVcenter, monkeypatch: pytest.MonkeyPatch) -> None:
    read_tags(small.connection())

    def stop() -> None:
        raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError):
        read_tags(small.connection(), alive=stop)
    assert small.sim.rest.sessions() == 0


def test_where_tags_are_refused_they_are_unknown_with_the_reason_and_the_rest_is_read(small: LabVcenter) -> None:
    small.arm("tags_refused")
    try:
        with pytest.raises(AskPerson) as refused:
            read_tags(small.connection())
        estate = collected(small.connection())
    finally:
        small.sim.center.faults.clear()
    assert refused.value.code == "tags_refused"
    assert len(estate["vm"]) == 12
    for fact in (estate["vm"][0], estate["host"][0], estate["datastore"][0]):
        assert (
            isinstance(fact.tags, Unknown) and fact.tags.everywhere and "does not let this account read tags" in fact.tags.reason
        )


def test_a_wrong_password_is_refused_and_nowhere_in_the_error(small: LabVcenter) -> None:
    with pytest.raises(AskPerson) as refused:
        read_tags(small.connection(password="not the secret"))
    assert "not the secret" not in f"{refused.value} {refused.value.next_step} {refused.value!r}"


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_server_that_serves_no_tags_at_all_is_said_to(small: LabVcenter, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setattr(RestDesk, "_session", lambda *_: Answer(status))
    with pytest.raises(AskPerson) as refused:
        read_tags(small.connection())
    assert refused.value.code == "tags_not_served"


@pytest.mark.parametrize("gone", ["tag/", "category/"])
def test_a_tag_that_goes_away_meanwhile_is_worth_another_try(
    small: LabVcenter, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    real = RestDesk._tagging

    def without(desk: RestDesk, method: str, path: str, *rest: Any) -> Answer:
        return Answer(404) if path.startswith(gone) else real(desk, method, path, *rest)

    monkeypatch.setattr(RestDesk, "_tagging", without)
    with pytest.raises(Retry) as missed:
        read_tags(small.connection())
    assert missed.value.code == "changed_meanwhile"
    assert small.sim.rest.sessions() == 0


ODD = [b"", b"{", b"null", b"[1]", b'{"value": [1]}', b'"x"', b"[" * 100_000, b"\xff", b'[{"id": 1}]']


@pytest.mark.parametrize("body", ODD)
def test_odd_answers_are_refused_with_a_code(small: LabVcenter, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    real = http.client.HTTPResponse.read
    calls: list[int] = []

    def read(self: Any, amount: Any = None) -> bytes:
        calls.append(1)
        told = real(self, amount)
        return body if len(calls) == 2 else told

    monkeypatch.setattr(http.client.HTTPResponse, "read", read)
    try:
        assert read_tags(small.connection()) == {}
    except EdgeError as error:
        assert error.code == "bad_answer" and isinstance(error, Retry)
    assert body == b"null" or len(calls) > 1


def test_more_tags_than_anybody_has_are_refused(small: LabVcenter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "MOST_TAGS", 2)
    with pytest.raises(AskPerson, match="3 tags"):
        read_tags(small.connection())
