"""Attestations: record one, bound to the facts it was taken on, or take one back. Rows are only ever added."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.problems import Conflict, Invalid
from readiness.core.attestations import Attestation, Fault, examined
from readiness.core.evidence import EvidenceKind, binding_of
from readiness.models import Evidence, Pool
from readiness.selectors.pools import latest_facts

LARGEST_VALUE_BYTES = 65_536
CLOCK_SKEW = timedelta(minutes=5)  # a person's own clock may run ahead of the server's
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def _refused(faults: list[Fault]) -> Invalid:
    listed = "; ".join(f"{fault.field} {fault.detail}" for fault in faults)
    return Invalid(
        f"The evidence cannot be recorded: {listed}.",
        errors=[{"field": fault.field, "code": "unusable", "detail": fault.detail} for fault in faults],
        next_step="Correct the fields listed under errors and send it again.",
    )


def _timing_faults(tested_at: datetime, expires_at: datetime | None) -> list[Fault]:
    faults = []
    if tested_at > now() + CLOCK_SKEW:
        faults.append(Fault("tested_at", "lies in the future"))
    if expires_at is not None and expires_at <= tested_at:
        faults.append(Fault("expires_at", "must be later than tested_at"))
    return faults


def _size_faults(value: Mapping[str, Any], attachment: Mapping[str, Any] | None) -> list[Fault]:
    faults = []
    if len(json.dumps(value)) > LARGEST_VALUE_BYTES:
        faults.append(Fault("value", f"is larger than {LARGEST_VALUE_BYTES} bytes"))
    if attachment is not None and not (attachment.get("name") and _SHA256.fullmatch(str(attachment.get("sha256", "")))):
        faults.append(Fault("attachment", "must be {name, sha256} of the file that shows it"))
    return faults


def record_evidence(
    pool: Pool,
    *,
    kind: str,
    subject: str,
    value: dict[str, Any],
    tested_at: datetime,
    who: str,
    timeout_s: int | None = None,
    storage_node: str = "",
    attachment: dict[str, Any] | None = None,
    expires_at: datetime | None = None,
    note: str = "",
    actor: Actor,
) -> Evidence:
    """Record what a person attests, bound to the pool as it was last read; a later change of that makes it stale.

    Raises: RoleTooLow (operator), NotVisible, Conflict `pool_not_collected` (409), Invalid naming each unusable field.
    """
    actor.require(pool.project_id, Role.OPERATOR)
    facts = latest_facts(pool.id)
    handed = Attestation(EvidenceKind(kind), subject.strip(), value, timeout_s, storage_node.strip())
    stored, faults = examined(facts, handed)
    faults += _timing_faults(tested_at, expires_at) + _size_faults(value, attachment)
    if faults:
        raise _refused(faults)
    with transaction.atomic():
        row = Evidence.objects.create(
            pool=pool,
            kind=stored.kind.value,
            subject=stored.subject,
            value=stored.value,
            tested_at=tested_at,
            timeout_s=stored.timeout_s,
            storage_node=stored.storage_node,
            who=who,
            attachment=attachment,
            expires_at=expires_at,
            bound_to=binding_of(facts, stored.kind, stored.subject),
            recorded_by_id=actor.user_id,
            note=note,
        )
        after = {"kind": row.kind, "subject": row.subject, "value": row.value, "who": who, "timeout_s": row.timeout_s}
        record(actor, "evidence.recorded", row, project=pool.project, after=after)
    return row


def withdraw_evidence(evidence: Evidence, *, reason: str, actor: Actor) -> Evidence:
    """Take an attestation back by a further row. Raises: RoleTooLow, NotVisible, Conflict `already_withdrawn` (409)."""
    actor.require(evidence.pool.project_id, Role.OPERATOR)
    row = Evidence(
        pool=evidence.pool,
        kind=evidence.kind,
        subject=evidence.subject,
        tested_at=now(),
        who=actor.username,
        recorded_by_id=actor.user_id,
        withdraws=evidence,
        note=reason,
    )
    if evidence.withdraws_id is not None:
        raise Conflict("A withdrawal cannot be withdrawn.", code="already_withdrawn", next_step="Record the evidence anew.")
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            record(actor, "evidence.withdrawn", evidence, project=evidence.pool.project, after={"reason": reason})
    except IntegrityError:
        raise Conflict(
            "This evidence was withdrawn before.", code="already_withdrawn", next_step="Record the evidence anew if it holds."
        ) from None
    return row
