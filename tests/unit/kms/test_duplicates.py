"""One CMID on several machines is found; a rename, a short name or a conversion is not mistaken for it."""

from __future__ import annotations

import pytest

from kms.core.duplicates import DuplicateCmid, DuplicateKind, Sighting, duplicate_cmids, sightings_of
from kms.core.machines import AliasBook, MachineAlias, canonical_uuid, same_name
from tests.builders.kms import a_contact, cmid, day, named

OLD_UUID = "00112233-4455-6677-8899-aabbccddeeff"
OLD_UUID_SWAPPED = "33221100-5544-7766-8899-aabbccddeeff"
NEW_UUID = "4c4c4544-0042-3510-8054-b4c04f4a3732"
CONVERTED = AliasBook((MachineAlias("m1", names=("app07",), smbios_uuids=(OLD_UUID, NEW_UUID)),))


def found(*sightings: tuple[str, float, str | None], book: AliasBook | None = None) -> tuple[DuplicateCmid, ...]:
    listed = [Sighting(cmid("x"), name, day(at), uuid) for name, at, uuid in sightings]
    return duplicate_cmids(listed, at=day(20), book=book or AliasBook())


def kinds(*sightings: tuple[str, float, str | None], book: AliasBook | None = None) -> list[DuplicateKind]:
    return [duplicate.kind for duplicate in found(*sightings, book=book)]


def test_v08_ten_clones_with_one_cmid_are_a_duplicate() -> None:
    contacts = [a_contact(name, 19, cmid=cmid("image")) for name in named("clone", 10)]
    (duplicate,) = duplicate_cmids(sightings_of(contacts), at=day(20), book=AliasBook())
    assert (duplicate.cmid, len(duplicate.machines), duplicate.kind) == (cmid("image"), 10, DuplicateKind.CERTAIN)
    assert "slmgr /rearm" in duplicate.remedy


def test_two_names_taking_turns_are_certainly_two_machines() -> None:
    assert kinds(("a", 1, None), ("b", 2, None), ("a", 8, None)) == [DuplicateKind.CERTAIN]


def test_a_name_that_follows_another_may_be_a_rename() -> None:
    assert kinds(("a", 1, None), ("a", 8, None), ("b", 15, None)) == [DuplicateKind.POSSIBLE_RENAME]


def test_renamed_machine_with_one_smbios_uuid_is_no_duplicate() -> None:
    assert found(("a", 1, OLD_UUID), ("b", 8, OLD_UUID_SWAPPED)) == ()


def test_two_smbios_uuids_are_two_machines() -> None:
    assert kinds(("a", 1, OLD_UUID), ("b", 8, NEW_UUID)) == [DuplicateKind.CERTAIN]


def test_conversion_ledger_joins_a_machine_before_and_after() -> None:
    assert found(("app07", 1, OLD_UUID), ("app07-new", 8, NEW_UUID), book=CONVERTED) == ()


def test_old_and_new_copy_running_together_are_a_rollback_pair() -> None:
    seen = (("app07", 1, OLD_UUID), ("app07", 2, NEW_UUID), ("app07", 3, OLD_UUID))
    assert kinds(*seen, book=CONVERTED) == [DuplicateKind.ROLLBACK_PAIR]


def test_sightings_older_than_thirty_days_are_forgotten() -> None:
    assert found(("a", -10, None), ("b", 2, None)) == ()
    assert found(("a", -9.9, None), ("b", 2, None)) != ()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("APP07", "app07.corp.example", True),
        ("app07.corp.exam", "app07.corp.example.", True),
        ("VERYLONGCOMPUTE", "verylongcomputername", True),
        ("app0", "app07", False),
        ("app07.corp.example", "app07.lab.example", False),
        ("", "app07", False),
    ],
)
def test_short_full_and_cut_names_are_one_machine(one: str, other: str, same: bool) -> None:
    assert same_name(one, other) is same
    assert same_name(other, one) is same


def test_smbios_uuid_is_one_in_both_byte_orders() -> None:
    assert canonical_uuid(OLD_UUID) == canonical_uuid(OLD_UUID_SWAPPED.upper())
    assert canonical_uuid("not a uuid") is None
    assert canonical_uuid("00000000-0000-0000-0000-000000000000") is None


def test_a_name_two_machines_share_belongs_to_neither() -> None:
    book = AliasBook((MachineAlias("m1", names=("app07",)), MachineAlias("m2", names=("app07",))))
    assert book.find(name="app07", smbios_uuid=None) is None
