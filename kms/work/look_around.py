"""Ask DNS for a project's KMS hosts and try their ports. What fails is written down like what succeeds: it is the answer."""

from __future__ import annotations

from typing import Any

from estate.errors import EdgeError
from estate.facts.kms_network import PortOutcome
from estate.kmshost.dns import look_up
from estate.kmshost.reach import try_port
from kms.core.network import to_try
from kms.selectors.network import network_case, network_settings
from kms.services.network import drop_old_looks, keep_lookup, keep_try, note_look, require_something
from project.backbone.clock import now
from project.backbone.jobs.context import JobContext
from project.backbone.models import Project
from project.backbone.problems import NotVisible


def run(job: JobContext) -> dict[str, Any]:
    """How much was asked and how much of it is well. Raises: Conflict `kms_nothing_to_look_at`."""
    project = _project(job)
    settings = network_settings(project)
    require_something(tuple(settings.domains), to_try(network_case(project, at=now())))
    failed = 0
    for domain in settings.domains:
        job.alive()
        failed += not _asked(project, domain, settings.resolvers, settings.timeout_s)
    targets = to_try(network_case(project, at=now()))
    is_open = 0
    for name, port in targets:
        job.alive()
        tried = try_port(name, port, timeout_s=settings.timeout_s)
        keep_try(project, tried)
        is_open += tried.outcome is PortOutcome.OPEN
    drop_old_looks(project)
    told = {"domains": len(settings.domains), "domains_failed": failed, "ports": len(targets), "ports_open": is_open}
    note_look(project, told, actor=job.actor)
    job.say(
        f"{len(settings.domains) - failed} of {len(settings.domains)} domains answered, {is_open} of {len(targets)} ports open."
    )
    return told


def _project(job: JobContext) -> Project:
    found = Project.objects.filter(pk=job.project_id).first() if job.project_id else None
    if found is None:
        raise NotVisible("project")
    return found


def _asked(project: Project, domain: str, resolvers: list[str], timeout_s: float) -> bool:
    try:
        keep_lookup(project, domain, look_up(domain, resolvers=resolvers, timeout_s=timeout_s))
    except EdgeError as error:
        keep_lookup(project, domain, error)
        return False
    return True
