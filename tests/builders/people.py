"""Builders for tenancy: a customer, a project, people with a role, and API clients that speak for them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from rest_framework.test import APIClient

from project.backbone.accounts.policy import Actor, Role
from project.backbone.accounts.selectors import actor_for
from project.backbone.models import Customer, Membership, Project, User

PASSWORD = "correct horse battery staple"
_numbers = count(1)


def a_customer(name: str = "") -> Customer:
    return Customer.objects.create(name=name or f"Customer {next(_numbers)}")


def a_project(name: str = "", *, customer: Customer | None = None, **fields: Any) -> Project:
    return Project.objects.create(customer=customer or a_customer(), name=name or f"Project {next(_numbers)}", **fields)


def a_user(
    role: Role | str | None = None,
    *,
    project: Project | None = None,
    username: str = "",
    approver: bool = False,
    superuser: bool = False,
) -> User:
    """A person; with a role and a project also their membership. Cheap: the password is set only by `with_password`."""
    user = User(username=username or f"user{next(_numbers)}", is_superuser=superuser, is_staff=superuser)
    user.set_unusable_password()
    user.save()
    if role is not None and project is not None:
        Membership.objects.create(user=user, project=project, role=Role(role), is_approver=approver)
    return user


def with_password(user: User, password: str = PASSWORD) -> User:
    user.set_password(password)
    user.save()
    return user


def actor_of_user(user: User) -> Actor:
    return actor_for(user)


def a_client(user: User | None = None) -> APIClient:
    """An API client that speaks for `user` (nobody when None) and answers 500 as the product does instead of raising."""
    client = APIClient(raise_request_exception=False)
    if user is not None:
        client.force_authenticate(user)
    return client


@dataclass(frozen=True, slots=True)
class People:
    """The owner works in the project as operator, the teammate approves, the stranger has a project elsewhere."""

    project: Project
    other_project: Project
    owner: User
    teammate: User
    stranger: User
    admin: User

    def client(self, who: str) -> APIClient:
        return a_client(getattr(self, who))

    def actor(self, who: str) -> Actor:
        return actor_for(getattr(self, who))


def three_people() -> People:
    project, other = a_project("Blue"), a_project("Red")
    return People(
        project=project,
        other_project=other,
        owner=a_user(Role.OPERATOR, project=project, username="owner"),
        teammate=a_user(Role.OPERATOR, project=project, username="teammate", approver=True),
        stranger=a_user(Role.ADMIN, project=other, username="stranger", approver=True),
        admin=a_user(Role.ADMIN, project=project, username="chief"),
    )
