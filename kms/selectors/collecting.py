"""Reading how KMS hosts are collected, and which collections are due."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kms.core.turns import is_due
from kms.models import KmsCollection, KmsHost
from project.backbone.models import Endpoint, Job
from project.backbone.problems import Conflict, NotVisible


def collection_of(host: KmsHost) -> KmsCollection | None:
    """How the host is collected; None while nobody set it."""
    return KmsCollection.objects.select_related("host__project", "host__endpoint").filter(host=host).first()


def required_collection(host: KmsHost) -> tuple[KmsCollection, Endpoint]:
    """The same with its endpoint. Raises: Conflict `kms_collection_not_set` (409)."""
    found = collection_of(host)
    if found is None or found.host.endpoint is None:
        raise Conflict(
            f"Nobody has said how {host.name} is collected.",
            code="kms_collection_not_set",
            next_step="Set its address, name and password, probe it and confirm its certificate.",
        )
    return found, found.host.endpoint


def collection_by_host(host_id: UUID) -> tuple[KmsCollection, Endpoint]:
    """The collection of a host in use, for jobs. Raises: NotVisible, Conflict `kms_collection_not_set` (409)."""
    host = KmsHost.objects.filter(pk=host_id, retired_at=None).first()
    if host is None:
        raise NotVisible("KMS host")
    return required_collection(host)


def collection_of_job(job: Job) -> KmsCollection | None:
    """The collection that a job works on; None when it is gone."""
    return KmsCollection.objects.filter(host_id=job.params.get("host_id")).first()


def collections_due(at: datetime) -> list[KmsCollection]:
    """Collections of hosts in use, with a confirmed certificate, whose next turn by schedule has come."""
    rows = KmsCollection.objects.filter(every_hours__gt=0, host__retired_at=None).select_related(
        "host__project", "host__endpoint"
    )
    confirmed = (row for row in rows if row.host.endpoint is not None and row.host.endpoint.pins)
    return [row for row in confirmed if is_due(row.asked_at, row.every_hours, at)]
