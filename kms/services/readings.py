"""Readings written down: one per upload and parser version, and the host they really came from."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from estate.facts.codec import to_json
from estate.facts.kms import KmsReading
from estate.facts.unknown import Unknown
from kms.core.machines import same_name
from kms.core.observed import HostHistory, count_at
from kms.models import KmsHost, KmsReadingRow, KmsUpload, KmsWithdrawal
from project.backbone.accounts.policy import Actor
from project.backbone.audit.services import record
from project.backbone.problems import Conflict


def store_reading(upload: KmsUpload, reading: KmsReading, *, parser_version: str, actor: Actor) -> KmsReadingRow:
    """Write down what an upload says. A second run finds the row of the first.

    The first reading fixes which computer the host is; a file of another one, or of a computer that is already another host of
    the project, is refused, because its count would be taken for this host's. A text names no computer: the uploader is believed.

    Raises: Conflict `kms_other_computer`, `kms_host_twice`.
    """
    known = _found(upload, parser_version)
    if known is not None:
        return known
    row = _row(upload, reading, parser_version)
    try:
        with transaction.atomic():
            if reading.host_name and not KmsWithdrawal.objects.filter(upload=upload).exists():
                fix_computer(upload.host, reading.host_name)
            row.save(force_insert=True)
            after = {"host": upload.host.name, "collected_at": reading.collected_at, "count": row.current_count}
            record(actor, "kms.reading_stored", row, project=upload.host.project, after=after)
    except IntegrityError:
        earlier = _found(upload, parser_version)  # another worker was first
        if earlier is None:
            raise
        return earlier
    return row


def _found(upload: KmsUpload, parser_version: str) -> KmsReadingRow | None:
    found: KmsReadingRow | None = KmsReadingRow.objects.filter(upload=upload, parser_version=parser_version).first()
    return found


def _row(upload: KmsUpload, reading: KmsReading, parser_version: str) -> KmsReadingRow:
    alone = HostHistory(host_id=str(upload.host_id), name=upload.host.name, readings=(reading,), legacy=upload.host.legacy)
    return KmsReadingRow(
        host=upload.host,
        upload=upload,
        parser_version=parser_version,
        collected_at=reading.collected_at,
        log_covers_from=None if isinstance(reading.log_covers_from, Unknown) else reading.log_covers_from,
        current_count=reading.current_count if isinstance(reading.current_count, int) else None,
        contacts=len(reading.contacts),
        quality=count_at(alone, reading.collected_at).quality.value,
        facts=to_json(reading),
    )


def fix_computer(host: KmsHost, computer_name: str) -> None:
    """Have the host be this computer from now on, or see that it is. Raises: Conflict `kms_other_computer`, `kms_host_twice`."""
    others = KmsHost.objects.filter(project=host.project_id, retired_at=None).exclude(pk=host.pk).exclude(computer_name="")
    twin = next((other for other in others if same_name(other.computer_name, computer_name)), None)
    if twin is not None:
        raise Conflict(
            f"The file is of {computer_name}, which is the project's KMS host {twin.name} already.",
            code="kms_host_twice",
            next_step=f"Upload it to {twin.name}; one computer counts once.",
        )
    KmsHost.objects.filter(pk=host.pk, computer_name="").update(computer_name=computer_name)
    host.refresh_from_db(fields=["computer_name"])
    if not same_name(host.computer_name, computer_name):
        raise Conflict(
            f"The file is of {computer_name}, but the readings of {host.name} so far came from {host.computer_name}.",
            code="kms_other_computer",
            next_step="Upload it to the host it is of; if this one was rebuilt under a new name, retire it and add it anew.",
        )
