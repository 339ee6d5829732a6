"""The inventory of somebody else's vCenter, over https with a pinned certificate."""

from __future__ import annotations

import pytest
from pyVmomi import vim

from estate.errors import AskPerson
from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from estate.vsphere import inventory
from estate.vsphere.session import VsphereSession
from tests.contract.vsphere import typed
from tests.contract.vsphere.agreement import assert_same_estate, collected
from tests.vcsim.server import Vcsim

pytestmark = pytest.mark.vcsim


def test_it_agrees_with_the_typed_objects_in_number_and_value(vcsim: Vcsim) -> None:
    found = collected(vcsim.connection())
    assert {kind: len(facts) for kind, facts in found.items()} == {
        "host": 5,
        "cluster": 2,
        "datastore": 2,
        "network": 4,
        "switch": 1,
        "container": 13,
        "vm": 9,
    }
    assert_same_estate(vcsim.connection(), found)


def test_changes_by_somebody_else_show_up_in_the_next_reading(own_vcsim: Vcsim) -> None:
    with typed.typed_session(own_vcsim.connection()) as instance:
        machine = next(iter(typed.objects(instance, vim.VirtualMachine, "name").values()))["self"]
        machine.CreateSnapshot_Task("before", "", False, False)
        machine.CreateSnapshot_Task("after", "", False, False)
        machine.ReconfigVM_Task(vim.vm.ConfigSpec(numCPUs=6, memoryMB=1536, annotation="weekly backup"))
        machine.Rename_Task("web%2f01%25")
    found = collected(own_vcsim.connection())
    changed = next(vm for vm in found["vm"] if vm.native_id == machine._moId)
    assert (changed.name, changed.vcpus, changed.memory_bytes) == ("web/01%", 6, 1536 << 20)
    assert [(snapshot.name, snapshot.depth) for snapshot in changed.snapshots] == [("before", 1), ("after", 2)]
    assert_same_estate(own_vcsim.connection(), found)


def test_machines_come_after_everything_they_refer_to(vcsim: Vcsim) -> None:
    order: list[str] = []
    with VsphereSession(vcsim.connection()) as session:
        about = inventory.collect(session, on_page=lambda kind, _facts: order.append(kind))
    assert list(dict.fromkeys(order)) == ["host", "cluster", "datastore", "network", "switch", "container", "vm"]
    assert order.count("vm") == 1
    assert about.is_vcenter


def test_folder_paths_are_built_from_the_datacenter_down(vcsim: Vcsim) -> None:
    assert {vm.folder_path for vm in collected(vcsim.connection())["vm"]} == {"F0/DC0/vm/F0"}


def test_a_path_newer_than_the_server_is_unknown_and_says_so(vcsim: Vcsim) -> None:
    found: list[VmFacts] = []
    with VsphereSession(vcsim.connection()) as session:
        about = inventory.collect(session, on_page=lambda kind, facts: found.extend(facts) if kind == "vm" else None)
    assert {vm.crypto_state for vm in found} == {Unknown("not offered before API 6.7", everywhere=True)}
    assert ("runtime.cryptoState", "not offered before API 6.7") in about.dropped_paths


def test_alive_is_asked_before_each_request_and_may_stop_it(vcsim: Vcsim) -> None:
    asked: list[int] = []

    def alive() -> None:
        asked.append(1)
        if len(asked) == 4:
            raise AskPerson("cancelled")

    with VsphereSession(vcsim.connection()) as session, pytest.raises(AskPerson, match="cancelled"):
        inventory.collect(session, on_page=lambda _kind, _facts: None, alive=alive)


def test_a_single_esxi_is_read_the_same_way(tmp_path_factory: pytest.TempPathFactory, vcsim: Vcsim) -> None:
    from tests.vcsim.server import running_vcsim

    with running_vcsim(tmp_path_factory.mktemp("esx"), esx=True, vm=2, datastore=1) as esxi:
        found = collected(esxi.connection())
    assert {kind: len(facts) for kind, facts in found.items()} == {
        "host": 1,
        "datastore": 1,
        "network": 1,
        "container": 6,
        "vm": 2,
    }
    assert {vm.cluster_id for vm in found["vm"]} == {None}
