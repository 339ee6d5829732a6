"""The API of waves: start, gate, signature, cutover, rollback. The wave's content is planning's; what happens to it is ours."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from migration.conversion.services import looking
from migration.cutover.models import GateDecisionRow
from migration.cutover.selectors import Since, code_of, latest_decision, since_last
from migration.cutover.services import documents, gate, waves
from migration.cutover.services.documents import LONGEST_NAME
from migration.planning import selectors as planning
from project.backbone.accounts import selectors as accounts
from project.backbone.api.accepted import accepted
from project.backbone.api.downloads import download
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ActorMixin
from project.backbone.api.strict import StrictMixin, takes_no_body
from project.backbone.jobs.serializers import JobSerializer
from project.backbone.models import Project
from project.backbone.problems import NotVisible


class ReasonSerializer(serializers.Serializer[dict[str, str]]):
    code = serializers.CharField()
    subject = serializers.CharField()
    detail = serializers.CharField()
    remedy = serializers.CharField()
    evidence = serializers.CharField(allow_blank=True)


class SinceSerializer(serializers.Serializer[Since]):
    """What changed since the wave's answer before this one."""

    decided_at = serializers.DateTimeField(help_text="When the answer before was given.")
    state = serializers.CharField(help_text="What it was: `open` or `closed`.")
    came = ReasonSerializer(many=True, source="change.came", help_text="Reasons that stand now and did not stand then.")
    went = ReasonSerializer(many=True, source="change.went", help_text="Reasons that stood then and are gone.")


class SignedDocumentSerializer(serializers.Serializer[dict[str, Any]]):
    """A document that a person without a login signed."""

    name = serializers.CharField()
    sha256 = serializers.CharField()
    size_bytes = serializers.IntegerField()
    signatory = serializers.CharField(help_text="Who signed it.")
    organisation = serializers.CharField(help_text="For whom.")
    signed_on = serializers.DateField(help_text="The day on which it was signed, in UTC.")
    recorded_by_name = serializers.CharField(help_text="Who handed it in; never who asked the gate.")


class DocumentSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    """A signed document and what stands on it."""

    file = serializers.FileField(help_text="A PDF, or a scan as PNG or JPEG; 20 MiB at most.")
    signatory = serializers.CharField(max_length=LONGEST_NAME, help_text="Who signed it.")
    organisation = serializers.CharField(max_length=LONGEST_NAME, help_text="For whom.")
    signed_on = serializers.DateField(help_text="The day on which it was signed, in UTC.")
    answer_code = serializers.CharField(max_length=40, help_text="The code that the document names.")


class GateSerializer(serializers.ModelSerializer[GateDecisionRow]):
    reasons = ReasonSerializer(many=True)
    warnings = ReasonSerializer(many=True)
    since_last = serializers.SerializerMethodField()
    answer_code = serializers.SerializerMethodField(
        help_text="What a document that is signed on paper has to name, so that it is about this answer alone."
    )
    signed_document = serializers.SerializerMethodField()

    class Meta:
        model = GateDecisionRow
        fields: ClassVar = [
            "id", "wave_id", "phase", "state", "decided_at", "reasons", "warnings", "fact_ids", "asked_by_name", "signed_by_name",
            "signed_at", "since_last", "answer_code", "signed_document",
        ]  # fmt: skip

    def get_answer_code(self, row: GateDecisionRow) -> str:
        return code_of(row)

    @extend_schema_field(SignedDocumentSerializer(allow_null=True))
    def get_signed_document(self, row: GateDecisionRow) -> dict[str, Any] | None:
        return dict(SignedDocumentSerializer(row.signed_document).data) if row.signed_document else None

    @extend_schema_field(SinceSerializer(allow_null=True))
    def get_since_last(self, row: GateDecisionRow) -> dict[str, Any] | None:
        since = since_last(row)
        return None if since is None else dict(SinceSerializer(since).data)


class WaveView(ActorMixin, APIView):
    """One wave of a project the caller sees."""

    project: Project

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.project = accounts.project(kwargs["project_id"], actor=self.actor)
        planning.wave(self.project.pk, kwargs["wave_id"])


class StartView(WaveView):
    @extend_schema(request=None, responses={202: JobSerializer}, operation_id="waves_start")
    @takes_no_body
    def post(self, request: Request, wave_id: UUID, **kwargs: Any) -> Response:
        """Make the machines of the wave in the pool, halted and blocked."""
        key = idempotency_key_of(request)
        return accepted(waves.start(self.project, wave_id=wave_id, actor=self.actor, idempotency_key=key), request)


class RetryView(WaveView):
    @extend_schema(request=None, responses={202: JobSerializer}, operation_id="waves_retry")
    @takes_no_body
    def post(self, request: Request, wave_id: UUID, **kwargs: Any) -> Response:
        """Take up every machine of the wave that failed before its VM was started, or was never begun."""
        key = idempotency_key_of(request)
        return accepted(waves.retry(self.project, wave_id=wave_id, actor=self.actor, idempotency_key=key), request)


