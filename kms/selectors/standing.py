"""Readings that count: all but those of uploads that somebody withdrew."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q, QuerySet

from kms.models import KmsGuestReadingRow, KmsHost, KmsReadingRow, KmsWithdrawal
from project.backbone.models import Project


def host_rows(host: KmsHost) -> QuerySet[KmsReadingRow]:
    """A host's readings that count, in no order."""
    return KmsReadingRow.objects.filter(host=host, upload__withdrawal__isnull=True)


def guest_rows(project: Project) -> QuerySet[KmsGuestReadingRow]:
    """Readings of a project's guests that count, in no order."""
    return KmsGuestReadingRow.objects.filter(project=project, upload__withdrawal__isnull=True)


def withdrawn(upload_ids: Collection[UUID]) -> dict[str, str]:
    """Which of these uploads were withdrawn, by id as text: by whom and why."""
    rows = KmsWithdrawal.objects.filter(Q(upload__in=upload_ids) | Q(guest_upload__in=upload_ids))
    return {str(row.upload_id or row.guest_upload_id): f"withdrawn by {row.withdrawn_by_name}: {row.reason}" for row in rows}
