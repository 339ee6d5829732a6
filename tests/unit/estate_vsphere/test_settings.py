"""Settings of a machine that take more than one value: what is kept of extra keys, boot order, confidential computing."""

from __future__ import annotations

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from estate.vsphere.inventory.devices import NetworkNames
from estate.vsphere.inventory.machines import Surroundings, read_machine
from estate.vsphere.inventory.places import Places
from tests.unit.estate_vsphere.xml import missing, prop, read_one

AROUND = Surroundings(Places({}), NetworkNames(), fields={"401": "Owner"})


def _whole(*parts: str, dropped: dict[str, str] | None = None) -> VmFacts:
    found = read_one(prop("runtime.connectionState", "connected"), prop("config.instanceUuid", "5012-x"), *parts)
    found.dropped.update(dropped or {})
    return read_machine(found, AROUND)


def _options(**values: str) -> str:
    rows = (f"<OptionValue><key>{key}</key><value>{value}</value></OptionValue>" for key, value in values.items())
    return prop("config.extraConfig", "".join(rows), "ArrayOfOptionValue")


def test_only_keys_that_rules_ask_for_are_kept_and_never_guestinfo() -> None:
    kept = {"disk.EnableUUID": "TRUE", "scsi0:0.ctkEnabled": "TRUE", "sched.cpu.affinity": "all", "vhv.enable": "FALSE"}
    vm = _whole(_options(**kept, **{"guestinfo.userdata": "secret", "nvram": "a.nvram"}))
    assert vm.extra_config == tuple(sorted(kept.items()))
    assert vm.disk_uuid_enabled is True


def test_keys_are_told_apart_without_regard_to_case_as_vsphere_does() -> None:
    kept = {"DISK.enableuuid": " True", "scsi0:0.CTKENABLED": "TRUE", "Sched.cpu.affinity": "all", "VHV.Enable": "TRUE"}
    vm = _whole(_options(**kept, **{"GuestInfo.userdata": "secret"}))
    assert vm.extra_config == tuple(sorted(kept.items()))
    assert vm.disk_uuid_enabled is True


def test_a_path_this_server_does_not_know_is_unknown_everywhere_and_not_unreadable() -> None:
    vm = _whole(dropped={"config.createDate": "not offered before API 6.7"})
    assert vm.created_at == Unknown("not offered before API 6.7", everywhere=True)
    assert vm.unreadable == ()


def test_a_kind_of_confidential_computing_that_is_too_new_for_the_server_cannot_be_on() -> None:
    assert _whole(dropped={"config.tdxEnabled": "too new"}).confidential == ()
    assert _whole(prop("config.sevEnabled", "true")).confidential == ("SEV",)


def test_the_boot_order_is_told_in_plain_words() -> None:
    entries = "".join(
        f'<bootOrder xsi:type="VirtualMachineBootOptionsBootable{kind}Device"/>' for kind in ("Ethernet", "Disk", "Cdrom")
    )
    vm = _whole(prop("config.bootOptions", f"{entries}<networkBootProtocol>ipv4</networkBootProtocol>", "BootOptions"))
    assert (vm.boot_order, vm.network_boot_protocol) == (("ethernet", "disk", "cdrom"), "ipv4")


def test_custom_attributes_go_by_their_names() -> None:
    values = "<CustomFieldValue><key>401</key><value>Identity team</value></CustomFieldValue>"
    assert _whole(prop("customValue", values, "ArrayOfCustomFieldValue")).custom_values == (("Owner", "Identity team"),)


def test_limits_are_in_bytes_and_minus_one_is_none() -> None:
    limited = "<reservation>512</reservation><limit>1024</limit><shares><level>high</level></shares>"
    vm = _whole(prop("config.memoryAllocation", limited, "A"), prop("config.cpuAllocation", "<limit>-1</limit>", "A"))
    assert (vm.memory_allocation.reservation, vm.memory_allocation.limit) == (512 << 20, 1 << 30)
    assert (vm.memory_allocation.shares_level, vm.cpu_allocation.limit) == ("high", None)


def test_persistent_memory_that_nobody_could_read_is_unknown() -> None:
    devices = prop("config.hardware.device", "", "ArrayOfVirtualDevice")
    assert _whole(devices).pmem is False
    assert _whole(devices, dropped={"config.pmem": "too new"}).pmem is False
    assert isinstance(_whole(devices, missing("config.pmem", "NoPermission")).pmem, Unknown)
