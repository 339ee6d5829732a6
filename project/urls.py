"""Where every URL hangs: the API from the apps' `api` rooms, the pages from their `web` rooms, and what watches the service."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from project.backbone import health
from project.backbone.api.collect import api_urls
from project.web.collect import page_urls

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include(api_urls(settings.PRODUCT_APPS))),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("", include("project.web.urls")),
    *page_urls(settings.PRODUCT_APPS),
]

handler400 = "project.backbone.middleware.bad_request"
handler403 = "project.backbone.middleware.forbidden"
handler404 = "project.backbone.middleware.not_found"
handler500 = "project.backbone.middleware.server_error"
