"""An Idempotency-Key carries a digest of the request: the same request gives the same one, any other another."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.problems import Invalid


def a_request(body: Any, *, key: str = "k", path: str = "/api/v1/x", method: str = "post") -> Request:
    made = getattr(APIRequestFactory(), method)(path, body, format="json", headers={"Idempotency-Key": key} if key else {})
    return Request(made, parsers=[JSONParser()])


def digest(body: Any, **changes: Any) -> str:
    key = idempotency_key_of(a_request(body, **changes))
    assert key is not None
    return key.digest


def test_the_order_of_members_does_not_matter() -> None:
    assert digest({"a": 1, "b": [1, {"c": 2, "d": 3}]}) == digest({"b": [1, {"d": 3, "c": 2}], "a": 1})


@pytest.mark.parametrize("other", [{"a": 2}, {"a": "1"}, {}, {"a": 1, "b": None}, {"a": [1]}])
def test_another_body_gives_another_digest(other: Any) -> None:
    assert digest({"a": 1}) != digest(other)


def test_another_address_or_method_gives_another_digest() -> None:
    assert digest({}, path="/api/v1/y") != digest({}, path="/api/v1/x")
    assert digest({}, method="put") != digest({}, method="post")


def test_the_key_itself_travels_as_text_and_is_none_without_the_header() -> None:
    assert idempotency_key_of(a_request({})) == "k"
    assert idempotency_key_of(a_request({}, key="")) is None


@pytest.mark.parametrize("key", ["x" * 201, "tab\there", "ключ"])
def test_a_key_that_cannot_be_stored_is_refused(key: str) -> None:
    with pytest.raises(Invalid):
        idempotency_key_of(a_request({}, key=key))
