"""The API of the guests that moved: how each Windows stands, and files about them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kms.api.asked import AT, COLLECTED_AT, COMPUTER, UNTIL, at_of, collected_at_of, computer_of, until_of
from kms.api.bodies import UPLOADS, UploadParser, body_of
from kms.core.guests import Alarm, Confidence, FollowedGuest, Stage
from kms.selectors.guests import GuestsNow, guests_now
from kms.work.take_upload import take_guests
from project.backbone.accounts import selectors as accounts
from project.backbone.api.accepted import accepted
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ActorMixin
from project.backbone.jobs.serializers import JobSerializer
from project.backbone.models import Project

CONFIDENCES = [confidence.name.lower() for confidence in Confidence]


class KmsGuestSerializer(serializers.Serializer[FollowedGuest]):
    """One Windows guest since its move."""

    machine_id = serializers.CharField(source="moved.machine.machine_id", help_text="Id of the machine.")
    name = serializers.CharField(source="moved.machine.label", help_text="The name people know it by.")
    moved_at = serializers.DateTimeField(source="moved.since", help_text="Since when its copy runs in the pool.")
    stage = serializers.ChoiceField(choices=[stage.value for stage in Stage], help_text="Where it is on its way to a licence.")
    alarm = serializers.ChoiceField(
        choices=[alarm.value for alarm in Alarm], help_text="`critical` at 3 days left or less, `warn` at 10 or less."
    )
    days_left = serializers.FloatField(allow_null=True, help_text="Of its grace or validity; null for good, or while unknown.")
    because = serializers.CharField(help_text="What the stage rests on.")
    contacted_at = serializers.DateTimeField(
        allow_null=True, help_text="When it last asked a KMS host since it moved; null if never."
    )
    reading_at = serializers.DateTimeField(
        allow_null=True, help_text="When the guest itself was last read; null if never since it moved."
    )
    confidence = serializers.SerializerMethodField(
        help_text="How sure it is that the reading is of this machine; null without one."
    )
    channel = serializers.CharField(help_text="Its way of activation, e.g. `VOLUME_KMSCLIENT`; empty while unknown.")
    channel_problem = serializers.CharField(
        source="channel_problem.detail", help_text="Why that way fails on Xen; empty if it does not."
    )
    channel_remedy = serializers.CharField(
        source="channel_problem.remedy", help_text="What to do about the channel; empty if nothing."
    )
    lasts = serializers.SerializerMethodField(
        help_text="Whether it lasts until `until` as it is; null while unknown or not asked."
    )

    def get_confidence(self, guest: FollowedGuest) -> str | None:
        return None if guest.confidence is None else guest.confidence.name.lower()

    def get_lasts(self, guest: FollowedGuest) -> bool | None:
        until = self.context.get("until")
        return None if until is None else guest.lasts_until(until, self.context["at"])


class KmsGuestsSerializer(serializers.Serializer[GuestsNow]):
    guests = KmsGuestSerializer(many=True, help_text="Every Windows machine that moved, the most urgent first.")
    not_linked = serializers.ListField(
        child=serializers.CharField(), help_text="Computers whose readings are of no machine that moved, or could be of several."
    )


class KmsGuestsView(ActorMixin, APIView):
    """The guests that moved."""

    @extend_schema(parameters=[AT, UNTIL], responses=KmsGuestsSerializer, operation_id="kms_guests")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """How each Windows guest that moved is activated: pending, contacted, licensed, or in grace with the days left."""
        at, until = at_of(request), until_of(request)
        now = guests_now(_project(self), at=at)
        return Response(KmsGuestsSerializer(now, context={"at": at, "until": until}).data)


class KmsGuestUploadView(ActorMixin, APIView):
    """Files about guests."""

    parser_classes = (UploadParser,)

    @extend_schema(
        request=UPLOADS,
        parameters=[COLLECTED_AT, COMPUTER],
        responses={202: JobSerializer},
        operation_id="kms_guest_upload",
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Upload how guests are activated as the body (20 MB at most): the collection script's JSON of a guest, the text of
        `slmgr /dlv`, or VAMT's list as CSV; a job reads it."""
        job = take_guests(
            _project(self),
            body_of(request),
            collected_at=collected_at_of(request),
            computer_name=computer_of(request),
            actor=self.actor,
            idempotency_key=idempotency_key_of(request),
        )
        return accepted(job, request)


def _project(view: Any) -> Project:
    return accounts.project(view.kwargs["project_id"], actor=view.actor)
