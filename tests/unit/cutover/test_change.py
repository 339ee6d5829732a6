"""What changed between two answers of a gate."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from migration.cutover.core.change import change_between

codes, subjects = st.sampled_from(["a", "b", "c"]), st.sampled_from(["pool", "vm"])
reasons = st.lists(st.fixed_dictionaries({"code": codes, "subject": subjects, "detail": st.text(max_size=2)}), max_size=6)


def a_reason(code: str, subject: str = "pool", detail: str = "") -> dict[str, str]:
    return {"code": code, "subject": subject, "detail": detail}


def test_reasons_that_came_and_went_are_told_and_other_words_are_no_change() -> None:
    older = [a_reason("HA-022", detail="T is 60"), a_reason("kms_low")]
    newer = [a_reason("HA-022", detail="T is 90"), a_reason("HA-022", "other pool")]
    change = change_between(older, newer)
    assert (change.came, change.went) == ((newer[1],), (older[1],))


@given(reasons, reasons)
def test_what_came_is_what_went_the_other_way_round(older: list[dict[str, str]], newer: list[dict[str, str]]) -> None:
    forth, back = change_between(older, newer), change_between(newer, older)
    assert (forth.came, forth.went) == (back.went, back.came)
    assert change_between(newer, newer) == change_between([], [])
