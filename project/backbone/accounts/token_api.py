"""Signing in over HTTP, and the caller's tokens: ask for one, list, revoke; and who the caller is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from project.backbone.accounts import selectors, tokens
from project.backbone.accounts.models import ApiToken, User
from project.backbone.accounts.policy import Role
from project.backbone.accounts.serializers import (
    CredentialsSerializer,
    IssuedTokenSerializer,
    TokenRequestSerializer,
    TokenSerializer,
    WhoAmISerializer,
)
from project.backbone.api.scoping import ActorMixin, ScopedViewSet, actor_of
from project.backbone.api.strict import takes_no_body
from project.backbone.problems import NotSignedIn


class TokenView(APIView):
    """`POST` user name and password for a token; `DELETE` revokes the token the request came with."""

    permission_classes = [AllowAny]

    def get_authenticators(self) -> Any:
        """Signing in must work with a stale token or cookie at hand, so only DELETE looks at them."""
        return super().get_authenticators() if self.request is None or self.request.method == "DELETE" else []

    @extend_schema(request=CredentialsSerializer, responses={200: IssuedTokenSerializer}, auth=[])
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        filled = CredentialsSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        wanted = dict(filled.validated_data)
        user = tokens.check_password(
            username=wanted.pop("username"), password=wanted.pop("password"), address=request.META.get("REMOTE_ADDR", "")
        )
        return Response(_issued(user, wanted))

    @extend_schema(request=None, responses={204: None})
    @takes_no_body
    def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if not isinstance(request.auth, ApiToken):
            raise NotSignedIn("This request carries no token to revoke.", next_step="Send the token as a Bearer token.")
        tokens.revoke_token(request.auth, actor=actor_of(request))
        return Response(status=204)


class TokensViewSet(ListModelMixin, RetrieveModelMixin, ScopedViewSet):
    """The caller's own tokens."""

    queryset = ApiToken.objects.all()
    serializer_class = TokenSerializer
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    search_fields: ClassVar = ["name"]
    ordering_fields: ClassVar = ["created", "expiry"]

    def get_queryset(self) -> QuerySet[ApiToken]:
        rows: QuerySet[ApiToken] = ApiToken.objects.select_related("user").order_by("created", "public_id")
        return rows.none() if self.for_schema else rows.filter(user_id=self.actor.user_id)

    @extend_schema(request=TokenRequestSerializer, responses={201: IssuedTokenSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        filled = TokenRequestSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        return Response(_issued(cast(User, request.user), dict(filled.validated_data), request), status=201)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        tokens.revoke_token(self.get_object(), actor=self.actor)
        return Response(status=204)


class WhoAmIView(ActorMixin, APIView):
    """Who the caller is, and in which projects they hold which role."""

    @extend_schema(responses=WhoAmISerializer)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        actor = self.actor
        grants = [
            {"project": project_id, "role": actor.role_in(project_id), "approver": grant.approver}
            for project_id, grant in actor.memberships.items()
            if actor.sees(project_id)
        ]
        person = {"id": actor.user_id, "username": actor.username, "is_superuser": actor.is_superuser}
        return Response(WhoAmISerializer({**person, "memberships": grants}).data)


def _issued(user: User, wanted: dict[str, Any], request: Request | None = None) -> dict[str, Any]:
    actor = actor_of(request) if request is not None else selectors.actor_for(user)
    project_id = wanted.get("project")
    seconds = wanted.get("lifetime_s")
    issued = tokens.issue_token(
        user,
        name=wanted.get("name", ""),
        project=selectors.project(project_id, actor=actor) if project_id else None,
        role=Role(wanted["role"]) if wanted.get("role") else None,
        lifetime=timedelta(seconds=seconds) if seconds else None,
        actor=actor,
    )
    answer = {"token": issued.plain, "expires_at": issued.row.expiry, "id": issued.row.public_id}
    return dict(IssuedTokenSerializer(answer).data)
