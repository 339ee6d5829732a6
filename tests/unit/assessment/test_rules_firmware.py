"""Rules on firmware (FW): a true, a false and an unknown case of each."""

from __future__ import annotations

import pytest

from estate.facts.unknown import UNKNOWN
from migration.assessment.core.results import Answer
from tests.builders.assessment import a_context, answer_of
from tests.builders.estate import a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
EFI, BIOS = {"firmware": "efi"}, {"firmware": "bios"}


def template(firmware: str) -> dict:
    return {"firmware_of_template": {"windows2019srv_64Guest": firmware}}


CASES = [
    ("FW-001", EFI, template("bios"), T),
    ("FW-001", BIOS, template("uefi"), T),
    ("FW-001", EFI, template("uefi"), F),
    ("FW-001", EFI, {}, F),
    ("FW-001", {"firmware": UNKNOWN}, {}, U),
    ("FW-001", {"firmware": UNKNOWN}, template("uefi"), U),
]


@pytest.mark.parametrize(("rule_id", "vm", "context", "expected"), CASES)
def test_a_firmware_rule_answers_in_three_values(rule_id: str, vm: dict, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm), a_context(**context)) is expected
