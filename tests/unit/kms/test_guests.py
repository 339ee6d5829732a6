"""Each Windows guest is followed from its move until it is licensed; vector V19 by number."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.facts.kms import KmsGuestReading
from estate.facts.unknown import UNKNOWN
from kms.core.guests import Alarm, Confidence, FollowedGuest, GuestBook, Stage, channel_problem, follow
from kms.core.machines import MachineAlias, MovedMachine
from tests.builders.kms import a_contact, cmid, day, named

COPY = "5d7c0a8e-1111-4222-8333-44445555abcd"
SWAPPED = "8e0a7c5d-1111-2242-8333-44445555abcd"
DAY_MIN = 1440


def moved(name: str = "app07", at: float = 10, copy: str = COPY, **changes: Any) -> MovedMachine:
    alias = MachineAlias(
        machine_id=f"id-{name}", names=(f"{name}.corp.example",), smbios_uuids=("4c4c4544-0042-3510-8054-b4c04f4a3732", copy)
    )
    return MovedMachine(replace(alias, **changes), frozenset(), day(at), copy)


def said(at: float, status: int = 1, minutes: int = 180 * DAY_MIN, **changes: Any) -> KmsGuestReading:
    fields = {
        "collected_at": day(at), "computer_name": "APP07", "smbios_uuid": COPY, "cmid": cmid("app07"),
        "channel": "VOLUME_KMSCLIENT", "license_status": status, "minutes_left_min": minutes,
    }  # fmt: skip
    return KmsGuestReading(**(fields | changes))


def link(
    reading: KmsGuestReading, machines: list[MovedMachine], cmid_of: dict[str, str]
) -> tuple[MovedMachine, Confidence] | None:
    return GuestBook(machines, cmid_of).find(reading)


def state(at: float, *readings: KmsGuestReading, contacts: Any = ()) -> FollowedGuest:
    return follow(moved(), [(reading, Confidence.CERTAIN) for reading in readings], contacts, at=day(at))


def test_guest_goes_from_pending_over_contacted_to_licensed() -> None:
    assert (state(10.1).stage, state(10.1).alarm) == (Stage.PENDING, Alarm.NONE)
    asked = a_contact("app07", 10.2, license_state=3, minutes_to_expiration_min=30 * DAY_MIN)
    contacted = state(10.3, contacts=[asked])
    assert (contacted.stage, contacted.contacted_at) == (Stage.CONTACTED, day(10.2))
    licensed = state(10.4, said(10.35), contacts=[asked])
    assert (licensed.stage, licensed.alarm, licensed.confidence) == (Stage.LICENSED, Alarm.NONE, Confidence.CERTAIN)


def test_what_was_said_before_the_move_counts_for_nothing() -> None:
    assert state(10.5, said(9.9), contacts=[a_contact("app07", 9.9)]).stage is Stage.PENDING


@pytest.mark.parametrize(
    ("minutes", "elapsed_days", "alarm", "days_left"),
    [
        (30 * DAY_MIN, 0, Alarm.NONE, 30), (10 * DAY_MIN, 0, Alarm.WARN, 10), (10 * DAY_MIN + 1, 0, Alarm.NONE, 10),
        (3 * DAY_MIN, 0, Alarm.CRITICAL, 3), (3 * DAY_MIN + 1, 0, Alarm.WARN, 3), (30 * DAY_MIN, 20, Alarm.WARN, 10),
        (30 * DAY_MIN, 27, Alarm.CRITICAL, 3),
    ],
)  # fmt: skip
def test_grace_warns_at_ten_days_and_is_critical_at_three(
    minutes: int, elapsed_days: float, alarm: Alarm, days_left: float
) -> None:
    guest = state(11 + elapsed_days, said(11, status=3, minutes=minutes))
    assert (guest.stage, guest.alarm) == (Stage.GRACE, alarm)
    assert guest.days_left == pytest.approx(days_left, abs=0.01)


@pytest.mark.parametrize("status", [0, 5])
def test_unlicensed_and_notification_are_critical(status: int) -> None:
    assert (state(12, said(11, status, 0)).stage, state(12, said(11, status, 0)).alarm) == (Stage.UNLICENSED, Alarm.CRITICAL)


def test_grace_and_validity_that_have_run_out_are_unlicensed() -> None:
    for status in (1, 2, 3):
        late = state(20, said(11, status, minutes=DAY_MIN))
        assert (late.stage, late.alarm, late.days_left) == (Stage.UNLICENSED, Alarm.CRITICAL, 0)


def test_licence_without_end_has_no_days_left() -> None:
    guest = state(300, said(11, 1, 0, channel="VOLUME_MAK"))
    assert (guest.stage, guest.days_left, guest.alarm) == (Stage.LICENSED, None, Alarm.NONE)


def test_grace_of_unknown_length_is_unknown_never_good() -> None:
    assert state(12, said(11, 2, minutes_left_min=UNKNOWN)).alarm is Alarm.UNKNOWN
    assert state(12, said(11, license_status=UNKNOWN)).alarm is Alarm.UNKNOWN


def test_newest_word_decides_between_the_guest_and_its_request() -> None:
    renewed = a_contact("app07", 20, license_state=1, minutes_to_expiration_min=170 * DAY_MIN)
    assert state(21, said(11, 3, 30 * DAY_MIN), contacts=[renewed]).stage is Stage.LICENSED
    fell = a_contact("app07", 20, license_state=5, minutes_to_expiration_min=0)
    assert state(21, said(11), contacts=[fell]).stage is Stage.CONTACTED


@pytest.mark.parametrize("uuid", [COPY, COPY.upper(), SWAPPED])
def test_ledger_joins_first_in_either_byte_order_whatever_the_name(uuid: str) -> None:
    reading = said(11, computer_name="renamed", smbios_uuid=uuid, cmid=cmid("other"))
    assert link(reading, [moved("web1", copy="11111111-2222-4333-8444-555555555555"), moved()], {}) == (
        moved(),
        Confidence.CERTAIN,
    )


def test_original_left_behind_is_not_its_copy() -> None:
    assert link(said(11, smbios_uuid="4c4c4544-0042-3510-8054-b4c04f4a3732"), [moved()], {}) is None


def test_name_and_cmid_link_where_no_uuid_is_told() -> None:
    bare = said(11, smbios_uuid=UNKNOWN)
    assert link(bare, [moved()], {"id-app07": cmid("app07")}) == (moved(), Confidence.PROBABLE)
    assert link(bare, [moved()], {}) == (moved(), Confidence.POSSIBLE)
    assert link(said(11, smbios_uuid=UNKNOWN, computer_name="new"), [moved()], {"id-app07": cmid("app07")}) == (
        moved(), Confidence.POSSIBLE,
    )  # fmt: skip
    assert link(said(11, smbios_uuid=UNKNOWN, computer_name="new"), [moved()], {}) is None


def test_name_that_fits_two_machines_links_to_none_unless_the_cmid_tells() -> None:
    twins = [moved(), replace(moved(copy=""), machine=MachineAlias("id-twin", ("app07",)))]
    bare = said(11, smbios_uuid=UNKNOWN)
    assert link(bare, twins, {}) is None
    found = link(bare, twins, {"id-twin": cmid("app07")})
    assert found is not None
    assert (found[0].machine.machine_id, found[1]) == ("id-twin", Confidence.PROBABLE)


@pytest.mark.parametrize(
    "channel", ["VOLUME_MAK", "OEM_SLP", "OEM_COA_NSLP", "RETAIL", "VIRTUAL_MACHINE_ACTIVATION", "TIMEBASED_EVAL", "NEW"]
)
def test_wrong_channel_is_named_with_its_remedy_and_warned_of(channel: str) -> None:
    problem = channel_problem(channel, by_directory=False)
    assert problem.detail
    assert problem.remedy
    assert state(12, said(11, 3, 30 * DAY_MIN, channel=channel)).alarm is Alarm.WARN
    assert not channel_problem(channel, by_directory=True).detail


def test_v19_proof_of_concept_in_grace_is_critical_on_day_27_and_may_end_on_day_30_not_31() -> None:
    guests = [moved(name, at=0) for name in named("poc", 4)]
    readings = {each: said(0, status=2, minutes=30 * DAY_MIN) for each in guests}
    assert len(guests) < 5
    for each in guests:
        at_27 = follow(each, [(readings[each], Confidence.CERTAIN)], (), at=day(27))
        assert (at_27.days_left, at_27.alarm) == (3, Alarm.CRITICAL)
        assert at_27.lasts_until(day(30), day(27)) is True
        assert at_27.lasts_until(day(31), day(27)) is False


@given(at=st.floats(0, 400), status=st.integers(0, 6), minutes=st.integers(0, 260_000))
def test_silence_and_time_never_make_a_guest_better(at: float, status: int, minutes: int) -> None:
    order = [Alarm.NONE, Alarm.UNKNOWN, Alarm.WARN, Alarm.CRITICAL]
    now, later = state(11, said(11, status, minutes)), state(11 + at, said(11, status, minutes))
    assert order.index(later.alarm) >= order.index(now.alarm)
    assert later.stage is not Stage.LICENSED or status == 1
    if now.days_left is not None and later.days_left is not None:
        assert later.days_left <= now.days_left + timedelta(seconds=1) / timedelta(days=1)


def test_five_thousand_guests_are_linked_without_comparing_each_with_each() -> None:
    machines = [moved(name, copy=str(UUID(int=number + 1))) for number, name in enumerate(named("vm", 5000))]
    book = GuestBook(machines, {})
    for number in range(5000):
        found = book.find(said(11, computer_name=f"vm{number + 1}", smbios_uuid=str(UUID(int=number + 1))))
        assert found is not None
        assert (found[0].machine.machine_id, found[1]) == (f"id-vm{number + 1}", Confidence.CERTAIN)
