"""Rules of a project's own: add, change, switch off and on. Whatever changes, the newest inventories are assessed again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from migration.assessment.core.own_rules import OwnRuleRefused, own_rule_from
from migration.assessment.models import OwnRule, OwnRuleVersion
from migration.assessment.services import assessing
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.models import Job, Project
from project.backbone.problems import Conflict, Invalid, PreconditionFailed

MOST_RULES = 200
NEXT_STEP = "GET rules/fields lists every field with its type and the comparisons that fit it."


@transaction.atomic
def create(project: Project, definition: Mapping[str, Any], *, actor: Actor) -> OwnRule:
    """A new rule, asked from now on.

    Raises: RoleTooLow (planner), NotVisible, Invalid, Conflict `rule_id_taken`, `too_many_rules` (409).
    """
    actor.require(project, Role.PLANNER)
    kept = checked(definition)
    if OwnRule.objects.filter(project=project).count() >= MOST_RULES:
        raise Conflict(
            f"A project has at most {MOST_RULES} rules of its own.", code="too_many_rules", next_step="Change one it has."
        )
    row = OwnRule(project=project, rule_id=kept["id"], definition=kept, changed_at=now(), changed_by_name=actor.username[:200])
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise Conflict(
            f"The project has, or had, a rule {row.rule_id}.",
            code="rule_id_taken",
            next_step="Change that one (it can be switched on again), or choose another id.",
        ) from None
    return _remembered(row, {}, actor)


@transaction.atomic
def change(row: OwnRule, *, definition: Mapping[str, Any] | None = None, active: bool | None = None, actor: Actor) -> OwnRule:
    """Another definition, or off (never asked, nothing found by it any more) and on again. The id stays.

    Raises: RoleTooLow (planner), NotVisible, Invalid, PreconditionFailed (412) on a lost race.
    """
    actor.require(row.project_id, Role.PLANNER)
    wanted = {**row.definition, **(definition or {})}
    if wanted.get("id") != row.rule_id:
        detail = f"It is {row.rule_id}: findings and waivers cite it."
        raise Invalid(detail, errors=[{"field": "id", "code": "cannot_change", "detail": detail}])
    kept, before = checked(wanted), _public(row)
    on = row.active if active is None else active
    if (kept, on) == (row.definition, row.active):
        return row
    present = OwnRule.objects.filter(pk=row.pk, version=row.version)
    values = {"definition": kept, "active": on, "changed_at": now(), "changed_by_name": actor.username[:200]}
    if not present.update(**values, version=F("version") + 1):
        raise PreconditionFailed("Somebody else changed the rule meanwhile.", next_step="Read it again, then decide.")
    row.refresh_from_db()
    return _remembered(row, before, actor)


def _remembered(row: OwnRule, before: dict[str, Any], actor: Actor) -> OwnRule:
    OwnRuleVersion.objects.create(
        rule=row, version=row.version, definition=row.definition, active=row.active, changed_by_name=row.changed_by_name
    )
    record(actor, "rule.changed" if before else "rule.added", row, project=row.project, before=before, after=_public(row))
    assessing.ask_latest(row.project, actor=actor)
    return row


def _public(row: OwnRule) -> dict[str, Any]:
    return {"definition": row.definition, "active": row.active, "version": row.version}


def checked(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The definition, found to be a rule. Raises: Invalid with everything that is wrong with it."""
    kept = {name: value for name, value in definition.items() if value is not None}
    try:
        own_rule_from(kept)
    except OwnRuleRefused as refused:
        errors = [{"field": each.field, "code": each.code, "detail": each.detail} for each in refused.objections]
        raise Invalid("This is no rule that can be asked.", errors=errors, next_step=NEXT_STEP) from None
    return kept


def ask_trial(project: Project, definition: Mapping[str, Any], *, actor: Actor, idempotency_key: str | None = None) -> Job:
    """Ask what a rule would say of the newest inventories; it is not kept. Raises: RoleTooLow (planner), NotVisible, Invalid."""
    actor.require(project, Role.PLANNER)
    kept = checked(definition)
    params = {"project_id": str(project.id), "definition": kept}
    return jobs.enqueue(
        "assessment.try_rule", project=project, params=params, actor=actor, subject=kept["id"], idempotency_key=idempotency_key
    )
