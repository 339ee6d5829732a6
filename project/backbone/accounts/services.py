"""Tenancy written down: users, customers, projects, members. Each change is audited; tokens and sign-in are in tokens.py."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from project.backbone.accounts.models import Customer, Membership, Project, User
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.problems import Conflict, Invalid


def create_user(*, username: str, password: str, email: str = "", is_superuser: bool = False, actor: Actor) -> User:
    """A new person who can sign in; memberships give them something to see.

    Raises: RoleTooLow (superuser), Conflict `name_taken` (409), Invalid (password too weak).
    """
    actor.require_superuser()
    user = User(username=username, email=email, is_superuser=is_superuser, is_staff=is_superuser)
    _set_password(user, password)
    with transaction.atomic():
        _save_new(user, f"There is a user {username} already.")
        record(actor, "user.created", user, project=None, after={"username": username, "is_superuser": is_superuser})
    return user


def update_user(user: User, *, changes: dict[str, Any], actor: Actor) -> User:
    """Change `email`, `is_active`, `is_superuser` or `password`. People may change their own email and password.

    Raises: RoleTooLow (superuser), Invalid (password too weak), Conflict `last_superuser`.
    """
    own = user.id == actor.user_id and set(changes) <= {"email", "password"} and actor.limit.role is None
    if not own or actor.limit.project_id is not None:
        actor.require_superuser()
    _keep_a_superuser(user, changes)
    before = {name: getattr(user, name) for name in changes if name != "password"}
    for name in before:
        setattr(user, name, changes[name])
    user.is_staff = user.is_superuser
    if "password" in changes:
        _set_password(user, changes["password"])
    with transaction.atomic():
        user.save()
        if "password" in changes or changes.get("is_active") is False:
            user.auth_token_set.all().delete()
        after = {name: "changed" if name == "password" else value for name, value in changes.items()}
        record(actor, "user.changed", user, project=None, before=before, after=after)
    return user


def create_customer(*, name: str, actor: Actor) -> Customer:
    """Raises: RoleTooLow (superuser), Conflict `name_taken` (409)."""
    actor.require_superuser()
    customer = Customer(name=name)
    with transaction.atomic():
        _save_new(customer, f"There is a customer {name} already.")
        record(actor, "customer.created", customer, project=None, after={"name": name})
    return customer


def rename_customer(customer: Customer, *, name: str, actor: Actor) -> Customer:
    """Raises: RoleTooLow (superuser), Conflict `name_taken` (409)."""
    actor.require_superuser()
    before, customer.name = {"name": customer.name}, name
    with transaction.atomic():
        _save_change(customer, f"There is a customer {name} already.")
        record(actor, "customer.changed", customer, project=None, before=before, after={"name": name})
    return customer


def create_project(*, customer: Customer, name: str, actor: Actor, **profiles: str) -> Project:
    """A new engagement; whoever creates it becomes its admin. `profiles`: policy_profile, gate_profile, target_product.

    Raises: RoleTooLow (superuser), Conflict `name_taken` (409).
    """
    actor.require_superuser()
    project = Project(customer=customer, name=name, **profiles)
    with transaction.atomic():
        _save_new(project, f"{customer.name} has a project {name} already.")
        if actor.user_id is not None:
            Membership.objects.create(user_id=actor.user_id, project=project, role=Role.ADMIN)
        after = {"customer": customer.name, "name": name, **profiles}
        record(actor, "project.created", project, project=project, after=after)
    return project


def update_project(project: Project, *, changes: dict[str, Any], actor: Actor) -> Project:
    """Change name or profiles. Raises: RoleTooLow (admin), NotVisible, Conflict `name_taken` (409)."""
    actor.require(project, Role.ADMIN)
    before = {name: getattr(project, name) for name in changes}
    for name, value in changes.items():
        setattr(project, name, value)
    with transaction.atomic():
        _save_change(project, f"{project.customer.name} has a project {project.name} already.")
        record(actor, "project.changed", project, project=project, before=before, after=changes)
    return project


def add_member(project: Project, *, user: User, role: Role, is_approver: bool = False, actor: Actor) -> Membership:
    """Give a person a part in the project. Raises: RoleTooLow (admin), NotVisible, Conflict `name_taken` (409)."""
    actor.require(project, Role.ADMIN)
    member = Membership(project=project, user=user, role=role, is_approver=is_approver)
    with transaction.atomic():
        _save_new(member, f"{user.username} is a member already; change that membership.")
        record(actor, "member.added", member, project=project, after=_member(member))
    return member


def change_member(member: Membership, *, role: Role | None = None, is_approver: bool | None = None, actor: Actor) -> Membership:
    """Raises: RoleTooLow (admin), NotVisible, Conflict `last_admin` (409)."""
    actor.require(member.project_id, Role.ADMIN)
    before = _member(member)
    if role is not None and role is not Role.ADMIN:
        _keep_an_admin(member)
    member.role = role or member.role
    member.is_approver = member.is_approver if is_approver is None else is_approver
    with transaction.atomic():
        member.save()
        record(actor, "member.changed", member, project=member.project, before=before, after=_member(member))
    return member


def remove_member(member: Membership, *, actor: Actor) -> None:
    """Raises: RoleTooLow (admin), NotVisible, Conflict `last_admin` (409)."""
    actor.require(member.project_id, Role.ADMIN)
    _keep_an_admin(member)
    with transaction.atomic():
        record(actor, "member.removed", member, project=member.project, before=_member(member))
        member.delete()


def user_by(*, user_id: UUID | None = None, username: str = "") -> User:
    """The person meant by an id or a user name. Raises: Invalid."""
    found = User.objects.filter(id=user_id) if user_id else User.objects.filter(username=username)
    user = found.filter(is_active=True).first()
    if user is None:
        problem = {"field": "user", "code": "unknown_user", "detail": "There is no active user of that id or name."}
        raise Invalid("There is no such active user.", errors=[problem], next_step="Check the name, or ask a superuser.")
    return user


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as weak:
        errors = [{"field": "password", "code": "weak_password", "detail": message} for message in weak.messages]
        raise Invalid("This password cannot be used.", errors=errors, next_step="Choose a longer, less common one.") from None
    user.set_password(password)


def _keep_a_superuser(user: User, changes: dict[str, Any]) -> None:
    falls = changes.get("is_superuser") is False or changes.get("is_active") is False
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(id=user.id)
    if falls and user.is_superuser and not others.exists():
        raise Conflict(f"{user.username} is the last superuser.", code="last_superuser", next_step="Make another one first.")


def _keep_an_admin(member: Membership) -> None:
    others = Membership.objects.filter(project_id=member.project_id, role=Role.ADMIN).exclude(id=member.id)
    if member.role == Role.ADMIN and not others.exists():
        raise Conflict("This is the project's last admin.", code="last_admin", next_step="Make another member admin first.")


def _save_new(row: models.Model, taken: str) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise Conflict(taken, code="name_taken", next_step="Choose another name, or use the existing one.") from None


def _save_change(row: models.Model, taken: str) -> None:
    try:
        with transaction.atomic():
            row.save(force_update=True)
    except IntegrityError:
        raise Conflict(taken, code="name_taken", next_step="Choose another name.") from None


def _member(member: Membership) -> dict[str, Any]:
    return {"user": str(member.user_id), "role": str(member.role), "is_approver": member.is_approver}
