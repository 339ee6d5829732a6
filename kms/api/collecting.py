"""How one KMS host is collected over WinRM: set, shown without its secret, probed, confirmed, collected."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kms import selectors
from kms.models import KmsAuth, KmsCollection, KmsHost
from kms.selectors.collecting import required_collection
from kms.services import collecting as services
from project.backbone.accounts import selectors as accounts
from project.backbone.api.accepted import accepted
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ActorMixin
from project.backbone.api.strict import StrictMixin, takes_no_body
from project.backbone.jobs.serializers import JobSerializer

SECRET_CHARS = 20_000


class KmsHostCertificateSerializer(serializers.Serializer[Any]):
    """A certificate the last probe saw."""

    subject = serializers.CharField(help_text="Whose certificate it says it is.")
    sha256 = serializers.CharField()
    address = serializers.CharField()
    not_after = serializers.CharField(required=False, help_text="Until when it says it is valid.")


class KmsFailureSerializer(serializers.Serializer[Any]):
    """Why an attempt failed."""

    code = serializers.CharField()
    message = serializers.CharField(help_text="What went wrong, in words.")
    next_step = serializers.CharField(help_text="What to do about it.")


class KmsCollectionSerializer(serializers.ModelSerializer[KmsCollection]):
    """How a host is collected. The secret is never shown."""

    name = serializers.CharField(source="host.name", help_text="The host's name.")
    url = serializers.CharField(source="host.endpoint.url", help_text="Address of its WinRM over HTTPS.")
    username = serializers.CharField(source="host.endpoint.username", help_text="Who signs in; empty with a certificate.")
    certificates = KmsHostCertificateSerializer(source="host.endpoint.offered_pins", many=True)
    tls_thumbprints = serializers.ListField(child=serializers.CharField(), source="host.endpoint.pins")
    confirmed_at = serializers.DateTimeField(source="host.endpoint.pins_confirmed_at", allow_null=True)
    auth = serializers.ChoiceField(choices=KmsAuth.choices, help_text="How to sign in.")
    asked_at = serializers.DateTimeField(allow_null=True, help_text="When a reading was asked for last; null before the first.")
    collected_at = serializers.DateTimeField(allow_null=True, help_text="When a reading came this way last; null before that.")
    failed = KmsFailureSerializer(allow_null=True, help_text="Why the newest attempt failed; null when it did not.")
    failed_at = serializers.DateTimeField(allow_null=True, help_text="When it failed; null when it did not.")

    class Meta:
        model = KmsCollection
        fields: ClassVar = [
            "name", "url", "username", "auth", "configuration", "timeout_s", "every_hours", "certificates", "tls_thumbprints",
            "confirmed_at", "asked_at", "collected_at", "failed", "failed_at",
        ]  # fmt: skip
        extra_kwargs: ClassVar = {
            "configuration": {"help_text": "PowerShell session configuration to open."},
            "timeout_s": {"help_text": "Seconds that a whole collection may take."},
            "every_hours": {"help_text": "Hours from reading to reading; 0: by hand only."},
        }


class KmsCollectionChangeSerializer(StrictMixin, serializers.Serializer[Any]):
    """What sets how a host is collected; what is not given stays."""

    url = serializers.CharField(max_length=500, required=False, help_text="`https://host`, with a port if it is not 5986.")
    username = serializers.CharField(max_length=200, required=False, allow_blank=True, help_text="`DOMAIN\\name`.")
    secret = serializers.CharField(
        write_only=True, max_length=SECRET_CHARS, required=False, trim_whitespace=False,
        help_text="The password; with a certificate its PEM text and that of its key. Sealed, and never shown again.",
    )  # fmt: skip
    auth = serializers.ChoiceField(choices=KmsAuth.choices, required=False, help_text="How to sign in.")
    configuration = serializers.CharField(max_length=80, required=False, help_text="PowerShell session configuration to open.")
    timeout_s = serializers.FloatField(min_value=5, max_value=600, required=False, help_text="Seconds a collection may take.")
    every_hours = serializers.IntegerField(
        min_value=0, max_value=168, required=False, help_text="Hours from reading to reading; 0: by hand only."
    )


class KmsConfirmSerializer(StrictMixin, serializers.Serializer[Any]):
    """The certificates a person vouches for."""

    tls_thumbprints = serializers.ListField(child=serializers.CharField(max_length=200), allow_empty=False, max_length=20)


class _OfHost(ActorMixin, APIView):
    """A view of one host of a project the actor sees."""

    def host(self, project_id: UUID, host_id: UUID) -> KmsHost:
        """Raises: NotVisible."""
        return selectors.host(accounts.project(project_id, actor=self.actor), host_id)


class KmsCollectionView(_OfHost):
    """How the host is collected."""

    @extend_schema(responses=KmsCollectionSerializer, operation_id="kms_collection")
    def get(self, request: Request, project_id: UUID, host_id: UUID, **kwargs: Any) -> Response:
        """How the host is collected over WinRM, and how the newest attempt ended."""
        row, _ = required_collection(self.host(project_id, host_id))
        return Response(KmsCollectionSerializer(row).data)

    @extend_schema(request=KmsCollectionChangeSerializer, responses=KmsCollectionSerializer, operation_id="kms_collection_set")
    def patch(self, request: Request, project_id: UUID, host_id: UUID, **kwargs: Any) -> Response:
        """Set how the host is collected; nothing is contacted. Probe it next."""
        host = self.host(project_id, host_id)
        filled = KmsCollectionChangeSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        row = services.set_collection(host, changes=filled.validated_data, actor=self.actor)
        return Response(KmsCollectionSerializer(row).data)

    @extend_schema(responses={204: None}, operation_id="kms_collection_stop")
    def delete(self, request: Request, project_id: UUID, host_id: UUID, **kwargs: Any) -> Response:
        """Collect the host no more, and forget its address and secret; its readings stay."""
        services.stop_collection(self.host(project_id, host_id), actor=self.actor)
        return Response(status=204)


class KmsProbeView(_OfHost):
    """Look at the host's certificate."""

    @extend_schema(request=None, responses={202: JobSerializer}, operation_id="kms_collection_probe")
    @takes_no_body
    def post(self, request: Request, project_id: UUID, host_id: UUID, **kwargs: Any) -> Response:
        """Look at the certificate of the host's WinRM (a job); confirm it next."""
        host = self.host(project_id, host_id)
        return accepted(services.request_probe(host, actor=self.actor, idempotency_key=idempotency_key_of(request)), request)


class KmsConfirmView(_OfHost):
    """Vouch for the host's certificate."""

    @extend_schema(request=KmsConfirmSerializer, responses=KmsCollectionSerializer, operation_id="kms_collection_confirm")
    def post(self, request: Request, project_id: UUID, host_id: UUID, **kwargs: Any) -> Response:
        """Vouch for the certificate that the last probe showed."""
        host = self.host(project_id, host_id)
        filled = KmsConfirmSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        row = services.confirm(host, **filled.validated_data, actor=self.actor)
        return Response(KmsCollectionSerializer(row).data)


class KmsCollectNowView(_OfHost):
    """Collect the host."""

    @extend_schema(request=None, responses={202: JobSerializer}, operation_id="kms_collection_collect")
    @takes_no_body
    def post(self, request: Request, project_id: UUID, host_id: UUID, **kwargs: Any) -> Response:
        """Run the collection script on the host and read what it prints (a job)."""
        host = self.host(project_id, host_id)
        return accepted(services.request_collect(host, actor=self.actor, idempotency_key=idempotency_key_of(request)), request)
