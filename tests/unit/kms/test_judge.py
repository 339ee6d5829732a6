"""The verdict on a wave: what the gate is told, and that unknown is never told as good."""

from __future__ import annotations

import pytest

from estate.facts.unknown import UNKNOWN, Unknown
from kms.core.alarm import Level
from kms.core.judge import judge
from kms.core.machines import MachineAlias
from kms.core.observed import HostHistory, Quality
from kms.core.plan import CmidPolicy
from kms.core.verdict import KmsVerdict, PlannedMachine, VerdictQuestion
from tests.builders.kms import a_contact, a_history, a_reading, cmid, day, named, weekly


def a_machine(name: str, *, is_server: bool | Unknown = UNKNOWN) -> PlannedMachine:
    return PlannedMachine(MachineAlias(f"id-{name}", names=(name,), is_server=is_server), CmidPolicy.UNKNOWN)


def a_site(servers: int, clients: int = 0, *, read_at: float = 35, name: str = "KMS01") -> HostHistory:
    contacts = weekly(named("s", servers), until=35) + weekly(named("c", clients), until=35, required=25)
    return a_history(a_reading(read_at, contacts, current_count=servers + clients), name=name)


def verdict(*histories: HostHistory, machines: tuple[PlannedMachine, ...] = (), now: float = 35.5) -> KmsVerdict:
    return judge(VerdictQuestion(day(now), day(now), machines), histories)


def codes(answer: KmsVerdict) -> list[str]:
    return [reason.code for reason in answer.reasons]


@pytest.mark.parametrize(
    ("servers", "clients", "state", "server_ok", "client_ok"),
    [
        (4, 0, "low", False, False),
        (5, 0, "tight", True, False),
        (7, 0, "ok", True, False),
        (4, 20, "low", True, False),
        (4, 21, "tight", True, True),
        (10, 20, "ok", True, True),
    ],
)
def test_state_follows_the_lowest_projected_count(
    servers: int, clients: int, state: str, server_ok: bool, client_ok: bool
) -> None:
    answer = verdict(a_site(servers, clients))
    assert (answer.state.value, answer.server_ok, answer.client_ok) == (state, server_ok, client_ok)
    assert answer.count == servers + clients
    assert answer.closes_gate is (state == "low")


def test_servers_of_a_wave_need_five_even_where_clients_would_fail() -> None:
    answer = verdict(a_site(6, 10), machines=(a_machine("s1"),))
    assert (answer.state, answer.server, answer.client) == (Level.OK, Level.OK, Level.LOW)
    assert not answer.closes_gate


def test_one_client_windows_in_the_wave_needs_twenty_five() -> None:
    answer = verdict(a_site(6, 10), machines=(a_machine("s1"), a_machine("c1")))
    assert answer.state is Level.LOW
    assert answer.hosts[0].needs == (5, 25)


def test_no_host_no_reading_and_stale_reading_are_unknown_and_close_the_gate() -> None:
    for answer, code in [
        (verdict(), "kms_no_host"),
        (verdict(a_history()), "kms_reading_missing"),
        (verdict(a_site(8), now=36.1), "kms_reading_stale"),
        (verdict(a_history(a_reading(35, current_count=None, is_kms_host=False))), "kms_count_unknown"),
    ]:
        assert answer.state is Level.UNKNOWN
        assert answer.closes_gate
        assert (answer.count, answer.server_ok, answer.client_ok) == (None, None, None)
        assert codes(answer)[0] == code


def test_todays_good_count_does_not_hide_a_fall_within_forty_five_days() -> None:
    ghosts = [a_contact(name, 20) for name in named("gone", 4)]
    contacts = weekly(named("s", 4), until=35) + ghosts
    answer = verdict(a_history(a_reading(35, contacts, current_count=8)))
    assert (answer.count, answer.server_ok) == (8, True)
    assert answer.state is Level.LOW
    assert answer.lowest is not None
    assert answer.lowest.lower == 4
    assert codes(answer) == ["kms_low"]
    assert "8 today and 4 at its lowest" in answer.reasons[0].detail


def test_bounds_on_both_sides_of_n_are_partial() -> None:
    contacts = weekly(named("s", 3), since=31, until=35)
    answer = verdict(a_history(a_reading(35, contacts, current_count=9)))
    assert (answer.state, answer.quality) == (Level.PARTIAL, Quality.PARTIAL)
    assert codes(answer) == ["kms_partial", "kms_log_incomplete"]
    assert not answer.closes_gate


def test_hosts_do_not_share_counts() -> None:
    answer = verdict(a_site(4, name="KMS01"), a_site(4, name="KMS02"))
    assert (answer.state, answer.count) == (Level.LOW, 4)


def test_wave_is_judged_by_the_hosts_that_know_its_machines() -> None:
    standby = a_history(a_reading(35, current_count=None), name="KMS02")
    assert verdict(a_site(8), standby, machines=(a_machine("s1"),)).state is Level.OK
    with_stranger = verdict(a_site(8), standby, machines=(a_machine("s1"), a_machine("new", is_server=True)))
    assert with_stranger.state is Level.LOW


def test_machine_nobody_has_seen_is_named_and_asks_for_its_own_threshold() -> None:
    answer = verdict(a_site(8), machines=(a_machine("new", is_server=True),))
    assert (answer.state, answer.machines_not_seen) == (Level.OK, ("new",))
    assert codes(answer) == ["kms_machine_not_seen"]
    assert verdict(a_site(8), machines=(a_machine("new", is_server=False),)).state is Level.LOW


def test_machine_of_unknown_kind_passes_only_where_a_client_would() -> None:
    assert verdict(a_site(8), machines=(a_machine("new"),)).state is Level.UNKNOWN
    assert verdict(a_site(4), machines=(a_machine("new"),)).state is Level.LOW
    assert verdict(a_site(10, 20), machines=(a_machine("new"),)).state is Level.OK


def test_machine_is_found_by_its_cmid_when_its_name_is_unknown() -> None:
    machine = PlannedMachine(MachineAlias("m1", cmids=(cmid("s1"),)), CmidPolicy.PRESERVED)
    assert verdict(a_site(8), machines=(machine,)).machines_not_seen == ()


def test_duplicate_cmids_are_told_with_their_remedy() -> None:
    clones = [a_contact(name, 34, cmid=cmid("image")) for name in named("clone", 3)]
    contacts = weekly(named("s", 8), until=35) + clones
    answer = verdict(a_history(a_reading(35, contacts, current_count=9)))
    assert codes(answer) == ["kms_duplicate_cmid"]
    assert answer.duplicates[0].machines == tuple(f"clone{n}.corp.example" for n in (1, 2, 3))


def test_full_cache_is_told_as_at_least() -> None:
    answer = verdict(a_site(10), machines=(a_machine("c99", is_server=False),))
    assert "at least 10 today" in answer.reasons[0].detail
    assert answer.quality is Quality.LOWER_BOUND
