"""The parts of the XAPI adapter that decide without asking: SCSI ids, zeroing, records, specs, addresses, errors."""

from __future__ import annotations

import dataclasses
import xmlrpc.client
from datetime import UTC, datetime

import pytest

from estate.errors import AskPerson, Retry, Wait
from estate.facts.unknown import Unknown
from estate.xapi import vm_spec
from estate.xapi.errors import ObjectGone, PoolBusy, SrFull, UnexpectedXapiError, translate
from estate.xapi.pool_storage import _path_counts, new_vdis_are_zeroed, scsi_id_of
from estate.xapi.records import FieldMissing, Record, parse_time
from estate.xapi.transport import join_address, split_address
from estate.xapi.vm_spec import VmSpec

GIB = 1 << 30


@pytest.mark.parametrize(
    ("device_config", "sm_config", "expected"),
    [
        ({"SCSIid": "3600a"}, {"SCSIid": "3600b"}, "3600a"),
        ({"ScsiId": "3600c", "provider": "iscsi"}, {}, "3600c"),
        ({}, {"SCSIid": "3600d,3600e"}, "3600d"),
        ({}, {"scsi-3600f": "a-vdi"}, "3600f"),
        ({}, {"devserial": "scsi-36001,"}, "36001"),
        ({"server": "10.0.0.1"}, {}, None),
    ],
)
def test_scsi_id_is_looked_for_where_each_driver_keeps_it(
    device_config: dict[str, str], sm_config: dict[str, str], expected: str | None
) -> None:
    assert scsi_id_of(device_config, sm_config) == expected


@pytest.mark.parametrize(("written", "expected"), [("[2, 4]", (2, 4)), ("[2L, 4L]", (2, 4)), ("[0,8]", (0, 8))])
def test_path_counters_of_old_and_new_hosts_are_read(written: str, expected: tuple[int, int]) -> None:
    assert _path_counts({"mpath-x": written}, "x") == expected


@pytest.mark.parametrize("counters", [{}, {"mpath-x": ""}, {"mpath-x": "two of four"}])
def test_missing_or_odd_path_counter_is_unknown(counters: dict[str, str]) -> None:
    active, known = _path_counts(counters, "x")
    assert isinstance(active, Unknown)
    assert isinstance(known, Unknown)


@pytest.mark.parametrize(
    ("kind", "sm_config", "expected"),
    [
        ("lvmoiscsi", {"use_vhd": "true"}, True),
        ("lvmoiscsi", {}, False),
        ("lvmohba", {"use_vhd": "false"}, False),
        ("nfs", {}, True),
        ("gfs2", {}, True),
    ],
)
def test_only_lvm_that_never_saw_vhd_gives_old_bytes(kind: str, sm_config: dict[str, str], expected: bool) -> None:
    assert new_vdis_are_zeroed(kind, sm_config) is expected


def test_whether_a_foreign_driver_zeroes_is_not_guessed() -> None:
    assert isinstance(new_vdis_are_zeroed("a-vendor-s-driver", {}), Unknown)


def test_record_gives_unknown_for_missing_fields_and_never_a_default() -> None:
    record = Record("OpaqueRef:1", {"name": "x", "size": "12", "odd": "many"})
    assert record.maybe_number("size") == 12
    for missing in (
        record.maybe_number("other"),
        record.maybe_number("odd"),
        record.maybe_flag("other"),
        record.maybe_map("name"),
    ):
        assert isinstance(missing, Unknown)
    with pytest.raises(FieldMissing):
        record.text("other")


@pytest.mark.parametrize(
    "written", ["20240131T12:00:00Z", "2024-01-31T12:00:00Z", "20240131T12:00:00", xmlrpc.client.DateTime("20240131T12:00:00Z")]
)
def test_times_of_the_pool_are_aware_utc(written: object) -> None:
    assert parse_time(written) == datetime(2024, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.1", ("10.0.0.1", 443)),
        ("10.0.0.1:8443", ("10.0.0.1", 8443)),
        ("[fd00::1]:8443", ("fd00::1", 8443)),
        ("[fd00::1]", ("fd00::1", 443)),
        ("fd00::1", ("fd00::1", 443)),
    ],
)
def test_addresses_of_members_are_split(address: str, expected: tuple[str, int]) -> None:
    assert split_address(address, 443) == expected
    assert split_address(join_address(*expected), 1) == expected


