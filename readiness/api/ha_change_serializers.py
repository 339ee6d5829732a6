"""Shapes on the wire of grants to change HA, and of the changes made under them."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from project.backbone.api.strict import StrictMixin
from readiness.core.campaign.change import ChangeState
from readiness.models import HaChange, HaGrant


class HaGrantSerializer(serializers.ModelSerializer[HaGrant]):
    """An administrator's word that the service may change this pool's HA timeout."""

    granted_by = serializers.CharField(
        source="granted_by.username", read_only=True, allow_null=True, default=None, help_text="Which administrator gave it."
    )

    class Meta:
        model = HaGrant
        fields: ClassVar = ["id", "reason", "expires_at", "granted_by", "created_at", "revoked_at"]
        extra_kwargs: ClassVar = {
            "reason": {"help_text": "Why."},
            "revoked_at": {"help_text": "When it was taken back; null while it holds."},
        }


class NewHaGrantSerializer(StrictMixin, serializers.Serializer[Any]):
    """What gives a grant."""

    reason = serializers.CharField(max_length=2000, help_text="Why.")
    expires_at = serializers.DateTimeField(help_text="Until when; at most seven days from now.")


class HaSettingSerializer(serializers.Serializer[Any]):
    """How HA was set."""

    enabled = serializers.BooleanField(help_text="Whether HA was on.")
    configuration = serializers.DictField(child=serializers.CharField(), help_text="pool.ha_configuration.")
    default = serializers.CharField(allow_null=True, help_text="pool.other_config default_ha_timeout; null without one.")
    timeout_s = serializers.IntegerField(allow_null=True, help_text="The timeout in force in seconds; null where there was none.")


class HaChangeSerializer(serializers.ModelSerializer[HaChange]):
    """A change of the HA timeout by the service."""

    state = serializers.ChoiceField(choices=[state.value for state in ChangeState], help_text="Where the change stands.")
    before = HaSettingSerializer(allow_null=True, help_text="What the pool was before; null until it is recorded.")

    class Meta:
        model = HaChange
        fields: ClassVar = ["id", "state", "timeout_s", "before", "failed_because", "created_at"]
        extra_kwargs: ClassVar = {"failed_because": {"help_text": "What the pool refused; empty when nothing was."}}
