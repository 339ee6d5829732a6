"""Rules on the target pool: what its hosts have in common and plugged in, what it must have room for, and second copies."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from estate.facts.pool import PoolFacts, PoolNetworkFacts, TemplateFacts
from estate.facts.source import PowerState, VmFacts
from estate.facts.unknown import UNKNOWN, Unknown
from migration.assessment.core.results import Answer, Severity
from tests.builders import pools
from tests.builders.assessment import a_context, answer_of, outcome_of, the_limits
from tests.builders.estate import a_disk, a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
SR = pools.HEARTBEAT_SR
HOSTS = pools.host_ids(3)
WINDOWS = TemplateFacts("tpl-2", "Windows Server 2019 (64-bit)", "uefi")
UNREAD_VMS = {"unreadable": (("VM", "not allowed"),)}
MAPPED = {"mapped_networks": {"network-1": "net-mgmt"}}
LARGEST_BYTES = 86400 * 60_000_000


def host(uuid: str, **changes: Any) -> PoolFacts:
    return pools.with_host(pools.a_pool(), uuid, **changes)


def pbd(uuid: str, **changes: Any) -> PoolFacts:
    return pools.with_pbd(pools.a_pool(), uuid, **changes)


def pool(**changes: Any) -> PoolFacts:
    return replace(pools.a_pool(), **changes)


def sr(**changes: Any) -> PoolFacts:
    return pools.with_sr(pools.a_pool(), **changes)


def management(**changes: Any) -> PoolFacts:
    return pools.with_pif(pools.a_pool(), "h2-bond0", **changes)


def nfs(*options: Any) -> PoolFacts:
    pbds = tuple(pools.a_pbd(uuid, mount_options=each) for uuid, each in zip(HOSTS, options, strict=False))
    return pool(srs=(pools.an_sr(kind="nfs"),), pbds=pbds)


def estate(*vms: VmFacts, to: str | Unknown = SR) -> dict[str, Any]:
    return {"vms": vms, "srs": to if isinstance(to, Unknown) else {"datastore-1": to}}


def sized(*sizes: Any, name: str = "app-01", **changes: Any) -> VmFacts:
    disks = tuple(a_disk(number, capacity_bytes=size) for number, size in enumerate(sizes))
    return a_vm(name, **{"disks": disks, "committed_bytes": UNKNOWN, **changes})


def thin(free_bytes: int) -> PoolFacts:
    return sr(kind="nfs", physical_size_bytes=free_bytes, physical_utilisation_bytes=0)


def thick(free_bytes: int) -> PoolFacts:
    return sr(physical_size_bytes=free_bytes, physical_utilisation_bytes=0)


def made(**changes: Any) -> PoolFacts:
    return pool(vms=(pools.a_vm(), pools.a_vm("vm2", **{"source_instance_uuid": "5012-app-01", **changes})))


def source(**changes: Any) -> dict[str, Any]:
    return {"vms": (a_vm(**{"power_state": PowerState.ON, **changes}),)}


ISO = pools.an_sr("sr-iso", kind="iso", content_type="iso")
ISO_SRS = (replace(ISO, uuid="sr-aa"), replace(ISO, uuid="sr-zz"))
UNPLUGGED = tuple(pools.a_pbd("h1", each.uuid, currently_attached=False) for each in ISO_SRS)
WITH_ISO = pool(srs=(*pools.a_pool().srs, *ISO_SRS), pbds=(*pools.a_pool().pbds, *UNPLUGGED))
DRIVE = pools.an_sr("sr-udev", kind="udev", content_type="disk")
SPLIT = a_vm(disks=(a_disk(capacity_bytes=6), a_disk(1, capacity_bytes=4, datastore_id="datastore-2")), committed_bytes=1)

CASES: list[tuple[str, PoolFacts, dict[str, Any], Answer]] = [
    ("POL-009", pool(), {}, F),
    ("POL-009", host("h2", cpu_model="Gold 6130"), {}, T),
    ("POL-009", host("h2", cpu_vendor="AuthenticAMD"), {}, T),
    ("POL-009", host("h2", cpu_features="178bfbff-0"), {}, T),
    ("POL-009", host("h2", cpu_features=UNKNOWN), {}, U),
    ("POL-009", pools.with_host(pools.a_pool(hosts=2), "h2", cpu_model=UNKNOWN), {}, U),
    ("POL-009", pools.with_host(host("h2", cpu_model="Gold 6130"), "h3", cpu_model=UNKNOWN), {}, T),
    ("POL-009", pool(hosts=(pools.a_host(cpu_model=UNKNOWN, cpu_vendor=UNKNOWN, cpu_features=UNKNOWN),)), {}, F),
    ("POL-009", pool(unreadable=(("host h9", "unusable"),)), {}, U),
    ("POL-009", replace(host("h2", cpu_model="Gold 6130"), unreadable=(("host h9", "unusable"),)), {}, T),
    ("POL-010", replace(thick(10), unreadable=(("SR sr-9", "unusable"),)), estate(sized(10)), U),
    ("POL-010", replace(thick(10), unreadable=(("SR sr-9", "unusable"),)), estate(sized(11)), T),
    ("POL-010", thick(10), estate(sized(10)), F),
    ("POL-010", thick(10), estate(sized(11)), T),
    ("POL-010", thick(10), estate(sized(6), sized(5, name="b")), T),
    ("POL-010", thick(10), estate(sized(11, committed_bytes=1)), T),
    ("POL-010", thick(10), estate(sized(11), to="sr-elsewhere"), F),
    ("POL-010", thick(10), estate(sized(11, is_template=True)), F),
    ("POL-010", thick(10), estate(sized(11, is_template=UNKNOWN)), U),
    ("POL-010", thick(10), estate(sized(UNKNOWN)), U),
    ("POL-010", thick(10), estate(sized(UNKNOWN), sized(11, name="b")), T),
    ("POL-010", thick(10), estate(sized(UNKNOWN, 11)), T),
    ("POL-010", thick(10), estate(a_vm(disks=UNKNOWN)), U),
    ("POL-010", thick(10), estate(a_vm(disks=(a_disk(capacity_bytes=11, datastore_id=UNKNOWN),))), U),
    ("POL-010", thick(10), estate(a_vm(disks=(a_disk(capacity_bytes=10, datastore_id=UNKNOWN),))), F),
    ("POL-010", thick(10), estate(a_vm(disks=(a_disk(capacity_bytes=11, datastore_id=None),))), F),
    ("POL-010", thick(0), estate(a_vm(disks=UNKNOWN)), U),
    ("POL-010", thick(9), estate(a_vm("b", disks=UNKNOWN), sized(10)), T),
    ("POL-010", thick(10), estate(sized(10), a_vm("b", disks=(a_disk(capacity_bytes=5, datastore_id=UNKNOWN),))), U),
    ("POL-010", thick(9), estate(sized(10), a_vm("b", disks=(a_disk(capacity_bytes=5, datastore_id=UNKNOWN),))), T),
    ("POL-010", thick(0), estate(sized(5, is_template=UNKNOWN)), U),
    ("POL-010", thick(9), estate(sized(10), sized(5, name="b", is_template=UNKNOWN)), T),
    ("POL-010", thick(0), estate(sized(UNKNOWN)), U),
    ("POL-010", thin(0), estate(sized(5, committed_bytes=5, is_template=UNKNOWN)), U),
    ("POL-010", thin(9), estate(sized(10, committed_bytes=10), sized(5, name="b", committed_bytes=5, is_template=UNKNOWN)), T),
    ("POL-010", thin(9), estate(sized(5, committed_bytes=5), sized(5, name="b", committed_bytes=5)), T),
    ("POL-010", thin(9), estate(sized(committed_bytes=0)), F),
    ("POL-010", thin(10), estate(sized(10)), F),
    ("POL-010", thin(10), estate(sized(11)), U),
    ("POL-010", thin(10), estate(sized(11, committed_bytes=10)), F),
    ("POL-010", thin(10), estate(sized(99, committed_bytes=11)), T),
    ("POL-010", thin(10), estate(sized(99, committed_bytes=11, is_template=UNKNOWN)), U),
    ("POL-010", thin(10), estate(sized(5, 5, committed_bytes=99)), F),
    ("POL-010", thin(10), estate(sized(5, 6, committed_bytes=99)), T),
    ("POL-010", thin(10), estate(sized(UNKNOWN, committed_bytes=1)), U),
    ("POL-010", thin(6), estate(SPLIT), F),
    ("POL-010", thin(5), estate(SPLIT), U),
    ("POL-010", sr(physical_size_bytes=UNKNOWN), estate(sized(1)), U),
    ("POL-010", thick(10), estate(sized(1), to=UNKNOWN), U),
    ("POL-010", pool(srs=(replace(ISO, uuid=SR, physical_size_bytes=1, physical_utilisation_bytes=1),)), estate(sized(11)), F),
    ("POL-010", replace(thick(10), vms=made().vms), estate(sized(11)), F),
    ("POL-010", replace(thick(10), vms=made().vms), estate(sized(11, instance_uuid="another")), T),
    ("POL-010", replace(thick(10), vms=made().vms), estate(sized(11, instance_uuid=UNKNOWN)), U),
    ("POL-010", thick(10), estate(sized(11, instance_uuid=UNKNOWN)), T),
    ("POL-011", pool(), {}, F),
    ("POL-011", WITH_ISO, {}, F),
    ("POL-011", pool(unreadable=(("AAA", "x"), ("ZZZ", "x"))), {}, F),
    ("POL-011", pools.with_sr(pbd("h2", currently_attached=False), content_type=""), {}, T),
    ("POL-011", pbd("h2", currently_attached=False), {}, T),
    ("POL-011", pbd("h2", currently_attached=UNKNOWN), {}, U),
    ("POL-011", pool(pbds=(pools.a_pbd("h1"), pools.a_pbd("h2"))), {}, T),
    ("POL-011", replace(sr(shared=False), pbds=(pools.a_pbd("h1"),)), {}, F),
    ("POL-011", replace(sr(shared=UNKNOWN), pbds=(pools.a_pbd("h1"),)), {}, U),
    ("POL-011", pool(srs=(ISO, DRIVE), pbds=()), {}, F),
    ("POL-011", pool(unreadable=(("PBD", "not allowed"),)), {}, U),
    ("POL-011", pool(unreadable=(("PBD pbd-9", "unusable"),)), {}, U),
    ("POL-011", pool(unreadable=(("SR sr-9", "unusable"),)), {}, U),
    ("POL-011", pool(unreadable=(("host h9", "unusable"),)), {}, U),
    ("POL-011", pool(pbds=(pools.a_pbd("h1"), pools.a_pbd("h2")), unreadable=(("PBD pbd-9", "unusable"),)), {}, U),
    ("POL-011", replace(pbd("h2", currently_attached=False), unreadable=(("PBD pbd-9", "unusable"),)), {}, T),
    ("POL-012", pool(), {}, U),
    ("POL-012", pool(), MAPPED, F),
    ("POL-012", management(currently_attached=False), MAPPED, T),
    ("POL-012", management(currently_attached=UNKNOWN), MAPPED, U),
    ("POL-012", management(network_uuid="net-other"), MAPPED, T),
    ("POL-012", management(network_uuid="net-other"), {"mapped_networks": {"network-1": "net-9"}}, F),
    ("POL-012", pool(pifs=(), unreadable=(("PIF", "not allowed"),)), MAPPED, U),
    ("POL-012", replace(management(network_uuid="net-other"), unreadable=(("PIF pif-9", "unusable"),)), MAPPED, U),
    ("POL-012", pool(unreadable=(("network net-9", "unusable"),)), MAPPED, U),
    ("POL-012", pool(unreadable=(("host h9", "unusable"),)), MAPPED, U),
    ("POL-012", replace(management(currently_attached=False), unreadable=(("PIF pif-9", "unusable"),)), MAPPED, T),
    ("POL-015", pool(), {}, U),
    ("POL-015", pool(), {"vms": (sized(LARGEST_BYTES),)}, U),
    ("POL-015", pool(), {"vms": (sized(1, LARGEST_BYTES + 1),)}, T),
    ("POL-015", pool(), {"vms": (sized(UNKNOWN, LARGEST_BYTES + 1),)}, T),
    ("POL-016", pool(), {}, F),
    ("POL-016", pool(), {"vms": (a_vm(),)}, T),
    ("POL-016", pool(templates=(WINDOWS,)), {"vms": (a_vm(),)}, F),
    ("POL-016", pool(), {"vms": (a_vm(),), "templates": {"windows2019srv_64Guest": "Debian Bookworm 12"}}, F),
    ("POL-016", pool(templates=(WINDOWS,)), {"vms": (a_vm(),), "templates": {"windows2019srv_64Guest": "Gone"}}, T),
    ("POL-016", pool(templates=(WINDOWS,)), {"vms": (a_vm(),), "templates": {"other": "Gone"}}, F),
    ("POL-016", pool(), {"vms": (a_vm(guest_id="nobodyKnowsGuest"),)}, U),
    ("POL-016", pool(), {"vms": (a_vm(guest_id="nobodyKnowsGuest"), a_vm("b"))}, T),
    ("POL-016", pool(), {"vms": (a_vm(guest_id=UNKNOWN),)}, U),
    ("POL-016", pool(), {"vms": (a_vm(guest_id=UNKNOWN), a_vm("b"))}, T),
    ("POL-016", pool(**UNREAD_VMS), {"vms": (a_vm(),)}, U),
    ("POL-017", pool(), {}, F),
    ("POL-017", pool(secure_boot_authority="2011"), {}, T),
    ("POL-017", pool(secure_boot_authority="none"), {}, T),
    ("POL-017", pool(secure_boot_authority=UNKNOWN), {}, U),
    ("POL-018", pool(), {}, F),
    ("POL-018", nfs("hard", "hard,nolock"), {}, F),
    ("POL-018", nfs("hard", ""), {}, T),
    ("POL-018", nfs("HARD, timeo=600"), {}, F),
    ("POL-018", nfs("hard,soft"), {}, T),
    ("POL-018", nfs("soft hard"), {}, F),
    ("POL-018", nfs("hard", UNKNOWN), {}, U),
    ("POL-018", pool(srs=(pools.an_sr(kind="nfs", content_type="iso"),)), {}, F),
    ("POL-018", pool(srs=(pools.an_sr(kind="nfs"),), pbds=(), unreadable=(("PBD", "no"),)), {}, U),
    ("POL-018", pool(srs=(pools.an_sr(kind="nfs"),), unreadable=(("PBD pbd-9", "no"),)), {}, T),
    ("POL-018", pool(unreadable=(("PBD", "not allowed"),)), {}, F),
    ("POL-018", pool(unreadable=(("SR sr-9", "unusable"),)), {}, U),
    ("POL-019", pool(), source(), F),
    ("POL-019", made(), source(), T),
    ("POL-019", made(start_blocked=True), source(), F),
    ("POL-019", made(start_blocked=UNKNOWN), source(), U),
    ("POL-019", made(start_blocked=UNKNOWN), source(power_state=PowerState.OFF), F),
    ("POL-019", made(), source(power_state=PowerState.OFF), F),
    ("POL-019", made(), source(power_state=PowerState.SUSPENDED), T),
    ("POL-019", made(), source(power_state=UNKNOWN), U),
    ("POL-019", made(), source(instance_uuid="another"), F),
    ("POL-019", made(), source(instance_uuid=UNKNOWN), U),
    ("POL-019", made(), source(instance_uuid=UNKNOWN, power_state=UNKNOWN), U),
    ("POL-019", made(), source(instance_uuid=UNKNOWN, power_state=PowerState.OFF), F),
    ("POL-019", made(start_blocked=True), source(instance_uuid=UNKNOWN), F),
    ("POL-019", made(start_blocked=UNKNOWN), source(instance_uuid=UNKNOWN), U),
    ("POL-019", made(), source(instance_uuid=Unknown("not in packages", everywhere=True)), F),
    ("POL-019", pool(), source(instance_uuid=UNKNOWN), F),
    ("POL-019", replace(made(), unreadable=(("VM vm-9", "unusable"),)), source(), T),
    ("POL-019", pool(unreadable=(("VM vm-9", "unusable"),)), source(), U),
    ("POL-016", pool(unreadable=(("VM vm-9", "unusable"),)), {}, U),
    ("POL-019", pool(**UNREAD_VMS), source(), U),
]


@pytest.mark.parametrize(("rule_id", "facts", "context", "expected"), CASES)
def test_rule_on_a_pool_answers_in_three_values(rule_id: str, facts: PoolFacts, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, facts, a_context(**context)) is expected


def params(rule_id: str, facts: PoolFacts, **context: Any) -> list[dict[str, Any]]:
    outcome = outcome_of(rule_id, facts, a_context(**context))
    assert outcome is not None
    return list(outcome.params["parts"])


def test_the_kinds_of_processors_are_listed() -> None:
    found = params("POL-009", host("h2", cpu_model="Gold 6130"))
    assert found == [{"field": "cpu_model", "values": ["Gold 6130", "Intel(R) Xeon(R) Gold 6430"]}]


def test_a_small_sr_shows_what_is_needed_and_what_is_free() -> None:
    needed = {"sr": "san-lun0", "needed_bytes": 11, "free_bytes": 10}
    assert params("POL-010", thick(10), **estate(sized(11))) == [needed]
    assert params("POL-010", thin(10), **estate(sized(11))) == [{"sr": "san-lun0", "free_bytes": 10}]


def test_an_unconnected_sr_is_named_with_its_hosts() -> None:
    assert params("POL-011", pbd("h2", currently_attached=False)) == [{"sr": "san-lun0", "host": "xen-h2"}]
    assert params("POL-011", pool(pbds=(pools.a_pbd("h2"),))) == [{"sr": "san-lun0", "hosts": ["xen-h1", "xen-h3"]}]
    stray = pool(pbds=(*pools.a_pool().pbds, pools.a_pbd("gone", currently_attached=False)))
    assert params("POL-011", stray) == [{"sr": "san-lun0", "host": "gone"}]


def test_an_unconnected_network_says_what_is_wrong_on_which_host() -> None:
    detached = params("POL-012", management(currently_attached=False), **MAPPED)
    absent = params("POL-012", management(host_uuid="gone"), **MAPPED)
    assert detached == [{"network": "management", "host": "xen-h2", "problem": "detached"}]
    assert absent == [{"network": "management", "host": "xen-h2", "problem": "no interface"}]


def test_a_network_inside_one_host_is_no_place_for_a_mapped_one() -> None:
    inner = PoolNetworkFacts("net-in", "internal", "xapi9", 1500, ())
    found = params("POL-012", pool(networks=(inner,)), mapped_networks={"network-1": "net-in"})
    assert [part["host"] for part in found] == ["xen-h1", "xen-h2", "xen-h3"]


def test_a_disk_too_large_for_one_task_is_named_with_its_machine() -> None:
    size = LARGEST_BYTES + 1
    assert the_limits().task_lifetime_s * the_limits().import_rate_min_bytes_s == LARGEST_BYTES
    found = params("POL-015", pool(), vms=(sized(size, 5), sized(5, name="b")))
    assert found == [{"machine": "app-01", "capacity_bytes": size, "limit_bytes": LARGEST_BYTES}]


@pytest.mark.parametrize(
    ("vms", "unread"),
    [
        ((), 0),
        ((sized(LARGEST_BYTES),), 0),
        ((sized(1, UNKNOWN),), 1),
        ((a_vm(disks=UNKNOWN),), 1),
        ((a_vm(disks=UNKNOWN), sized(UNKNOWN), sized(1)), 1),
    ],
)
def test_disks_of_unknown_size_are_told_once_beside_the_network_that_nobody_tells(vms: tuple[VmFacts, ...], unread: int) -> None:
    outcome = outcome_of("POL-015", pool(), a_context(vms=vms))
    assert [each.path for each in outcome.evidence] == ["networks", *["vms.disks.capacity_bytes"] * unread]
    assert "attest" in outcome.evidence[0].raw["unknown"]


def test_each_guest_without_its_template_is_named_once() -> None:
    found = params("POL-016", pool(), vms=(a_vm(), a_vm("b")))
    assert found == [{"guest_id": "windows2019srv_64Guest", "templates": ["Windows Server 2019 (64-bit)"]}]


def test_a_guest_that_may_be_one_of_two_asks_for_both_templates() -> None:
    shared = {"guest_id": "ubuntu64Guest", "guest_full_name": UNKNOWN}
    rows = a_context().guests.rows_of("ubuntu64Guest", "")
    names = sorted({row.template for row in rows})
    assert len(names) > 1
    templates = tuple(TemplateFacts(name, name, "bios") for name in names)
    answers = [
        answer_of("POL-016", pool(templates=there), a_context(vms=(a_vm(**shared),))) for there in (templates, templates[:1], ())
    ]
    assert answers == [F, U, T]


def test_certificates_mounts_and_copies_are_named() -> None:
    assert params("POL-017", pool(secure_boot_authority="2011")) == [{"authority": "2011"}]
    assert params("POL-018", nfs("soft")) == [{"sr": "san-lun0", "host": "xen-h1", "options": "soft"}]
    assert params("POL-019", made(), **source()) == [{"vm": "guest-vm2", "source": "app-01"}]


def test_an_open_question_keeps_what_was_not_read() -> None:
    gone = Unknown("refused")
    for facts, context in ((made(start_blocked=gone), source()), (made(), source(power_state=gone))):
        outcome = outcome_of("POL-019", facts, a_context(**context))
        assert outcome is not None
        assert outcome.evidence[0].raw == {"unknown": "refused"}


def test_only_what_stops_or_doubles_an_import_is_critical() -> None:
    bad = {
        "POL-010": (thick(1), estate(sized(2))), "POL-011": (pool(pbds=()), {}), "POL-012": (management(host_uuid=""), MAPPED),
        "POL-019": (made(), source()), "POL-017": (pool(secure_boot_authority="none"), {}),
    }  # fmt: skip
    outcomes = {rule_id: outcome_of(rule_id, facts, a_context(**context)) for rule_id, (facts, context) in bad.items()}
    critical = {rule_id for rule_id, outcome in outcomes.items() if outcome and outcome.severity is Severity.CRITICAL}
    assert critical == bad.keys() - {"POL-017"}
