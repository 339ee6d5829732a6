"""What is recommended for a project's Windows machines, out of its KMS hosts' histories."""

from __future__ import annotations

from datetime import datetime

from kms.core.expected import last_contacts
from kms.core.policy import DEFAULT_POLICY, Threshold
from kms.core.recommendation import Askers, Recommendation, recommend
from kms.models import KmsHost
from kms.selectors import history_of, hosts, verdict
from project.backbone.models import Project


def recommendations(project: Project, *, at: datetime) -> tuple[Recommendation, Recommendation]:
    """For servers and for clients, at `at`."""
    askers = {str(host.pk): _askers(host, at) for host in hosts(project)}
    return recommend(verdict(project, at=at), askers)


def _askers(host: KmsHost, at: datetime) -> Askers:
    recent = [c for c in last_contacts(history_of(host, at=at), at) if at - c.seen_at < DEFAULT_POLICY.window]
    servers = frozenset(contact.cmid for contact in recent if contact.required_count <= Threshold.SERVER)
    return Askers(servers, frozenset(contact.cmid for contact in recent) - servers)
