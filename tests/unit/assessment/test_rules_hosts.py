"""Rules on ESXi hosts that shall serve again: disks, ports, processors, and machines on local stores."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from estate.facts.pool import PoolFacts
from estate.facts.unknown import UNKNOWN, Unknown
from migration.assessment.core.cpu_generations import brand_of, generation_of, same_model
from migration.assessment.core.results import Answer, Severity
from tests.builders import pools as pool_builders
from tests.builders.assessment import a_context, answer_of, outcome_of
from tests.builders.estate import a_datastore, a_vm
from tests.builders.landscape import a_known_host, a_lun, a_port

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
ENOUGH = 46_000_000_000
LOCAL = {"datastores": {"datastore-1": a_datastore("local-1", local=True)}}
SHARED = {"datastores": {"datastore-1": a_datastore(local=False)}}


def disks(*luns: Any, boot: Any = "naa.5000") -> dict[str, Any]:
    return {"luns": luns, "boot_device": boot}


def ports(*pci: Any) -> dict[str, Any]:
    return {"physical_nics": tuple(a_port(number, pci=each) for number, each in enumerate(pci))}


def a_pool_of(*models: Any, vendor: Any = "GenuineIntel", name: str = "xen-pool") -> PoolFacts:
    hosts = tuple(pool_builders.a_host(f"h{n}", cpu_model=model, cpu_vendor=vendor) for n, model in enumerate(models))
    return replace(pool_builders.a_pool(), name=name, hosts=hosts)


def into(*pools: PoolFacts) -> dict[str, Any]:
    return {"pools": pools}


def on_host(*vms: Any, homeless: tuple[Any, ...] = (), **stores: Any) -> dict[str, Any]:
    return {"vms_of_host": {"host-1": vms}, "homeless_vms": homeless, **(stores or LOCAL)}


SAME = "Intel(R) Xeon(R) Gold 6430"
SAME_GENERATION = "Intel(R) Xeon(R) Platinum 8480+"
OLDER = "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz"

CASES = [
    ("HST-001", {}, {}, F),
    ("HST-001", disks(a_lun(capacity_bytes=ENOUGH)), {}, F),
    ("HST-001", disks(a_lun(capacity_bytes=ENOUGH - 1)), {}, T),
    ("HST-001", disks(a_lun(capacity_bytes=UNKNOWN)), {}, U),
    ("HST-001", disks(a_lun(capacity_bytes=1), a_lun(name="naa.2")), {}, F),
    ("HST-001", disks(a_lun(local=False)), {}, T),
    ("HST-001", disks(a_lun(local=UNKNOWN)), {}, U),
    ("HST-001", disks(a_lun(local=UNKNOWN), a_lun(name="naa.2")), {}, F),
    ("HST-001", disks(a_lun(transport="usb"), a_lun(name="naa.2")), {}, T),
    ("HST-001", disks(a_lun(model="DELL IDSDM"), a_lun(name="naa.2")), {}, T),
    ("HST-001", disks(a_lun(model="DELL IDSDM", transport=UNKNOWN), a_lun(name="naa.2")), {}, T),
    ("HST-001", disks(a_lun(model=UNKNOWN)), {}, F),
    ("HST-001", disks(a_lun(transport=UNKNOWN)), {}, U),
    ("HST-001", disks(a_lun(transport="usb"), boot="naa.9"), {}, T),
    ("HST-001", disks(a_lun(), boot="naa.9"), {}, U),
    ("HST-001", disks(a_lun(), boot=None), {}, U),
    ("HST-001", disks(a_lun(), boot=UNKNOWN), {}, U),
    ("HST-001", disks(a_lun(name="naa.9", transport="usb"), a_lun()), {}, F),
    ("HST-001", disks(a_lun(transport="vmd")), {}, F),
    ("HST-001", disks(), {}, T),
    ("HST-001", {"luns": UNKNOWN}, {}, U),
    ("HST-002", {}, {}, F),
    ("HST-002", ports("0000:01:00.0", "0000:01:00.1", "0000:02:00.0", "0000:02:00.1", "0000:03:00.0", "0000:03:00.1"), {}, F),
    ("HST-002", ports(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN), {}, U),
    ("HST-002", ports("0:1.0", "0:2.0", "0:3.0"), {}, T),
    ("HST-002", ports(UNKNOWN, UNKNOWN, UNKNOWN), {}, T),
    ("HST-002", ports("0:1.0", "0:1.1", "0:1.2", "0:1.3"), {}, T),
    ("HST-002", ports("0:1.0", "0:1.1", "0:2.0", "0:2.1"), {}, F),
    ("HST-002", ports("0:1.0", "0:1.1", "0:1.2", UNKNOWN), {}, U),
    ("HST-002", ports("0:1.0", "0:1.1", "0:2.2", UNKNOWN), {}, F),
    ("HST-002", {"physical_nics": UNKNOWN}, {}, U),
    ("HST-003", {}, {}, U),
    ("HST-004", {}, {}, U),
    ("HST-004", {}, into(replace(pool_builders.a_pool(), hosts=())), U),
    ("HST-004", {}, into(a_pool_of(SAME, SAME)), F),
    ("HST-004", {}, into(a_pool_of(SAME_GENERATION)), F),
    ("HST-004", {}, into(a_pool_of(OLDER)), T),
    ("HST-004", {}, into(a_pool_of(SAME, OLDER)), T),
    ("HST-004", {}, into(a_pool_of(OLDER), a_pool_of(SAME)), F),
    ("HST-004", {}, into(a_pool_of(OLDER), a_pool_of(UNKNOWN)), U),
    ("HST-004", {}, into(a_pool_of(SAME, vendor="AuthenticAMD")), T),
    ("HST-004", {}, into(a_pool_of(SAME, vendor=UNKNOWN)), U),
    ("HST-004", {}, into(a_pool_of(OLDER, vendor=UNKNOWN)), T),
    ("HST-004", {"cpu_vendor": UNKNOWN}, into(a_pool_of(SAME)), U),
    ("HST-004", {"cpu_model": UNKNOWN}, into(a_pool_of(SAME)), U),
    ("HST-004", {"cpu_model": UNKNOWN}, into(a_pool_of(SAME, vendor="AuthenticAMD")), T),
    ("HST-004", {"cpu_model": "Intel(R) Pentium"}, into(a_pool_of(SAME)), U),
    ("HST-004", {}, into(replace(a_pool_of(SAME), unreadable=(("host h9", "refused"),))), U),
    ("HST-005", {}, LOCAL, F),
    ("HST-005", {}, on_host(a_vm()), T),
    ("HST-005", {}, on_host(a_vm(), **SHARED), F),
    ("HST-005", {}, on_host(a_vm(datastore_ids=("datastore-9",))), F),
    ("HST-005", {"datastore_ids": ()}, on_host(a_vm()), F),
    ("HST-005", {"datastore_ids": UNKNOWN}, {}, U),
    ("HST-005", {}, on_host(a_vm(datastore_ids=UNKNOWN)), U),
    ("HST-005", {}, on_host(a_vm(datastore_ids=UNKNOWN), **SHARED), F),
    ("HST-005", {}, on_host(a_vm(datastore_ids=UNKNOWN), a_vm("b")), T),
    ("HST-005", {}, on_host(homeless=(a_vm(host_id=UNKNOWN, datastore_ids=UNKNOWN),)), U),
    ("HST-005", {}, on_host(a_vm(), datastores={}), U),
    ("HST-005", {}, on_host(a_vm(), datastores={"datastore-1": a_datastore(local=UNKNOWN)}), U),
    ("HST-005", {}, on_host(homeless=(a_vm(host_id=UNKNOWN),)), T),
]


@pytest.mark.parametrize(("rule_id", "host", "context", "expected"), CASES)
def test_rule_on_a_host_to_be_used_again_answers_in_three_values(
    rule_id: str, host: dict, context: dict, expected: Answer
) -> None:
    assert answer_of(rule_id, a_known_host(**host), a_context(**context)) is expected


def params(rule_id: str, facts: Any, **context: Any) -> list[dict[str, Any]]:
    outcome = outcome_of(rule_id, facts, a_context(**context))
    assert outcome is not None
    return list(outcome.params["parts"])


def test_a_memory_card_is_named_and_so_is_the_size_that_is_needed() -> None:
    assert params("HST-001", a_known_host(**disks(a_lun(transport="usb"), a_lun(name="x")))) == [{"boot_device": "naa.5000"}]
    assert params("HST-001", a_known_host(**disks(a_lun(capacity_bytes=1)))) == [{"local_disk_min_bytes": ENOUGH}]


@pytest.mark.parametrize(
    "model",
    ["DELL IDSDM", "Generic SD Card", "HP SDCARD", "HP iLO SD-Card", "USB Card Reader", "SanDisk Cruzer", "MicroSD", "Dual SD"],
)
def test_a_memory_card_is_known_by_its_model(model: str) -> None:
    assert answer_of("HST-001", a_known_host(**disks(a_lun(model=model), a_lun(name="naa.2")))) is T


def unread(rule_id: str, facts: Any, **context: Any) -> list[tuple[str, Any]]:
    """Path and reason of everything that left the question open."""
    outcome = outcome_of(rule_id, facts, a_context(**context))
    assert outcome is not None
    assert outcome.answer is U
    return [(each.path, each.raw["unknown"]) for each in outcome.evidence]


def test_what_was_not_read_of_a_host_is_told_with_its_reason() -> None:
    gone = Unknown("refused")
    assert unread("HST-001", a_known_host(luns=gone)) == [("boot_device", "refused"), ("luns", "refused")]
    assert unread("HST-001", a_known_host(**disks(a_lun(capacity_bytes=gone)))) == [
        ("luns", "size or place of a disk was not read")
    ]
    assert unread("HST-001", a_known_host(boot_device=gone)) == [("boot_device", "refused")]
    assert unread("HST-002", a_known_host(**ports("0:1.0", "0:1.1", "0:1.2", gone))) == [("physical_nics.pci", "refused")]
    stores = {"datastores": {"datastore-1": a_datastore(local=gone)}}
    assert unread("HST-005", a_known_host(), **on_host(a_vm(), **stores)) == [("datastore_ids", "refused")]
    assert unread("HST-005", a_known_host(datastore_ids=gone)) == [("datastore_ids", "refused")]
    assert unread("HST-005", a_known_host(), **on_host(a_vm(datastore_ids=gone))) == [("vms.datastore_ids", "refused")]


def test_what_was_read_is_shown_beside_a_finding() -> None:
    outcome = outcome_of("HST-005", a_known_host(), a_context(**on_host(a_vm())))
    small = outcome_of("HST-001", a_known_host(**disks(a_lun(local=False), a_lun(name="naa.2", local=False))))
    assert outcome is not None
    assert small is not None
    assert [each.raw for each in outcome.evidence] == ["datastore-1"]
    assert [each.raw for each in small.evidence] == [2]


def test_ports_are_counted_with_their_cards() -> None:
    assert params("HST-002", a_known_host(**ports("0:1.0"))) == [{"ports": 1, "needed": 4}]
    assert params("HST-002", a_known_host(**ports("0:1.0", "0:1.1", "0:1.2", "0:1.3"))) == [{"ports": 4, "cards": 1}]


def test_what_to_look_up_in_the_compatibility_list_is_shown() -> None:
    shown = {"vendor": "Dell Inc.", "model": "PowerEdge R760", "cpu_model": f"{SAME} CPU @ 2.10GHz"}
    assert params("HST-003", a_known_host()) == [shown]
    assert params("HST-003", a_known_host(model=UNKNOWN)) == [{key: shown[key] for key in ("vendor", "cpu_model")}]


def test_pools_with_other_processors_are_named() -> None:
    pools = into(a_pool_of(OLDER, name="west"), a_pool_of(OLDER, name="east"))
    assert params("HST-004", a_known_host(), **pools) == [{"pools": ["east", "west"]}]


def test_an_unread_processor_keeps_its_reason_and_an_odd_name_says_so() -> None:
    outcome = outcome_of("HST-004", a_known_host(), a_context(**into(a_pool_of(Unknown("old pool")))))
    assert outcome is not None
    assert outcome.evidence[0].raw == {"unknown": "old pool"}
    odd = outcome_of("HST-004", a_known_host(cpu_model="odd"), a_context(**into(a_pool_of(SAME))))
    assert odd is not None
    assert "generation" in odd.evidence[0].raw["unknown"]


def test_machines_on_a_local_store_are_named() -> None:
    found = params("HST-005", a_known_host(), **on_host(a_vm("b"), a_vm("a"), homeless=(a_vm("c", host_id=UNKNOWN),)))
    assert found == [{"datastore": "local-1", "machines": ["a", "b", "c"]}]


def test_what_destroys_the_way_back_is_critical() -> None:
    lost, small = (
        outcome_of("HST-005", a_known_host(), a_context(**on_host(a_vm()))),
        outcome_of("HST-001", a_known_host(luns=())),
    )
    few = outcome_of("HST-002", a_known_host(physical_nics=()))
    found = [outcome and outcome.severity for outcome in (lost, small, few)]
    assert found == [Severity.CRITICAL, Severity.CRITICAL, Severity.WARNING]


@pytest.mark.parametrize(
    ("model", "generation"),
    [
        ("Intel(R) Xeon(R) CPU E5-2620 0 @ 2.00GHz", "xeon v1"),
        ("Intel(R) Xeon(R) CPU E5-2620 v4 @ 2.10GHz", "xeon v4"),
        ("Intel(R) Xeon(R) CPU E7-8890 v3 @ 2.50GHz", "xeon v3"),
        ("Intel(R) Xeon(R) Silver 4210R CPU @ 2.40GHz", "xeon scalable 2"),
        ("Intel(R) Xeon(R) Platinum 8592+", "xeon scalable 5"),
        ("Intel(R) Xeon(R) Platinum 8380H CPU @ 2.90GHz", "xeon scalable 3h"),
        ("Intel(R) Xeon(R) Platinum 8360HL", "xeon scalable 3h"),
        ("Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz", "xeon scalable 3"),
        ("Intel(R) Xeon(R) Platinum 8490H", "xeon scalable 4"),
        ("Intel(R) Xeon(R) Bronze 3106", "xeon scalable 1"),
        ("Intel(R) Xeon(R) 6787P", "xeon 6 p"),
        ("AMD EPYC 7452 32-Core Processor", "epyc 2"),
        ("AMD EPYC 9654 96-Core Processor", "epyc 4"),
        ("AMD EPYC 8324P", "epyc 4"),
        ("Intel(R) Pentium(R)", None),
    ],
)
def test_a_generation_is_read_from_the_number(model: str, generation: str | None) -> None:
    assert generation_of(model) == generation


def test_vendors_and_models_are_known_however_they_are_written() -> None:
    assert [brand_of(name) for name in ("GenuineIntel", " intel", "AuthenticAMD", "amd", "Hygon")] == [
        "intel", "intel", "amd", "amd", "hygon",
    ]  # fmt: skip
    assert same_model("Intel(R) Xeon(R) Gold 6430 CPU @ 2.10GHz", "intel xeon gold  6430")
    assert not same_model("Intel(R) Xeon(R) Gold 6430", "Intel(R) Xeon(R) Gold 6438")
