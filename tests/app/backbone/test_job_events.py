"""The event stream of a job: its document at every change, closed with the job's end, refused like every other view."""

from __future__ import annotations

import asyncio
import json

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from project.backbone.accounts.tokens import issue_token
from project.backbone.jobs import events
from project.backbone.models import Job
from tests.builders.people import People

pytestmark = pytest.mark.django_db(transaction=True)


def bearer(user: object) -> dict[str, str]:
    return {"AUTHORIZATION": f"Bearer {issue_token(user).plain}"}  # type: ignore[arg-type]


def test_the_stream_tells_each_change_and_ends_with_the_job(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LOOK_EVERY_S", 0.02)
    job = Job.objects.create(kind="test.streamed", project=people.project)
    headers = bearer(people.owner)

    async def follow() -> list[str]:
        answer = await AsyncClient().get(f"/api/v1/jobs/{job.id}/events", headers=headers)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/event-stream"
        states = []
        async for chunk in answer.streaming_content:
            lines = dict(line.split(": ", 1) for line in chunk.decode().strip().splitlines())
            assert lines["event"] == "job"
            states.append(json.loads(lines["data"])["state"])
            following = {"queued": "running", "running": "succeeded"}.get(states[-1])
            await sync_to_async(Job.objects.filter(pk=job.pk).update)(state=following or states[-1])
        await sync_to_async(connections.close_all)()
        return states

    assert asyncio.run(asyncio.wait_for(follow(), 10)) == ["queued", "running", "succeeded"]


def test_the_stream_is_closed_to_strangers_and_nobody(people: People) -> None:
    job = Job.objects.create(kind="test.streamed", project=people.project)
    url = f"/api/v1/jobs/{job.id}/events"
    stranger = bearer(people.stranger)

    async def statuses() -> list[int]:
        client = AsyncClient()
        answers = [await client.get(url, headers=stranger), await client.get(url), await client.post(url, headers=stranger)]
        await sync_to_async(connections.close_all)()
        return [answer.status_code for answer in answers]

    assert asyncio.run(statuses()) == [404, 401, 405]
