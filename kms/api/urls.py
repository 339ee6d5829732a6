"""Where the views of KMS hang, below a project."""

from __future__ import annotations

from django.urls import path

from kms.api.charts import KmsDrawingView, KmsTimelineView
from kms.api.collecting import KmsCollectionView, KmsCollectNowView, KmsConfirmView, KmsProbeView
from kms.api.guests import KmsGuestsView, KmsGuestUploadView
from kms.api.network import KmsNetworkView
from kms.api.recommending import KmsRecommendationView
from kms.api.views import KmsHostViewSet, KmsVerdictView
from kms.api.withdrawing import KmsWithdrawView

PROJECT_ROUTES = [("kms/hosts", KmsHostViewSet, "kms-host")]
PROJECT_URLS = [
    path("kms/verdict", KmsVerdictView.as_view(), name="kms-verdict"),
    path("kms/guests", KmsGuestsView.as_view(), name="kms-guests"),
    path("kms/guests/readings", KmsGuestUploadView.as_view(), name="kms-guest-readings"),
    path("kms/uploads/<uuid:upload_id>/withdraw", KmsWithdrawView.as_view(), name="kms-upload-withdraw"),
    path("kms/recommendation", KmsRecommendationView.as_view(), name="kms-recommendation"),
    path("kms/network", KmsNetworkView.as_view(), name="kms-network"),
    path("kms/hosts/<uuid:host_id>/collection", KmsCollectionView.as_view(), name="kms-collection"),
    path("kms/hosts/<uuid:host_id>/collection/probe", KmsProbeView.as_view(), name="kms-collection-probe"),
    path("kms/hosts/<uuid:host_id>/collection/confirm", KmsConfirmView.as_view(), name="kms-collection-confirm"),
    path("kms/hosts/<uuid:host_id>/collection/collect", KmsCollectNowView.as_view(), name="kms-collection-collect"),
    path("kms/hosts/<uuid:host_id>/timeline", KmsTimelineView.as_view(), name="kms-host-timeline"),
    path("kms/hosts/<uuid:host_id>/drawing", KmsDrawingView.as_view(), name="kms-host-drawing"),
]
