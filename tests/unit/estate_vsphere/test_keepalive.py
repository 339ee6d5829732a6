"""The lease keeper: speaks in time, forgives the line, and remembers the death of its lease."""

from __future__ import annotations

import threading

import pytest

from estate.errors import AskPerson, EdgeError, Retry
from estate.vsphere.keepalive import LONGEST_PAUSE_S, LeaseKeeper
from estate.vsphere.nfc import LeaseDead


def _keeper(progress: object, *, timeout_s: float = 300, clock: object = None) -> LeaseKeeper:
    more = {} if clock is None else {"clock": clock}
    return LeaseKeeper(progress, timeout_s=timeout_s, where="lab, git01", **more)  # type: ignore[arg-type]


def _failing(error: EdgeError) -> object:
    def progress() -> None:
        raise error

    return progress


@pytest.mark.parametrize(("timeout_s", "pause_s"), [(300, LONGEST_PAUSE_S), (60, 20), (3, 1)])
def test_it_speaks_three_times_within_the_timeout_and_at_least_every_half_minute(timeout_s: float, pause_s: float) -> None:
    assert _keeper(lambda: None, timeout_s=timeout_s)._pause_s == pause_s


def test_it_speaks_from_its_own_thread_until_stopped() -> None:
    heard = threading.Semaphore(0)
    threads: set[str] = set()

    def progress() -> None:
        threads.add(threading.current_thread().name)
        heard.release()

    keeper = _keeper(progress, timeout_s=0.03)
    keeper.start()
    assert all(heard.acquire(timeout=5) for _ in range(3))
    keeper.stop()
    assert threads == {"lease-keeper"}
    assert not keeper._thread.is_alive()


def test_a_refusal_is_the_death_of_the_lease_for_good() -> None:
    keeper = _keeper(_failing(AskPerson("the object no longer exists", code="object_gone")))
    keeper.check()
    with pytest.raises(LeaseDead) as dead:
        keeper.ask()
    assert "the object no longer exists" in dead.value.message
    for _again in range(2):
        with pytest.raises(LeaseDead):
            keeper.check()


@pytest.mark.parametrize("code", ["server_gave_up", "session_expired", "vsphere_system_error"])
def test_a_fault_of_the_server_is_no_fault_of_the_line(code: str) -> None:
    with pytest.raises(LeaseDead):
        _keeper(_failing(Retry("fault", code=code))).ask()


def test_a_passing_fault_of_the_line_is_forgiven_until_the_lease_must_have_timed_out() -> None:
    times = iter([0.0, 100.0, 299.0, 301.0])
    keeper = _keeper(_failing(Retry("no answer", code="timeout")), timeout_s=300, clock=lambda: next(times))
    keeper.ask()
    keeper.ask()
    with pytest.raises(LeaseDead):
        keeper.ask()


def test_the_thread_ends_with_its_lease() -> None:
    keeper = _keeper(_failing(AskPerson("gone")), timeout_s=0.03)
    keeper.start()
    keeper._thread.join(5)
    assert not keeper._thread.is_alive()
    with pytest.raises(LeaseDead):
        keeper.check()
