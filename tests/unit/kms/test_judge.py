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
    """The reasons but for the one that stands in every answer of a project with one host."""
    return [reason.code for reason in answer.reasons if reason.code != "kms_single_host"]


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


def test_kms_host_in_the_wave_may_lose_its_cache_and_is_named() -> None:
    answer = verdict(a_site(8), machines=(a_machine("s1"), a_machine("kms01")))
    assert answer.state is Level.PARTIAL
    assert answer.lowest is not None
    assert (answer.lowest.lower, answer.lowest.upper) == (0, 8)
    assert codes(answer) == ["kms_partial", "kms_host_moves", "kms_all_hosts_move"]
    assert answer.machines_not_seen == ()


def test_one_of_two_hosts_may_move_when_the_other_stays() -> None:
    answer = verdict(a_site(8), a_site(8, name="KMS02"), machines=(a_machine("kms02.corp.example", is_server=True),))
    assert "kms_all_hosts_move" not in codes(answer)
    assert "kms_single_host" not in [reason.code for reason in answer.reasons]


def test_host_is_recognised_by_its_smbios_uuid_in_either_byte_order_before_its_name() -> None:
    contacts = weekly(named("s", 8), until=35)
    uuid = "4C4C4544-0042-3510-8054-B4C04F4A3732"
    history = a_history(a_reading(35, contacts, current_count=8, smbios_uuid=uuid))
    swapped = PlannedMachine(MachineAlias("m", names=("other",), smbios_uuids=("44454c4c-4200-1035-8054-b4c04f4a3732",)))
    namesake = PlannedMachine(MachineAlias("n", names=("KMS01",), smbios_uuids=("11111111-0042-3510-8054-b4c04f4a3732",)))
    assert verdict(history, machines=(swapped,)).hosts[0].host_moves
    assert not verdict(history, machines=(namesake,)).hosts[0].host_moves


@pytest.mark.parametrize(
    ("edition", "state"),
    [("Windows(R), Professional edition", "low"), ("Windows(R), ServerStandard edition", "ok"), (UNKNOWN, "ok"), ("Neu", "ok")],
)
def test_host_on_a_client_windows_serves_no_server(edition: str | Unknown, state: str) -> None:
    history = a_history(a_reading(35, weekly(named("s", 9), until=35), current_count=9, edition=edition))
    answer = verdict(history)
    assert answer.state.value == state
    assert ("kms_host_wrong_os" in codes(answer)) is (state == "low")


def test_only_host_of_a_project_is_a_single_point_of_failure() -> None:
    assert [reason.code for reason in verdict(a_site(9)).reasons] == ["kms_single_host"]
    assert verdict(a_site(9), a_site(9, name="KMS02")).reasons == ()


def test_verdict_on_five_thousand_machines_takes_no_product_of_machines_and_clients() -> None:
    contacts = [a_contact(f"s{number}", 34) for number in range(5000)]
    machines = tuple(a_machine(f"s{number}") for number in range(5000))
    answer = verdict(a_history(a_reading(35, contacts, current_count=50)), machines=machines)
    assert answer.machines_not_seen == ()
