"""Shapes on the wire of tuning campaigns and their trials."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from estate.facts.codec import to_json
from project.backbone.api.strict import StrictMixin
from readiness.api.ha_change_serializers import HaChangeSerializer
from readiness.api.serializers import AttachmentSerializer
from readiness.core.attestations import TRIAL_METHODS
from readiness.core.campaign.ladder import FIRST_RUNGS_S, HIGHEST_RUNG_S, StepKind
from readiness.core.campaign.states import CampaignState, TrialState
from readiness.core.campaign.watching import fates, max_latency_s, pull_seen, pull_seen_at, statefile_lost
from readiness.core.timeouts import TIMEOUT_FLOOR_S
from readiness.models import Campaign, CampaignTrial
from readiness.selectors.campaigns import CampaignView, observation_of


class CommandSerializer(serializers.Serializer[Any]):
    """One line to type."""

    where = serializers.CharField(help_text="On which machine.")
    line = serializers.CharField(help_text="The command, filled in with this pool's uuids.")
    expect = serializers.CharField(allow_blank=True, help_text="What to see before going on; empty when nothing is to be seen.")


class ObstacleSerializer(serializers.Serializer[Any]):
    """What stands against powering a storage node off."""

    code = serializers.CharField()
    detail = serializers.CharField()
    remedy = serializers.CharField(help_text="What to do about it.")


class ChangeWindowSerializer(StrictMixin, serializers.Serializer[Any]):
    """A change window that the owner of the VMware side signed."""

    owner = serializers.CharField(max_length=200, help_text="Who signed: the owner of the VMware side.")
    starts_at = serializers.DateTimeField(help_text="From when storage may fail over.")
    ends_at = serializers.DateTimeField(help_text="Until when; at most seven days later.")
    document = AttachmentSerializer(help_text="The signed document, by name and hash; the file stays where it is.")


class CampaignSerializer(serializers.ModelSerializer[Campaign]):
    """A campaign as a list shows it."""

    state = serializers.ChoiceField(choices=[state.value for state in CampaignState], help_text="Where the campaign stands.")
    created_by = serializers.CharField(source="created_by.username", read_only=True, allow_null=True, default=None)
    window = ChangeWindowSerializer(allow_null=True, help_text="The change window of the VMware side; null without one.")
    expendable_vms = serializers.ListField(child=serializers.CharField(), help_text="VMs of the pool that may go down.")

    class Meta:
        model = Campaign
        fields: ClassVar = [
            "id", "state", "start_s", "start_reason", "expendable_vms", "window", "tuned_timeout_s", "abandoned_because",
            "created_by", "created_at", "ended_at",
        ]  # fmt: skip
        extra_kwargs: ClassVar = {
            "start_s": {"help_text": "The timeout the ladder begins at, in seconds."},
            "start_reason": {"help_text": "Why it does not begin at 60 s; empty when it does."},
            "tuned_timeout_s": {"help_text": "The result in seconds; null while there is none."},
            "abandoned_because": {"help_text": "Why it was abandoned; empty otherwise."},
            "ended_at": {"help_text": "When it was complete or abandoned; null while it is open."},
        }


class WatchedHostSerializer(serializers.Serializer[Any]):
    """What a trial did to one host."""

    host_uuid = serializers.CharField(source="uuid", help_text="The host.")
    fenced = serializers.BooleanField(allow_null=True, help_text="Whether it fenced; null while or where nobody can say.")
    detection_s = serializers.FloatField(allow_null=True, help_text="Seconds from the pull to the first sign; null without.")
    signs = serializers.ListField(child=serializers.CharField(), help_text="What showed the fence.")


class WatchedSerializer(serializers.Serializer[Any]):
    """What the service saw of a trial so far."""

    hosts = WatchedHostSerializer(many=True, help_text="Each watched host.")
    statefile_lost = serializers.BooleanField(
        allow_null=True, help_text="Whether all hosts lost the state file; null: not known."
    )
    max_latency_s = serializers.FloatField(allow_null=True, help_text="Highest state-file latency in seconds; null: not known.")
    pull_seen = serializers.BooleanField(allow_null=True, help_text="Whether a path was seen to go; null where none is counted.")
    pull_seen_at = serializers.DateTimeField(allow_null=True, help_text="When it was seen; null when it was not.")
    timeout_held = serializers.BooleanField(help_text="Whether HA stayed on at the same timeout.")
    looked_at = serializers.DateTimeField(help_text="When the pool answered last.")
    missing_since = serializers.DateTimeField(allow_null=True, help_text="Since when no host answers; null while one does.")
    looks = serializers.IntegerField(help_text="How often the pool was looked at.")
    misses = serializers.IntegerField(help_text="How often no host answered.")


class TrialSerializer(serializers.ModelSerializer[CampaignTrial]):
    """A trial with what the service saw of it."""

    state = serializers.ChoiceField(choices=[state.value for state in TrialState], help_text="Where the trial stands.")
    created_by = serializers.CharField(source="created_by.username", read_only=True, allow_null=True, default=None)
    watched = serializers.SerializerMethodField(help_text="What the service saw so far; null before its first look.")
    obstacles = ObstacleSerializer(many=True, help_text="Why the service refused it; empty otherwise.")
    evidence = serializers.UUIDField(source="evidence_id", allow_null=True, help_text="Its evidence; null until it is confirmed.")

    class Meta:
        model = CampaignTrial
        fields: ClassVar = [
            "id", "state", "storage_node", "method", "timeout_s", "watched", "obstacles", "result", "evidence", "closed_because",
            "created_by", "created_at", "began_at", "ended_at",
        ]  # fmt: skip
        extra_kwargs: ClassVar = {
            "method": {"help_text": "How the node is stopped; only a hard power cycle counts."},
            "result": {"help_text": "What was confirmed, as the evidence holds it; null until then."},
            "closed_because": {"help_text": "Why it was discarded; empty otherwise."},
            "began_at": {"help_text": "From when the node may be powered off; null before."},
            "ended_at": {"help_text": "When the last look was taken; null before."},
        }

    @extend_schema_field(WatchedSerializer(allow_null=True))
    def get_watched(self, row: CampaignTrial) -> dict[str, Any] | None:
        seen = observation_of(row)
        if seen is None:
            return None
        watched = {
            "hosts": fates(seen),
            "statefile_lost": statefile_lost(seen),
            "max_latency_s": max_latency_s(seen),
            "pull_seen": pull_seen(seen),
            "pull_seen_at": pull_seen_at(seen),
            "timeout_held": seen.timeout_held,
            "looked_at": seen.looked_at,
            "missing_since": seen.missing_since,
            "looks": seen.looks,
            "misses": seen.misses,
        }
        return dict(WatchedSerializer(watched).data)


class StepSerializer(serializers.Serializer[Any]):
    """What to do next."""

    kind = serializers.ChoiceField(choices=[kind.value for kind in StepKind], help_text="The kind of step.")
    timeout_s = serializers.IntegerField(allow_null=True, help_text="At which timeout, in seconds; null where none applies.")
    node = serializers.CharField(allow_blank=True, help_text="Which storage node; empty where none applies.")
    hosts = serializers.ListField(child=serializers.CharField(), help_text="Hosts that still have to be watched there, by uuid.")


class CampaignDetailSerializer(CampaignSerializer):
    """A campaign with its next step, the exact commands, and its trials. Made of a CampaignView."""

    sentence = serializers.SerializerMethodField(help_text="What to do next, in one sentence.")
    next_step = serializers.SerializerMethodField(help_text="The same for programs; null once the campaign has ended.")
    commands = serializers.SerializerMethodField(help_text="The commands of that step, for a person to run.")
    obstacles = serializers.SerializerMethodField(help_text="What stands against a trial by the newest facts.")
    trials = serializers.SerializerMethodField(help_text="All trials in the order they were asked for.")
    changes = HaChangeSerializer(many=True, help_text="Changes of the timeout that the service made under a grant, newest first.")

    class Meta(CampaignSerializer.Meta):
        fields: ClassVar = [
            *CampaignSerializer.Meta.fields,
            "sentence",
            "next_step",
            "commands",
            "obstacles",
            "trials",
            "changes",
        ]

    @property
    def view(self) -> CampaignView:
        view: CampaignView = self.context["view"]
        return view

    @extend_schema_field(serializers.CharField())
    def get_sentence(self, _: Campaign) -> str:
        return self.view.sentence

    @extend_schema_field(StepSerializer(allow_null=True))
    def get_next_step(self, _: Campaign) -> dict[str, Any] | None:
        return None if self.view.step is None else dict(StepSerializer(self.view.step).data)

    @extend_schema_field(CommandSerializer(many=True))
    def get_commands(self, _: Campaign) -> list[dict[str, Any]]:
        return [to_json(each) for each in self.view.commands]

    @extend_schema_field(ObstacleSerializer(many=True))
    def get_obstacles(self, _: Campaign) -> list[dict[str, Any]]:
        return [to_json(each) for each in self.view.obstacles]

    @extend_schema_field(TrialSerializer(many=True))
    def get_trials(self, _: Campaign) -> list[dict[str, Any]]:
        return [dict(TrialSerializer(row).data) for row in self.view.trials]


class NewCampaignSerializer(StrictMixin, serializers.Serializer[Any]):
    """What begins a campaign."""

    start_s = serializers.IntegerField(
        min_value=TIMEOUT_FLOOR_S,
        max_value=HIGHEST_RUNG_S,
        default=FIRST_RUNGS_S[0],
        help_text="Where the ladder begins, in seconds.",
    )
    start_reason = serializers.CharField(
        max_length=2000, default="", allow_blank=True, help_text="Why it does not begin at 60 s; needed then."
    )
    expendable_vms = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=500,
        default=list,
        help_text="VMs that may go down, by uuid or name.",
    )


class SetAsideSerializer(StrictMixin, serializers.Serializer[Any]):
    """Why something is ended without a result."""

    reason = serializers.CharField(max_length=2000, help_text="Why.")


class ListingSerializer(StrictMixin, serializers.Serializer[Any]):
    """What the lookup command printed."""

    listing = serializers.CharField(max_length=200_000, trim_whitespace=False, help_text="All that `xe pbd-list` printed.")


class FoundSrSerializer(serializers.Serializer[Any]):
    """The heartbeat SR that the listing proves."""

    sr_uuid = serializers.CharField(help_text="Its uuid, for heartbeat-sr-uuids.")


class CampaignCommandsSerializer(serializers.Serializer[Any]):
    """Commands for a person to run; the service runs none of them."""

    lookup = CommandSerializer(many=True, help_text="How to look the heartbeat SR up by hand.")
    set_timeout = CommandSerializer(many=True, help_text="How to bring the pool to the timeout of this step.")
    record_latency = CommandSerializer(many=True, help_text="How to have each host keep its state-file latency; before a trial.")
    emergency = CommandSerializer(many=True, help_text="The way out of endless fencing, per host, on its own console.")


class NewTrialSerializer(StrictMixin, serializers.Serializer[Any]):
    """What begins a trial: which node, how, and the state of the storage right now."""

    storage_node = serializers.CharField(max_length=200, help_text="The node that will be powered off.")
    method = serializers.ChoiceField(
        choices=list(TRIAL_METHODS), default=TRIAL_METHODS[0], help_text="How; only a hard power cycle counts."
    )
    storage_healthy = serializers.BooleanField(help_text="Whether all of the storage is healthy now, as you see it yourself.")
    mirror_in_sync = serializers.BooleanField(help_text="Whether the mirror is in sync now, as you see it yourself.")


class EndTrialSerializer(StrictMixin, serializers.Serializer[Any]):
    """What ends the watch: node, mirror and hosts are back."""

    storage_healthy = serializers.BooleanField(help_text="Whether all of the storage is healthy again.")
    mirror_in_sync = serializers.BooleanField(help_text="Whether the mirror is in sync again.")


class TrialResultSerializer(StrictMixin, serializers.Serializer[Any]):
    """What a person adds when confirming a trial."""

    who = serializers.CharField(max_length=200, help_text="Who watched and confirms.")
    pulled_at = serializers.DateTimeField(
        allow_null=True, default=None, help_text="When the power was cut; null: as the service saw."
    )
    max_latency_s = serializers.FloatField(
        min_value=0,
        max_value=86_400,
        allow_null=True,
        default=None,
        help_text="Highest state-file latency measured; null: not known.",
    )
    failover_s = serializers.FloatField(
        min_value=0,
        max_value=86_400,
        allow_null=True,
        default=None,
        help_text="Longest failover a host lived through; null: not known.",
    )
    fenced_hosts = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=64, default=list, help_text="Further hosts you saw fence."
    )
    note = serializers.CharField(max_length=2000, default="", allow_blank=True, help_text="What else there was.")

    def validate_max_latency_s(self, value: float | None) -> float | None:
        return _finite(value)

    def validate_failover_s(self, value: float | None) -> float | None:
        return _finite(value)


def _finite(value: float | None) -> float | None:
    if value is not None and not value < float("inf"):
        raise serializers.ValidationError("must be a finite number of seconds")
    return value
