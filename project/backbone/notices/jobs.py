"""The job that delivers a notice: it tries, waits and tries again, and frees its slot meanwhile."""

from __future__ import annotations

from typing import Any

from project.backbone.accounts.policy import Actor
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler
from project.backbone.jobs.models import Job
from project.backbone.notices import selectors, sending, services
from project.backbone.notices.catalogue import TEST
from project.backbone.notices.models import DeliveryState
from project.backbone.notices.services import Attempt


def _ended(job: Job, error: dict[str, Any], _actor: Actor) -> None:
    row = selectors.delivery(job.params["delivery_id"])
    if row is not None:
        services.give_up(row, str(error.get("message", "its job was stopped")))


@handler(services.DELIVER, title="Deliver a notice", on_failed=_ended)
def deliver(job: JobContext, delivery_id: str) -> dict[str, Any]:
    """Send it; run again after a crash it may arrive twice, with the same delivery id."""
    job.alive()
    row = selectors.delivery(delivery_id)
    if row is None or row.state != DeliveryState.WAITING:
        return {}
    switched_off = not row.target.enabled and row.event != TEST
    attempt = Attempt("The receiver is switched off.", is_final=True) if switched_off else sending.send(row)
    pause_s = services.note_attempt(row, attempt)
    if pause_s is not None:
        job.wait(pause_s, f"try {row.attempts} of {services.MOST_ATTEMPTS}: {row.error}")
    return {"delivery_id": delivery_id, "state": str(row.state), "error": row.error}
