"""Answers have the bytes that the framework writes, for every kind of value that answers have."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ErrorDetail
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.serializer_helpers import ReturnDict

from project.backbone.api.renderers import FastJSONRenderer


class Count(int):
    pass


class Rate(float):
    pass


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inside: st.lists(inside) | st.dictionaries(TEXTS, inside),
    max_leaves=30,
)
KINDS: list[Any] = [
    datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC),
    datetime(2026, 1, 2, tzinfo=UTC),
    date(2026, 1, 2),
    UUID(int=7),
    gettext_lazy("late"),
    2**70,
    "line\u2028and\u2029paragraph </script>",
    ("a", 1),
    1.5,
    ReturnDict({"a": [1]}, serializer=None),
    {1: "a"},
    ErrorDetail("must be given", code="required"),
    {"detail": [ErrorDetail("one"), ErrorDetail("two")]},
    mark_safe("<b>"),
    Count(3),
    Rate(1.5),
]


@given(PLAIN)
def test_plain_values_are_written_as_the_framework_writes_them(value: Any) -> None:
    assert FastJSONRenderer().render(value) == JSONRenderer().render(value)


@pytest.mark.parametrize("value", KINDS)
def test_every_kind_of_value_is_too(value: Any) -> None:
    assert FastJSONRenderer().render({"value": value}) == JSONRenderer().render({"value": value})


def test_whoever_wants_it_indented_gets_it() -> None:
    asked = ({"a": [1]}, "application/json", {"indent": 4})
    assert FastJSONRenderer().render(*asked) == JSONRenderer().render(*asked)
