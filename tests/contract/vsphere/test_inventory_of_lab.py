"""The inventory of the lab's vCenter: gzip bodies, server-chosen pages, expiry in mid-page, machines that tell little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from estate.errors import Retry
from estate.facts.codec import from_json, to_json
from estate.facts.source import DiskBacking, VmFacts
from estate.facts.unknown import Unknown
from estate.vsphere import inventory
from estate.vsphere.errors import SessionExpired
from estate.vsphere.inventory import machines
from estate.vsphere.session import VsphereSession
from lab.disks import DiskStore
from tests.contract.vsphere.agreement import assert_same_estate, collected
from tests.contract.vsphere.lab_vcenter import LabVcenter, running_lab_vcenter


def _vm(lab: LabVcenter, name: str) -> VmFacts:
    return next(vm for vm in collected(lab.connection())["vm"] if vm.name == name)


def test_the_demo_estate_agrees_with_the_typed_objects(tmp_path: Path, lab_disks: DiskStore) -> None:
    with running_lab_vcenter(tmp_path, lab_disks, world="small") as lab:
        found = collected(lab.connection())
        assert {kind: len(facts) for kind, facts in found.items()} == {
            "host": 4,
            "cluster": 2,
            "datastore": 3,
            "network": 5,
            "switch": 1,
            "container": 10,
            "vm": 12,
        }
        assert_same_estate(lab.connection(), found)


@pytest.mark.parametrize(("server_pages", "asked_pages"), [(1, 500), (3, 500), (500, 1), (500, 3)])
def test_pages_of_any_size_give_the_same_estate(lab_vcenter: LabVcenter, server_pages: int, asked_pages: int) -> None:
    whole = collected(lab_vcenter.connection())
    lab_vcenter.arm("page_size", size=server_pages)
    assert collected(lab_vcenter.connection(), page_objects=asked_pages) == whole


def test_a_session_that_expires_in_mid_page_loses_and_repeats_nothing(lab_vcenter: LabVcenter) -> None:
    whole = collected(lab_vcenter.connection())
    lab_vcenter.arm("page_size", size=1)
    pages = sum(len(facts) for facts in whole.values())
    for after_pages in range(0, pages, 3):
        lab_vcenter.arm("session_expire", after_pages=after_pages)
        assert collected(lab_vcenter.connection()) == whole
    assert {entry["what"] for entry in lab_vcenter.sim.log.since(0)} >= {"ContinueRetrievePropertiesEx"}


def test_a_session_that_expires_twice_in_one_loop_is_worth_another_try_later(lab_vcenter: LabVcenter) -> None:
    lab_vcenter.arm("page_size", size=1)
    lab_vcenter.arm("session_expire", after_pages=0, times=50)
    with pytest.raises(SessionExpired) as expired:
        collected(lab_vcenter.connection())
    assert isinstance(expired.value, Retry)


def test_a_wrong_password_is_sent_exactly_once(lab_vcenter: LabVcenter) -> None:
    with pytest.raises(Exception, match="password was refused"), VsphereSession(lab_vcenter.connection(password="no")):
        pass
    assert lab_vcenter.logins() == 1


def test_no_session_is_left_behind(lab_vcenter: LabVcenter) -> None:
    collected(lab_vcenter.connection())
    assert lab_vcenter.sim.center.sessions.all() == []


def test_a_disconnected_machine_keeps_its_name_and_knows_nothing_else(lab_vcenter: LabVcenter) -> None:
    lab_vcenter.machine("web02").reachable = False
    vm = _vm(lab_vcenter, "web02")
    assert vm.connection_state == "disconnected"
    for value in (vm.disks, vm.nics, vm.snapshots, vm.firmware, vm.is_template, vm.managed_by, vm.ft_configured, vm.vcpus):
        assert isinstance(value, Unknown)
        assert "disconnected" in value.reason
    assert from_json(to_json(vm), VmFacts) == vm


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("config.hardware.device", "disks"),
        ("config.managedBy", "managed_by"),
        ("config.firmware", "firmware"),
        ("snapshot", "snapshots"),
        ("runtime.host", "cluster_id"),
        ("runtime.bootTime", "boot_time"),
    ],
)
def test_an_unreadable_property_is_unknown_with_the_fault_and_the_rest_stays(
    lab_vcenter: LabVcenter, path: str, field: str
) -> None:
    moref = lab_vcenter.machine("web02").moid
    lab_vcenter.sim.center.faults.unreadable.add((moref, path))
    vm = _vm(lab_vcenter, "web02")
    value = getattr(vm, field)
    assert isinstance(value, Unknown)
    assert "NoPermission" in value.reason
    assert path in dict(vm.unreadable)
    assert vm.vcpus == 2
    other = _vm(lab_vcenter, "git01")
    assert other.unreadable == ()


def test_a_path_the_server_does_not_know_is_dropped_and_recorded(
    lab_vcenter: LabVcenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machines, "_PATHS", machines._PATHS + " config.inventedByNobody guest.neitherThis")
    found: list[VmFacts] = []
    with VsphereSession(lab_vcenter.connection()) as session:
        about = inventory.collect(session, on_page=lambda kind, facts: found.extend(facts) if kind == "vm" else None)
    unknown = {path for path, reason in about.dropped_paths if reason == "this server does not know the property"}
    assert unknown == {"config.inventedByNobody", "guest.neitherThis"}
    assert dict(about.dropped_paths)["config.tdxEnabled"] == "not offered before API 9.0"
    assert [vm.vcpus in (2, 4) for vm in found] == [True] * 4
    assert {vm.disk_chain_broken for vm in found} == {Unknown("not offered before API 9.1", everywhere=True)}


def test_bodies_come_compressed_and_a_busy_server_is_worth_another_try(lab_vcenter: LabVcenter) -> None:
    with VsphereSession(lab_vcenter.connection()) as session:
        clock = session.managed(vim.ServiceInstance, "ServiceInstance")
        lab_vcenter.arm("http_503", times=1)
        with pytest.raises(Retry) as busy:
            session.call(clock.CurrentTime)
        assert busy.value.code == "server_busy"
        session.call(clock.CurrentTime)


def test_the_demo_hosts_and_stores_show_how_they_are_wired(tmp_path: Path, lab_disks: DiskStore) -> None:
    with running_lab_vcenter(tmp_path, lab_disks, world="small") as lab:
        found = collected(lab.connection())
    host, (switch,) = found["host"][0], found["switch"]
    assert [(each.name, each.uplinks) for each in host.distributed_switches] == [(switch.name, ("vmnic2", "vmnic3"))]
    assert dict(host.licensable) == {"numCpuPackages": str(host.cpu_sockets)}
    assert (host.cpu_hz, host.domain, host.time_zone) == (2_400_000_000, "lab.example", "UTC")
    assert {each.dhcp for each in host.kernel_nics} == {False}
    stores = {store.name: store for store in found["datastore"]}
    assert {store.vmfs_version for store in stores.values() if store.remote_host is None} == {"6.82"}
    on = {vm.native_id for vm in found["vm"] if stores["vmfs-gold-01"].native_id in vm.datastore_ids}
    assert set(stores["vmfs-gold-01"].vm_ids) == on != set()
    for network in found["network"]:
        assert set(network.vm_ids) == {vm.native_id for vm in found["vm"] if network.native_id in vm.network_ids}
        assert network.binding == ("earlyBinding" if network.is_distributed else None)
    pools = {each.native_id for each in found["container"] if each.kind == "resource_pool"}
    assert {cluster.root_pool_id for cluster in found["cluster"]} <= pools


def test_the_demo_machines_show_what_the_rules_need(tmp_path: Path, lab_disks: DiskStore) -> None:
    with running_lab_vcenter(tmp_path, lab_disks, world="small") as lab:
        by_name: dict[str, VmFacts] = {vm.name: vm for vm in collected(lab.connection())["vm"]}
    rdm = by_name["file01"].disks[1]
    assert (rdm.backing, bool(rdm.lun_uuid), rdm.address) == (DiskBacking.RDM_PHYSICAL, True, "VirtualLsiLogicController1:0")
    assert [snapshot.name for snapshot in by_name["git01"].snapshots] == ["before upgrade to 16.2"]
    assert (by_name["app01"].firmware, by_name["app01"].secure_boot) == ("efi", True)
    assert by_name["vCLS-4c4c4544-0036"].managed_by.startswith("com.vmware.vim.eam")
    assert by_name["dc01"].managed_by is None
    assert (by_name["mon01"].tools_running, by_name["dc01"].tools_running) == (False, True)
    assert (by_name["build01"].boot_time, by_name["build01"].power_state) == (None, "poweredOff")
    assert by_name["db01"].nics[0].network_name == "dv-db-130"
    assert by_name["legacy01"].disks[0].address == "VirtualAHCIController0:0"
    assert by_name["legacy01"].disks[0].controller_shared_bus == "noSharing"
    assert by_name["git01"].folder_path == "Lab Datacenter/vm/Linux"


def test_networks_carry_their_vlans(lab_vcenter: LabVcenter) -> None:
    vlans = {network.name: network.vlan for network in collected(lab_vcenter.connection())["network"]}
    assert vlans == {"VM Network": "100", "DMZ 110": "110", "Backup 300": "300", "dv-servers-120": "120", "dv-db-130": "130"}


def test_hosts_carry_the_certificates_they_show(lab_vcenter: LabVcenter) -> None:
    shown = {host["name"]: host["sha256"] for host in lab_vcenter.sim.lab_json()["esxi"]}
    assert {host.name: host.tls_sha256 for host in collected(lab_vcenter.connection())["host"]} == shown


def test_stopping_in_mid_inventory_leaves_no_view_behind(lab_vcenter: LabVcenter) -> None:
    class Stop(Exception):
        pass

    def stop(kind: str, _facts: Any) -> None:
        if kind == "vm":
            raise Stop

    with VsphereSession(lab_vcenter.connection()) as session:
        with pytest.raises(Stop):
            inventory.collect(session, on_page=stop)
        assert [len(login.views) for login in lab_vcenter.sim.center.sessions.all()] == [0]
