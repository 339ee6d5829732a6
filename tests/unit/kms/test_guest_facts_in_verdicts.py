"""What guests say of themselves sharpens a verdict: duplicates with the rearms left, rollback pairs, channels that fail."""

from __future__ import annotations

from typing import Any

import pytest

from estate.facts.kms import KmsGuestReading
from estate.facts.unknown import UNKNOWN
from kms.core.duplicates import DuplicateKind
from kms.core.judge import judge
from kms.core.machines import AliasBook, MachineAlias
from kms.core.verdict import KmsVerdict, PlannedMachine, VerdictQuestion
from tests.builders.kms import a_history, a_reading, cmid, day, named, weekly

OLD = "00112233-4455-6677-8899-aabbccddeeff"
OLD_SWAPPED = "33221100-5544-7766-8899-aabbccddeeff"
NEW = "4c4c4544-0042-3510-8054-b4c04f4a3732"
HISTORY = a_history(a_reading(35, weekly(named("s", 9), until=35), 9))


def guest(name: str, at: float, uuid: Any = UNKNOWN, **changes: Any) -> KmsGuestReading:
    fields = {
        "collected_at": day(at),
        "computer_name": name,
        "smbios_uuid": uuid,
        "cmid": cmid("s1"),
        "channel": "VOLUME_KMSCLIENT",
    }
    return KmsGuestReading(**(fields | changes))


def verdict(*guests: KmsGuestReading, machines: tuple[MachineAlias, ...] = (), book: AliasBook | None = None) -> KmsVerdict:
    planned = tuple(PlannedMachine(machine) for machine in machines)
    return judge(VerdictQuestion(day(35.1), day(35.1), planned, book or AliasBook(machines), guests), [HISTORY])


def test_guest_read_under_its_short_name_is_one_machine_with_its_events() -> None:
    assert verdict(guest("S1", 34, OLD)).duplicates == ()


def test_clone_that_was_read_is_a_duplicate_with_the_rearms_left() -> None:
    (found,) = verdict(guest("S1", 34, OLD, rearms_left=3), guest("CLONE", 34.5, NEW, rearms_left=0)).duplicates
    assert (found.cmid, found.kind) == (cmid("s1"), DuplicateKind.CERTAIN)
    assert found.rearms_left == (("CLONE", 0), ("S1", 3))
    assert "No rearm is left on CLONE" in found.remedy
    reasons = verdict(guest("S1", 34, OLD, rearms_left=3), guest("CLONE", 34.5, NEW, rearms_left=0)).reasons
    assert "rearms left: CLONE 0, S1 3" in next(reason.detail for reason in reasons if reason.code == "kms_duplicate_cmid")


def test_original_and_copy_that_take_turns_are_a_rollback_pair() -> None:
    book = AliasBook((MachineAlias("m1", names=("s1",), smbios_uuids=(OLD, NEW)),))
    (found,) = verdict(guest("s1", 30, OLD), guest("s1", 31, NEW), guest("s1", 32, OLD_SWAPPED), book=book).duplicates
    assert found.kind is DuplicateKind.ROLLBACK_PAIR
    assert verdict(guest("s1", 30, OLD), guest("s1", 31, NEW), book=book).duplicates == ()


@pytest.mark.parametrize("channel", ["VOLUME_MAK", "OEM_SLP", "RETAIL", "VIRTUAL_MACHINE_ACTIVATION", "TIMEBASED_EVAL"])
def test_machine_of_the_wave_on_a_channel_that_fails_is_named_with_its_remedy(channel: str) -> None:
    machine = MachineAlias("m9", names=("s9",), smbios_uuids=(OLD,))
    told = verdict(guest("S9", 34, OLD_SWAPPED, cmid=cmid("s9"), channel=channel), machines=(machine,))
    (reason,) = [reason for reason in told.reasons if reason.code == "kms_wrong_channel"]
    assert reason.subject == "s9"
    assert reason.remedy
    fine = verdict(guest("S9", 34, OLD, cmid=cmid("s9")), machines=(machine,))
    assert "kms_wrong_channel" not in {reason.code for reason in fine.reasons}


def test_newest_reading_tells_the_channel_and_another_machines_says_nothing() -> None:
    machine = MachineAlias("m9", names=("s9",), smbios_uuids=(OLD,))
    before, after = guest("s9", 30, OLD, cmid=cmid("s9"), channel="VOLUME_MAK"), guest("s9", 34, OLD, cmid=cmid("s9"))
    assert "kms_wrong_channel" not in {reason.code for reason in verdict(before, after, machines=(machine,)).reasons}
    twin = guest("s9", 34, NEW, cmid=cmid("twin"), channel="VOLUME_MAK")
    assert "kms_wrong_channel" not in {reason.code for reason in verdict(twin, machines=(machine,)).reasons}
