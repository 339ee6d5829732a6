"""What the backbone itself offers over HTTP; collect.py mounts it beside the apps'."""

from __future__ import annotations

from django.urls import path

from project.backbone.accounts.api import CustomerViewSet, MemberViewSet, ProjectsViewSet, UserViewSet
from project.backbone.accounts.token_api import TokensViewSet, TokenView, WhoAmIView
from project.backbone.audit.api import AuditViewSet
from project.backbone.jobs.api import JobViewSet, ProjectJobViewSet
from project.backbone.jobs.events import job_events
from project.backbone.notices.api import NoticeDeliveryViewSet, NoticeTargetViewSet
from project.backbone.waivers.api import WaiverViewSet

TOP_URLS = [
    path("auth/token", TokenView.as_view(), name="auth-token"),
    path("auth/me", WhoAmIView.as_view(), name="auth-me"),
    path("jobs/<uuid:pk>/events", job_events, name="job-events"),
]
TOP_ROUTES = [
    ("auth/tokens", TokensViewSet, "auth-tokens"),
    ("users", UserViewSet, "user"),
    ("customers", CustomerViewSet, "customer"),
    ("projects", ProjectsViewSet, "project"),
    ("jobs", JobViewSet, "job"),
]
PROJECT_ROUTES = [
    ("members", MemberViewSet, "member"),
    ("waivers", WaiverViewSet, "waiver"),
    ("audit", AuditViewSet, "audit"),
    ("notice-targets", NoticeTargetViewSet, "notice-target"),
    ("notice-deliveries", NoticeDeliveryViewSet, "notice-delivery"),
    ("jobs", ProjectJobViewSet, "project-job"),
]
