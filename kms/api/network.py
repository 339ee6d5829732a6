"""The way to a project's KMS hosts: what DNS names, which ports open, what is wrong with it; settings, and a look on demand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from estate.facts.kms_network import PortOutcome, SrvRecord
from estate.facts.unknown import Unknown
from kms.core.network import Grade, NetworkCase, NetworkFinding, findings, in_order, suggestions
from kms.models import KmsNetworkSettings
from kms.selectors.network import network_case, network_settings, wave_firewall
from kms.services.network import MOST_DOMAINS, MOST_RESOLVERS, change_network_settings, request_look
from project.backbone.accounts import selectors as accounts
from project.backbone.api.accepted import accepted
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ActorMixin
from project.backbone.api.strict import StrictMixin, takes_no_body
from project.backbone.clock import now
from project.backbone.jobs.serializers import JobSerializer
from project.backbone.models import Project

NETWORK_WAVE = OpenApiParameter("wave", OpenApiTypes.UUID, description="id of a wave, whose networks are looked at too")


class KmsNetworkSettingsSerializer(StrictMixin, serializers.ModelSerializer[KmsNetworkSettings]):
    """How a project's KMS hosts are looked for. No resolvers: those of the worker's own system."""

    domains = serializers.ListField(
        child=serializers.CharField(max_length=255), max_length=MOST_DOMAINS, required=False,
        help_text="DNS domains of the Windows machines, in which `_vlmcs._tcp` is asked for.",
    )  # fmt: skip
    resolvers = serializers.ListField(
        child=serializers.CharField(max_length=80), max_length=MOST_RESOLVERS, required=False,
        help_text="Addresses of resolvers to ask, with a port behind a colon if it is not 53; none: the worker's own.",
    )  # fmt: skip
    timeout_s = serializers.FloatField(
        min_value=0.5, max_value=60, required=False, help_text="Seconds that one lookup and one connection may take."
    )
    every_hours = serializers.IntegerField(
        min_value=0, max_value=168, required=False, help_text="Hours from look to look; 0: by hand only."
    )

    asked_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When a look was asked for last; null before the first."
    )

    class Meta:
        model = KmsNetworkSettings
        fields = ["domains", "resolvers", "timeout_s", "every_hours", "asked_at"]
        read_only_fields = ["asked_at"]


class KmsSrvRecordSerializer(serializers.Serializer[SrvRecord]):
    """One record `_vlmcs._tcp`. No addresses: the name does not exist; null: nobody told."""

    target = serializers.CharField(help_text="Name of the KMS host.")
    port = serializers.IntegerField(help_text="TCP port.")
    priority = serializers.IntegerField(help_text="Lower ones are asked first.")
    weight = serializers.IntegerField(help_text="Share among records of one priority.")
    addresses = serializers.SerializerMethodField(help_text="What the name resolves to; null when nobody told.")

    def get_addresses(self, record: SrvRecord) -> list[str] | None:
        return None if isinstance(record.addresses, Unknown) else list(record.addresses)


class KmsLookupSerializer(serializers.Serializer[Any]):
    """The newest answer for one domain."""

    domain = serializers.CharField(help_text="The domain asked about.")
    looked_at = serializers.DateTimeField(help_text="When it was asked.")
    failed = serializers.CharField(help_text="Why there is no answer; empty when there is one.")
    resolver = serializers.CharField(source="answer.resolver", default="", help_text="Who answered.")
    records = KmsSrvRecordSerializer(source="answer.records", many=True, default=(), help_text="The KMS hosts it names.")


class KmsPortTrySerializer(serializers.Serializer[Any]):
    """The newest attempt of a worker to connect to a host."""

    name = serializers.CharField(source="result.name")
    port = serializers.IntegerField(source="result.port", help_text="TCP port.")
    tried_at = serializers.DateTimeField(source="at", help_text="When it was tried.")
    outcome = serializers.ChoiceField(
        source="result.outcome", choices=[outcome.value for outcome in PortOutcome], help_text="What became of it."
    )
    timeout_s = serializers.FloatField(source="result.timeout_s", help_text="Seconds it was given.")
    took_s = serializers.FloatField(source="result.took_s", help_text="Seconds it took.")
    detail = serializers.CharField(source="result.detail")


class KmsNetworkFindingSerializer(serializers.Serializer[Any]):
    """One sentence about the way to KMS."""

    code = serializers.CharField()
    grade = serializers.ChoiceField(
        choices=[grade.value for grade in Grade], help_text="`question`: nobody can tell from here; `unknown`: not looked at."
    )
    subject = serializers.CharField()
    detail = serializers.CharField()
    remedy = serializers.CharField()


class KmsSuggestionSerializer(serializers.Serializer[Any]):
    """A KMS host that DNS names and the project does not know."""

    name = serializers.CharField()
    port = serializers.IntegerField(help_text="TCP port.")
    domain = serializers.CharField(help_text="The domain whose DNS names it.")


class KmsNetworkSerializer(serializers.Serializer[Any]):
    """All that is known of the way to the project's KMS hosts."""

    settings = KmsNetworkSettingsSerializer(help_text="How it is looked for.")
    lookups = KmsLookupSerializer(many=True, help_text="The newest answer for each domain.")
    tries = KmsPortTrySerializer(many=True, help_text="The newest attempt for each host and port.")
    findings = KmsNetworkFindingSerializer(many=True, help_text="What is worth saying, alarms first.")
    suggestions = KmsSuggestionSerializer(many=True, help_text="Hosts to add.")


def _told(project: Project, case: NetworkCase, firewall: tuple[NetworkFinding, ...]) -> dict[str, Any]:
    return {
        "settings": network_settings(project),
        "lookups": case.lookups,
        "tries": sorted(case.tries.values(), key=lambda tried: (tried.result.name.casefold(), tried.result.port)),
        "findings": in_order((*findings(case), *firewall)),
        "suggestions": suggestions(case),
    }


class KmsNetworkView(ActorMixin, APIView):
    """The way to the project's KMS hosts."""

    @extend_schema(parameters=[NETWORK_WAVE], responses=KmsNetworkSerializer, operation_id="kms_network")
    def get(self, request: Request, project_id: UUID, **kwargs: Any) -> Response:
        """What DNS names, which ports open from the worker, what is wrong with it, and what to ask of a wave's networks."""
        project, at = accounts.project(project_id, actor=self.actor), now()
        wave_id = request.query_params.get("wave", "")
        firewall = wave_firewall(project, wave_id=wave_id, at=at) if wave_id else ()
        return Response(KmsNetworkSerializer(_told(project, network_case(project, at=at), firewall)).data)

    @extend_schema(
        request=KmsNetworkSettingsSerializer, responses=KmsNetworkSettingsSerializer, operation_id="kms_network_change"
    )
    def patch(self, request: Request, project_id: UUID, **kwargs: Any) -> Response:
        """Set how the project's KMS hosts are looked for."""
        project = accounts.project(project_id, actor=self.actor)
        filled = KmsNetworkSettingsSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        row = change_network_settings(project, changes=filled.validated_data, actor=self.actor)
        return Response(KmsNetworkSettingsSerializer(row).data)

    @extend_schema(request=None, responses={202: JobSerializer}, operation_id="kms_network_look")
    @takes_no_body
    def post(self, request: Request, project_id: UUID, **kwargs: Any) -> Response:
        """Look now (a job): ask DNS in every domain, and try every host's port from the worker."""
        project = accounts.project(project_id, actor=self.actor)
        return accepted(request_look(project, actor=self.actor, idempotency_key=idempotency_key_of(request)), request)
