"""Who fences, by the vectors of the HA check catalogue, and the derived timeouts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.xapi_sim.ha_model import HostView, derive_timeouts, effective_timeout_s, fence


def a_pool(groups: list[str], without_disk: str = "") -> list[HostView]:
    """Hosts named by letters; each group hears itself, `without_disk` names those that lost the statefile."""
    return [HostView(host, frozenset(group) - {host}, host not in without_disk) for group in groups for host in group]


VECTORS = [
    ("3 hosts whole", ["123"], "", "", False),
    ("3 hosts, the third isolated", ["12", "3"], "", "3", False),
    ("2 hosts, link cut: the higher uuid", ["1", "2"], "", "2", False),
    ("2 hosts, one powered off: the other lives", ["1"], "", "", False),
    ("3 hosts, the only switch off, disk visible", ["1", "2", "3"], "", "23", False),
    ("3 hosts, the third loses only the disk", ["123"], "3", "3", False),
    ("3 hosts, disk lost for all, network whole", ["123"], "123", "", True),
    ("3 hosts, disk lost for all and switch off", ["1", "2", "3"], "123", "123", False),
    ("5 hosts split 3 and 2", ["345", "12"], "", "12", False),
    ("4 hosts split 2 and 2: the half without the lowest", ["13", "24"], "", "24", False),
    ("4 hosts split 2 and 2: only the lowest ranks", ["14", "23"], "", "23", False),
    ("3 hosts, two lose the disk", ["123"], "12", "12", False),
]


@pytest.mark.parametrize(("groups", "without_disk", "fenced", "lost"), [v[1:] for v in VECTORS], ids=[v[0] for v in VECTORS])
def test_fencing_follows_the_catalogue(groups: list[str], without_disk: str, fenced: str, lost: bool) -> None:
    verdict = fence(a_pool(groups, without_disk))
    assert verdict.fenced == frozenset(fenced)
    assert verdict.statefile_lost is lost


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=8))
def test_a_host_with_disk_in_the_liveset_never_dies_alone(hosts: list[tuple[int, bool]]) -> None:
    """While anybody reaches the statefile somebody survives, and every survivor reaches it."""
    names = [f"{n:02}" for n in range(len(hosts))]
    switch = {name: group for name, (group, _) in zip(names, hosts, strict=True)}
    heard = {name: frozenset(o for o in names if o != name and switch[o] == switch[name]) for name in names}
    views = [HostView(name, heard[name], disk) for name, (_, disk) in zip(names, hosts, strict=True)]
    alive = frozenset(names) - fence(views).fenced
    if any(view.has_disk for view in views):
        assert alive
        assert all(view.has_disk for view in views if view.uuid in alive)


@pytest.mark.parametrize(
    ("base_s", "derived"),
    [(10, (2, 2, 10, 25, 70)), (30, (3, 2, 30, 45, 90)), (60, (3, 3, 60, 75, 120)), (120, (3, 6, 120, 135, 180))],
)
def test_timeouts_derive_as_xapi_derives_them(base_s: int, derived: tuple[int, ...]) -> None:
    t = derive_timeouts(base_s)
    intervals = t.heartbeat_interval_s, t.statefile_interval_s
    assert (*intervals, t.heartbeat_watchdog_s, t.statefile_watchdog_s, t.join_s) == derived


def test_survivors_declare_the_loser_dead_after_18_seconds_at_60() -> None:
    assert derive_timeouts(60).declaration_s == 18


def test_a_timeout_below_ten_is_refused() -> None:
    with pytest.raises(ValueError, match="timeout >= 10"):
        derive_timeouts(9)


@pytest.mark.parametrize(
    ("configuration", "other_config", "timeout_s"),
    [
        ({}, {}, 60),
        ({"timeout": "90"}, {"default_ha_timeout": "120"}, 90),
        ({}, {"default_ha_timeout": "120"}, 120),
        ({"unknown": "1"}, {}, 60),
    ],
)
def test_the_given_timeout_wins_over_the_pool_default(configuration: dict, other_config: dict, timeout_s: int) -> None:
    assert effective_timeout_s(configuration, other_config) == timeout_s


def test_a_timeout_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="two minutes"):
        effective_timeout_s({"timeout": "two minutes"}, {})
