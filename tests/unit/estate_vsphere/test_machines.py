"""One VM as facts: what silence means on a machine that was read whole, and on one that was not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import fields

from estate.facts.source import FileFacts, PowerState, SnapshotFacts, VmFacts
from estate.facts.unknown import Unknown, is_known
from estate.vsphere.inventory.devices import NetworkNames
from estate.vsphere.inventory.machines import Surroundings, read_machine
from estate.vsphere.inventory.places import Places
from tests.unit.estate_vsphere.xml import missing, prop, read_one

PLACES = Places({"group-v3": ("Servers", "group-v2"), "group-v2": ("vm", "dc-1"), "dc-1": ("DC1", "group-d1")})
AROUND = Surroundings(PLACES, NetworkNames(), {"host-1": "domain-c1", "host-2": None})
CONNECTED = prop("runtime.connectionState", "connected")
CONFIG = prop("config.instanceUuid", "5012-x")


def _whole(*parts: str) -> VmFacts:
    return read_machine(read_one(CONNECTED, CONFIG, *parts), AROUND)


def test_on_a_whole_machine_unset_means_none() -> None:
    vm = _whole(prop("runtime.powerState", "poweredOff"))
    assert (vm.boot_time, vm.managed_by, vm.crypto_state, vm.snapshots, vm.ft_configured) == (None, None, None, (), False)


def test_a_running_machine_without_a_boot_time_is_unknown_not_never_booted() -> None:
    assert isinstance(_whole(prop("runtime.powerState", "poweredOn")).boot_time, Unknown)


@pytest.mark.parametrize("parts", [(prop("runtime.connectionState", "disconnected"), CONFIG), (CONNECTED,), (CONFIG,), ()])
def test_on_any_other_machine_silence_is_unknown_everywhere(parts: tuple[str, ...]) -> None:
    vm = read_machine(read_one(prop("name", "lost"), *parts), AROUND)
    for field in ("boot_time", "managed_by", "crypto_state", "snapshots", "ft_configured", "disks", "nics", "firmware"):
        assert isinstance(getattr(vm, field), Unknown), field


@pytest.mark.parametrize(
    ("running", "known"), [("guestToolsRunning", True), ("guestToolsNotRunning", False), ("guestToolsExecutingScripts", True)]
)
def test_an_empty_list_of_the_guest_is_nobodys_word_unless_tools_run(running: str, known: bool) -> None:
    lists = prop("guest.net", "", "ArrayOfGuestNicInfo"), prop("guest.disk", "", "ArrayOfGuestDiskInfo")
    vm = _whole(prop("guest.toolsRunningStatus", running), *lists)
    assert [isinstance(each, tuple) for each in (vm.guest_nics, vm.guest_disks)] == [known, known]


def test_nothing_but_the_name_still_gives_a_machine() -> None:
    vm = read_machine(read_one(prop("name", "lost")), AROUND)
    known = {each.name for each in fields(vm) if not isinstance(getattr(vm, each.name), Unknown)}
    empty = {"annotation", "folder_path", "unreadable", "extra", "cpu_allocation", "memory_allocation"}
    assert known == {"native_id", "name"} | empty


@pytest.mark.parametrize(
    ("options", "firmware", "expected"),
    [
        ("<efiSecureBootEnabled>true</efiSecureBootEnabled>", "efi", True),
        ("<efiSecureBootEnabled>false</efiSecureBootEnabled>", "efi", False),
        ("<efiSecureBootEnabled>true</efiSecureBootEnabled>", "bios", False),
        ("<bootDelay>0</bootDelay>", "efi", None),
    ],
)
def test_secure_boot_needs_efi_and_a_word(options: str, firmware: str, expected: bool | None) -> None:
    secure = _whole(prop("config.firmware", firmware), prop("config.bootOptions", options, "BootOptions")).secure_boot
    assert secure == expected if expected is not None else isinstance(secure, Unknown)


@pytest.mark.parametrize(
    ("running", "expected"), [("guestToolsRunning", "ubuntu64Guest"), ("guestToolsNotRunning", "otherGuest")]
)
def test_the_guest_id_is_what_running_tools_see_else_what_is_configured(running: str, expected: str) -> None:
    vm = _whole(
        prop("guest.guestId", "ubuntu64Guest"), prop("config.guestId", "otherGuest"), prop("guest.toolsRunningStatus", running)
    )
    assert vm.guest_id == expected


def test_the_owner_is_named_with_its_type() -> None:
    owner = "<extensionKey>com.vmware.vcDr</extensionKey><type>placeholderVm</type>"
    assert _whole(prop("config.managedBy", owner, "ManagedByInfo")).managed_by == "com.vmware.vcDr/placeholderVm"
    empty = "<extensionKey></extensionKey><type></type>"
    assert _whole(prop("config.managedBy", empty, "ManagedByInfo")).managed_by is None


def test_fault_tolerance_is_configured_when_its_information_is_set() -> None:
    assert _whole(prop("config.ftInfo", "<role>1</role>", "FaultToleranceConfigInfo")).ft_configured is True
    assert isinstance(_whole(missing("config.ftInfo", "NoPermission")).ft_configured, Unknown)


def test_an_unreadable_snapshot_tree_is_unknown_not_empty() -> None:
    snapshots = _whole(missing("snapshot", "NoPermission")).snapshots
    assert isinstance(snapshots, Unknown)
    assert snapshots.reason == "NoPermission"


def test_snapshots_are_told_parents_first_with_their_depth() -> None:
    def node(number: int, state: str, inside: str = "", tag: str = "childSnapshotList") -> str:
        return (
            f'<{tag}><snapshot type="VirtualMachineSnapshot">snapshot-{number}</snapshot><name>s%2f{number}</name>'
            f"<createTime>2026-01-0{number}T00:00:00Z</createTime><state>{state}</state>{inside}</{tag}>"
        )

    tree = node(1, "poweredOff", node(2, "poweredOn", node(3, "poweredOff")) + node(4, "poweredOff"), "rootSnapshotList")
    snapshots = _whole(prop("snapshot", tree, "SnapshotInfo")).snapshots
    assert not isinstance(snapshots, Unknown)
    assert [(each.native_id, each.depth) for each in snapshots] == [
        ("snapshot-1", 1),
        ("snapshot-2", 2),
        ("snapshot-3", 3),
        ("snapshot-4", 2),
    ]
    assert snapshots[1] == SnapshotFacts("snapshot-2", "s/2", datetime(2026, 1, 2, tzinfo=UTC), with_memory=True, depth=2)


def _moref(path: str, kind: str, value: str) -> str:
    return f'<propSet><name>{path}</name><val type="{kind}">{value}</val></propSet>'


@pytest.mark.parametrize(
    ("host", "expected"),
    [("host-1", "domain-c1"), ("host-2", None), ("host-9", Unknown("host host-9 is not visible to this account"))],
)
def test_the_cluster_comes_from_the_host_and_an_unseen_host_leaves_it_unknown(host: str, expected: object) -> None:
    assert _whole(_moref("runtime.host", "HostSystem", host)).cluster_id == expected


def test_the_folder_path_runs_from_the_datacenter_down() -> None:
    assert _whole(_moref("parent", "Folder", "group-v3")).folder_path == "DC1/vm/Servers"
    assert _whole(_moref("parentVApp", "VirtualApp", "group-v2")).folder_path == "DC1/vm"
    assert _whole(_moref("parent", "Folder", "group-x")).folder_path == ""


def test_a_circle_of_folders_ends() -> None:
    assert Places({"a": ("x", "b"), "b": ("y", "a")}).path("a")


def test_a_power_state_nobody_has_heard_of_is_unknown() -> None:
    assert isinstance(_whole(prop("runtime.powerState", "hibernated")).power_state, Unknown)
    assert _whole(prop("runtime.powerState", "suspended")).power_state is PowerState.SUSPENDED


def test_the_address_configuration_of_a_guest_is_told_by_its_stack() -> None:
    stack = (
        "<GuestStackInfo><dnsConfig><ipAddress>10.0.0.53</ipAddress><ipAddress>10.0.0.54</ipAddress></dnsConfig><ipRouteConfig>"
        "<ipRoute><network>10.9.0.0</network><prefixLength>16</prefixLength><gateway><ipAddress>10.0.0.7</ipAddress></gateway></ipRoute>"
        "<ipRoute><network>0.0.0.0</network><prefixLength>0</prefixLength><gateway><ipAddress>10.0.0.1</ipAddress></gateway></ipRoute>"
        "</ipRouteConfig></GuestStackInfo>"
    )
    vm = _whole(prop("guest.ipStack", stack * 2, "ArrayOfGuestStackInfo"), prop("guest.ipAddress", "10.0.0.9"))
    assert (vm.guest_ip_address, vm.guest_dns_servers, vm.guest_gateways) == (
        "10.0.0.9",
        ("10.0.0.53", "10.0.0.54"),
        ("10.0.0.1",),
    )
    silent = _whole()
    assert silent.guest_ip_address is None and isinstance(silent.guest_dns_servers, Unknown)


def test_the_files_of_a_machine_and_the_length_of_its_disks_chains() -> None:
    files = "<FileInfo><name>[s] a/a.vmx</name><type>config</type><size>3072</size></FileInfo><FileInfo><name/></FileInfo>"
    disks = "<DiskLayout><key>2000</key><chain><fileKey>1</fileKey></chain><chain><fileKey>2</fileKey></chain></DiskLayout>"
    device = '<VirtualDevice xsi:type="VirtualDisk"><key>{}</key></VirtualDevice>'
    listed = prop("config.hardware.device", device.format(2000) + device.format(2001), "ArrayOfVirtualDevice")
    vm = _whole(prop("layoutEx.file", files, "X"), prop("layoutEx.disk", disks, "X"), listed)
    assert is_known(vm.files) and vm.files[0] == FileFacts("[s] a/a.vmx", "config", 3072)
    assert isinstance(vm.files[1].size_bytes, Unknown)
    assert is_known(vm.disks) and vm.disks[0].chain_length == 2
    assert isinstance(vm.disks[1].chain_length, Unknown)
    (refused,) = _whole(missing("layoutEx.disk", "NoPermission"), listed.replace(device.format(2001), "")).disks
    assert isinstance(refused.chain_length, Unknown) and refused.chain_length.reason == "NoPermission"


def test_virtual_ports_are_told_as_names_and_none_is_not_unread() -> None:
    nodes = prop("config.npivNodeWorldWideName", "<long>2882303761517117440</long>", "ArrayOfLong")
    ports = prop("config.npivPortWorldWideName", "<long>17</long>", "ArrayOfLong")
    assert _whole(nodes, ports).npiv_wwns == ("28:00:00:00:00:00:00:00", "00:00:00:00:00:00:00:11")
    assert _whole().npiv_wwns == ()
    assert isinstance(_whole(missing("config.npivPortWorldWideName", "NoPermission")).npiv_wwns, Unknown)


def test_what_tools_are_told_to_do_and_can_do() -> None:
    policy = "<toolsUpgradePolicy>manual</toolsUpgradePolicy><syncTimeWithHost>true</syncTimeWithHost>"
    vm = _whole(prop("config.tools", policy, "ToolsConfigInfo"), prop("guest.guestOperationsReady", "true", "xsd:boolean"))
    assert (vm.tools_upgrade_policy, vm.tools_time_sync, vm.guest_operations_ready) == ("manual", True, True)
    assert isinstance(vm.guest_state_change_supported, Unknown)


def test_a_suspended_machine_without_a_time_is_unknown_not_never_suspended() -> None:
    assert _whole(prop("runtime.powerState", "poweredOff")).suspended_at is None
    assert isinstance(_whole(prop("runtime.powerState", "suspended")).suspended_at, Unknown)
