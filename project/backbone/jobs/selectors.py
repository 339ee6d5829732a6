"""Reading jobs: the ones an actor may see, and one of them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from project.backbone.accounts.policy import Actor
from project.backbone.jobs.models import Job
from project.backbone.problems import NotVisible


def visible_jobs(actor: Actor) -> QuerySet[Job]:
    """Jobs of the actor's projects; jobs of no project are for superusers and the system alone."""
    ids = actor.visible_project_ids()
    return Job.objects.all() if ids is None else Job.objects.filter(project_id__in=ids)


def job(job_id: UUID, *, actor: Actor) -> Job:
    """Raises: NotVisible."""
    found = visible_jobs(actor).filter(pk=job_id).first()
    if found is None:
        raise NotVisible("job")
    return found
