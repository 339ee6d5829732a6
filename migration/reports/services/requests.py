"""Asking for a report and keeping what its job rendered."""

from __future__ import annotations

from dataclasses import asdict

from django.db import transaction

from migration.reports.core.document import Document
from migration.reports.models import Report, ReportKind
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit import services as audit
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.jobs.services import IdempotencyKey
from project.backbone.models import Job, Project


@transaction.atomic
def request(project: Project, *, kind: ReportKind, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Make the row and ask for the job that fills it. Raises: IdempotencyKeyReused."""
    actor.require(project, Role.VIEWER)
    earlier = jobs.job_of_key(idempotency_key, project=project, actor=actor)
    if earlier is not None:
        return earlier
    report = Report.objects.create(project=project, kind=kind.value, asked_by_id=actor.user_id, asked_by_name=actor.username)
    audit.record(actor, "report.request", report, project=project, after={"kind": kind.value})
    return jobs.enqueue(
        "reports.render",
        project=project,
        params={"report_id": str(report.pk)},
        actor=actor,
        subject=f"{kind.label} report",
        idempotency_key=idempotency_key,
    )


@transaction.atomic
def keep(report: Report, *, document: Document, html: str, pdf: bytes, xlsx: bytes, actor: Actor) -> None:
    """Store the rendered forms. A report that has them already is left as it is."""
    forms = {"document": asdict(document), "html": html, "pdf": pdf, "xlsx": xlsx}
    kept = Report.objects.filter(pk=report.pk, made_at=None).update(**forms, made_at=now())
    if kept:
        audit.record(actor, "report.made", report, project=report.project, after={"pdf_bytes": len(pdf)})
