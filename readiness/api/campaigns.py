"""The views of tuning campaigns and their trials, below one pool."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from project.backbone.api.accepted import accepted
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.api.strict import takes_no_body
from project.backbone.clock import now
from project.backbone.jobs.serializers import JobSerializer
from readiness.api import campaign_serializers as shapes
from readiness.api import ha_change_serializers as grant_shapes
from readiness.api.views import OfPoolMixin
from readiness.core.campaign.preflight import StorageWord
from readiness.models import Campaign, CampaignTrial, HaGrant
from readiness.selectors import campaigns as selectors
from readiness.services import campaigns as services
from readiness.services import ha_changes, trial_results, trials


def _filled(serializer: type[Any], request: Request) -> dict[str, Any]:
    filled = serializer(data=request.data)
    filled.is_valid(raise_exception=True)
    return dict(filled.validated_data)


def _detail(campaign: Campaign, status: int = 200) -> Response:
    view = selectors.view_of(campaign, now())
    return Response(shapes.CampaignDetailSerializer(campaign, context={"view": view}).data, status=status)


class CampaignViewSet(OfPoolMixin, ProjectReadOnlyViewSet):
    """Searches for the HA timeout of one pool: which step is next, its exact commands, and what the trials showed."""

    queryset = Campaign.objects.select_related("created_by", "pool__project").order_by("-created_at")
    serializer_class = shapes.CampaignSerializer
    project_lookup = "pool__project"
    ordering_fields: ClassVar = ["created_at", "state"]
    filterset_fields: ClassVar = {"state": ["exact"]}

    def get_queryset(self) -> QuerySet[Campaign]:
        rows = super().get_queryset()
        return rows if self.for_schema else rows.filter(pool=self.the_pool())

    @extend_schema(responses=shapes.CampaignDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A campaign with its next step in one sentence."""
        return _detail(self.get_object())

    @extend_schema(request=shapes.NewCampaignSerializer, responses={201: shapes.CampaignDetailSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Begin a campaign on the pool's newest facts."""
        filled = _filled(shapes.NewCampaignSerializer, request)
        return _detail(services.begin_campaign(self.the_pool(), **filled, actor=self.actor), 201)

    @extend_schema(request=None, responses=shapes.CampaignDetailSerializer)
    @action(detail=True, methods=["post"])
    @takes_no_body
    def preflight(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Ask again, on the newest facts, what stands against a trial and whether anything is left to test."""
        return _detail(services.advance(self.get_object(), actor=self.actor))

    @extend_schema(request=shapes.ChangeWindowSerializer, responses=shapes.CampaignDetailSerializer)
    @action(detail=True, methods=["post"], url_path="change-window")
    def change_window(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Record that the owner of the VMware side signed a change window."""
        filled = _filled(shapes.ChangeWindowSerializer, request)
        return _detail(services.record_window(self.get_object(), **filled, actor=self.actor))

    @extend_schema(request=shapes.SetAsideSerializer, responses=shapes.CampaignDetailSerializer)
    @action(detail=True, methods=["post"])
    def abandon(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """End a campaign without a result."""
        filled = _filled(shapes.SetAsideSerializer, request)
        return _detail(services.abandon_campaign(self.get_object(), **filled, actor=self.actor))

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"], url_path="set-timeout")
    @takes_no_body
    def set_timeout(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let the service set the timeout of the next step (a job); needs a grant for this pool."""
        return accepted(ha_changes.ask_for_change(self.get_object(), actor=self.actor), request)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"], url_path="restore-timeout")
    @takes_no_body
    def restore_timeout(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let the service give the pool back what it was before its newest change (a job); needs a grant for this pool."""
        return accepted(ha_changes.ask_to_restore(self.get_object(), actor=self.actor), request)

    @extend_schema(responses=shapes.CampaignCommandsSerializer)
    @action(detail=True, methods=["get"])
    def commands(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All commands of this campaign, and the way out of endless fencing."""
        return Response(shapes.CampaignCommandsSerializer(selectors.commands_of(self.get_object(), now())).data)

    @extend_schema(request=shapes.ListingSerializer, responses=shapes.FoundSrSerializer)
    @action(detail=True, methods=["post"])
    def lookup(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Read the heartbeat SR's uuid out of what the lookup command printed; refused unless every host has it."""
        filled = _filled(shapes.ListingSerializer, request)
        return Response({"sr_uuid": services.sr_by_listing(self.get_object(), filled["listing"])})


class HaGrantViewSet(OfPoolMixin, ProjectReadOnlyViewSet):
    """Whether the service itself may change HA on one pool. Without a grant it prints commands and touches nothing."""

    queryset = HaGrant.objects.select_related("granted_by", "pool__project").order_by("-created_at")
    serializer_class = grant_shapes.HaGrantSerializer
    project_lookup = "pool__project"
    ordering_fields: ClassVar = ["created_at", "expires_at"]

    def get_queryset(self) -> QuerySet[HaGrant]:
        rows = super().get_queryset()
        return rows if self.for_schema else rows.filter(pool=self.the_pool())

    @extend_schema(request=grant_shapes.NewHaGrantSerializer, responses={201: grant_shapes.HaGrantSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Allow it, as an administrator, for at most seven days."""
        filled = _filled(grant_shapes.NewHaGrantSerializer, request)
        row = ha_changes.grant(self.the_pool(), **filled, actor=self.actor)
        return Response(grant_shapes.HaGrantSerializer(row).data, status=201)

    @extend_schema(request=None, responses=grant_shapes.HaGrantSerializer)
    @action(detail=True, methods=["post"])
    @takes_no_body
    def revoke(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take it back; a change that runs is brought to its end."""
        return Response(grant_shapes.HaGrantSerializer(ha_changes.revoke(self.get_object(), actor=self.actor)).data)


class TrialViewSet(OfPoolMixin, ProjectReadOnlyViewSet):
    """Pulls of storage nodes in one campaign, watched by the service and confirmed by a person."""

    queryset = CampaignTrial.objects.select_related("created_by", "campaign__pool__project").order_by("created_at")
    serializer_class = shapes.TrialSerializer
    project_lookup = "campaign__pool__project"
    ordering_fields: ClassVar = ["created_at", "state"]
    filterset_fields: ClassVar = {"state": ["exact"], "storage_node": ["exact"]}

    @property
    def campaign(self) -> Campaign:
        return selectors.campaign_of_pool(self.the_pool(), self.kwargs["campaign_id"])

    def get_queryset(self) -> QuerySet[CampaignTrial]:
        rows = super().get_queryset()
        return rows if self.for_schema else rows.filter(campaign=self.campaign)

    @extend_schema(request=shapes.NewTrialSerializer, responses={202: JobSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Ask for a trial (a job): it reads the pool once more, and watches it until the trial is ended."""
        filled = _filled(shapes.NewTrialSerializer, request)
        word = StorageWord(filled.pop("storage_healthy"), filled.pop("mirror_in_sync"))
        key = idempotency_key_of(request)
        return accepted(trials.ask_for_trial(self.campaign, **filled, word=word, actor=self.actor, idempotency_key=key), request)

    @extend_schema(request=shapes.EndTrialSerializer, responses=shapes.TrialSerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say that node, mirror and hosts are back; the service takes its last look."""
        filled = _filled(shapes.EndTrialSerializer, request)
        return self._shown(trial_results.end_trial(self.get_object(), **filled, actor=self.actor))

    @extend_schema(request=shapes.TrialResultSerializer, responses=shapes.TrialSerializer)
    @action(detail=True, methods=["post"])
    def result(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Confirm what was seen: it becomes evidence of its timeout."""
        filled = _filled(shapes.TrialResultSerializer, request)
        said = trial_results.Said(**{**filled, "fenced_hosts": tuple(filled["fenced_hosts"])})
        return self._shown(trial_results.confirm_trial(self.get_object(), said=said, actor=self.actor))

    @extend_schema(request=shapes.SetAsideSerializer, responses=shapes.TrialSerializer)
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Set a trial aside that shows nothing, with a reason; it is kept and does not count."""
        filled = _filled(shapes.SetAsideSerializer, request)
        return self._shown(trial_results.discard_trial(self.get_object(), **filled, actor=self.actor))

    def _shown(self, row: CampaignTrial) -> Response:
        return Response(shapes.TrialSerializer(row).data)
