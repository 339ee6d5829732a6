"""The fence simulator against the catalogue's vectors (engine rule 6) and a brute-force oracle."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.core.fence import FenceRule, LiveView, full_mesh, simulate, split
from readiness.core.policy import FenceModel


def a_view(hosts: int, *groups: str, disk: str | None = None, off: str = "") -> LiveView:
    """Hosts h1..hn; `groups` are the pieces of the network (all in one by default), `disk` who sees it."""
    members = tuple(f"h{n}" for n in range(1, hosts + 1))
    pieces = [group.split() for group in groups] if groups else [members]
    return LiveView(members, split(*pieces), frozenset(members if disk is None else disk.split()), frozenset(off.split()))


@pytest.mark.parametrize(
    ("story", "view", "fenced", "rule"),
    [
        ("h3 isolated", a_view(3, "h1 h2"), "h3", FenceRule.LARGEST_PARTITION),
        ("two hosts, link cut", a_view(2, ""), "h2", FenceRule.TIE_BY_RANK),
        ("two hosts, one powered off", a_view(2, "h1", off="h2"), "", FenceRule.NONE_NEEDED),
        ("two hosts, the lower one powered off", a_view(2, "h2", off="h1"), "", FenceRule.NONE_NEEDED),
        ("single switch off, disk visible", a_view(3, ""), "h2 h3", FenceRule.TIE_BY_RANK),
        ("h3 loses only the disk", a_view(3, disk="h1 h2"), "h3", FenceRule.LARGEST_PARTITION),
        ("disk lost for all, network whole", a_view(3, disk=""), "", FenceRule.SURVIVAL_RULE_2),
        ("disk lost for all and switch off", a_view(3, "", disk=""), "h1 h2 h3", FenceRule.DISK_LOST_BY_ALL),
        ("disk lost for all, then one host off", a_view(3, disk="", off="h3"), "h1 h2", FenceRule.DISK_LOST_BY_ALL),
        ("five hosts split 3 and 2", a_view(5, "h1 h2", "h3 h4 h5"), "h1 h2", FenceRule.LARGEST_PARTITION),
        ("four hosts split 2 and 2", a_view(4, "h1 h3", "h2 h4"), "h2 h4", FenceRule.TIE_BY_RANK),
        ("nothing is wrong", a_view(3), "", FenceRule.NONE_NEEDED),
        ("the larger half has no disk", a_view(3, "h1 h2", disk="h3"), "h1 h2", FenceRule.LARGEST_PARTITION),
    ],
)
def test_current_products_fence_as_the_vectors_say(story: str, view: LiveView, fenced: str, rule: FenceRule) -> None:
    outcome = simulate(view, FenceModel.PARTITION)
    assert (" ".join(outcome.fenced), outcome.rule) == (fenced, rule), story


@pytest.mark.parametrize(
    ("story", "view", "fenced"),
    [
        ("h3 isolated", a_view(3, "h1 h2"), "h3"),
        ("two hosts, link cut: both", a_view(2, ""), "h1 h2"),
        ("two hosts, one powered off: the other too", a_view(2, "", off="h2"), "h1"),
        ("three hosts and the switch off: all", a_view(3, ""), "h1 h2 h3"),
        ("disk lost for all: all", a_view(3, disk=""), "h1 h2 h3"),
        ("h3 loses only the disk", a_view(3, disk="h1 h2"), "h3"),
        ("nothing is wrong", a_view(3), ""),
    ],
)
def test_products_of_2010_fence_without_peers_or_without_disk(story: str, view: LiveView, fenced: str) -> None:
    assert " ".join(simulate(view, FenceModel.STRICT_PAIR).fenced) == fenced, story


def test_two_sets_that_overlap_are_decided_by_rank() -> None:
    chain_of_three = LiveView(
        ("h1", "h2", "h3"), frozenset({frozenset(("h1", "h2")), frozenset(("h2", "h3"))}), frozenset(("h1", "h2", "h3"))
    )
    assert simulate(chain_of_three, FenceModel.PARTITION).survivors == ("h1", "h2")


@st.composite
def views(draw: st.DrawFn) -> LiveView:
    members = tuple(f"h{n}" for n in range(draw(st.integers(1, 6))))
    pairs = sorted(full_mesh(members), key=sorted)
    hears = frozenset(pair for pair in pairs if draw(st.booleans()))
    disk = frozenset(host for host in members if draw(st.booleans()))
    off = frozenset(host for host in members if draw(st.integers(0, 4)) == 0)
    return LiveView(members, hears, disk, off)


def _oracle(view: LiveView) -> tuple[str, ...]:
    """Every subset of hosts with disk that hear each other; the largest, then the lowest in rank."""
    running = [host for host in view.members if host not in view.off]
    able = [host for host in running if host in view.sees_disk]
    if not able:
        whole = not view.off and all(pair in view.hears for pair in full_mesh(view.members))
        return tuple(running) if whole else ()
    subsets = chain.from_iterable(combinations(able, size) for size in range(1, len(able) + 1))
    cliques = [subset for subset in subsets if all(pair in view.hears for pair in full_mesh(subset))]
    return min(cliques, key=lambda subset: (-len(subset), subset))


@given(views())
def test_survivors_are_those_a_brute_force_search_finds(view: LiveView) -> None:
    assert simulate(view, FenceModel.PARTITION).survivors == _oracle(view)


@given(views(), st.sampled_from(FenceModel))
def test_a_running_host_either_survives_or_fences(view: LiveView, model: FenceModel) -> None:
    outcome = simulate(view, model)
    assert sorted(outcome.survivors + outcome.fenced) == sorted(set(view.members) - view.off)
