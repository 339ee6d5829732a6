"""Today's count of one host: observed against replayed, and how far it can be trusted."""

from __future__ import annotations

from estate.facts.unknown import Unknown
from kms.core.observed import Quality, count_at
from tests.builders.kms import a_contact, a_history, a_reading, cmid, day, named, weekly


def test_full_log_that_agrees_with_the_host_is_exact() -> None:
    history = a_history(a_reading(35, weekly(named("s", 6), until=35), current_count=6))
    seen = count_at(history, day(35))
    assert (seen.count, seen.modelled, seen.quality, seen.at_cap) == (6, 6, Quality.EXACT, False)


def test_v20_short_log_leaves_the_observed_count_standing_as_partial() -> None:
    history = a_history(a_reading(40, weekly(named("s", 9), since=28, until=40), current_count=14))
    seen = count_at(history, day(40))
    assert (seen.modelled, seen.observed, seen.count, seen.unseen) == (9, 14, 14, 5)
    assert seen.quality is Quality.PARTIAL
    assert "covers 12 of 30 days" in seen.notes[0]


def test_v06_count_at_the_cap_is_a_lower_bound() -> None:
    contacts = weekly(named("c", 80), until=35, required=25)
    seen = count_at(a_history(a_reading(35, contacts, current_count=50)), day(35))
    assert (seen.count, seen.cap, seen.at_cap, seen.quality) == (50, 50, True, Quality.LOWER_BOUND)


def test_observed_count_above_the_logs_cap_shows_an_older_larger_n() -> None:
    seen = count_at(a_history(a_reading(35, weekly(named("s", 14), until=35), current_count=14)), day(35))
    assert (seen.count, seen.cap, seen.modelled) == (14, 50, 14)


def test_more_in_the_log_than_the_host_counts_is_shown_as_surplus() -> None:
    seen = count_at(a_history(a_reading(35, weekly(named("s", 8), until=35), current_count=5)), day(35))
    assert (seen.count, seen.surplus, seen.quality) == (5, 3, Quality.PARTIAL)


def test_clients_forgotten_since_the_reading_are_taken_off() -> None:
    contacts = [*weekly(named("s", 5), until=30), a_contact("gone", 0.5)]
    seen = count_at(a_history(a_reading(30.2, contacts, current_count=6)), day(30.6))
    assert (seen.count, seen.observed) == (5, 6)


def test_readings_are_chained_and_their_overlap_counted_once() -> None:
    contacts = weekly(named("s", 6), until=40)
    early = a_reading(22, [contact for contact in contacts if contact.seen_at <= day(22)], current_count=6)
    late = a_reading(40, [contact for contact in contacts if contact.seen_at >= day(20)], current_count=6)
    seen = count_at(a_history(early, late), day(40))
    assert (seen.covered_from, seen.modelled, seen.quality) == (day(0), 6, Quality.EXACT)


def test_gap_between_readings_ends_the_cover() -> None:
    contacts = weekly(named("s", 6), until=40)
    early = a_reading(15, [contact for contact in contacts if contact.seen_at <= day(15)], current_count=6)
    late = a_reading(40, [contact for contact in contacts if contact.seen_at >= day(20)], current_count=6)
    seen = count_at(a_history(early, late), day(40))
    assert (seen.covered_from, seen.quality) == (day(21), Quality.PARTIAL)


def test_refused_requests_never_count() -> None:
    contacts = [*weekly(named("s", 5), until=35), a_contact("skewed", 34, result_code="0xC004F06C")]
    assert count_at(a_history(a_reading(35, contacts, current_count=5)), day(35)).modelled == 5


def test_unreadable_events_make_the_count_partial() -> None:
    reading = a_reading(35, weekly(named("s", 5), until=35), current_count=5, contacts_unreadable=2)
    seen = count_at(a_history(reading), day(35))
    assert (seen.quality, seen.notes) == (Quality.PARTIAL, ("2 events name no client",))


def test_host_without_reading_or_that_is_none_has_an_unknown_count() -> None:
    assert isinstance(count_at(a_history(), day(1)).count, Unknown)
    no_host = a_history(a_reading(1, current_count=None, is_kms_host=False), name="APP01")
    count = count_at(no_host, day(1)).count
    assert isinstance(count, Unknown)
    assert count.reason == "APP01 says it is not a KMS host"


def test_new_host_that_nobody_asked_yet_counts_zero() -> None:
    assert count_at(a_history(a_reading(1, current_count=None)), day(1)).count == 0


def test_v13_legacy_host_replays_physical_machines_only() -> None:
    contacts = [a_contact(f"p{n}", 1, is_vm=False) for n in range(3)] + [a_contact(f"v{n}", 1) for n in range(7)]
    seen = count_at(a_history(a_reading(2, contacts, current_count=3), legacy=True), day(2))
    assert (seen.count, seen.modelled) == (3, 3)


def test_contact_identity_is_the_cmid_not_the_name() -> None:
    contacts = [a_contact("a", 1, cmid=cmid("x")), a_contact("b", 2, cmid=cmid("x"))]
    assert count_at(a_history(a_reading(3, contacts, current_count=1)), day(3)).modelled == 1
