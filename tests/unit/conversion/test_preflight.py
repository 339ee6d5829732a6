"""Before the first byte: each question has its answer, all at once, and what nobody knows is never a pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from estate.facts.source import PowerState
from estate.facts.unknown import Unknown
from migration.assessment import selectors as assessment
from migration.conversion.core.preflight import Look, Result, Seen, SrView, Way, failed, look
from migration.conversion.core.spec import DiskSpec, NicSpec
from migration.conversion.work.preflight import ToMove, _srs
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
    pool_forbids=(),
    power={"m-1": PowerState.ON},
    slowest_bytes_per_s=None,
    readback_s=0,
    disks_on_their_way=1,
    segment_bytes=8 << 30,
    segment_s=1e9,
    memory_free_bytes=4 << 30,
    copies_per_worker=2,
    disks_at_once=2,
    limits=assessment.limits("xenserver-8.4", "xenserver-8"),
    sr_kinds={"sr-nfs": "nfs", "sr-gfs2": "gfs2"},
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
    ("sr_space", {"srs": (SrView("san", Unknown("unplugged"), True, {"app01": 1}),)}, Result.FAIL, "unplugged"),
    ("sr_space", {"srs": (SrView("san", Unknown("unplugged"), True, {}),)}, Result.FAIL, "unplugged"),
    ("sr_space", {"srs": (SrView("nas", Unknown("unplugged"), False, {"app01": 1}),)}, Result.UNKNOWN, "unplugged"),
    ("pool_rights", {"pool_forbids": ("VDI.create (making disks)",)}, Result.FAIL, "VDI.create"),
    ("pool_rights", {"pool_forbids": Unknown("no answer")}, Result.UNKNOWN, "no answer"),
    ("source_power", {"power": {"m-1": PowerState.SUSPENDED}}, Result.FAIL, "suspended"),
    ("source_power", {"power": {"m-1": Unknown("disconnected")}}, Result.UNKNOWN, "disconnected"),
    ("source_power", {"power": {"m-1": PowerState.OFF}}, Result.PASS, "off"),
    ("mac_in_use", {"macs_taken": {MAC: "old-app"}}, Result.FAIL, "old-app"),
    ("template", {"templates": frozenset()}, Result.FAIL, "no template"),
    ("task_lifetime", {"slowest_bytes_per_s": 64 << 10}, Result.FAIL, "36.4 h"),
    ("task_lifetime", {"readback_s": 20 * 3600.0}, Result.FAIL, "20.0 h if it begins at the slowest time of the week, or more"),
    ("task_lifetime", {"readback_s": 1e6, "disks_on_their_way": 4}, Result.FAIL, "and 4 disks share the limit, or more"),
    ("task_lifetime", {"slowest_bytes_per_s": 1 << 20}, Result.PASS, "2.3 h"),
    ("task_lifetime", {"slowest_bytes_per_s": 64 << 10, "segment_s": 600}, Result.PASS, "0.2 h"),
    ("worker_memory", {"memory_free_bytes": 1 << 20}, Result.FAIL, "2 copies of 2 disks"),
    ("worker_memory", {"memory_free_bytes": 1 << 30, "disks_at_once": 8}, Result.FAIL, "need 1275068416 bytes"),
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


TIB = 1 << 40
NICS = tuple(NicSpec(str(number), f"00:50:56:00:00:{number:02x}", "net", "LAN") for number in range(17))


def disk(sr: str, size_bytes: int) -> tuple[DiskSpec, ...]:
    return (DiskSpec(2000, "Hard disk 1", "0:0", size_bytes, sr, "0"),)


LIMITS = [
    ({"nics": NICS[:7]}, "xenserver-8.4", Result.PASS, ""),
    ({"nics": NICS[:8]}, "xenserver-8.4", Result.FAIL, "8 interfaces (at most 7)"),
    ({"nics": NICS[:16]}, "xcp-ng-8.3", Result.PASS, ""),
    ({"nics": NICS[:17]}, "xcp-ng-8.3", Result.FAIL, "17 interfaces (at most 16)"),
    ({"disks": disk("sr-nfs", GIB) * 240}, "xenserver-8.4", Result.PASS, ""),
    ({"disks": disk("sr-nfs", GIB) * 241}, "xenserver-8.4", Result.FAIL, "241 disks (at most 240)"),
    ({"vcpus": 65}, "xenserver-8.4", Result.FAIL, "65 vCPUs (at most 64)"),
    ({"vcpus": 65, "is_windows": False}, "xcp-ng-8.3", Result.PASS, ""),
    ({"vcpus": 65, "is_windows": True}, "xcp-ng-8.3", Result.FAIL, "65 vCPUs (at most 64)"),
    ({"memory_bytes": 2 * TIB}, "xenserver-8.4", Result.FAIL, "bytes of memory"),
    ({"memory_bytes": 2 * TIB}, "xcp-ng-8.3", Result.PASS, ""),
    ({"disks": disk("sr-nfs", 2040 * GIB)}, "xenserver-8.4", Result.PASS, ""),
    ({"disks": disk("sr-nfs", 2040 * GIB + 512)}, "xenserver-8.4", Result.FAIL, "Hard disk 1"),
    ({"disks": disk("sr-nfs", 2040 * GIB + 512)}, "xcp-ng-8.3", Result.UNKNOWN, "pool's updates"),
    ({"disks": disk("sr-gfs2", 3 * TIB)}, "xenserver-8.4", Result.PASS, ""),
    ({"disks": disk("sr-gfs2", 17 * TIB)}, "xenserver-8.4", Result.FAIL, "Hard disk 1"),
]


@pytest.mark.parametrize(("changes", "product", "result", "word"), LIMITS)
def test_what_the_product_does_not_take_is_refused_and_what_nobody_knows_is_no_pass(
    changes: dict[str, Any], product: str, result: Result, word: str
) -> None:
    seen = replace(SEEN, limits=assessment.limits(product, "xenserver-8"))
    found = answers(seen, replace(SPEC, **changes))["limits"]
    assert (found.result, word in found.detail, bool(found.next_step)) == (result, True, result is not Result.PASS), found


def test_everything_is_told_at_once() -> None:
    worst = replace(SEEN, macs_taken={MAC: "x"}, templates=frozenset(), memory_free_bytes=0, ways=(Way("a", "b", "refused"),))
    assert {each.code for each in failed(look([SPEC], worst))} == {"mac_in_use", "template", "worker_memory", "way"}


def test_an_sr_that_the_pool_does_not_show_has_unknown_room() -> None:
    gone = tuple(_srs(a_pool(srs=()), [ToMove(SPEC, "full", "pool-1")]))
    assert [(view.name, isinstance(view.free_bytes, Unknown)) for view in gone] == [(SPEC.disks[0].sr_uuid, True)]
    assert answers(replace(SEEN, srs=gone))["sr_space"].result is Result.FAIL
