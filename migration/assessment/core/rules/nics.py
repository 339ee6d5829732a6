"""Rules on virtual NICs (NIC): MAC addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from estate.facts.source import NicFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext, normal_mac
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Part, Parts, Severity

MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


@rule(
    "NIC-003",
    severity=Severity.CRITICAL,
    sources="VR",
    title="A MAC address is empty, not a station's, or carried by another machine",
    why="XAPI accepts a duplicate without a word, and two stations with one address cut each other off.",
    remediation="Give one of the machines another MAC address. An import of our own is no conflict.",
)
def unusable_mac(vm: VmFacts, context: RuleContext) -> Parts:
    """Compared with every NIC of the estate, and with the VMs of the target pools when these are known."""
    return _nic_parts(vm, context)


def _nic_parts(vm: VmFacts, context: RuleContext) -> Iterator[Part]:
    if isinstance(vm.nics, Unknown):
        yield Part(Answer.UNKNOWN, "nics", vm.nics)
        return
    for number, nic in enumerate(vm.nics):
        part = _nic_part(vm.name, number, nic, context)
        if part is not None:
            yield part


def _nic_part(name: str, number: int, nic: NicFacts, context: RuleContext) -> Part | None:
    path = f"nics[{number}].mac_address"
    part = {"device_key": nic.device_key, "label": nic.label}
    if isinstance(nic.mac_address, Unknown):
        return Part(Answer.UNKNOWN, path, nic.mac_address, part)
    mac = normal_mac(nic.mac_address)
    others = _other_owners(name, mac, context)
    problem = _problem(mac, others)
    if not problem:
        return None
    return Part(Answer.TRUE, path, nic.mac_address, {**part, "mac_address": mac, "problem": problem, "also_on": others})


def _other_owners(name: str, mac: str, context: RuleContext) -> list[str]:
    owners = [*context.estate.mac_owners.get(mac, ()), *context.target.mac_owners.get(mac, ())]
    if name in owners:
        owners.remove(name)  # one of the owners is this very NIC
    return owners


def _problem(mac: str, others: list[str]) -> str:
    if not mac:
        return "empty"
    if not MAC.fullmatch(mac):
        return "malformed"
    if int(mac[:2], 16) & 1:
        return "multicast"
    return "duplicate" if others else ""
