"""Rules on a machine's state: each trouble alone is enough, and nothing is well until every part of it is known."""

from __future__ import annotations

import pytest

from estate.facts.source import PowerState
from estate.facts.unknown import UNKNOWN
from migration.assessment.core.results import Answer
from tests.builders.assessment import answer_of, outcome_of
from tests.builders.estate import a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN

CASES = [
    ("STA-001", {}, F),
    ("STA-001", {"connection_state": ""}, T),
    ("STA-001", {"connection_state": "orphaned"}, T),
    ("STA-001", {"connection_state": "disconnected", "question": UNKNOWN}, T),
    ("STA-001", {"question": "Was it moved or copied?"}, T),
    ("STA-001", {"question": ""}, T),
    ("STA-001", {"failover_in_progress": True}, T),
    ("STA-001", {"connection_state": UNKNOWN}, U),
    ("STA-001", {"question": UNKNOWN}, U),
    ("STA-001", {"failover_in_progress": UNKNOWN}, U),
    ("STA-002", {"power_state": PowerState.ON}, F),
    ("STA-002", {"power_state": PowerState.OFF}, F),
    ("STA-002", {"power_state": PowerState.SUSPENDED}, T),
    ("STA-002", {"suspended_to_memory": True}, T),
    ("STA-002", {"paused": True, "power_state": UNKNOWN}, T),
    ("STA-002", {"power_state": UNKNOWN}, U),
    ("STA-002", {"suspended_to_memory": UNKNOWN}, U),
    ("STA-002", {"paused": UNKNOWN}, U),
    ("STA-003", {"is_template": True}, T),
    ("STA-003", {"name": "template-of-mine"}, F),
    ("STA-003", {"is_template": UNKNOWN}, U),
    ("STA-004", {"managed_by": "com.vmware.vcDr"}, T),
    ("STA-004", {"name": "vCLS-5c0ffee0", "managed_by": UNKNOWN}, T),
    ("STA-004", {"managed_by": None}, F),
    ("STA-004", {"name": "myvCLS-notes", "managed_by": None}, F),
    ("STA-004", {"managed_by": UNKNOWN}, U),
    ("STA-005", {"replicated": True}, T),
    ("STA-005", {}, F),
    ("STA-005", {"replicated": UNKNOWN}, U),
    ("FTL-001", {"ft_state": "running"}, T),
    ("FTL-001", {"ft_configured": True, "ft_state": UNKNOWN}, T),
    ("FTL-001", {"ft_state": "Disabled"}, F),
    ("FTL-001", {"ft_state": "notConfigured"}, F),
    ("FTL-001", {"ft_state": UNKNOWN}, U),
    ("FTL-001", {"ft_configured": UNKNOWN}, U),
]


@pytest.mark.parametrize(("rule_id", "vm", "expected"), CASES)
def test_rule_answers_from_the_state(rule_id: str, vm: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm)) is expected


def test_the_finding_tells_which_kind_of_standstill_it_is() -> None:
    outcome = outcome_of("STA-002", a_vm(power_state=PowerState.SUSPENDED, paused=True, suspended_to_memory=UNKNOWN))
    assert outcome.params["parts"] == [{"state": "suspended"}, {"state": "paused"}]


def test_the_finding_quotes_the_question() -> None:
    assert outcome_of("STA-001", a_vm(question="Copied?")).params["parts"] == [{"question": "Copied?"}]
