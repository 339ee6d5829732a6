"""What is planned for a KMS host's clients, on the wire."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kms.core.plan import CmidPolicy, Departure, Plan, PlannedMove, Rebuild
from project.backbone.api.strict import StrictMixin

CMID_POLICIES = [policy.value for policy in CmidPolicy]
MOST_MACHINES = 5000
MOST_DAYS = 180


class _ChangeSerializer(StrictMixin, serializers.Serializer[Any]):
    cmid = serializers.UUIDField()
    at = serializers.DateTimeField(help_text="When it happens, ISO 8601 with a zone.")


class KmsMoveSerializer(_ChangeSerializer):
    """A client's machine comes up on the new pool."""

    cmid_policy = serializers.ChoiceField(
        choices=CMID_POLICIES,
        default=CmidPolicy.UNKNOWN.value,
        help_text="Whether the client keeps its CMID; both bounds while nobody knows.",
    )


class KmsDepartureSerializer(_ChangeSerializer):
    """A client is switched off for good."""


class KmsRebuildSerializer(_ChangeSerializer):
    """A client's machine is replaced by one of a gold image; not generalised, all of an image share one CMID."""

    image = serializers.CharField(max_length=200, help_text="Name of the gold image.")
    generalised = serializers.BooleanField(
        allow_null=True, default=None, help_text="Whether the image was generalised; null: nobody knows, both are computed."
    )


class KmsPlanSerializer(StrictMixin, serializers.Serializer[Any]):
    """What is planned for a host's clients, and for the host itself."""

    days = serializers.IntegerField(min_value=0, max_value=MOST_DAYS, default=45, help_text="How far ahead to compute.")
    moves = KmsMoveSerializer(many=True, default=list, help_text="Clients whose machines move.")
    departures = KmsDepartureSerializer(many=True, default=list, help_text="Clients that are switched off for good.")
    rebuilds = KmsRebuildSerializer(many=True, default=list, help_text="Clients replaced by machines of a gold image.")
    host_moves_at = serializers.DateTimeField(
        allow_null=True, default=None, help_text="When the KMS host itself moves; its cache may be lost then."
    )

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        changes = [change for kind in ("moves", "departures", "rebuilds") for change in fields[kind]]
        if len(changes) > MOST_MACHINES:
            raise serializers.ValidationError(f"A plan of {len(changes)} changes is too large; {MOST_MACHINES} at most.")
        for kind in ("moves", "departures", "rebuilds"):
            _once_each(kind, fields[kind])
        _not_both(fields["moves"], fields["rebuilds"])
        return fields

    def plan(self) -> Plan:
        """The plan as core takes it."""
        fields = self.validated_data
        return Plan(
            moves=tuple(PlannedMove(str(m["cmid"]), m["at"], CmidPolicy(m["cmid_policy"])) for m in fields["moves"]),
            departures=tuple(Departure(str(each["cmid"]), each["at"]) for each in fields["departures"]),
            rebuilds=tuple(Rebuild(str(r["cmid"]), r["at"], r["image"], r["generalised"]) for r in fields["rebuilds"]),
            host_moves_at=fields["host_moves_at"],
        )


def _once_each(kind: str, changes: list[dict[str, Any]]) -> None:
    cmids = [change["cmid"] for change in changes]
    twice = next((cmid for cmid in cmids if cmids.count(cmid) > 1), None) if len(set(cmids)) < len(cmids) else None
    if twice is not None:
        raise serializers.ValidationError({kind: f"{twice} stands there twice; one client changes once."})


def _not_both(moves: list[dict[str, Any]], rebuilds: list[dict[str, Any]]) -> None:
    both = {move["cmid"] for move in moves} & {rebuild["cmid"] for rebuild in rebuilds}
    if both:
        raise serializers.ValidationError({"rebuilds": f"{min(both)} is moved too; it is either moved or rebuilt."})
