"""`xenbound running`: what holds, what is changed, limits by time of the week added and removed by their number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders.cli import THING, Desk, Server, a_list

NIGHT = {"bytes_per_s": 200 << 20, "from": "20:00", "to": "06:00", "days": ["mon", "tue"]}
DAY = {"bytes_per_s": 52_428_800, "pool": THING}
RUNNING = {
    "verify": "full", "per_source_host": 4, "per_datastore": 4, "per_pool_host": 8, "per_sr": 4, "disks_at_once": 2,
    "per_worker": 2, "time_zone": "Europe/Berlin", "bandwidth": [NIGHT, DAY], "version": 7,
}  # fmt: skip


def run(tmp_path: Path, *argv: str) -> tuple[Any, Server]:
    server = Server({"GET running": RUNNING, "PATCH running": RUNNING, "GET pools": a_list({"id": THING, "name": "berlin"})})
    return Desk(tmp_path, server).signed_in().run("running", *argv), server


def sent(server: Server) -> dict[str, Any]:
    [body] = server.bodies("PATCH")
    return dict(body)


@pytest.mark.parametrize("argv", [(), ("show",)])
def test_what_holds_is_shown_with_the_limits_by_number(tmp_path: Path, argv: tuple[str, ...]) -> None:
    ran, _ = run(tmp_path, *argv)
    assert ran.code == 0
    assert "DISKS AT A TIME OF ONE MACHINE" in ran.out and "Europe/Berlin" in ran.out
    assert [line.split()[:3] for line in ran.out.splitlines() if "MiB/s" in line] == [["1", "200", "MiB/s"], ["2", "50", "MiB/s"]]


def test_only_what_is_given_is_changed(tmp_path: Path) -> None:
    ran, server = run(tmp_path, "set", "--disks-at-once", "4", "--verify", "sampled 10 %")
    assert (ran.code, sent(server)) == (0, {"disks_at_once": 4, "verify": "sampled 10 %"})


def test_nothing_given_is_a_mistake(tmp_path: Path) -> None:
    ran, server = run(tmp_path, "set")
    assert (ran.code, server.bodies("PATCH")) == (2, [])


def test_a_limit_is_put_behind_the_others(tmp_path: Path) -> None:
    ran, server = run(tmp_path, "limit", "0.5", "--days", "Sat, sun", "--from", "08:00", "--to", "18:00", "--pool", "berlin")
    added = {"bytes_per_s": 1 << 19, "from": "08:00", "to": "18:00", "days": ["sat", "sun"], "pool": THING}
    assert (ran.code, sent(server)) == (0, {"bandwidth": [NIGHT, DAY, added]})
    assert server.asked[-1].headers["If-Match"] == '"7"', "a table that somebody else changed since is not replaced"


@pytest.mark.parametrize("rate", ["nan", "inf", "fast", ""])
def test_a_rate_that_is_none_is_refused(tmp_path: Path, rate: str) -> None:
    ran, server = run(tmp_path, "limit", "--", rate)
    assert (ran.code, server.bodies("PATCH")) == (2, [])


@pytest.mark.parametrize(("argv", "left"), [(("1",), [DAY]), (("2",), [NIGHT]), ((), [])])
def test_a_limit_is_removed_by_its_number_or_all_are(tmp_path: Path, argv: tuple[str, ...], left: list[Any]) -> None:
    ran, server = run(tmp_path, "unlimit", *argv)
    assert (ran.code, sent(server)) == (0, {"bandwidth": left})
    assert server.asked[-1].headers["If-Match"] == '"7"'


@pytest.mark.parametrize("row", ["0", "3"])
def test_a_limit_that_is_not_there_is_a_mistake(tmp_path: Path, row: str) -> None:
    ran, server = run(tmp_path, "unlimit", row)
    assert (ran.code, server.bodies("PATCH")) == (2, [])
