"""Power, guest, snapshots, notes and waiting for them on the lab's vCenter."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from lab.testing import running_lab
from tests.contract.vcenter_sim.conftest import Client, log_in, query


def _wait_off(vm: vim.VirtualMachine, within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while vm.runtime.powerState != "poweredOff":
        assert time.monotonic() < deadline, "the VM stays on"
        time.sleep(0.02)


def test_power_on_changes_boot_time_and_change_version(client: Client) -> None:
    vm = client.vm("web02")
    before = vm.runtime.bootTime, vm.config.changeVersion
    assert WaitForTask(vm.PowerOffVM_Task()) == "success"
    assert vm.runtime.powerState == "poweredOff"
    assert vm.runtime.bootTime is None
    assert vm.config.changeVersion == before[1]
    assert WaitForTask(vm.PowerOnVM_Task()) == "success"
    assert vm.runtime.bootTime > before[0]
    assert vm.config.changeVersion != before[1]


def test_power_in_the_wrong_state_is_refused(client: Client) -> None:
    with pytest.raises(vim.fault.InvalidPowerState) as caught:
        client.vm("web02").PowerOnVM_Task()
    assert caught.value.existingState == "poweredOn"


def test_a_guest_shuts_down_in_its_own_time(client: Client) -> None:
    vm = client.vm("git01")
    vm.ShutdownGuest()
    assert vm.runtime.powerState == "poweredOn"
    _wait_off(vm)


def test_shutdown_needs_running_tools_and_some_guests_ignore_it(tmp_path: Path) -> None:
    with running_lab(tmp_path, with_pool=False, clock_factor=1000) as lab:
        client = Client(lab, log_in(lab))
        with pytest.raises(vim.fault.ToolsUnavailable):
            client.vm("mon01").ShutdownGuest()
        stubborn = client.vm("app01")
        stubborn.ShutdownGuest()
        time.sleep(0.3)
        assert stubborn.runtime.powerState == "poweredOn"
        assert WaitForTask(stubborn.PowerOffVM_Task()) == "success"


def test_somebody_at_the_power_button_is_seen(client: Client) -> None:
    client.lab.control("POST", "/vcenter/power", {"vm": "web02", "state": "off"})
    vm = client.vm("web02")
    assert vm.runtime.powerState == "poweredOff"
    version = vm.config.changeVersion
    client.lab.control("POST", "/vcenter/power", {"vm": "web02", "state": "on"})
    assert vm.runtime.powerState == "poweredOn"
    assert vm.config.changeVersion != version


def test_a_suspended_machine_is_resumed_or_loses_its_memory_and_asks_its_guest_nothing(client: Client) -> None:
    vm = client.vm("web02")
    booted = vm.runtime.bootTime
    assert client.lab.control("POST", "/vcenter/power", {"vm": "web02", "state": "suspended"})["state"] == "suspended"
    assert (vm.runtime.powerState, vm.runtime.bootTime) == ("suspended", booted)
    assert vm.runtime.suspendTime is not None
    assert client.lab.control("GET", "/state")["source_vms"]["web02"] == "suspended"
    with pytest.raises(vim.fault.InvalidPowerState) as refused:
        vm.ShutdownGuest()
    assert refused.value.existingState == "suspended"
    with pytest.raises(vim.fault.InvalidPowerState):
        vm.ExportVm()
    assert WaitForTask(vm.PowerOnVM_Task()) == "success"
    assert (vm.runtime.powerState, vm.runtime.bootTime) == ("poweredOn", booted), "resumed, not booted"
    client.lab.control("POST", "/vcenter/power", {"vm": "web02", "state": "suspended"})
    assert WaitForTask(vm.PowerOffVM_Task()) == "success"
    assert (vm.runtime.powerState, vm.runtime.bootTime) == ("poweredOff", None)


def test_a_machine_that_is_off_cannot_be_suspended(client: Client) -> None:
    client.lab.control("POST", "/vcenter/power", {"vm": "web02", "state": "off"})
    with pytest.raises(Exception, match="does not run"):
        client.lab.control("POST", "/vcenter/power", {"vm": "web02", "state": "suspended"})


def test_snapshots_are_taken_nested_and_removed(client: Client) -> None:
    vm = client.vm("web02")
    WaitForTask(vm.CreateSnapshot_Task("one", "first", False, False))
    WaitForTask(vm.CreateSnapshot_Task("two", "", False, True))
    root = vm.snapshot.rootSnapshotList
    assert [(node.name, [child.name for child in node.childSnapshotList]) for node in root] == [("one", ["two"])]
    disk = next(d for d in vm.config.hardware.device if isinstance(d, vim.vm.device.VirtualDisk))
    assert disk.backing.parent.fileName == "[vmfs-gold-01] web02/web02.vmdk"
    WaitForTask(root[0].snapshot.RemoveSnapshot_Task(False))
    assert [node.name for node in vm.snapshot.rootSnapshotList] == ["two"]
    WaitForTask(vm.RemoveAllSnapshots_Task())
    assert vm.snapshot is None


def test_notes_and_network_cards_are_edited_and_nothing_else(client: Client) -> None:
    vm = client.vm("db01")
    card = next(d for d in vm.config.hardware.device if isinstance(d, vim.vm.device.VirtualEthernetCard))
    card.connectable.startConnected = False
    edit = vim.vm.device.VirtualDeviceSpec(operation="edit", device=card)
    spec = vim.vm.ConfigSpec(annotation="moved to pool-west", deviceChange=[edit])
    assert WaitForTask(vm.ReconfigVM_Task(spec)) == "success"
    assert vm.config.annotation == "moved to pool-west"
    cards = [d for d in vm.config.hardware.device if isinstance(d, vim.vm.device.VirtualEthernetCard)]
    assert [one.connectable.startConnected for one in cards] == [False, True]
    disk = next(d for d in vm.config.hardware.device if isinstance(d, vim.vm.device.VirtualDisk))
    removal = vim.vm.device.VirtualDeviceSpec(operation="remove", device=disk)
    with pytest.raises(vim.fault.InvalidDeviceSpec):
        WaitForTask(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[removal])))


def test_a_private_collector_reports_enter_modify_and_timeout(client: Client) -> None:
    collector = client.content.propertyCollector.CreatePropertyCollector()
    collector.CreateFilter(client.spec(vim.VirtualMachine, "name", "runtime.powerState"), True)
    first = collector.WaitForUpdatesEx("", query.WaitOptions(maxWaitSeconds=5))
    changes = first.filterSet[0].objectSet
    assert {change.kind for change in changes} == {"enter"}
    assert len(changes) == 4
    assert collector.WaitForUpdatesEx(first.version, query.WaitOptions(maxWaitSeconds=0)) is None
    client.lab.control("POST", "/vcenter/power", {"vm": "git01", "state": "off"})
    second = collector.WaitForUpdatesEx(first.version, query.WaitOptions(maxWaitSeconds=5))
    (change,) = second.filterSet[0].objectSet
    assert (change.kind, [(one.name, one.val) for one in change.changeSet]) == ("modify", [("runtime.powerState", "poweredOff")])
    with pytest.raises(vmodl.query.InvalidCollectorVersion):
        collector.WaitForUpdatesEx("99", query.WaitOptions(maxWaitSeconds=0))
    collector.Destroy()


def test_updates_are_truncated_to_the_clients_limit(client: Client) -> None:
    collector = client.content.propertyCollector.CreatePropertyCollector()
    collector.CreateFilter(client.spec(vim.VirtualMachine, "name"), True)
    version, seen, truncated = "", 0, []
    while seen < 4:
        update = collector.WaitForUpdatesEx(version, query.WaitOptions(maxWaitSeconds=5, maxObjectUpdates=3))
        version, seen = update.version, seen + len(update.filterSet[0].objectSet)
        truncated.append(bool(update.truncated))
    assert (seen, truncated) == (4, [True, False])


def test_a_wait_can_be_cancelled(client: Client) -> None:
    collector = client.content.propertyCollector.CreatePropertyCollector()
    collector.CreateFilter(client.spec(vim.VirtualMachine, "name"), True)
    first = collector.WaitForUpdatesEx("", query.WaitOptions(maxWaitSeconds=5))
    threading.Timer(0.2, collector.CancelWaitForUpdates).start()
    with pytest.raises(vmodl.fault.RequestCanceled):
        collector.WaitForUpdatesEx(first.version, query.WaitOptions(maxWaitSeconds=20))