class PreflightView(WaveView):
    @extend_schema(request=None, responses={202: JobSerializer}, operation_id="waves_preflight")
    @takes_no_body
    def post(self, request: Request, wave_id: UUID, **kwargs: Any) -> Response:
        """Look at both sides before the first byte: every answer (pass, fail, unknown) at once in the job's result."""
        key = idempotency_key_of(request)
        name = planning.wave(self.project.pk, wave_id).name
        job = looking.ask_preflight(self.project, wave_id=wave_id, name=name, actor=self.actor, idempotency_key=key)
        return accepted(job, request)


class GateView(WaveView):
    @extend_schema(responses=GateSerializer, operation_id="waves_gate_read")
    def get(self, request: Request, wave_id: UUID, **kwargs: Any) -> Response:
        """The newest answer of the gate."""
        row = latest_decision(wave_id)
        if row is None:
            raise NotVisible(detail="The gate of this wave has not been asked yet: POST here to ask it.")
        return Response(GateSerializer(row).data)

    @extend_schema(request=None, responses={202: JobSerializer}, operation_id="waves_gate_ask")
    @takes_no_body
    def post(self, request: Request, wave_id: UUID, **kwargs: Any) -> Response:
        """Ask the gate now, on facts read from the pool just now."""
        key = idempotency_key_of(request)
        return accepted(gate.ask(self.project, wave_id=wave_id, actor=self.actor, idempotency_key=key), request)


class SignView(WaveView):
    @extend_schema(request=None, responses=GateSerializer, operation_id="waves_gate_sign")
    @takes_no_body
    def post(self, request: Request, wave_id: UUID, **kwargs: Any) -> Response:
        """Sign an open answer. The signer is an approver and not the person who asked."""
        return Response(GateSerializer(gate.sign(self.project, wave_id=wave_id, actor=self.actor)).data)


class DocumentView(WaveView):
    parser_classes = (MultiPartParser,)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}, operation_id="waves_gate_document")
    def get(self, request: Request, wave_id: UUID, **kwargs: Any) -> HttpResponse:
        """The document that the newest answer was signed by, to be saved."""
        document, content = documents.read_document(wave_id)
        return download(content, str(document["content_type"]), str(document["name"]))

    @extend_schema(
        request={"multipart/form-data": DocumentSerializer}, responses=GateSerializer, operation_id="waves_gate_sign_by_document"
    )
    def post(self, request: Request, wave_id: UUID, **kwargs: Any) -> Response:
        """Hand in what a person without a login signed. It counts as the signature of the newest open answer."""
        filled = DocumentSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        file, paper = filled.validated_data.pop("file"), documents.SignedPaper(**filled.validated_data)
        row = documents.sign_by_document(
            self.project, wave_id=wave_id, paper=paper, name=file.name, content=file.read(), actor=self.actor
        )
        return Response(GateSerializer(row).data)


class CutoverView(WaveView):
    @extend_schema(request=None, responses={202: JobSerializer}, operation_id="waves_cutover")
    @takes_no_body
    def post(self, request: Request, wave_id: UUID, **kwargs: Any) -> Response:
        """Cut the wave over; refused with `gate_closed` or `gate_stale` and the reasons."""
        key = idempotency_key_of(request)
        return accepted(waves.cut_over(self.project, wave_id=wave_id, actor=self.actor, idempotency_key=key), request)


class RollbackView(WaveView):
    @extend_schema(request=None, responses={202: JobSerializer}, operation_id="waves_rollback")
    @takes_no_body
    def post(self, request: Request, wave_id: UUID, **kwargs: Any) -> Response:
        """Stop and block the wave's VMs in the pool and power on the sources that ran before."""
        key = idempotency_key_of(request)
        return accepted(waves.roll_back(self.project, wave_id=wave_id, actor=self.actor, idempotency_key=key), request)


WAVE_URLS = [
    path("waves/<uuid:wave_id>/start", StartView.as_view(), name="wave-start"),
    path("waves/<uuid:wave_id>/retry", RetryView.as_view(), name="wave-retry"),
    path("waves/<uuid:wave_id>/preflight", PreflightView.as_view(), name="wave-preflight"),
    path("waves/<uuid:wave_id>/gate", GateView.as_view(), name="wave-gate"),
    path("waves/<uuid:wave_id>/gate/sign", SignView.as_view(), name="wave-gate-sign"),
    path("waves/<uuid:wave_id>/gate/document", DocumentView.as_view(), name="wave-gate-document"),
    path("waves/<uuid:wave_id>/cutover", CutoverView.as_view(), name="wave-cutover"),
    path("waves/<uuid:wave_id>/rollback", RollbackView.as_view(), name="wave-rollback"),
]
