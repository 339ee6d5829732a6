"""Watching a source: what changed is read again, what left is named, and a lost thread asks for everything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from estate.facts.source import ClusterFacts, DatastoreFacts, HostFacts, NetworkFacts, SourceFact, VmFacts
from estate.facts.unknown import Unknown
from estate.vsphere.session import VsphereSession
from estate.vsphere.tags import Tags, read_tags
from estate.vsphere.watching import Changes, Watch
from tests.contract.vsphere.lab_vcenter import LabVcenter


@pytest.fixture
def watched(lab_vcenter: LabVcenter) -> Iterator[tuple[LabVcenter, VsphereSession, Watch, dict[str, SourceFact]]]:
    known: dict[str, SourceFact] = {}
    with VsphereSession(lab_vcenter.connection()) as session, Watch(session) as watch:
        begun = watch.wait(0)
        assert (begun.full, begun.reason) == (True, "the watch begins")
        watch.read_all(lambda _kind, facts: known.update((fact.native_id, fact) for fact in facts))
        yield lab_vcenter, session, watch, known


Watched = tuple[LabVcenter, VsphereSession, Watch, dict[str, SourceFact]]


def test_nothing_new_is_no_change(watched: Watched) -> None:
    assert not watched[2].wait(0)


def test_a_changed_machine_is_read_again_in_full_and_no_other(watched: Watched) -> None:
    lab, _session, watch, known = watched
    moref = lab.switch("web02", on=False)
    changes = watch.wait(5)
    (now,), before = vms(changes), known[moref]
    assert now.native_id == moref
    assert isinstance(before, VmFacts)
    assert (now.power_state, before.power_state) == ("poweredOff", "poweredOn")
    assert (now.disks, now.folder_path, now.cluster_id) == (before.disks, before.folder_path, before.cluster_id)
    assert (changes.full, changes.gone, changes.server_s > 0) == (False, (), True)


def test_a_session_that_ended_asks_for_a_full_reading_and_the_watch_goes_on(watched: Watched) -> None:
    lab, session, watch, _known = watched
    for login in lab.sim.center.sessions.all():
        lab.sim.center.sessions.end(login)
    lost = watch.wait(0)
    assert (lost.full, lost.reason, session.logins) == (True, "the session had ended", 2)
    watch.read_all(lambda _kind, _facts: None)
    moref = lab.switch("web02", on=False)
    assert moref in {fact.native_id for fact in watch.wait(5).changed}


def test_a_version_the_server_no_longer_knows_asks_for_a_full_reading(watched: Watched) -> None:
    watched[2]._version = "4711"
    lost = watched[2].wait(0)
    assert lost.full
    assert "how far it had told" in lost.reason
    assert not watched[2].wait(0)


def test_a_stop_ends_the_wait(watched: Watched) -> None:
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    with pytest.raises(Stop):
        watched[2].wait(60, alive=stop)


def vms(changes: Changes) -> list[VmFacts]:
    return [fact for fact in changes.changed if isinstance(fact, VmFacts)]


def test_what_is_no_machine_is_read_on_demand_moved_or_not(watched: Watched) -> None:
    lab, _session, watch, _known = watched
    moref = lab.switch("web02", on=False)
    moved = watch.peek(5)
    assert moved == {("vm", moref): "modify"}
    assert {type(fact) for fact in watch.fetch(moved).changed} == {VmFacts}
    kinds = {type(fact) for fact in watch.fetch(moved, surroundings=True).changed}
    assert kinds >= {VmFacts, HostFacts, ClusterFacts, DatastoreFacts, NetworkFacts}


@pytest.fixture
def tagged(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> Tags:
    """What the vCenter tells of tags from here on; to be changed in place."""
    told = read_tags(watched[0].connection())
    monkeypatch.setattr("estate.vsphere.tags.read_tags", lambda _connection, *, alive: dict(told))
    return told


def test_tags_that_changed_meanwhile_ask_for_a_full_reading(watched: Watched, tagged: Tags) -> None:
    lab, _session, watch, known = watched
    moref = lab.switch("web02", on=False)
    assert [fact.tags for fact in vms(watch.wait(5))] == [known[moref].tags] == [()]
    tagged[lab.machine("git01").moid] = ("Tier:Gold",)
    assert not watch.wait(0)
    lab.switch("web02", on=True)
    changes = watch.wait(5)
    assert (changes.full, "tags" in changes.reason, changes.changed) == (True, True, ())


def test_a_watch_taken_up_elsewhere_notices_other_tags(watched: Watched, tagged: Tags) -> None:
    lab, session, watch, _known = watched
    again = Watch.resumed(session, watch.leave())
    lab.switch("web02", on=False)
    assert again.wait(5).changed
    state = again.leave()
    tagged[lab.machine("git01").moid] = ("Tier:Gold",)
    with Watch.resumed(session, state) as later:
        lab.switch("web02", on=True)
        changes = later.wait(5)
    assert (changes.full, "tags" in changes.reason) == (True, True)


def test_tags_that_stay_unknown_are_said_to_be_lacking_and_ask_for_nothing(watched: Watched) -> None:
    lab, _session, watch, _known = watched
    lab.arm("tags_refused")
    watch.read_all(lambda _kind, _facts: None)
    lab.switch("web02", on=False)
    changes = watch.wait(5)
    (vm,) = vms(changes)
    assert not changes.full
    assert isinstance(vm.tags, Unknown)
    assert watch.about(changes).lacking == (("tags", vm.tags.reason),)
