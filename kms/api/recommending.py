"""The API of what is recommended for a site."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kms.core.recommendation import Recommendation, Way
from kms.selectors.recommending import recommendations
from project.backbone.accounts import selectors as accounts
from project.backbone.api.scoping import ActorMixin
from project.backbone.clock import now


class KmsRecommendationSerializer(serializers.Serializer[Recommendation]):
    """What to do for servers (5) or clients (25), with the arithmetic."""

    required_count = serializers.IntegerField(help_text="For whom: 5 is servers, 25 is clients.")
    way = serializers.ChoiceField(choices=[way.value for way in Way], help_text="How they should be activated.")
    advice = serializers.CharField(help_text="The same in one sentence.")
    arithmetic = serializers.ListField(child=serializers.CharField(), help_text="Line by line what it rests on.")


class KmsRecommendationView(ActorMixin, APIView):
    """How the site should activate."""

    @extend_schema(responses=KmsRecommendationSerializer(many=True), operation_id="kms_recommendation")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """KMS with these hosts, Active Directory, or MAK: for servers and for clients, with the arithmetic shown."""
        told: Any = recommendations(accounts.project(self.kwargs["project_id"], actor=self.actor), at=now())
        return Response(KmsRecommendationSerializer(told, many=True).data)
