"""The ladder of a campaign: a fence raises the step and all nodes are tested anew; only proof on every node and host ends it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from estate.facts.unknown import Unknown
from readiness.core.campaign.ladder import HIGHEST_RUNG_S, OpenTrial, Progress, Step, StepKind, next_step, rungs, target_s
from readiness.core.campaign.states import TrialState
from readiness.core.timeouts import EffectiveTimeout
from readiness.core.trials import Trial, flaw_of, read_trial, uncovered
from tests.builders.evidence import a_trial
from tests.builders.pools import NODES, a_pool, host_ids

POOL = a_pool()
HOSTS = host_ids(3)


def trial(node: str = "san-a", timeout_s: int = 60, *, fenced: tuple[str, ...] = (), **value: object) -> Trial:
    latency = {"max_latency_s": timeout_s - 1.0} | value
    return read_trial(a_trial(POOL, node, timeout_s=timeout_s, fenced=fenced, **latency))


def progress(*trials: Trial, now_s: int | Unknown = 60, **changes: object) -> Progress:
    start = Progress(60, trials, trials, NODES, HOSTS, EffectiveTimeout(now_s, "pool.ha_configuration"))
    return replace(start, **changes)


def step(*trials: Trial, now_s: int | Unknown = 60, **changes: object) -> Step:
    return next_step(progress(*trials, now_s=now_s, **changes))


def test_the_rungs_are_those_of_the_procedure_and_then_thirty_more_each_time() -> None:
    climbed = list(rungs())
    assert climbed[:6] == [60, 90, 120, 150, 180, 210] and climbed[-1] == HIGHEST_RUNG_S


def test_a_campaign_begins_with_the_first_node_at_60_watched_on_every_host() -> None:
    assert step() == Step(StepKind.TRIAL, 60, "san-a", HOSTS)


def test_a_pool_at_another_timeout_is_set_to_the_rung_first() -> None:
    first = step(now_s=120)
    assert (first.kind, first.timeout_s) == (StepKind.SET_TIMEOUT, 60)


def test_after_the_first_node_holds_the_other_is_pulled_at_the_same_timeout() -> None:
    assert step(trial("san-a")) == Step(StepKind.TRIAL, 60, "san-b", HOSTS)


def test_a_fence_raises_the_step_and_retests_all_nodes() -> None:
    both = (trial("san-a"), trial("san-b", fenced=("h2",)))
    raised = step(*both)
    assert (raised.kind, raised.timeout_s) == (StepKind.SET_TIMEOUT, 90)
    assert step(*both, now_s=90) == Step(StepKind.TRIAL, 90, "san-a", HOSTS)
    assert step(*both, trial("san-b", 90), now_s=90).node == "san-a", "a node that held at 60 is tested again at 90"


def test_all_hosts_losing_the_state_file_together_raises_the_step_too() -> None:
    raised = step(trial("san-a", statefile_lost=True, max_latency_s=85.0))
    assert (raised.kind, raised.timeout_s) == (StepKind.SET_TIMEOUT, 90)


def test_a_latency_that_reaches_the_timeout_raises_the_step() -> None:
    assert step(trial("san-a", max_latency_s=60.0)).timeout_s == 90


def test_an_unknown_latency_is_not_a_pass_and_no_fence_either() -> None:
    assert step(trial("san-a", max_latency_s=None)) == Step(StepKind.TRIAL, 60, "san-a", HOSTS)


def test_a_graceful_stop_is_stored_and_does_not_count() -> None:
    assert step(trial("san-a", method="graceful")) == Step(StepKind.TRIAL, 60, "san-a", HOSTS)


def test_a_trial_in_which_no_path_was_seen_to_go_away_does_not_count() -> None:
    assert step(trial("san-a", pull_seen=False)).node == "san-a"


def test_a_trial_during_which_the_timeout_changed_does_not_count() -> None:
    assert step(trial("san-a", timeout_held=False)).node == "san-a"


def test_a_mirror_that_was_out_of_sync_makes_a_trial_worth_nothing() -> None:
    assert step(trial("san-a", mirror_in_sync=False)).node == "san-a"


def test_the_campaign_ends_at_the_first_value_that_holds_on_every_node() -> None:
    fences = [trial("san-a", 60, fenced=("h3",)), trial("san-a", 90, fenced=("h3",))]
    held = [trial("san-a", 120), trial("san-b", 120)]
    assert step(*fences, *held, now_s=120) == Step(StepKind.FINISHED, 120)


def test_it_ends_even_while_the_pool_has_drifted_and_says_what_is_proven() -> None:
    held = [trial("san-a", 60, fenced=("h1",)), trial("san-a", 90), trial("san-b", 90)]
    assert step(*held, now_s=60) == Step(StepKind.FINISHED, 90)


def test_a_stale_trial_covers_nothing_but_a_stale_fence_still_disproves() -> None:
    old = (trial("san-a", 60, fenced=("h1",)), trial("san-a", 90))
    assert step(*old, now_s=90, current=()) == Step(StepKind.TRIAL, 90, "san-a", HOSTS)


def test_a_host_that_joins_later_needs_only_its_own_trials_at_the_tuned_timeout() -> None:
    held = [trial(node, 120) for node in NODES]
    four = host_ids(4)
    assert step(*held, now_s=120, hosts=four) == Step(StepKind.TRIAL, 120, "san-a", ("h4",))
    own = [read_trial(a_trial(POOL, node, timeout_s=120, watched=("h4",))) for node in NODES]
    assert step(*held, own[0], now_s=120, hosts=four) == Step(StepKind.TRIAL, 120, "san-b", ("h4",))
    assert step(*held, *own, now_s=120, hosts=four).kind is StepKind.FINISHED


def test_a_fence_of_the_host_that_joined_retests_everything_higher_up() -> None:
    held = [trial(node, 120) for node in NODES]
    fence = read_trial(a_trial(POOL, "san-a", timeout_s=120, watched=("h4",), fenced=("h4",)))
    assert step(*held, fence, now_s=150, hosts=host_ids(4)) == Step(StepKind.TRIAL, 150, "san-a", host_ids(4))


def test_a_campaign_may_begin_higher_and_goes_on_with_the_rungs_above() -> None:
    assert step(start_s=100).timeout_s == 100
    assert step(trial("san-a", 100, fenced=("h1",)), start_s=100).timeout_s == 120


def test_what_is_not_known_is_asked_for() -> None:
    assert step(now_s=Unknown("HA is off")).kind is StepKind.READ_POOL
    assert step(nodes=Unknown("nobody said")).kind is StepKind.NAME_NODES


def test_above_the_highest_rung_the_storage_has_to_be_repaired() -> None:
    assert step(trial("san-a", HIGHEST_RUNG_S, fenced=HOSTS)).kind is StepKind.REPAIR_STORAGE


def test_an_open_trial_is_the_step_whatever_else_there_is() -> None:
    kinds = {state: step(open_trial=OpenTrial(state, "san-b")).kind for state in (TrialState.WATCHING, TrialState.WATCHED)}
    assert list(kinds.values()) == [StepKind.POWER_CYCLE, StepKind.CONFIRM]


def test_a_pool_without_hosts_is_never_finished() -> None:
    assert step(hosts=()).kind is not StepKind.FINISHED


# Properties

FAILOVERS = st.dictionaries(st.sampled_from(list(product(NODES, HOSTS))), st.floats(1, 400), min_size=6, max_size=6)


def played(failover_s: dict[tuple[str, str], float], node: str, timeout_s: int) -> Trial:
    """A trial as hosts with these failover times live through it (xhad: whoever loses the disk while others have it, fences)."""
    stalls = {host: failover_s[(node, host)] for host in HOSTS}
    late = tuple(host for host, stall in stalls.items() if stall > timeout_s)
    alone = len(late) == len(HOSTS)
    worst = max(min(stall, timeout_s) if host in late and not alone else stall for host, stall in stalls.items())
    return trial(node, timeout_s, fenced=() if alone else late, statefile_lost=alone, max_latency_s=worst)


@settings(max_examples=150, deadline=None)
@given(FAILOVERS)
def test_whatever_the_failover_times_the_result_is_the_first_rung_above_all_of_them(
    failover_s: dict[tuple[str, str], float],
) -> None:
    trials: list[Trial] = []
    now_s = 60
    for _ in range(200):
        found = step(*trials, now_s=now_s)
        if found.kind is StepKind.FINISHED:
            break
        assert found.timeout_s is not None
        if found.kind is StepKind.SET_TIMEOUT:
            lower = [each for each in trials if each.timeout_s == now_s]
            assert any(flaw_of(each) is not None for each in lower), "raised without a reason"
            now_s = found.timeout_s
        else:
            trials.append(played(failover_s, found.node, now_s))
    assert found == Step(StepKind.FINISHED, next(rung for rung in rungs() if rung > max(failover_s.values())))


TRIALS = st.lists(
    st.builds(
        lambda node, timeout_s, fenced, value: trial(node, timeout_s, fenced=fenced, **value),
        st.sampled_from(NODES),
        st.sampled_from([60, 90, 120]),
        st.sampled_from([(), ("h1",), HOSTS]),
        st.fixed_dictionaries(
            {},
            optional={
                "method": st.just("graceful"),
                "statefile_lost": st.sampled_from([True, None]),
                "max_latency_s": st.sampled_from([None, 10.0, 100.0]),
                "mirror_in_sync": st.sampled_from([False, None]),
                "pull_seen": st.booleans(),
            },
        ),
    ),
    max_size=8,
)


@given(TRIALS)
def test_it_finishes_only_where_every_node_and_host_is_proven_and_nothing_disproves(trials: list[Trial]) -> None:
    found = step(*trials)
    if found.kind is StepKind.FINISHED and found.timeout_s is not None:
        assert not uncovered(trials, NODES, HOSTS, found.timeout_s)
        assert not any(any(each.fenced.values()) for each in trials if each.timeout_s == found.timeout_s)


@given(TRIALS, TRIALS)
def test_more_trials_never_lower_a_rung_that_was_disproven(trials: list[Trial], more: list[Trial]) -> None:
    disproven = {each.timeout_s for each in trials if any(each.fenced.values())}
    target = target_s(progress(*trials, *more))
    assert target is not None and all(timeout_s is not None and target > timeout_s for timeout_s in disproven)


@given(TRIALS, st.data())
def test_taking_a_good_trial_away_never_finishes_a_campaign(trials: list[Trial], data: st.DataObject) -> None:
    good = [each for each in trials if flaw_of(each) is None]
    if good and step(*trials).kind is not StepKind.FINISHED:
        gone = data.draw(st.sampled_from(good))
        assert step(*[each for each in trials if each is not gone]).kind is not StepKind.FINISHED


@given(TRIALS)
def test_graceful_stops_without_a_fence_change_no_step(trials: list[Trial]) -> None:
    assert step(*trials, trial("san-a", 60, method="graceful", max_latency_s=1.0)) == step(*trials)
