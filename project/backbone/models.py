"""All tables of the backbone under one roof, as Django wants them. Each is written in its own room."""

from __future__ import annotations

from project.backbone.accounts.models import ApiToken, Customer, Membership, Project, User
from project.backbone.audit.models import AuditEntry
from project.backbone.endpoints.models import Endpoint
from project.backbone.jobs.models import Job
from project.backbone.notices.models import NoticeDelivery, NoticeTarget
from project.backbone.waivers.models import Waiver

__all__ = [
    "ApiToken", "AuditEntry", "Customer", "Endpoint", "Job", "Membership", "NoticeDelivery", "NoticeTarget", "Project", "User",
    "Waiver",
]  # fmt: skip
