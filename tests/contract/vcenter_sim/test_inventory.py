"""Reading the lab's inventory: views, traversals, pages, what is missing and why."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pyVmomi import vim, vmodl

from lab.testing import Lab, running_lab
from lab.worlds import estate, small
from tests.contract.vcenter_sim.conftest import Client, log_in, query

# What an inventory asks for, per type; every one of these must be set for at least one object of world `tiny`.
WANTED = {
    vim.VirtualMachine: (
        "name parent resourcePool datastore network customValue config.instanceUuid config.uuid config.annotation "
        "config.template config.files.vmPathName config.createDate config.guestId config.guestFullName config.version "
        "guest.toolsStatus guest.toolsRunningStatus guest.toolsVersionStatus2 guest.guestId guest.guestFamily "
        "guest.guestDetailedData guest.hostName guest.ipAddress guest.net guest.ipStack guest.disk config.hardware.numCPU "
        "config.hardware.numCoresPerSocket config.hardware.memoryMB config.cpuAllocation config.memoryAllocation "
        "config.latencySensitivity config.firmware config.bootOptions config.hardware.device config.extraConfig layoutEx.file "
        "layoutEx.disk snapshot summary.storage summary.quickStats runtime.host runtime.powerState runtime.connectionState "
        "runtime.bootTime runtime.faultToleranceState runtime.consolidationNeeded config.changeTrackingEnabled config.tools "
        "capability.changeTrackingSupported config.modified config.changeVersion"
    ),
    vim.HostSystem: (
        "name parent datastore network runtime.connectionState runtime.inMaintenanceMode runtime.powerState summary.hardware "
        "summary.config.product summary.config.sslThumbprint summary.quickStats summary.maxEVCModeKey hardware.systemInfo "
        "hardware.cpuInfo hardware.cpuPkg hardware.memorySize hardware.biosInfo hardware.pciDevice config.network.pnic "
        "config.network.vswitch config.network.proxySwitch config.network.portgroup config.network.vnic "
        "config.network.dnsConfig config.virtualNicManagerInfo config.storageDevice.hostBusAdapter "
        "config.storageDevice.scsiLun config.storageDevice.multipathInfo config.dateTimeInfo config.certificate"
    ),
    vim.ClusterComputeResource: (
        "name configuration.drsConfig configuration.dasConfig configurationEx.dpmConfigInfo summary host datastore network "
        "resourcePool"
    ),
    vim.Datastore: "name summary info host vm capability browser",
    vim.Network: "name host vm",
    vim.dvs.DistributedVirtualPortgroup: "name key config.distributedVirtualSwitch config.defaultPortConfig config.type",
    vim.dvs.VmwareDistributedVirtualSwitch: "name uuid config",
    vim.Folder: "name parent",
    vim.Datacenter: "name parent",
    vim.ResourcePool: "name parent",
}


@pytest.mark.parametrize("kind", WANTED, ids=lambda kind: kind.__name__)
def test_every_path_an_inventory_asks_for_has_a_value(client: Client, kind: type) -> None:
    paths = WANTED[kind].split()
    rows = [row for page in client.retrieve(kind, *paths) for row in page]
    seen = {prop.name for row in rows for prop in row.propSet}
    assert not [row.missingSet for row in rows if row.missingSet]
    assert set(paths) - seen == set()


def test_bulk_values_and_attribute_access_agree(client: Client) -> None:
    paths = ("name", "config.hardware.memoryMB", "runtime.powerState", "config.hardware.device")
    for row in client.retrieve(vim.VirtualMachine, *paths)[0]:
        values = {prop.name: prop.val for prop in row.propSet}
        assert values["name"] == row.obj.name
        assert values["config.hardware.memoryMB"] == row.obj.config.hardware.memoryMB
        assert values["runtime.powerState"] == row.obj.runtime.powerState
        assert [device.key for device in values["config.hardware.device"]] == [d.key for d in row.obj.config.hardware.device]


def test_the_world_is_what_the_vcenter_says(client: Client) -> None:
    devices = client.vm("file01").config.hardware.device
    disks = [device for device in devices if isinstance(device, vim.vm.device.VirtualDisk)]
    assert [getattr(disk.backing, "compatibilityMode", "") for disk in disks] == ["", "physicalMode"]
    assert client.vm("git01").snapshot.rootSnapshotList[0].name == "before upgrade to 16.2"
    assert client.vm("web02").config.firmware == "efi"
    cards = [d for d in client.vm("db01").config.hardware.device if isinstance(d, vim.vm.device.VirtualEthernetCard)]
    assert [type(card.backing).__name__.rsplit(".", 1)[-1] for card in cards] == [
        "DistributedVirtualPortBackingInfo",
        "NetworkBackingInfo",
    ]
    owners = {one.key: one.name for one in client.content.customFieldsManager.field}
    assert [(owners[value.key], value.value) for value in client.vm("db01").customValue] == [("Owner", "ERP team")]


def test_world_small_has_what_the_demo_tells() -> None:
    world = small()
    windows = [vm for vm in world.vms if vm.guest.family == "windowsGuest"]
    assert (len(world.clusters), len(world.hosts), len(world.vms), len(windows)) == (2, 4, 12, 3)
    assert [vm.name for vm in world.vms if any(disk.rdm == "physicalMode" for disk in vm.disks)] == ["file01"]
    assert sum(not vm.powered_on for vm in world.vms) == 3
    macs = [nic.mac for vm in world.vms for nic in vm.nics]
    assert len(macs) == len(set(macs))


def test_pages_are_chosen_by_the_server_and_hold_every_object_once(client: Client) -> None:
    client.lab.control("POST", "/vcenter/fault", {"kind": "page_size", "size": 1})
    pages = client.retrieve(vim.VirtualMachine, "name", size=3)
    assert [len(page) for page in pages] == [1, 1, 1, 1]
    assert len({row.obj._moId for page in pages for row in page}) == 4


def test_a_token_is_good_once_and_can_be_given_up(client: Client) -> None:
    collector = client.content.propertyCollector
    first = collector.RetrievePropertiesEx([client.spec(vim.VirtualMachine, "name")], query.RetrieveOptions(maxObjects=2))
    collector.CancelRetrievePropertiesEx(first.token)
    with pytest.raises(vmodl.fault.InvalidArgument):
        collector.ContinueRetrievePropertiesEx(first.token)


def test_an_empty_selection_is_null(client: Client) -> None:
    collector = client.content.propertyCollector
    spec = client.spec(vim.VirtualApp, "name")
    assert collector.RetrievePropertiesEx([spec], query.RetrieveOptions()) is None


def test_the_session_can_expire_in_mid_page(client: Client) -> None:
    client.lab.control("POST", "/vcenter/fault", {"kind": "session_expire", "after_pages": 1})
    with pytest.raises(vim.fault.NotAuthenticated):
        client.retrieve(vim.VirtualMachine, "name", size=1)
    with pytest.raises(vim.fault.NotAuthenticated):
        client.instance.CurrentTime()


def test_views_and_tokens_die_with_their_session(client: Client) -> None:
    collector, spec = client.content.propertyCollector, client.spec(vim.VirtualMachine, "name")
    first = collector.RetrievePropertiesEx([spec], query.RetrieveOptions(maxObjects=1))
    client.content.sessionManager.Logout()
    where = client.lab.json["vcenter"]
    client.content.sessionManager.Login(where["user"], where["password"])
    with pytest.raises(vmodl.fault.InvalidArgument):
        collector.ContinueRetrievePropertiesEx(first.token)
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        collector.RetrievePropertiesEx([spec], query.RetrieveOptions())


@pytest.mark.parametrize("path", ["config.hardwear", "nonsense", "config.tdxEnabled", "name.length"])
def test_a_wrong_path_fails_the_whole_call_and_is_named(client: Client, path: str) -> None:
    with pytest.raises(vmodl.query.InvalidProperty) as caught:
        client.retrieve(vim.VirtualMachine, "name", path)
    assert caught.value.name == path


def test_an_unreadable_path_comes_back_as_missing_with_its_reason(client: Client) -> None:
    client.lab.control("POST", "/vcenter/fault", {"kind": "unreadable", "vm": "git01", "path": "config.annotation"})
    rows = {row.propSet[0].val: row for row in client.retrieve(vim.VirtualMachine, "name", "config.annotation")[0]}
    missing = rows["git01"].missingSet
    assert [(one.path, type(one.fault)) for one in missing] == [("config.annotation", vim.fault.NoPermission)]
    assert not rows["web02"].missingSet


def test_a_disconnected_vm_has_no_config(client: Client) -> None:
    client.lab.control("POST", "/vcenter/fault", {"kind": "no_config", "vm": "git01"})
    vm = client.vm("git01")
    assert vm.config is None
    assert vm.runtime.connectionState == "disconnected"
    client.lab.control("POST", "/vcenter/fault", {"kind": "none"})
    assert vm.config.name == "git01"


def test_a_classic_folder_traversal_with_named_selections_finds_all_vms(client: Client) -> None:
    again = query.SelectionSpec(name="folders")
    walks = [
        query.TraversalSpec(
            name="folders", type=vim.Folder, path="childEntity", skip=False, selectSet=[again, query.SelectionSpec(name="dc")]
        ),
        query.TraversalSpec(name="dc", type=vim.Datacenter, path="vmFolder", skip=False, selectSet=[again]),
    ]
    start = query.ObjectSpec(obj=client.content.rootFolder, skip=False, selectSet=walks)
    spec = query.FilterSpec(objectSet=[start], propSet=[query.PropertySpec(type=vim.VirtualMachine, pathSet=["name"])])
    found = client.content.propertyCollector.RetrieveProperties([spec])
    assert sorted(row.propSet[0].val for row in found) == ["db01", "file01", "git01", "web02"]


def test_a_view_below_one_cluster_sees_only_its_vms(client: Client) -> None:
    content = client.content
    cluster = next(one for one in client.view(vim.ClusterComputeResource).view if one.name == "Cluster-Infra")
    view = content.viewManager.CreateContainerView(cluster, [vim.VirtualMachine], True)
    assert [vm.name for vm in view.view] == ["file01"]
    view.DestroyView()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = view.view


def test_a_thousand_vms_are_read_in_a_few_seconds(tmp_path: Path) -> None:
    with running_lab(tmp_path, with_pool=False, estate=estate(7, vms=1000)) as lab:
        client = Client(lab, log_in(lab))
        began = time.monotonic()
        pages = client.retrieve(vim.VirtualMachine, "name", "config.hardware.device", "runtime.powerState", "guest.net")
        assert sum(len(page) for page in pages) == 1000
        assert len(pages) > 1
        assert time.monotonic() - began < 20  # 3 s on an idle machine; the limit only catches another order of magnitude


def test_the_same_seed_gives_the_same_estate() -> None:
    assert estate(3, vms=50) == estate(3, vms=50)
    assert estate(3, vms=50) != estate(4, vms=50)


def test_a_fault_nobody_knows_is_refused(lab: Lab) -> None:
    with pytest.raises(AssertionError, match="knows no fault 'earthquake'"):
        lab.control("POST", "/vcenter/fault", {"kind": "earthquake"})
