"""The API of taking an upload back."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kms.models import KmsWithdrawal
from kms.services.withdrawing import MOST_REASON, withdraw
from project.backbone.accounts import selectors as accounts
from project.backbone.api.scoping import ActorMixin
from project.backbone.api.strict import StrictMixin


class KmsWithdrawSerializer(StrictMixin, serializers.Serializer[Any]):
    """Why an upload shall count for nothing."""

    reason = serializers.CharField(max_length=MOST_REASON, help_text="What is wrong with it, such as a wrong time.")


class KmsWithdrawalSerializer(serializers.ModelSerializer[KmsWithdrawal]):
    """An upload that counts for nothing any more."""

    upload = serializers.SerializerMethodField(help_text="Id of the upload.")
    withdrawn_by = serializers.CharField(source="withdrawn_by_name", help_text="Who took it back.")

    class Meta:
        model = KmsWithdrawal
        fields = ("upload", "reason", "withdrawn_by", "created_at")

    def get_upload(self, row: KmsWithdrawal) -> str:
        return str(row.upload_id or row.guest_upload_id)


class KmsWithdrawView(ActorMixin, APIView):
    """Take one upload back."""

    @extend_schema(request=KmsWithdrawSerializer, responses=KmsWithdrawalSerializer, operation_id="kms_upload_withdraw")
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Nothing this file says counts from now on: for count, forecast, verdict and guests. Sent again, it counts again."""
        project = accounts.project(self.kwargs["project_id"], actor=self.actor)
        asked = KmsWithdrawSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        row = withdraw(project, self.kwargs["upload_id"], reason=asked.validated_data["reason"], actor=self.actor)
        return Response(KmsWithdrawalSerializer(row).data)
