"""What guests said of themselves: of each computer the newest reading and the first one of the window."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from estate.facts.codec import from_json
from estate.facts.kms import KmsGuestReading
from kms.core.policy import DEFAULT_POLICY
from kms.selectors.standing import guest_rows
from project.backbone.models import Project


def guest_readings(project: Project, *, at: datetime) -> tuple[KmsGuestReading, ...]:
    """Oldest first. A computer is a name with an SMBIOS UUID: an original and its copy are two, which tells when both ran."""
    rows = guest_rows(project).filter(collected_at__lte=at).order_by("collected_at", "created_at")
    first: dict[tuple[str, str], Any] = {}
    newest: dict[tuple[str, str], Any] = {}
    for pk, name, uuid, collected_at in rows.values_list("pk", "computer_name", "facts__smbios_uuid", "collected_at"):
        computer = (name.casefold(), str(uuid).casefold())
        newest[computer] = pk
        if collected_at > at - DEFAULT_POLICY.window:
            first.setdefault(computer, pk)
    wanted = rows.filter(pk__in={*first.values(), *newest.values()})
    return tuple(from_json(facts, KmsGuestReading) for facts in wanted.values_list("facts", flat=True))
