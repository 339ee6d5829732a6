"""The role ladder and the actor: pure decisions on who may do what. Reads no database; selectors.py makes actors.

Roles are a linear ladder; the right `approver` is given per person, on top of a role and never implied by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from project.backbone.problems import NotVisible, RoleTooLow


class Role(StrEnum):
    """What a member may do; each role includes the ones before it."""

    VIEWER = "viewer"
    PLANNER = "planner"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        return list(Role).index(self)

    def covers(self, needed: Role) -> bool:
        return self.rank >= needed.rank


class HasId(Protocol):
    """Anything with the id of a project, so that this module needs no model."""

    @property
    def id(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class Grant:
    """What one membership gives."""

    role: Role
    approver: bool = False


@dataclass(frozen=True, slots=True)
class TokenLimit:
    """What a narrowed token leaves of its owner's rights; `None` leaves that side alone."""

    project_id: UUID | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a person with memberships (perhaps through a narrowed token), or a job of the system."""

    user_id: UUID | None
    username: str
    is_superuser: bool = False
    memberships: Mapping[UUID, Grant] = field(default_factory=dict)
    limit: TokenLimit = TokenLimit()
    is_system: bool = False

    @staticmethod
    def system(name: str, *, requested_by: UUID | None = None) -> Actor:
        """A job's own actor: passes every check and is audited as `name` (for example `job:inventory.collect (anna)`)."""
        return Actor(user_id=requested_by, username=name, is_system=True)

    def role_in(self, project_id: UUID) -> Role | None:
        """The role that counts in this project, or None when the project is not visible."""
        if self.is_system:
            return Role.ADMIN
        if self.limit.project_id is not None and self.limit.project_id != project_id:
            return None
        grant = self.memberships.get(project_id)
        role = Role.ADMIN if self.is_superuser else grant.role if grant else None
        if role is None or self.limit.role is None:
            return role
        return min(role, self.limit.role, key=lambda r: r.rank)

    def sees(self, project_id: UUID) -> bool:
        return self.role_in(project_id) is not None

    def visible_project_ids(self) -> frozenset[UUID] | None:
        """Ids of the projects this actor may read; None means every project."""
        if self.limit.project_id is not None and not self.is_system:
            return frozenset({self.limit.project_id}) if self.sees(self.limit.project_id) else frozenset()
        if self.is_system or self.is_superuser:
            return None
        return frozenset(self.memberships)

    def require(self, project: HasId | UUID, role: Role) -> None:
        """Pass silently when the actor holds `role` or more in the project.

        Raises: NotVisible (404) when the project is not the actor's; RoleTooLow (403) naming the role needed.
        """
        held = self.role_in(_id_of(project))
        if held is None:
            raise NotVisible("project")
        if not held.covers(role):
            raise RoleTooLow(needed=role.value, held=held.value)

    def require_approver(self, project: HasId | UUID) -> None:
        """Pass when this person was given the right `approver` in the project. Being a superuser does not imply it.

        Raises: NotVisible (404); RoleTooLow (403, needed `approver`).
        """
        project_id = _id_of(project)
        held = self.role_in(project_id)
        if held is None:
            raise NotVisible("project")
        grant = self.memberships.get(project_id)
        narrowed = self.limit.role is not None
        if not self.is_system and (grant is None or not grant.approver or narrowed):
            raise RoleTooLow(needed="approver", held=held.value)

    def require_superuser(self) -> None:
        """Pass for the installation's administrators (users and customers are theirs). Raises: RoleTooLow (403)."""
        narrowed = self.limit.project_id is not None or self.limit.role is not None
        if not self.is_system and (not self.is_superuser or narrowed):
            raise RoleTooLow(needed="superuser", held="user")


def _id_of(project: HasId | UUID) -> UUID:
    return project if isinstance(project, UUID) else project.id
