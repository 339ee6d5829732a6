"""The events of a conversion as a stream: every change with rate, zeros, time left and step; a list for everybody else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from migration.conversion.api import live
from migration.conversion.core.states import State
from migration.conversion.models import Conversion, DiskCopy
from project.backbone.accounts.tokens import issue_token
from tests.builders.conversions import a_conversion
from tests.builders.people import People

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = [(State.COPYING, 1 << 30), (State.COPYING, 5 << 30), (State.VERIFYING, 10 << 30), (State.DONE, 10 << 30)]


def asking(user: object, accept: str = "text/event-stream") -> dict[str, str]:
    return {"AUTHORIZATION": f"Bearer {issue_token(user).plain}", "ACCEPT": accept}  # type: ignore[arg-type]


def advance(row: Conversion, state: State, copied: int) -> None:
    Conversion.objects.filter(pk=row.pk).update(state=state, step="copy_disks")
    DiskCopy.objects.filter(conversion=row).update(bytes_copied=copied, bytes_zero=copied // 2)


def test_the_stream_tells_each_change_with_its_figures_and_ends_with_the_conversion(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LOOK_EVERY_S", 0.02)
    row = a_conversion(people.project, state=State.READY)
    url, headers = f"/api/v1/projects/{people.project.id}/conversions/{row.pk}/events", asking(people.owner)

    async def follow() -> list[dict[str, Any]]:
        answer = await AsyncClient().get(url, headers=headers)
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")
        told, steps = [], iter(STEPS)
        async for chunk in answer.streaming_content:
            lines = dict(line.split(": ", 1) for line in chunk.decode().strip().splitlines())
            assert lines["event"] == "progress"
            told.append(json.loads(lines["data"]))
            if (step := next(steps, None)) is not None:
                await sync_to_async(advance)(row, *step)
        await sync_to_async(connections.close_all)()
        return told

    told = asyncio.run(asyncio.wait_for(follow(), 10))
    assert [event["state"] for event in told] == ["ready", "copying", "copying", "verifying", "done"]
    copying = told[2]
    assert (copying["bytes_copied"], copying["bytes_zero"], copying["bytes_total"]) == (5 << 30, 5 << 29, 10 << 30)
    assert copying["rate_per_s"] > 0 and copying["eta_s"] >= 0 and copying["step_title"] == "Copy the disks"
    assert copying["disks"][0]["label"] and told[-1]["rate_per_s"] is None


def test_who_asks_for_json_gets_the_list_and_strangers_get_neither(people: People) -> None:
    row = a_conversion(people.project, state=State.DONE)
    url = f"/api/v1/projects/{people.project.id}/conversions/{row.pk}/events"
    elsewhere = f"/api/v1/projects/{people.other_project.id}/conversions/{row.pk}/events"
    asked = [
        (url, asking(people.owner, "application/json")),
        (url, asking(people.stranger)),
        (elsewhere, asking(people.stranger)),
        (url, {"ACCEPT": "text/event-stream"}),
        (url, asking(people.stranger, "application/json")),
    ]

    async def answers() -> list[Any]:
        client = AsyncClient()
        found = [await client.get(where, headers=headers) for where, headers in asked]
        await sync_to_async(connections.close_all)()
        return found

    found = asyncio.run(answers())
    assert [answer.status_code for answer in found] == [200, 404, 404, 401, 404]
    assert "results" in found[0].json()
