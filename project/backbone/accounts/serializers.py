"""Tenancy on the wire. Passwords are write-only; a token's plain text is answered once, by the view that made it."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from project.backbone.accounts.models import ROLE_CHOICES, ApiToken, Customer, Membership, Project, User
from project.backbone.api.strict import StrictMixin


class UserSerializer(StrictMixin, serializers.ModelSerializer[User]):
    password = serializers.CharField(write_only=True, max_length=200, trim_whitespace=False)

    class Meta:
        model = User
        fields: ClassVar = ["id", "username", "email", "is_active", "is_superuser", "password", "created_at", "last_login"]
        read_only_fields: ClassVar = ["id", "is_active", "created_at", "last_login"]
        # The service answers a taken name with its own problem, also when two requests meet.
        extra_kwargs: ClassVar = {"email": {"required": False}}


class UserChangeSerializer(StrictMixin, serializers.Serializer[Any]):
    email = serializers.EmailField(required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False)
    is_superuser = serializers.BooleanField(required=False)
    password = serializers.CharField(required=False, write_only=True, max_length=200, trim_whitespace=False)


class CustomerSerializer(StrictMixin, serializers.ModelSerializer[Customer]):
    name = serializers.CharField(max_length=200)

    class Meta:
        model = Customer
        fields: ClassVar = ["id", "name", "created_at"]


class ProjectSerializer(StrictMixin, serializers.ModelSerializer[Project]):
    customer_name = serializers.CharField(source="customer.name", read_only=True)

    class Meta:
        model = Project
        fields: ClassVar = [
            "id", "customer", "customer_name", "name", "policy_profile", "gate_profile", "target_product", "created_at",
        ]  # fmt: skip
        validators: ClassVar[list[Any]] = []


class ProjectChangeSerializer(StrictMixin, serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields: ClassVar = ["name", "policy_profile", "gate_profile", "target_product"]


class MemberSerializer(StrictMixin, serializers.ModelSerializer[Membership]):
    """A member; `user` or `username` names the person when one is added."""

    user = serializers.UUIDField(source="user_id", required=False)
    username = serializers.CharField(source="user.username", required=False, max_length=150)
    approver = serializers.BooleanField(source="is_approver", default=False)

    class Meta:
        model = Membership
        fields: ClassVar = ["id", "user", "username", "role", "approver", "created_at"]
        validators: ClassVar[list[Any]] = []


class MemberChangeSerializer(StrictMixin, serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=ROLE_CHOICES, required=False)
    approver = serializers.BooleanField(required=False)


class CredentialsSerializer(StrictMixin, serializers.Serializer[Any]):
    """User name and password for a token; `name`, `project`, `role` and `lifetime_s` narrow it."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=200, trim_whitespace=False, write_only=True)
    name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    project = serializers.UUIDField(required=False, allow_null=True)
    role = serializers.ChoiceField(choices=ROLE_CHOICES, required=False, allow_blank=True)
    lifetime_s = serializers.IntegerField(min_value=1, max_value=366 * 24 * 3600, required=False)


class TokenRequestSerializer(CredentialsSerializer):
    """A further token for whoever is signed in."""

    username = None  # type: ignore[assignment]
    password = None  # type: ignore[assignment]


class IssuedTokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    id = serializers.UUIDField()


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    starts_with = serializers.CharField(source="token_key", read_only=True)
    created_at = serializers.DateTimeField(source="created", read_only=True)
    expires_at = serializers.DateTimeField(source="expiry", read_only=True)
    username = serializers.CharField(source="user.username", read_only=True)

    class Meta:
        model = ApiToken
        fields: ClassVar = ["id", "name", "username", "starts_with", "project", "role", "created_at", "expires_at"]


class GrantSerializer(serializers.Serializer[Any]):
    project = serializers.UUIDField()
    role = serializers.CharField()
    approver = serializers.BooleanField()


class WhoAmISerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    username = serializers.CharField()
    is_superuser = serializers.BooleanField()
    memberships = GrantSerializer(many=True)
