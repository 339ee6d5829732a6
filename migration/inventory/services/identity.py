"""Answering which machine a VM is: joining two machines into the older one, or parting a source's VM from its machine."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from migration.inventory.joining import objections
from migration.inventory.models import (
    IdentityAnswer,
    IdentityQuestion,
    Machine,
    Sighting,
    Source,
)
from migration.inventory.services import collecting
from migration.inventory.services.acting import act_through_one_of, name_at, sighted
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.problems import Conflict, Invalid


@transaction.atomic
def answer(question: IdentityQuestion, *, same_as: UUID | None, actor: Actor) -> IdentityQuestion:
    """Say that the VM is the machine `same_as`, or with None that it is its own. Asks for new assessments where that matters.

    The machine it is joined to keeps its id, and with it plans, waivers and statements; the id it had for now is gone.
    Raises: RoleTooLow (planner), NotVisible, Invalid (no candidate), Conflict `already_answered`, `machine_in_use`,
    `seen_apart` (409).
    """
    actor.require(question.project_id, Role.PLANNER)
    if same_as is not None and str(same_as) not in question.candidates:
        detail = f"{same_as} is none of the machines it may be."
        raise Invalid(detail, errors=[{"field": "machine", "code": "no_candidate", "detail": detail}])
    _close(question, IdentityAnswer.OWN if same_as is None else IdentityAnswer.SAME, actor)
    if same_as is not None:
        _join(question, same_as, actor)
    question.refresh_from_db()
    after = {"answer": question.answer, "machine": str(question.machine_id), "native_id": question.native_id}
    record(actor, "identity.answered", question.machine, project=question.project, after=after)
    return question


def _close(question: IdentityQuestion, said: IdentityAnswer, actor: Actor) -> None:
    unanswered = IdentityQuestion.objects.filter(pk=question.pk, answered_at=None)
    if not unanswered.update(
        answer=said.value, answered_at=now(), answered_by_id=actor.user_id, answered_by_name=actor.username[:200]
    ):
        raise Conflict(
            "This question was answered already.", code="already_answered", next_step="Part the machine if the answer was wrong."
        )


def _join(question: IdentityQuestion, same_as: UUID, actor: Actor) -> None:
    stays = Machine.objects.select_related("source").filter(project_id=question.project_id, pk=same_as).first()
    if stays is None:
        raise Conflict(
            "That machine is gone.", code="machine_gone", next_step="Read the question again: other candidates are left."
        )
    goes = question.machine
    _require_apart(goes, stays)
    _require_free(goes, vanishes=True)
    _require_free(stays, vanishes=False)
    _forget_superseded(stays, seen_at=_live(goes))
    _forget_superseded(goes, seen_at=_live(stays))
    Sighting.objects.filter(machine=goes).update(machine=stays)
    IdentityQuestion.objects.filter(machine=goes).update(machine=stays)
    for other in IdentityQuestion.objects.filter(project_id=question.project_id, answered_at=None):
        _replace_candidate(other, goes.id, stays.id)
    record(actor, "machine.joined", stays, project=question.project, before={"joined": str(goes.id)})
    goes.delete()
    act_through_one_of(stays, list(stays.sightings.select_related("source__endpoint")))
    _ask_again(stays)


def _require_apart(goes: Machine, stays: Machine) -> None:
    """Two VMs that one source holds at once are two machines."""
    held = [{seen.source for seen in _live(machine)} for machine in (goes, stays)]
    for shared in held[0] & held[1]:
        raise Conflict(
            f"{shared} shows both as VMs of their own: they are two machines.",
            code="seen_apart",
            next_step="Answer that it is its own machine.",
        )


def _forget_superseded(machine: Machine, *, seen_at: Iterable[Sighting]) -> None:
    """The sources of these sightings show it again."""
    rows = machine.sightings.filter(source__in={seen.source_id for seen in seen_at})
    Sighting.objects.filter(pk__in=[row.pk for row in rows if sighted(row).is_superseded]).delete()


def _live(machine: Machine) -> list[Sighting]:
    """Where it is seen; a source that gave its moref to another VM does not show it."""
    rows = machine.sightings.select_related("source__endpoint")
    return [row for row in rows if not sighted(row).is_superseded]


def _require_free(machine: Machine, *, vanishes: bool) -> None:
    standing = objections(machine.project, machine.id, vanishes=vanishes)
    if standing:
        raise Conflict(
            f"{machine.name} must stay what it is now: {'; '.join(standing)}.",
            code="machine_in_use",
            next_step="Finish or cancel that first.",
        )


def _replace_candidate(question: IdentityQuestion, gone: UUID, instead: UUID) -> None:
    if str(gone) in question.candidates:
        kept = [str(instead) if each == str(gone) else each for each in question.candidates]
        question.candidates = [each for each in dict.fromkeys(kept) if each != str(question.machine_id)]
        question.save(update_fields=["candidates"])


def _ask_again(*machines: Machine) -> None:
    """New assessments by every source that tells of one of them."""
    sources = Source.objects.filter(sightings__machine__in=machines, latest__isnull=False).distinct()
    for source in sources.select_related("latest__project", "latest__source__endpoint"):
        assert source.latest is not None
        collecting.ask_assessment(source.latest, cause=f"{machines[0].id}:{now().timestamp()}", actor=Actor.system("inventory"))


@transaction.atomic
def part(machine: Machine, *, source_id: UUID, actor: Actor) -> Machine:
    """Make the VM that this source shows a machine of its own again; returns that new machine.

    Raises: RoleTooLow (planner), NotVisible, Conflict `not_joined`, `machine_in_use` (409).
    """
    actor.require(machine.project_id, Role.PLANNER)
    seen = machine.sightings.filter(source_id=source_id).select_related("source__endpoint").first()
    others = machine.sightings.exclude(source_id=source_id)
    if seen is None or not others.exists():
        raise Conflict(
            f"{machine.name} is not a machine that this source and another one both show.",
            code="not_joined",
            next_step="Look at `seen_by` of the machine for its sources.",
        )
    _require_free(machine, vanishes=False)
    if machine.source_id == source_id:
        act_through_one_of(machine, list(others.select_related("source__endpoint")))
    own = Machine.objects.create(
        project=machine.project, source=seen.source, native_id=seen.native_id, instance_uuid=seen.instance_uuid,
        name=name_at(seen.source, seen.native_id) or machine.name, last_seen_at=seen.last_seen_at,
    )  # fmt: skip
    Sighting.objects.filter(pk=seen.pk).update(machine=own)
    after = {"parted": str(own.id), "source": str(seen.source)}
    record(actor, "machine.parted", machine, project=machine.project, after=after)
    _ask_again(machine, own)
    return own
