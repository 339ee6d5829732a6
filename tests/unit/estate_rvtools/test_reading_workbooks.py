"""RVTools workbooks as facts: forms and versions, what is missing, cells nobody can read, several vCenters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from estate import rvtools
from estate.facts.source import DiskBacking, PowerState, SourceAbout, VmFacts
from estate.facts.unknown import Unknown, is_known
from estate.sheets import CellInvalid, ColumnMissing, SheetMissing, WorkbookError
from tests.builders import workbooks
from tests.builders.estate import GIB, a_device, a_disk, a_nic, a_vm
from tests.builders.large_estate import large_estate

Collected = dict[str, list[Any]]
NEEDED = ("vInfo", "vDisk", "vNetwork", "vHost")


def small(**changes: Any) -> workbooks.Sheets:
    """A workbook of three machines on one host; `changes` go to the first."""
    found = large_estate(3, hosts=25)
    found["vm"][0] = replace(found["vm"][0], **changes)
    return workbooks.workbook_of(found)


def read(sheets: workbooks.Sheets, tmp_path: Path) -> tuple[SourceAbout, Collected]:
    file = tmp_path / "estate.xlsx"
    file.write_bytes(workbooks.xlsx(sheets))
    return collected(file)


def collected(path: Path) -> tuple[SourceAbout, Collected]:
    found: Collected = defaultdict(list)
    about = rvtools.read(path, on_page=lambda kind, facts: found[kind].extend(facts))
    return about, found


def machine(sheets: workbooks.Sheets, tmp_path: Path, number: int = 0) -> VmFacts:
    vm = read(sheets, tmp_path)[1]["vm"][number]
    assert isinstance(vm, VmFacts)
    return vm


def put(sheets: workbooks.Sheets, sheet: str, header: str, value: Any, row: int = 0) -> workbooks.Sheets:
    columns, rows = sheets[sheet]
    rows[row][columns.index(header)] = value
    return sheets


def without(sheets: workbooks.Sheets, sheet: str, *headers: str) -> workbooks.Sheets:
    columns, rows = sheets[sheet]
    kept = [index for index, name in enumerate(columns) if name not in headers]
    sheets[sheet] = ([columns[index] for index in kept], [[row[index] for index in kept] for row in rows])
    return sheets


def test_old_and_new_headers_and_all_csv_forms_give_the_same_facts(tmp_path: Path) -> None:
    found = large_estate(5, hosts=25)
    new, old = workbooks.workbook_of(found), workbooks.workbook_of(found, old=True)
    expected = read(new, tmp_path)[1]
    assert expected["vm"][0].disks[0].capacity_bytes == 40 * GIB
    assert read(old, tmp_path)[1] == expected
    assert collected(workbooks.csv_folder(new, tmp_path / "folder"))[1] == expected
    assert collected(workbooks.csv_folder(old, tmp_path / "grouped", separator=";", grouped=True))[1] == expected
    assert collected(workbooks.csv_zip(new, tmp_path / "export.zip", grouped=True))[1] == expected


def test_headers_are_known_whatever_their_case_and_spaces(tmp_path: Path) -> None:
    sheets = small()
    expected = read(sheets, tmp_path)[1]
    shouted = {f" {name.upper()}": ([f"  {c.upper()} " for c in columns], rows) for name, (columns, rows) in sheets.items()}
    assert read(shouted, tmp_path)[1]["vm"] == expected["vm"]


def test_a_sheet_that_begins_in_the_middle_names_its_real_rows_and_columns(tmp_path: Path) -> None:
    sheets = put(small(), "vDisk", "Capacity MiB", "much", row=3)
    with pytest.raises(CellInvalid) as caught:
        read(sheets, tmp_path)
    assert caught.value.where == "vDisk, row 5, column I (Capacity MiB)"
    assert "'much' is no number" in caught.value.message


@pytest.mark.parametrize(
    ("sheet", "header", "value"),
    [
        ("vInfo", "Powerstate", "sleeping"),
        ("vInfo", "CPUs", "four"),
        ("vInfo", "CPUs", 0),
        ("vInfo", "Memory", True),
        ("vInfo", "Memory", -1),
        ("vInfo", "Memory", datetime(2026, 1, 1, tzinfo=UTC)),
        ("vInfo", "VM", None),
        ("vDisk", "Capacity MiB", "1,2,3"),
    ],
)
def test_a_bad_cell_that_matters_refuses_the_workbook(tmp_path: Path, sheet: str, header: str, value: Any) -> None:
    with pytest.raises(CellInvalid) as caught:
        read(put(small(), sheet, header, value), tmp_path)
    assert caught.value.code == "workbook_cell_invalid"
    assert f"{sheet}, row 2, column " in caught.value.where
    assert header in caught.value.where


@pytest.mark.parametrize(
    ("sheet", "header", "value", "field"),
    [
        ("vInfo", "HW version", "newest", "hardware_version"),
        ("vInfo", "EFI Secure boot", "perhaps", "secure_boot"),
        ("vInfo", "In Use MiB", "some", "committed_bytes"),
        ("vInfo", "PowerOn", "yesterday", "boot_time"),
        ("vMemory", "Ballooned", "a lot", "ballooned_bytes"),
        ("vCPU", "Hot Add", "maybe", "cpu_hot_add"),
    ],
)
def test_another_bad_cell_makes_its_field_unknown_and_says_where(
    tmp_path: Path, sheet: str, header: str, value: Any, field: str
) -> None:
    found = getattr(machine(put(small(), sheet, header, value), tmp_path), field)
    assert isinstance(found, Unknown)
    assert f"sheet {sheet}, row 2" in found.reason
    assert not found.everywhere


@pytest.mark.parametrize("sheet", NEEDED)
def test_a_workbook_without_one_of_the_four_sheets_is_refused_by_its_name(tmp_path: Path, sheet: str) -> None:
    sheets = small()
    del sheets[sheet]
    with pytest.raises(SheetMissing, match=sheet):
        read(sheets, tmp_path)


@pytest.mark.parametrize("header", ["VM", "Powerstate", "CPUs", "Memory"])
def test_a_vinfo_without_one_of_its_four_columns_is_refused_by_its_name(tmp_path: Path, header: str) -> None:
    with pytest.raises(ColumnMissing, match=header) as caught:
        read(without(small(), "vInfo", header), tmp_path)
    assert caught.value.code == "workbook_column_missing"


def test_the_four_sheets_alone_are_read_and_the_rest_is_told_once(tmp_path: Path) -> None:
    sheets = {name: sheet for name, sheet in small(tools_running=False).items() if name in NEEDED}
    about, found = read(sheets, tmp_path)
    vm = found["vm"][0]
    assert {name for name, _ in about.lacking} >= {"vCPU", "vMemory", "vTools", "vSnapshot", "vPartition", "vDatastore"}
    for value in (vm.cores_per_socket, vm.cpu_hot_add, vm.snapshots, vm.guest_disks, vm.tools_status, vm.cpu_allocation.limit):
        assert isinstance(value, Unknown)
        assert value.everywhere, value
    assert vm.tools_running is False, "vInfo's guest state tells it too"
    assert isinstance(about.taken_at, Unknown)


def test_what_rvtools_never_exports_is_unknown_everywhere(tmp_path: Path) -> None:
    vm = machine(small(), tmp_path)
    for value in (vm.has_vtpm, vm.encrypted, vm.devices, vm.tags, vm.extra_config, vm.disks[0].encrypted, vm.pmem):  # type: ignore[index]
        assert isinstance(value, Unknown)
        assert value.everywhere


def test_a_column_that_is_missing_is_unknown_for_all_machines_alike(tmp_path: Path) -> None:
    vm = machine(without(small(), "vDisk", "Sharing mode"), tmp_path)
    assert vm.disks[0].sharing == Unknown("sheet vDisk has no column Sharing mode", everywhere=True)  # type: ignore[index]


def test_custom_attributes_and_unknown_columns_are_kept(tmp_path: Path) -> None:
    sheets = small()
    columns, rows = sheets["vInfo"]
    sheets["vInfo"] = ([*columns, "From a newer version"], [[*row, "new"] for row in rows])
    put(sheets, "vInfo", "Owner", "ERP team")
    vm = machine(sheets, tmp_path)
    assert vm.custom_values == (("Owner", "ERP team"),)
    assert ("From a newer version", "new") in vm.extra


def test_several_vcenters_in_one_workbook_are_kept_apart(tmp_path: Path) -> None:
    found = large_estate(2, hosts=25)
    one, two = workbooks.workbook_of(found, center="center-1"), workbooks.workbook_of(found, center="center-2")
    both = {name: (columns, rows + two[name][1]) for name, (columns, rows) in one.items()}
    about, read_back = read(both, tmp_path)
    assert sorted(vm.native_id for vm in read_back["vm"]) == [f"center-{c}/vm-{n}" for c in (1, 2) for n in (0, 1)]
    assert {vm.host_id.split("/")[0] for vm in read_back["vm"]} == {"center-1", "center-2"}
    assert all(len(vm.disks) == 2 for vm in read_back["vm"])
    assert (about.instance_uuid, about.is_vcenter) == ("", False)


@pytest.mark.parametrize("missing", [("VM ID",), ("VM ID", "VM UUID")])
def test_machines_without_an_id_get_one_that_is_the_same_next_time(tmp_path: Path, missing: tuple[str, ...]) -> None:
    sheets = small()
    for name in sheets:
        without(sheets, name, *missing)
    first, again = read(sheets, tmp_path)[1], read(sheets, tmp_path)[1]
    ids = [vm.native_id for vm in first["vm"]]
    assert ids == [vm.native_id for vm in again["vm"]]
    assert len(set(ids)) == 3
    assert all(":" in native_id for native_id in ids)
    assert all(len(vm.disks) == 2 for vm in first["vm"]), "rows find their machine by what is left"


def test_rows_of_no_machine_and_repeated_machines_are_counted(tmp_path: Path) -> None:
    sheets = small()
    put(sheets, "vDisk", "VM ID", "vm-99")
    sheets["vInfo"][1].append(list(sheets["vInfo"][1][0]))
    about, found = read(sheets, tmp_path)
    assert len(found["vm"]) == 3
    assert len(found["vm"][0].disks) == 1
    assert {name for name, _ in about.lacking} == {"vDisk", "vInfo"}


def test_machines_come_last_and_in_pages(tmp_path: Path) -> None:
    file = tmp_path / "estate.xlsx"
    file.write_bytes(workbooks.xlsx(workbooks.workbook_of(large_estate(1100, hosts=25))))
    pages: list[tuple[str, int]] = []
    rvtools.read(file, on_page=lambda kind, facts: pages.append((kind, len(facts))))
    assert [page for page in pages if page[0] == "vm"] == pages[-3:] == [("vm", 500), ("vm", 500), ("vm", 100)]


def test_whoever_watches_can_stop_the_reading(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop() -> None:
        raise Stopped

    file = tmp_path / "estate.xlsx"
    file.write_bytes(workbooks.xlsx(small()))
    with pytest.raises(Stopped):
        rvtools.read(file, on_page=lambda kind, facts: None, alive=stop)


@pytest.mark.parametrize(
    ("disk", "check"),
    [
        ({"backing": DiskBacking.RDM_PHYSICAL}, lambda d: d.backing is DiskBacking.RDM_PHYSICAL),
        ({"backing": DiskBacking.RDM_VIRTUAL}, lambda d: d.backing is DiskBacking.RDM_VIRTUAL),
        ({"mode": "independent_persistent"}, lambda d: d.mode == "independent_persistent"),
        ({"sharing": "sharingMultiWriter"}, lambda d: d.sharing == "sharingMultiWriter"),
        ({"controller_shared_bus": "physicalSharing"}, lambda d: d.controller_shared_bus == "physicalSharing"),
        ({"controller_type": "VirtualNVMEController"}, lambda d: d.controller_type == "VirtualNVMEController"),
        ({"thin": False}, lambda d: d.thin is False),
        ({"file_name": "[vmfs-000] a/a-000002.vmdk"}, lambda d: d.has_parent is True and not is_known(d.backing)),
        ({"file_name": "[nowhere] a/a.vmdk"}, lambda d: not is_known(d.datastore_id) and d.datastore_name == "nowhere"),
    ],
)
def test_what_matters_of_disks_is_read(tmp_path: Path, disk: dict[str, Any], check: Callable[[Any], bool]) -> None:
    vm = machine(small(disks=(a_disk(**disk),)), tmp_path)
    assert check(vm.disks[0])  # type: ignore[index]


@pytest.mark.parametrize(
    "adapter", ["VirtualVmxnet3", "VirtualE1000", "VirtualE1000e", "VirtualPCNet32", "VirtualSriovEthernetCard"]
)
def test_adapters_have_vmwares_type_names(tmp_path: Path, adapter: str) -> None:
    vm = machine(small(nics=(a_nic(adapter=adapter, address_type="manual", direct_path=True),)), tmp_path)
    nic = vm.nics[0]  # type: ignore[index]
    assert (nic.adapter, nic.address_type, nic.direct_path) == (adapter, "manual", True)


def test_a_guest_whose_name_vsphere_shows_has_its_id(tmp_path: Path) -> None:
    vm = machine(small(tools_running=True, reported_guest_full_name="Microsoft Windows Server 2022 (64-bit)"), tmp_path)
    assert (vm.configured_guest_id, vm.reported_guest_id) == ("windows2019srv_64Guest", "windows2019srvNext_64Guest")
    odd = machine(small(configured_guest_full_name="Plan 9", reported_guest_full_name=None), tmp_path)
    assert not is_known(odd.guest_id)
    assert odd.guest_full_name == "Plan 9"
    assert odd.reported_guest_id is None


def test_a_workbook_from_before_there_was_a_smbios_uuid_knows_neither_uuid(tmp_path: Path) -> None:
    vm = machine(without(small(), "vInfo", "SMBIOS UUID"), tmp_path)
    assert not is_known(vm.bios_uuid)
    assert not is_known(vm.instance_uuid)


def test_power_states_templates_and_times_are_read(tmp_path: Path) -> None:
    at = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    vm = machine(small(power_state=PowerState.SUSPENDED, is_template=True, boot_time=at, created_at=at), tmp_path)
    assert (vm.power_state, vm.is_template, vm.boot_time, vm.created_at) == (PowerState.SUSPENDED, True, at, at)


def test_about_tells_who_made_the_workbook_and_when(tmp_path: Path) -> None:
    about, _ = read(small(), tmp_path)
    assert about.is_vcenter
    assert about.instance_uuid == workbooks.CENTER
    assert about.taken_at == workbooks.MADE_AT
    assert about.lacking == ()


def test_a_file_that_is_not_there_is_refused_by_code(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError) as caught:
        collected(tmp_path / "none.xlsx")
    assert caught.value.code == "workbook_not_readable"


def test_every_builder_of_a_machine_survives_the_way_through_a_workbook(tmp_path: Path) -> None:
    found = {"vm": [a_vm(), a_vm("odd", disks=Unknown("why"), nics=(), power_state=Unknown("why"))]}
    vms = read(workbooks.workbook_of(found), tmp_path)[1]["vm"]
    assert [vm.name for vm in vms] == ["app-01", "odd"]
    assert not is_known(vms[1].power_state)


def hosts(sheets: workbooks.Sheets, tmp_path: Path) -> list[Any]:
    return list(read(sheets, tmp_path)[1]["host"])


def test_the_stores_of_a_host_are_unknown_where_the_workbook_does_not_tell_them(tmp_path: Path) -> None:
    assert all(host.datastore_ids for host in hosts(small(), tmp_path))
    sheets = small()
    del sheets["vDatastore"]
    assert {host.datastore_ids for host in hosts(sheets, tmp_path)} == {
        Unknown("the workbook has no sheet vDatastore", everywhere=True)
    }
    for sheets in (without(small(), "vDatastore", "Hosts"), put(small(), "vDatastore", "Hosts", None)):
        assert all("which hosts have datastore" in host.datastore_ids.reason for host in hosts(sheets, tmp_path))


def test_a_store_that_no_host_has_leaves_no_host_open(tmp_path: Path) -> None:
    sheets = put(put(small(), "vDatastore", "Hosts", None), "vDatastore", "# Hosts", 0)
    assert all(isinstance(host.datastore_ids, tuple) for host in hosts(sheets, tmp_path))


def test_a_host_of_an_untold_cluster_is_not_one_outside_any(tmp_path: Path) -> None:
    (host, *_) = hosts(without(small(), "vHost", "Cluster"), tmp_path)
    assert host.cluster_id == Unknown("sheet vHost has no column Cluster", everywhere=True)
    assert hosts(put(small(), "vHost", "Cluster", None), tmp_path)[0].cluster_id is None


def test_a_machine_with_a_file_of_unknown_place_has_no_whole_list_of_stores(tmp_path: Path) -> None:
    assert machine(small(), tmp_path).datastore_ids
    for sheets in (put(small(), "vInfo", "Path", None), put(small(), "vDisk", "Disk Path", "[gone] a/a.vmdk")):
        assert isinstance(machine(sheets, tmp_path).datastore_ids, Unknown)


@pytest.mark.parametrize(("state", "expected"), [("notConfigured", False), ("running", True), ("disabled", None)])
def test_fault_tolerance_that_is_disabled_is_not_told_to_be_set_up(tmp_path: Path, state: str, expected: bool | None) -> None:
    vm = machine(small(ft_state=state), tmp_path)
    assert (vm.ft_state, vm.ft_configured if is_known(vm.ft_configured) else None) == (state, expected)


USB = (
    a_device("VirtualUSB", 0, label="USB device 1", connected=True),
    a_device("VirtualUSB", 1, label="USB xHCI controller", connected=True),
)


def test_drives_and_usb_devices_are_listed_apart_and_only_where_their_sheets_are(tmp_path: Path) -> None:
    drives = (a_device("VirtualCdrom", 0, label="CD/DVD drive 1", connected=True), a_device("VirtualCdrom", 1, connected=False))
    sheets = put(small(devices=(*drives, *USB)), "vCD", "Device Type", "[iso] a.iso")
    vm = machine(sheets, tmp_path)
    assert isinstance(vm.devices, Unknown)
    assert [(each.kind, each.label, each.backing, each.connected) for each in vm.cd_drives[:1]] == [
        ("VirtualCdrom", "CD/DVD drive 1", "[iso] a.iso", True)
    ]
    assert [each.connected for each in vm.cd_drives] == [True, False]
    assert [each.kind for each in vm.usb_devices] == ["VirtualUSB", "VirtualUSBXHCIController"]
    assert machine(sheets, tmp_path, 1).usb_devices == ()
    del sheets["vCD"], sheets["vUSB"]
    bare = machine(sheets, tmp_path)
    assert [bare.cd_drives, bare.usb_devices] == [
        Unknown(f"the workbook has no sheet {name}", everywhere=True) for name in ("vCD", "vUSB")
    ]


def test_rows_of_devices_that_tell_little_are_devices_still(tmp_path: Path) -> None:
    sheets = without(put(small(devices=USB[:1]), "vUSB", "Connected", "perhaps"), "vUSB", "Device Type")
    (device,) = machine(sheets, tmp_path).usb_devices
    assert (device.kind, device.backing, isinstance(device.connected, Unknown)) == ("VirtualUSB", "", True)


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        ({}, ()),
        ({"Cluster rule name(s)": "apart, licensed hosts"}, ("apart", "licensed hosts")),
        ({"Cluster rule(s)": "VM-VM anti-affinity"}, ("VM-VM anti-affinity",)),
        ({"Cluster rule(s)": "VM-VM anti-affinity", "Cluster rule name(s)": "apart"}, ("apart",)),
    ],
)
def test_rules_of_the_cluster_are_told_of_each_machine(tmp_path: Path, cells: dict[str, str], names: tuple[str, ...]) -> None:
    sheets = small()
    for header, value in cells.items():
        put(sheets, "vInfo", header, value)
    assert machine(sheets, tmp_path).cluster_rule_names == names


def test_rules_of_the_cluster_are_unknown_only_without_both_columns(tmp_path: Path) -> None:
    assert machine(without(small(), "vInfo", "Cluster rule(s)"), tmp_path).cluster_rule_names == ()
    sheets = without(small(), "vInfo", "Cluster rule(s)", "Cluster rule name(s)")
    assert isinstance(machine(sheets, tmp_path).cluster_rule_names, Unknown)


def test_a_card_without_an_address_is_told_beside_one_that_has(tmp_path: Path) -> None:
    both = small(nics=(a_nic(0, ip_addresses=("192.0.2.10",)), a_nic(1, connected=True)))
    assert [(each.ip_addresses, each.connected) for each in machine(both, tmp_path).guest_nics] == [
        (("192.0.2.10",), True),
        ((), True),
    ]
    assert isinstance(machine(small(nics=(a_nic(0),)), tmp_path).guest_nics, Unknown)
