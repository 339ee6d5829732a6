"""No write endpoint drops a member in silence: whatever is misspelt or not known is refused by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rest_framework import serializers

from project.backbone.api.strict import StrictMixin
from tests.builders.people import People

ROOT = Path(__file__).parents[3]
READS_A_BODY = re.compile(r"\b(\w+Serializer)\(data=request\.data")


def all_serializers(base: type[Any] = serializers.BaseSerializer) -> Iterator[type[Any]]:
    for each in base.__subclasses__():
        yield each
        yield from all_serializers(each)


def test_every_serializer_of_a_request_is_strict() -> None:
    files = (path for app in ("project", "migration", "readiness", "kms") for path in (ROOT / app).rglob("*.py"))
    reading = {name for path in files for name in READS_A_BODY.findall(path.read_text(encoding="utf-8"))}
    known = {each.__name__: each for each in all_serializers()}
    assert len(reading) > 40
    assert not {name for name in reading if not issubclass(known[name], StrictMixin)}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body"),
    [("mappings", {"name": "m", "netwroks": {}}), ("plans", {"nonsense": 3}), ("reports", {"kind": "readiness", "form": "pdf"})],
)
def test_a_member_that_is_not_known_is_refused_by_name(people: People, path: str, body: dict[str, Any]) -> None:
    answer = people.client("admin").post(f"/api/v1/projects/{people.project.pk}/{path}", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    [stranger] = [each for each in answer.json()["errors"] if each["detail"] == "There is no such member here."]
    assert stranger["field"] in body


@pytest.mark.django_db
def test_a_suggestion_is_sent_as_a_mapping_as_it_came(people: People) -> None:
    suggestion = {"networks": {}, "datastores": {}, "templates": {}, "why": {"LAN": "same name"}, "open": ["DMZ"]}
    answer = people.client("admin").post(f"/api/v1/projects/{people.project.pk}/mappings", {"name": "m", **suggestion})
    assert answer.status_code == 201, answer.content
