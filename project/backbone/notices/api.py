"""Notices over HTTP: a project's receivers, a test delivery, and what was delivered. A secret is told once, when it is made."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from project.backbone.api.accepted import accepted
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.api.strict import StrictMixin, takes_no_body
from project.backbone.jobs.serializers import JobSerializer
from project.backbone.notices import services
from project.backbone.notices.models import NoticeDelivery, NoticeTarget, TargetKind
from project.backbone.notices.signing import SHORTEST

EVENTS_MEAN = "Which events are told there: `alarm.opened` and the like; docs/readiness.md lists them."
ENABLED_MEANS = "Whether anything is told there."


class NoticeTargetSerializer(serializers.ModelSerializer[NoticeTarget]):
    """A receiver of notices, without its URL's path and without its secret."""

    address = serializers.CharField(
        source="shown", read_only=True, help_text="A webhook's scheme, host and port, without the path; or the mail addresses."
    )
    events = serializers.ListField(child=serializers.CharField(), read_only=True, help_text="What is told there.")
    tls_sha256 = serializers.CharField(read_only=True, help_text="The pinned certificate; empty where its chain is verified.")

    class Meta:
        model = NoticeTarget
        fields: ClassVar = ["id", "kind", "name", "address", "events", "enabled", "tls_sha256", "created_at"]
        extra_kwargs: ClassVar = {"enabled": {"help_text": ENABLED_MEANS}}


class MadeNoticeTargetSerializer(NoticeTargetSerializer):
    """A receiver just made, with the secret that signs what it gets."""

    secret = serializers.CharField(read_only=True, help_text="Signs each webhook. Told this once; empty for mail.")

    class Meta(NoticeTargetSerializer.Meta):
        fields: ClassVar = [*NoticeTargetSerializer.Meta.fields, "secret"]


class _Fields(StrictMixin, serializers.Serializer[Any]):
    """What is written of a receiver."""

    name = serializers.CharField(max_length=200)
    events = serializers.ListField(child=serializers.CharField(max_length=64), max_length=50, help_text=EVENTS_MEAN)
    url = serializers.CharField(max_length=1000, required=False, write_only=True, help_text="A webhook's URL, https only.")
    secret = serializers.CharField(
        min_length=SHORTEST, max_length=500, required=False, write_only=True, trim_whitespace=False,
        help_text="Signs each webhook; made by the service where none is given.",
    )  # fmt: skip
    tls_sha256 = serializers.CharField(
        max_length=95, required=False, allow_blank=True, help_text="SHA-256 of the one certificate to accept, for a private CA."
    )
    addresses = serializers.ListField(
        child=serializers.CharField(max_length=254), max_length=20, required=False, help_text="Mail addresses."
    )


class NewNoticeTargetSerializer(_Fields):
    kind = serializers.ChoiceField(choices=TargetKind.choices)


class NoticeTargetChangeSerializer(_Fields):
    name = serializers.CharField(max_length=200, required=False)
    events = serializers.ListField(
        child=serializers.CharField(max_length=64), max_length=50, required=False, help_text=EVENTS_MEAN
    )
    enabled = serializers.BooleanField(required=False, help_text=ENABLED_MEANS)


class NoticeTargetViewSet(ProjectReadOnlyViewSet):
    """Who is told what happens in the project."""

    queryset = NoticeTarget.objects.select_related("project").order_by("name")
    serializer_class = NoticeTargetSerializer
    search_fields: ClassVar = ["name", "shown"]
    ordering_fields: ClassVar = ["name", "created_at"]
    filterset_fields: ClassVar = {"kind": ["exact"], "enabled": ["exact"]}

    @extend_schema(request=NewNoticeTargetSerializer, responses={201: MadeNoticeTargetSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a receiver (admin). The answer holds the signing secret, and no later one does."""
        filled = NewNoticeTargetSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        target, secret = services.add_target(self.project, **filled.validated_data, actor=self.actor)
        return Response({**NoticeTargetSerializer(target).data, "secret": secret}, status=201)

    @extend_schema(request=NoticeTargetChangeSerializer, responses=NoticeTargetSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a receiver (admin)."""
        filled = NoticeTargetChangeSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        target = services.change_target(self.get_object(), changes=filled.validated_data, actor=self.actor)
        return Response(NoticeTargetSerializer(target).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a receiver with its deliveries (admin)."""
        services.remove_target(self.get_object(), actor=self.actor)
        return Response(status=204)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    @takes_no_body
    def test(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send a notice that says nothing but that it arrives (admin, a job)."""
        key = idempotency_key_of(request)
        return accepted(services.ask_for_test(self.get_object(), actor=self.actor, idempotency_key=key), request)


class NoticeDeliverySerializer(serializers.ModelSerializer[NoticeDelivery]):
    target = serializers.UUIDField(source="target_id", read_only=True, help_text="Id of the receiver.")
    target_name = serializers.CharField(source="target.name", read_only=True, help_text="Name of the receiver.")
    subject = serializers.CharField(source="body.subject", read_only=True, help_text="What it says in one line.")

    class Meta:
        model = NoticeDelivery
        fields: ClassVar = [
            "id", "target", "target_name", "event", "subject", "state", "attempts", "http_status", "error", "tried_at",
            "ended_at", "created_at",
        ]  # fmt: skip
        extra_kwargs: ClassVar = {
            "event": {"help_text": "What it is about; `test` for a test."},
            "attempts": {"help_text": "How often it was tried."},
            "http_status": {"help_text": "What a webhook answered last; null where it did not, and for mail."},
            "error": {"help_text": "Why the last try did not arrive; empty once it did."},
            "tried_at": {"help_text": "When it was last tried."},
            "ended_at": {"help_text": "When it arrived or was given up."},
        }


class NoticeDeliveryViewSet(ProjectReadOnlyViewSet):
    """What was told to whom, and whether it arrived."""

    queryset = NoticeDelivery.objects.select_related("target").order_by("-created_at")
    serializer_class = NoticeDeliverySerializer
    project_lookup = "target__project"
    search_fields: ClassVar = ["event", "target__name", "error"]
    ordering_fields: ClassVar = ["created_at", "event", "state"]
    filterset_fields: ClassVar = {"target": ["exact"], "event": ["exact"], "state": ["exact"]}
