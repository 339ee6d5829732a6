"""Tables of tenancy: users, customers, projects, memberships, API tokens. Rules on them are in policy.py and services.py."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.contrib.auth.models import AbstractUser
from django.db import models
from knox.models import AbstractAuthToken

from project.backbone.accounts.policy import Role
from project.backbone.clock import now
from project.backbone.identified import Identified


class User(AbstractUser):  # type: ignore[django-manager-missing]  # the manager of knox's tokens has no types
    """A person who signs in. What they may do follows from memberships; superusers administer the installation."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta(AbstractUser.Meta):
        ordering: ClassVar = ["username"]


class Customer(Identified):
    """Whose estate it is."""

    name = models.CharField(max_length=200, unique=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class PolicyProfile(models.TextChoices):
    XENSERVER_2010 = "xenserver-2010"
    XENSERVER_8 = "xenserver-8"


class GateProfile(models.TextChoices):
    FIELD = "field"
    STRICT = "strict"


class TargetProduct(models.TextChoices):
    XENSERVER_84 = "xenserver-8.4"
    XCP_NG_83 = "xcp-ng-8.3"


class Project(Identified):
    """One engagement at one customer; everything else in the product belongs to one project."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="projects")
    name = models.CharField(max_length=200)
    policy_profile = models.CharField(max_length=32, choices=PolicyProfile.choices, default=PolicyProfile.XENSERVER_8)
    gate_profile = models.CharField(max_length=16, choices=GateProfile.choices, default=GateProfile.FIELD)
    target_product = models.CharField(max_length=32, choices=TargetProduct.choices, default=TargetProduct.XENSERVER_84)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["customer", "name"], name="project_name_per_customer")]

    def __str__(self) -> str:
        return self.name


ROLE_CHOICES = [(role.value, role.value) for role in Role]


class Membership(Identified):
    """One person's part in one project."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=ROLE_CHOICES)
    is_approver = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "project"], name="one_membership_per_project")]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} in {self.project_id}"


class ApiToken(AbstractAuthToken):
    """A bearer token, stored only as a hash. May be narrowed to one project and to a lower role."""

    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100, blank=True)
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=16, choices=ROLE_CHOICES, blank=True)

    def __str__(self) -> str:
        return f"token {self.public_id} of {self.user_id}"
