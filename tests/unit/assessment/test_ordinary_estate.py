"""An ordinary estate, every fact known and far from every limit: exactly these rules have something to say of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from migration.assessment.core.registry import RULES, Subject
from migration.assessment.core.results import Answer
from tests.builders import pools
from tests.builders.assessment import a_context, answer_of
from tests.builders.estate import GIB, a_container, a_datastore, a_device, a_network, a_vm
from tests.builders.landscape import a_known_cluster, a_known_host, a_source

KINDS = ("VirtualAHCIController", "VirtualKeyboard", "VirtualMachineVMCIDevice", "VirtualPS2Controller", "VirtualZZZ")
"""Devices that no rule asks for; their names lie before, between and behind those that are asked for."""
MACHINE = a_vm(devices=tuple(a_device(kind, number) for number, kind in enumerate(KINDS)), resource_pool_id="ResourcePool-1")
POOL = replace(pools.a_pool(), vms=())
OWN = {
    "disk_file_owners": MACHINE.disks[0].file_name,
    "disk_uuid_owners": MACHINE.disks[0].disk_uuid,
    "mac_owners": MACHINE.nics[0].mac_address,
    "bios_uuid_owners": MACHINE.bios_uuid,
    "instance_uuid_owners": MACHINE.instance_uuid,
    "host_name_owners": MACHINE.guest_host_name,
    "name_owners": MACHINE.name,
    "ipv4_owners": MACHINE.guest_nics[0].ip_addresses[0],
}
AROUND: dict[str, Any] = {
    **{name: {value.lower(): (MACHINE.name,)} for name, value in OWN.items()},
    "vms": (MACHINE,),
    "behind_vcenter": True,
    "vms_of_host": {"host-1": (MACHINE,)},
    "datastores": {"datastore-1": a_datastore(local=False)},
    "networks": {"network-1": a_network()},
    "clusters": {"domain-c1": a_known_cluster(rules=(), groups=())},
    "containers": {"ResourcePool-1": a_container()},
    "mapped_networks": {"network-1": "net-mgmt"},
    "srs": {"datastore-1": pools.HEARTBEAT_SR},
    "templates": {"windows2019srv_64Guest": "Windows Server 2019 (64-bit)", "rhel9_64Guest": "Red Hat Enterprise Linux 9"},
    "pools": (POOL,),
    "vdi_limit_bytes": {"sr-1": 2040 * GIB},
    "free_memory_bytes": 64 * GIB,
    "evc_modes": {},
}
PROBE = {f"GST-{number:03}" for number in (1, 6, 7, 8, 9, 12, 13, 14)} | {"FW-003", "IDN-002", "IDN-004"}
SAID: list[tuple[Subject, Any, set[str], set[str]]] = [
    (Subject.MACHINE, MACHINE, {"DSK-015", "FW-009", "GST-010"}, PROBE),
    (Subject.HOST, a_known_host(), set(), {"HST-003"}),
    (Subject.CLUSTER, a_known_cluster(), set(), set()),
    (Subject.SOURCE, a_source(), set(), set()),
    (Subject.POOL, POOL, {"POL-016"}, {"POL-015"}),
]


def asked(subject: Subject, facts: Any) -> dict[Answer, set[str]]:
    told: dict[Answer, set[str]] = {answer: set() for answer in Answer}
    for found in RULES.values():
        if found.subject is subject:
            told[answer_of(found.id, facts, a_context(**AROUND))].add(found.id)
    return told


@pytest.mark.parametrize(("subject", "facts", "concerns", "questions"), SAID)
def test_rules_are_silent_where_nothing_is_out_of_the_ordinary(
    subject: Subject, facts: Any, concerns: set[str], questions: set[str]
) -> None:
    told = asked(subject, facts)
    assert (told[Answer.TRUE], told[Answer.UNKNOWN]) == (concerns, questions)


def test_an_ordinary_linux_machine_is_asked_about_its_kernel_and_nothing_of_windows() -> None:
    linux = {"guest_id": "rhel9_64Guest", "configured_guest_id": "rhel9_64Guest", "reported_guest_id": "rhel9_64Guest"}
    told = asked(Subject.MACHINE, replace(MACHINE, guest_full_name="Red Hat Enterprise Linux 9 (64-bit)", **linux))
    assert told[Answer.TRUE] == {"DSK-015", "FW-009", "GST-010"}
    assert told[Answer.UNKNOWN] == {f"GST-{number:03}" for number in (2, 3, 4, 7, 9, 11, 13, 14)} | {"FW-003"}
