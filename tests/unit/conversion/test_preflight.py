"""Before the first byte: each question has its answer, all at once, and what nobody knows is never a pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from estate.facts.unknown import Unknown
from migration.conversion.core.preflight import Look, Result, Seen, SrView, Way, failed, look
from migration.conversion.core.spec import DiskSpec, NicSpec
from migration.conversion.work.preflight import _srs
from tests.builders.conversions import a_spec
from tests.builders.pools import a_pool

SPEC = a_spec("app01", machine_id="m-1", template_name="Debian")
MAC = SPEC.nics[0].mac_address
SEEN = Seen(
    pool="berlin",
    srs=(SrView("san", 100, True, {"app01": 100}),),
    macs_taken={},
    templates=frozenset({"Debian"}),
    ways=(Way("vc:443", "vc"),),
    rights_missing={"vc": ()},
    slowest_bytes_per_s=None,
    segment_bytes=8 << 30,
    memory_free_bytes=4 << 30,
    copies_per_worker=2,
)
GIB = 1 << 30


def answers(seen: Seen = SEEN, *specs: Any) -> dict[str, Look]:
    """The worst answer by code."""
    order = [Result.PASS, Result.UNKNOWN, Result.FAIL]
    found = sorted(look(specs or (SPEC,), seen), key=lambda each: order.index(each.result))
    return {each.code: each for each in found}


def test_a_wave_that_nothing_stands_against_passes_everywhere() -> None:
    assert {each.result for each in look([SPEC], SEEN)} == {Result.PASS}


CASES = [
    ("rights", {"rights_missing": {"vc": ("VApp.Export (reading disks)",)}}, Result.FAIL, "VApp.Export"),
    ("rights", {"rights_missing": {"vc": Unknown("no manager")}}, Result.UNKNOWN, "no manager"),
    ("way", {"ways": (Way("esx1:443", "vc", "no such name"),)}, Result.FAIL, "no such name"),
    ("way", {"ways": (Way("esx1:443", "vc", "no such name", certain=False),)}, Result.UNKNOWN, "no such name"),
    ("sr_space", {"srs": (SrView("san", 99, True, {"app01": 100}),)}, Result.FAIL, "99 are free"),
    ("sr_space", {"srs": (SrView("nas", 99, False, {"app01": 100}),)}, Result.UNKNOWN, "not known"),
    ("sr_space", {"srs": (SrView("san", Unknown("unplugged"), True, {"app01": 1}),)}, Result.UNKNOWN, "unplugged"),
    ("mac_in_use", {"macs_taken": {MAC: "old-app"}}, Result.FAIL, "old-app"),
    ("template", {"templates": frozenset()}, Result.FAIL, "no template"),
    ("task_lifetime", {"slowest_bytes_per_s": 64 << 10}, Result.FAIL, "36.4 h"),
    ("task_lifetime", {"slowest_bytes_per_s": 1 << 20}, Result.PASS, "2.3 h"),
    ("worker_memory", {"memory_free_bytes": 1 << 20}, Result.FAIL, "2 copies"),
    ("worker_memory", {"memory_free_bytes": Unknown("no /proc")}, Result.UNKNOWN, "no /proc"),
]


@pytest.mark.parametrize(("code", "changes", "result", "word"), CASES)
def test_each_question_fails_by_itself_with_its_next_step(code: str, changes: dict[str, Any], result: Result, word: str) -> None:
    found = answers(replace(SEEN, **changes))
    assert (found[code].result, word in found[code].detail) == (result, True), found[code]
    assert bool(found[code].next_step) == (result is not Result.PASS)
    assert {each.result for key, each in found.items() if key != code} == {Result.PASS}


def test_two_machines_of_one_wave_with_one_address_clash() -> None:
    (clash,) = failed(look([SPEC, replace(SPEC, name="app02", machine_id="m-2")], SEEN))
    assert (clash.code, clash.subject) == ("mac_in_use", "app02")


def test_more_devices_than_the_product_takes_are_refused() -> None:
    nics = tuple(NicSpec(str(number), f"00:50:56:00:00:{number:02x}", "net", "LAN") for number in range(8))
    disks = tuple(DiskSpec(number, "d", str(number), GIB, "sr", str(number)) for number in range(255))
    found = answers(SEEN, replace(SPEC, nics=nics, disks=disks))["limits"]
    assert (found.result, found.detail) == (Result.FAIL, "8 interfaces, 7 are possible; 255 disks, 254 are possible")


def test_everything_is_told_at_once() -> None:
    worst = replace(SEEN, macs_taken={MAC: "x"}, templates=frozenset(), memory_free_bytes=0, ways=(Way("a", "b", "refused"),))
    assert {each.code for each in failed(look([SPEC], worst))} == {"mac_in_use", "template", "worker_memory", "way"}


def test_an_sr_that_the_pool_does_not_show_has_unknown_room() -> None:
    gone = tuple(_srs(a_pool(srs=()), [], {"c-1": SPEC}))
    assert [(view.name, isinstance(view.free_bytes, Unknown)) for view in gone] == [(SPEC.disks[0].sr_uuid, True)]
    assert answers(replace(SEEN, srs=gone))["sr_space"].result is Result.UNKNOWN
