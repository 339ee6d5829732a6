"""Attestations over HTTP: record an answer for many subjects, list, withdraw."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from migration.assessment.api.serializers import AttestationSerializer
from migration.assessment.api.workbooks import AnswersMixin
from migration.assessment.models import Attestation
from migration.assessment.services import attesting
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.api.strict import takes_no_body


class AttestationViewSet(AnswersMixin, ProjectReadOnlyViewSet):
    """What people answered where no source does."""

    queryset = Attestation.objects.all()
    serializer_class = AttestationSerializer
    filterset_fields: ClassVar = {"rule_id": ["exact"], "answer": ["exact"]}
    search_fields: ClassVar = ["rule_id", "who", "note"]
    ordering_fields: ClassVar = ["created_at", "rule_id"]

    @extend_schema(request=AttestationSerializer, responses={201: AttestationSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Answer one rule for these machines, or for all of a source or cluster on which it is open."""
        asked = AttestationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        row = attesting.attest(self.project, actor=self.actor, **asked.validated_data)
        return Response(AttestationSerializer(row).data, status=201)

    @extend_schema(request=None, responses=AttestationSerializer)
    @action(detail=True, methods=["post"])
    @takes_no_body
    def withdraw(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take the statement back; its question is open again."""
        return Response(AttestationSerializer(attesting.withdraw(self.get_object(), actor=self.actor)).data)
