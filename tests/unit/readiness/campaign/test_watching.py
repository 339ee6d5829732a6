"""Watching a trial: who fenced, when it was noticed, and what nobody can say."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from estate.facts.codec import from_json, to_json
from estate.facts.pool_look import HostLook, MessageLook, PoolLook
from readiness.core.campaign.watching import (
    Fate,
    Observation,
    fates,
    first,
    folded,
    max_latency_s,
    missed,
    pull_seen,
    pull_seen_at,
    statefile_lost,
)
from tests.builders.pools import NOW

BOOTED = NOW - timedelta(days=9)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def a_look(seconds: float = 0, *, messages: tuple[MessageLook, ...] = (), **hosts: HostLook) -> PoolLook:
    seen = {uuid: HostLook(uuid, True, BOOTED, 2) for uuid in ("h1", "h2", "h3")} | hosts
    return PoolLook(after(seconds), True, {"timeout": "60"}, {}, tuple(seen.values()), messages)


def a_message(name: str, host: str = "h3", seconds: float = 80, uuid: str = "") -> MessageLook:
    return MessageLook(uuid or f"{name}-{host}", name, host, after(seconds))


def seen(*looks: PoolLook) -> Observation:
    observation = first(a_look(), 60)
    for look in looks:
        observation = folded(observation, look, 60)
    return observation


def fenced(observation: Observation) -> dict[str, bool | None]:
    return {fate.uuid: fate.fenced for fate in fates(observation)}


QUIET = {"h1": False, "h2": False, "h3": False}


def test_hosts_that_are_alive_with_their_first_boot_time_did_not_fence() -> None:
    assert fenced(seen(a_look(5), a_look(90))) == QUIET


def test_a_boot_time_that_moved_is_a_fence_even_when_the_host_was_never_seen_away() -> None:
    rebooted = HostLook("h3", True, after(60), 1)
    assert fenced(seen(a_look(5), a_look(300, h3=rebooted))) == QUIET | {"h3": True}


def test_a_host_that_the_pool_called_dead_fenced_and_stays_fenced_when_it_is_back() -> None:
    dead = HostLook("h3", False, BOOTED, 2)
    back = HostLook("h3", True, BOOTED, 2)
    assert fenced(seen(a_look(80, h3=dead), a_look(300, h3=back)))["h3"] is True


def test_a_message_of_the_trial_is_a_fence_and_one_from_before_is_not() -> None:
    old = a_message("HA_HOST_FAILED", seconds=-600)
    begun = first(replace(a_look(), messages=(old,)), 60)
    assert fenced(folded(begun, a_look(90, messages=(old,)), 60)) == QUIET
    new = a_message("HA_HOST_WAS_FENCED", "h2")
    assert fenced(folded(begun, a_look(90, messages=(old, new)), 60)) == QUIET | {"h2": True}


def test_a_host_that_a_look_does_not_show_is_unknown() -> None:
    gone = replace(a_look(90), hosts=a_look(90).hosts[:2])
    assert fenced(seen(a_look(5), gone))["h3"] is None


def test_a_host_whose_boot_time_is_not_told_is_unknown() -> None:
    assert fenced(seen(a_look(90, h3=HostLook("h3", True, None, 2))))["h3"] is None


def test_without_an_answer_of_the_pool_nobody_is_known_to_have_stayed_up() -> None:
    assert set(fenced(missed(seen(a_look(5)), after(60))).values()) == {None}


def test_a_pool_that_answers_again_settles_it() -> None:
    assert fenced(folded(missed(seen(a_look(5)), after(60)), a_look(90), 60)) == QUIET


def test_detection_counts_from_the_pull_to_the_first_sign() -> None:
    watched = seen(a_look(5, h1=HostLook("h1", True, BOOTED, 1)), a_look(90, messages=(a_message("HA_HOST_FAILED", seconds=83),)))
    assert pull_seen_at(watched) == after(5)
    assert fates(watched)[2] == Fate("h3", True, 78.0, ("message HA_HOST_FAILED",))
    assert fates(watched, after(3))[2].detection_s == 80.0, "the person's own time goes first"
    assert fates(watched, clock_factor=2.0)[2].detection_s == 156.0


def test_without_a_pull_time_detection_is_unknown() -> None:
    assert fates(seen(a_look(90, messages=(a_message("HA_HOST_FAILED"),))))[2].detection_s is None


def test_a_pull_is_seen_in_the_path_counters_or_in_the_pools_own_alert() -> None:
    assert pull_seen(seen(a_look(5))) is False
    assert pull_seen(seen(a_look(5, h2=HostLook("h2", True, BOOTED, 1)))) is True
    assert pull_seen(seen(a_look(5, messages=(a_message("MULTIPATH_PERIODIC_ALERT", "pool"),)))) is True
    uncounted = first(replace(a_look(), hosts=(HostLook("h1", True, BOOTED),)), 60)
    assert pull_seen(uncounted) is None


def test_all_hosts_losing_the_state_file_is_kept() -> None:
    assert seen(a_look(70, messages=(a_message("HA_STATEFILE_LOST", "h1", 60),))).statefile_lost_at == after(60)


def test_without_the_pools_messages_nobody_knows_whether_the_state_file_was_lost() -> None:
    assert statefile_lost(seen(a_look(90))) is False
    assert statefile_lost(seen(replace(a_look(90), messages=None))) is None
    assert statefile_lost(missed(seen(a_look(90)), after(95))) is None
    lost = seen(a_look(70, messages=(a_message("HA_STATEFILE_LOST", "h1", 60),)))
    assert statefile_lost(folded(lost, replace(a_look(90), messages=None), 60)) is True


def test_a_timeout_that_changed_meanwhile_is_kept_though_it_was_set_back() -> None:
    for other in (120, None):  # None: HA was off
        assert folded(folded(seen(), a_look(5), other), a_look(90), 60).timeout_held is False


def test_the_latency_is_known_only_when_every_host_told_one() -> None:
    told = {uuid: HostLook(uuid, True, BOOTED, 2, latency) for uuid, latency in (("h1", 3.0), ("h2", 41.0), ("h3", 2.0))}
    assert max_latency_s(seen(a_look(5, **told), a_look(9))) == 41.0
    assert max_latency_s(seen(a_look(5, h1=told["h1"]))) is None


# Properties: a watch taken up by another worker, with looks repeated or late, sees what an unbroken one sees.

HOSTS_SEEN = st.builds(
    HostLook,
    st.sampled_from(["h1", "h2", "h3"]),
    st.sampled_from([True, False, None]),
    st.sampled_from([BOOTED, BOOTED + timedelta(days=9), None]),
    st.sampled_from([2, 1, None]),
    st.sampled_from([None, 5.0, 50.0]),
)
LOOKS = st.lists(
    st.builds(
        lambda seconds, hosts, names: a_look(
            seconds, messages=tuple(a_message(name, seconds=seconds, uuid=f"{name}{seconds}") for name in names), **hosts
        ),
        st.integers(1, 300),
        st.dictionaries(st.sampled_from(["h1", "h2", "h3"]), HOSTS_SEEN).map(
            lambda hosts: {uuid: replace(host, uuid=uuid) for uuid, host in hosts.items()}
        ),
        st.lists(st.sampled_from(["HA_HOST_FAILED", "HA_STATEFILE_LOST", "MULTIPATH_PERIODIC_ALERT"]), unique=True),
    ),
    max_size=6,
).map(lambda looks: sorted(looks, key=lambda look: look.at))


@given(LOOKS)
def test_an_observation_survives_being_stored_between_any_two_looks(looks: list[PoolLook]) -> None:
    kept = first(a_look(), 60)
    for look in looks:
        kept = folded(from_json(to_json(kept), Observation), look, 60)
    assert kept == seen(*looks)


@given(LOOKS)
def test_a_look_folded_twice_changes_nothing(looks: list[PoolLook]) -> None:
    twice = [look for look in looks for _ in range(2)]
    assert seen(*twice) == seen(*looks)


@given(LOOKS, LOOKS)
def test_more_looks_never_take_a_fence_or_a_lost_state_file_back(looks: list[PoolLook], more: list[PoolLook]) -> None:
    later = [replace(look, at=look.at + timedelta(hours=1)) for look in more]
    before, afterwards = seen(*looks), seen(*looks, *later)
    assert all(fenced(afterwards)[uuid] for uuid, fate in fenced(before).items() if fate)
    assert before.statefile_lost_at is None or afterwards.statefile_lost_at == before.statefile_lost_at
    assert before.timeout_held or not afterwards.timeout_held
