"""The verdict is the worst un-waived finding; unknown is never ready."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.assessment.core.results import Answer, Severity
from migration.assessment.core.verdicts import BADNESS, Rated, Verdict, verdict_of

C, W, I = Severity.CRITICAL, Severity.WARNING, Severity.INFO  # noqa: E741 - one letter a severity keeps the table readable
T, U = Answer.TRUE, Answer.UNKNOWN

CASES = [
    ([], Verdict.READY),
    ([Rated(I, T), Rated(I, U)], Verdict.READY),
    ([Rated(W, T)], Verdict.READY_WITH_WORK),
    ([Rated(W, U)], Verdict.UNKNOWN),
    ([Rated(C, U), Rated(W, T)], Verdict.UNKNOWN),
    ([Rated(C, T), Rated(C, U)], Verdict.BLOCKED),
    ([Rated(C, T, waived=True)], Verdict.READY),
    ([Rated(C, T, waived=True), Rated(W, T)], Verdict.READY_WITH_WORK),
    ([Rated(C, T, waived=True), Rated(C, T)], Verdict.BLOCKED),
]


@pytest.mark.parametrize(("findings", "expected"), CASES)
def test_verdict_is_the_worst_open_finding(findings: list[Rated], expected: Verdict) -> None:
    assert verdict_of(findings) is expected


def test_a_machine_nobody_assessed_is_unknown() -> None:
    assert verdict_of([], assessed=False) is Verdict.UNKNOWN


rated = st.builds(Rated, st.sampled_from(Severity), st.sampled_from(Answer), st.booleans())


@given(st.lists(rated), rated)
def test_one_more_finding_never_makes_a_verdict_better(findings: list[Rated], extra: Rated) -> None:
    assert BADNESS.index(verdict_of([*findings, extra])) >= BADNESS.index(verdict_of(findings))
