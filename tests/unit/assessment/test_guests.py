"""The guest table: every id leads to its system, shared ids only with a name that tells which, and unlisted ids to none."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from estate.facts.unknown import Unknown
from migration.assessment.core.guests import GuestRow
from tests.builders.assessment import the_guests, the_limits

OWN_IDS = [
    ("winNetEnterprise64Guest", "windows-server-2003"),
    ("winLonghorn64Guest", "windows-server-2008"),
    ("windows7Server64Guest", "windows-server-2008-r2"),
    ("windows9Server64Guest", "windows-server-2016"),
    ("windows2019srv_64Guest", "windows-server-2019"),
    ("windows2019srvNext_64Guest", "windows-server-2022"),
    ("windows2022srvNext_64Guest", "windows-server-2025"),
    ("winXPProGuest", "windows-xp"),
    ("windows7Guest", "windows-7"),
    ("windows9Guest", "windows-10-32-bit"),
    ("windows9_64Guest", "windows-10"),
    ("windows11_64Guest", "windows-11"),
    ("rhel6Guest", "rhel-6-32-bit"),
    ("rhel8_64Guest", "rhel-8"),
    ("centos9_64Guest", "centos-stream-9"),
    ("oracleLinux10_64Guest", "oracle-linux-10"),
    ("sles15_64Guest", "sles-15"),
    ("debian13_64Guest", "debian-13"),
    ("freebsd14_64Guest", "freebsd-14"),
    ("solaris11_64Guest", "solaris"),
    ("darwin21_64Guest", "macos"),
    ("other5xLinux64Guest", "other-linux"),
    ("otherLinuxGuest", "other-linux"),
    ("otherGuest", "other"),
    ("otherGuest64", "other"),
]
NAMED = [
    ("ubuntu64Guest", "prettyName='Ubuntu 22.04.3 LTS' kernelVersion='5.15.0-86-generic'", "ubuntu-22-04"),
    ("ubuntu64Guest", "Ubuntu Linux (64-bit) distroVersion='14.04'", "ubuntu-14-04"),
    ("almalinux_64Guest", "AlmaLinux (64-bit) bitness='64' distroName='AlmaLinux' distroVersion='9.4'", "almalinux-9"),
    ("rockylinux_64Guest", "Rocky Linux 10.0 (Red Quartz)", "rocky-linux-10"),
    ("windows8Server64Guest", "Windows Server 2012 R2 Datacenter", "windows-server-2012-r2"),
    ("windows8Server64Guest", "Windows Server 2012 Standard", "windows-server-2012"),
    ("sles15_64Guest", "SUSE Linux Enterprise Server 15 SP7", "sles-15-sp7"),
    ("sles15_64Guest", "distroVersion='15.6'", "sles-15-sp1-sp6"),
]


def row(guest_id: str, full_name: str = "") -> GuestRow:
    found = the_guests().row_of(guest_id, full_name)
    assert isinstance(found, GuestRow)
    return found


@pytest.mark.parametrize(("guest_id", "key"), OWN_IDS)
def test_an_id_of_its_own_leads_to_its_system(guest_id: str, key: str) -> None:
    assert row(guest_id).key == key


@pytest.mark.parametrize(("guest_id", "full_name", "key"), NAMED)
def test_the_name_decides_where_systems_share_an_id(guest_id: str, full_name: str, key: str) -> None:
    assert row(guest_id, full_name).key == key


@pytest.mark.parametrize(
    ("guest_id", "full_name", "count"),
    [
        ("ubuntu64Guest", "Ubuntu Linux (64-bit)", 7),
        ("almalinux_64Guest", "AlmaLinux (64-bit)", 3),
        ("rockylinux_64Guest", "", 3),
        ("windows8Server64Guest", "Microsoft Windows Server 2012 (64-bit)", 2),
        ("almalinux_64Guest", "AlmaLinux 8, AlmaLinux 9", 2),
    ],
)
def test_a_shared_id_without_a_telling_name_is_unknown(guest_id: str, full_name: str, count: int) -> None:
    found = the_guests().row_of(guest_id, full_name)
    assert isinstance(found, Unknown)
    assert guest_id in found.reason
    assert len(the_guests().rows_of(guest_id, full_name)) == count


@pytest.mark.parametrize("guest_id", ["", "fedora64Guest", "windows2025srvNext_64Guest", "xrhel9_64Guest", "rhel9_64Guestx"])
def test_an_unlisted_id_has_no_row(guest_id: str) -> None:
    assert the_guests().row_of(guest_id) is None


def test_asking_again_gives_the_same_and_leaves_the_tables_equal() -> None:
    asked = the_guests()
    assert asked.rows_of("rhel9_64Guest") is asked.rows_of("rhel9_64Guest")
    assert asked == the_guests()


def test_the_table_uses_its_own_words_only() -> None:
    rows = the_guests().rows
    assert len(rows) == 67
    assert {row.fit for row in rows} == {"exact", "nearest", "other"}
    assert {row.support for row in rows} == {"yes", "no", "paid", "unknown"}
    assert {row.family for row in rows} == {"windows", "linux", "other"}
    assert all(row.firmware <= {"bios", "uefi", "secure_boot"} and row.firmware for row in rows)
    assert all((row.template == "Other install media") == (row.fit == "other") for row in rows)
    assert all((row.pv is None) == (row.family != "windows") for row in rows)


def test_dates_of_a_month_are_its_last_day() -> None:
    dates = {row.supported_until for row in the_guests().rows} - {None}
    assert dates == {date(2027, 1, 31), date(2029, 1, 31), date(2031, 10, 31), date(2027, 5, 31), date(2027, 12, 31)}
    assert all((day + timedelta(days=1)).day == 1 for day in dates)


def test_only_windows_11_needs_a_tpm_and_its_minimum_is_4_gib() -> None:
    needing = [row for row in the_guests().rows if row.needs_vtpm]
    assert [(row.key, row.memory_min_bytes, row.firmware) for row in needing] == [
        ("windows-11", 4 << 30, frozenset({"uefi", "secure_boot"}))
    ]


def test_every_system_has_the_least_memory_of_its_template() -> None:
    least: dict[str, set[int | None]] = {}
    for row in the_guests().rows:
        least.setdefault(row.template, set()).add(row.memory_min_bytes)
    assert all(len(sizes) == 1 and None not in sizes for sizes in least.values())
    assert max(size for sizes in least.values() for size in sizes if size) == the_limits().memory_min_ever_bytes
