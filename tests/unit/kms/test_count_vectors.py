"""The count model against the published vectors V01-V18, by number. Days are days after a fixed start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kms.core.client import ClientClock, after_reply
from kms.core.count import CountModel, Reply, TimeRanBackwards
from kms.core.policy import KmsPolicy, MaxNRule

START = datetime(2026, 3, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def names(prefix: str, count: int, first: int = 1) -> list[str]:
    return [f"{prefix}{number}" for number in range(first, first + count)]


def ask_all(model: CountModel, at: float, cmids: list[str], required: int = 5, *, is_vm: bool = True) -> list[Reply]:
    return [model.request(day(at), cmid, required, is_vm=is_vm) for cmid in cmids]


def ask_on(model: CountModel, days: list[float], cmids: list[str], required: int = 5) -> None:
    for number in days:
        ask_all(model, number, cmids, required)


def test_v01_fifth_server_activates_and_the_first_four_follow_at_their_retry() -> None:
    model = CountModel()
    replies = ask_all(model, 0, names("s", 5))
    assert [(reply.count, reply.activated) for reply in replies] == [(1, False), (2, False), (3, False), (4, False), (5, True)]
    clock = after_reply(ClientClock(None, day(0)), day(0), replies[0])
    assert clock == ClientClock(None, day(0) + timedelta(minutes=120))
    retried = model.request(clock.next_contact, "s1", 5)
    assert retried == Reply(5, True)
    assert after_reply(clock, clock.next_contact, retried).is_licensed(day(1))


def test_v02_twenty_four_clients_wait_for_the_twenty_fifth() -> None:
    model = CountModel()
    replies = ask_all(model, 0, names("c", 24), 25)
    assert replies[-1].count == 24
    assert not any(reply.activated for reply in replies)
    assert model.request(day(1), "c25", 25) == Reply(25, True)


def test_v03_servers_and_clients_count_together() -> None:
    model = CountModel()
    assert [reply.count for reply in ask_all(model, 0, names("s", 4))] == [1, 2, 3, 4]
    clients = ask_all(model, 0, names("c", 21), 25)
    assert clients[0] == Reply(5, False)
    assert clients[19] == Reply(24, False)
    assert clients[20] == Reply(25, True)
    assert model.request(day(0), "s1", 5) == Reply(25, True)


def test_v04_clients_lift_servers_over_their_threshold_but_not_themselves() -> None:
    model = CountModel()
    ask_all(model, 0, names("c", 3), 25)
    assert ask_all(model, 0, names("s", 2)) == [Reply(4, False), Reply(5, True)]
    assert model.request(day(0), "s1", 5) == Reply(5, True)
    assert model.request(day(0), "c1", 25) == Reply(5, False)


def test_v05_first_client_raises_the_cap_from_ten_to_fifty() -> None:
    model = CountModel()
    ask_all(model, 0, names("s", 30))
    assert (model.count(day(0)), model.cap) == (10, 10)
    assert model.request(day(1), "c1", 25) == Reply(11, False)
    assert model.cap == 50
    ask_all(model, 1, names("s", 30))
    assert model.count(day(1)) == 31


def test_v06_eighty_clients_are_counted_as_at_least_fifty() -> None:
    model = CountModel()
    ask_all(model, 0, names("c", 80), 25)
    assert (model.count(day(0)), model.cap) == (50, 50)


def test_v07_silent_server_is_forgotten_at_thirty_days_and_its_licence_outlives_the_refusal() -> None:
    model = CountModel()
    ask_all(model, 0, names("s", 5))
    ask_on(model, [7, 14, 21, 28], names("s", 4))
    assert [model.count(day(number)) for number in (29, 29.99, 30)] == [5, 5, 4]
    clock = after_reply(ClientClock(None, day(28)), day(28), Reply(5, True))
    refused = model.request(day(35), "s1", 5)
    assert refused == Reply(4, False)
    assert after_reply(clock, day(35), refused).valid_until == day(208)


def test_v08_ten_clones_with_one_cmid_count_once() -> None:
    model = CountModel()
    assert ask_all(model, 0, ["same"] * 10) == [Reply(1, False)] * 10


def test_v09_renewing_clients_fail_once_four_of_them_have_left() -> None:
    model = CountModel()
    ask_all(model, 0, names("s", 6))
    ask_all(model, 0, names("c", 20), 25)
    for number in (7, 14, 21, 28):
        ask_all(model, number, names("s", 6))
        ask_all(model, number, names("c", 16), 25)
    assert model.count(day(29)) == 26
    assert all(reply == Reply(22, True) for reply in ask_all(model, 35, names("s", 6)))
    assert all(reply == Reply(22, False) for reply in ask_all(model, 35, names("c", 16), 25))


def test_v10_moved_servers_that_keep_their_cmid_leave_the_count_alone() -> None:
    model = CountModel()
    ask_on(model, [0, 7], names("s", 8))
    ask_all(model, 10, names("s", 4))
    assert model.count(day(10)) == 8


def test_v11_regenerated_cmids_raise_the_count_until_the_ghosts_expire() -> None:
    model = CountModel(max_n=25)
    ask_on(model, [0, 7], names("s", 8))
    ask_all(model, 10, names("n", 4))
    assert model.count(day(10)) == 12
    ask_on(model, [14, 21, 28, 35], names("s", 4, 5) + names("n", 4))
    assert [model.count(day(number)) for number in (36.99, 37)] == [12, 8]


def test_v12_server_only_host_evicts_the_two_oldest_ids() -> None:
    model = CountModel()
    ask_on(model, [0, 7], names("s", 8))
    ask_all(model, 10, names("n", 4))
    kept = {client.cmid for client in model.clients(day(10))}
    assert len(kept) == 10
    assert kept.isdisjoint({"s1", "s2"})


def test_v13_legacy_host_counts_physical_machines_only() -> None:
    model = CountModel(legacy=True)
    ask_all(model, 0, names("p", 3), is_vm=False)
    assert ask_all(model, 0, names("v", 7)) == [Reply(3, False)] * 7
    ask_all(model, 1, names("p", 2, 4), is_vm=False)
    assert model.count(day(1)) == 5
    assert model.request(day(1), "v1", 5) == Reply(5, True)


def test_v14_two_hosts_do_not_share_their_counts() -> None:
    first, second = CountModel(), CountModel()
    replies = ask_all(first, 0, names("s", 4)) + ask_all(second, 0, names("s", 4, 5))
    assert not any(reply.activated for reply in replies)


def test_v15_id_of_a_reverted_snapshot_lingers_thirty_days() -> None:
    model = CountModel()
    ask_all(model, 0, names("s", 5))
    model.request(day(1), "a-new", 5)
    assert model.count(day(1)) == 6
    ask_on(model, [2, 9, 16, 23, 30], names("s", 5))
    assert [model.count(day(number)) for number in (30.5, 31)] == [6, 5]


def test_v16_rearmed_image_doubles_the_count_up_to_the_cap() -> None:
    model = CountModel()
    ask_on(model, [0, 7], names("d", 25), 25)
    ask_on(model, [14, 21, 28, 35], names("n", 25), 25)
    assert [model.count(day(number)) for number in (36.9, 37)] == [50, 25]


def test_v17_count_of_servers_that_never_renew_falls_to_zero_at_thirty_days() -> None:
    model = CountModel()
    ask_all(model, 0, names("s", 5))
    assert [model.count(day(number)) for number in (29.9, 30)] == [5, 0]
    clock = after_reply(ClientClock(None, day(0)), day(0), Reply(5, True))
    assert clock.is_licensed(day(179.9))
    assert not clock.is_licensed(day(180))


def test_v18_retired_machines_leave_thirty_days_after_their_last_contact() -> None:
    model = CountModel(max_n=25)
    ask_on(model, [0, 7], names("s", 20))
    ask_on(model, [10, 17, 24, 31], names("s", 6))
    assert [model.count(day(number)) for number in (36.99, 37)] == [20, 6]


def test_live_rule_lowers_the_cap_when_the_last_client_is_forgotten() -> None:
    model = CountModel(KmsPolicy(max_n_rule=MaxNRule.LIVE))
    model.request(day(0), "c1", 25)
    ask_all(model, 29, names("s", 20))
    assert (model.count(day(29)), model.cap) == (21, 50)
    model.request(day(30), "s1", 5)
    assert (model.count(day(30)), model.cap) == (10, 10)


def test_model_refuses_an_older_request_and_an_n_below_one() -> None:
    model = CountModel()
    model.request(day(2), "s1", 5)
    with pytest.raises(TimeRanBackwards):
        model.request(day(1), "s2", 5)
    with pytest.raises(ValueError, match="at least 1"):
        model.request(day(3), "s2", 0)
