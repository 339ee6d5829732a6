"""Users, customers, projects and members over HTTP. Signing in and tokens are in token_api.py."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from project.backbone.accounts import selectors, services
from project.backbone.accounts.models import Customer, Membership, Project, User
from project.backbone.accounts.policy import Role
from project.backbone.accounts.serializers import (
    CustomerSerializer,
    MemberChangeSerializer,
    MemberSerializer,
    ProjectChangeSerializer,
    ProjectSerializer,
    UserChangeSerializer,
    UserSerializer,
)
from project.backbone.api.scoping import ProjectReadOnlyViewSet, ScopedViewSet


class ReadableViewSet(ListModelMixin, RetrieveModelMixin, ScopedViewSet):
    """List and read; subclasses write through services."""

    def checked(self, serializer: Any, request: Request) -> dict[str, Any]:
        """The request's body through a serializer class. Raises DRF's ValidationError."""
        filled = serializer(data=request.data, partial=request.method == "PATCH", context=self.get_serializer_context())
        filled.is_valid(raise_exception=True)
        return dict(filled.validated_data)


class UserViewSet(ReadableViewSet):
    """People. Superusers see everybody, others themselves and the people of their projects."""

    queryset = User.objects.all()
    serializer_class = UserSerializer
    search_fields: ClassVar = ["username", "email"]
    ordering_fields: ClassVar = ["username", "created_at"]
    filterset_fields: ClassVar = ["username", "is_active", "is_superuser"]

    def get_queryset(self) -> QuerySet[User]:
        rows = User.objects.order_by("username")
        if self.for_schema:
            return rows.none()
        ids = self.actor.visible_project_ids()
        if ids is None:
            return rows
        shared = Membership.objects.filter(project_id__in=ids).values("user_id")
        return rows.filter(Q(id=self.actor.user_id) | Q(id__in=shared))

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = services.create_user(**self.checked(UserSerializer, request), actor=self.actor)
        return Response(UserSerializer(user).data, status=201)

    @extend_schema(request=UserChangeSerializer, responses=UserSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        changes = self.checked(UserChangeSerializer, request)
        user = services.update_user(self.get_object(), changes=changes, actor=self.actor)
        return Response(UserSerializer(user).data)


class CustomerViewSet(ReadableViewSet):
    """Customers; others than superusers see those of their projects."""

    queryset = Customer.objects.all()
    serializer_class = CustomerSerializer
    search_fields: ClassVar = ["name"]
    ordering_fields: ClassVar = ["name", "created_at"]
    filterset_fields: ClassVar = {"name": ["exact", "icontains"]}

    def get_queryset(self) -> QuerySet[Customer]:
        rows = Customer.objects.order_by("name")
        if self.for_schema:
            return rows.none()
        ids = self.actor.visible_project_ids()
        return rows if ids is None else rows.filter(id__in=Project.objects.filter(id__in=ids).values("customer_id"))

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        customer = services.create_customer(**self.checked(CustomerSerializer, request), actor=self.actor)
        return Response(CustomerSerializer(customer).data, status=201)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        customer = self.get_object()
        name = self.checked(CustomerSerializer, request).get("name", customer.name)
        return Response(CustomerSerializer(services.rename_customer(customer, name=name, actor=self.actor)).data)


class ProjectsViewSet(ReadableViewSet):
    """Projects the caller has a part in."""

    queryset = Project.objects.all()
    serializer_class = ProjectSerializer
    search_fields: ClassVar = ["name", "customer__name"]
    ordering_fields: ClassVar = ["name", "created_at", "customer__name"]
    filterset_fields: ClassVar = {"name": ["exact", "icontains"], "customer": ["exact"], "target_product": ["exact"]}

    def get_queryset(self) -> QuerySet[Project]:
        return Project.objects.none() if self.for_schema else selectors.visible_projects(self.actor).order_by("name")

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        project = services.create_project(**self.checked(ProjectSerializer, request), actor=self.actor)
        return Response(ProjectSerializer(project).data, status=201)

    @extend_schema(request=ProjectChangeSerializer, responses=ProjectSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        project = self.get_object()
        changes = self.checked(ProjectChangeSerializer, request)
        return Response(ProjectSerializer(services.update_project(project, changes=changes, actor=self.actor)).data)


class MemberViewSet(ProjectReadOnlyViewSet):
    """Members of a project, with their role and the right to approve."""

    queryset = Membership.objects.select_related("user").order_by("created_at")
    serializer_class = MemberSerializer
    search_fields: ClassVar = ["user__username"]
    ordering_fields: ClassVar = ["created_at", "role"]
    filterset_fields: ClassVar = {"role": ["exact"], "is_approver": ["exact"]}

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        filled = MemberSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        wanted = filled.validated_data
        self.actor.require(self.project, Role.ADMIN)
        user = services.user_by(user_id=wanted.get("user_id"), username=wanted.get("user", {}).get("username", ""))
        member = services.add_member(
            self.project, user=user, role=Role(wanted["role"]), is_approver=wanted["is_approver"], actor=self.actor
        )
        return Response(MemberSerializer(member).data, status=201)

    @extend_schema(request=MemberChangeSerializer, responses=MemberSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        filled = MemberChangeSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        role = filled.validated_data.get("role")
        member = services.change_member(
            self.get_object(),
            role=Role(role) if role else None,
            is_approver=filled.validated_data.get("approver"),
            actor=self.actor,
        )
        return Response(MemberSerializer(member).data)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        services.remove_member(self.get_object(), actor=self.actor)
        return Response(status=204)
