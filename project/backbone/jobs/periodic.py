"""Work that the installation asks for by itself: kinds of jobs that are due again some time after they were last asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

from project.backbone.accounts.policy import Actor
from project.backbone.clock import now
from project.backbone.jobs.handlers import kinds
from project.backbone.jobs.models import Job
from project.backbone.jobs.services import enqueue


def ask_due() -> list[Job]:
    """Ask for every periodic kind whose time has come. One that still waits or runs is not asked for again."""
    asked = []
    for each in kinds():
        if each.every is not None and _is_due(each.kind, each.every, now()):
            actor = Actor.system("job:ticker")
            asked.append(enqueue(each.kind, project=None, params={}, actor=actor, unique=f"periodic:{each.kind}"))
    return asked


def _is_due(kind: str, every: timedelta, at: datetime) -> bool:
    last = Job.objects.filter(kind=kind, project=None).order_by("-created_at").values_list("created_at", flat=True).first()
    return last is None or last + every <= at