ERRORS = [
    (["HANDLE_INVALID", "VM", "OpaqueRef:1"], ObjectGone, "object_gone"),
    (["SR_BACKEND_FAILURE_44", "", "no space", ""], SrFull, "sr_full"),
    (["OTHER_OPERATION_IN_PROGRESS", "VDI", "OpaqueRef:1"], PoolBusy, "pool_busy"),
    (["CANNOT_CONTACT_HOST", "OpaqueRef:1"], Retry, "host_unreachable"),
    (["TOO_MANY_PENDING_TASKS"], Wait, "pool_busy"),
    (["SR_BACKEND_FAILURE_181", "", "Error in Metadata volume operation", ""], AskPerson, "sr_backend_failure"),
    (["RBAC_PERMISSION_DENIED", "vm.start", "no"], AskPerson, "permission_denied"),
    (["SOMETHING_NEW"], UnexpectedXapiError, "xapi_unexpected"),
    ([], UnexpectedXapiError, "xapi_unexpected"),
]


@pytest.mark.parametrize(
    ("details", "kind", "code"), ERRORS, ids=[details[0] if details else "empty" for details, _, _ in ERRORS]
)
def test_error_of_the_pool_says_what_to_do_next(details: list[str], kind: type[Exception], code: str) -> None:
    error = translate(details, where="pool-west, VM.start")
    assert isinstance(error, kind)
    assert error.code == code
    assert error.next_step
    assert str(error).startswith("pool-west, VM.start: ")


def test_error_shows_no_session_and_no_secret() -> None:
    assert "OpaqueRef:secret" not in str(translate(["SESSION_INVALID", "OpaqueRef:secret"], where="p"))
    error = translate(["INTERNAL_ERROR", "failed for OpaqueRef:handle"], where="p", secrets=("OpaqueRef:handle", ""))
    assert "OpaqueRef:handle" not in str(error)


A_SPEC = VmSpec("app-01", "", "bios", False, 3, 2, 4 * GIB, False, "Debian Bookworm 12")
TEMPLATE = {
    "memory_static_min": str(8 * GIB),
    "platform": {"viridian": "false", "device-model": "qemu-upstream-uefi", "cores-per-socket": "4", "device_id": "0001"},
    "other_config": {"disks": "<provision/>", "default_template": "true", "mac_seed": "s", "linux_template": "true"},
    "has_vendor_device": True,
}


def test_record_takes_platform_from_the_template_and_firmware_from_the_source() -> None:
    record = vm_spec.vm_record(A_SPEC, TEMPLATE, "c-1")
    assert record["platform"] == {
        "viridian": "false",
        "device-model": "qemu-upstream-compat",
        "device_id": "0001",
        "secureboot": "false",
    }
    assert record["memory_static_min"] == str(4 * GIB)
    assert record["has_vendor_device"] is False
    assert set(record["blocked_operations"]) == {"start", "start_on"}
    assert record["other_config"] == {
        "linux_template": "true",
        "base_template_name": "Debian Bookworm 12",
        "xenbound-conversion": "c-1",
    }


def test_a_template_that_knows_no_family_gets_the_guests_own() -> None:
    windows = vm_spec.platform(dataclasses.replace(A_SPEC, is_windows=True), {"nx": "false"})
    assert (windows["viridian"], windows["device_id"], windows["nx"]) == ("true", "0002", "false")
    assert vm_spec.platform(A_SPEC, {})["viridian"] == "false"


def test_cores_per_socket_is_kept_only_where_it_divides_the_vcpus() -> None:
    assert "cores-per-socket" not in vm_spec.platform(A_SPEC, {})
    assert vm_spec.platform(dataclasses.replace(A_SPEC, vcpus=4), {})["cores-per-socket"] == "2"


@pytest.mark.parametrize(("size", "expected"), [(1, 2 << 20), (2 << 20, 2 << 20), ((2 << 20) + 1, 4 << 20)])
def test_vdi_sizes_are_whole_two_mebibytes(size: int, expected: int) -> None:
    assert vm_spec.rounded_vdi_bytes(size) == expected


def test_only_vhd_srs_have_the_vhd_limit() -> None:
    assert vm_spec.fits_sr_kind(2040 * GIB, "nfs")
    assert not vm_spec.fits_sr_kind(2040 * GIB + 1, "nfs")
    assert vm_spec.fits_sr_kind(4096 * GIB, "gfs2")
