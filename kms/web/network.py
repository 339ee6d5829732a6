"""The part of the KMS page about the way to the hosts, and its forms: settings, and a look on demand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import path

from estate.facts.kms_network import PortOutcome
from estate.facts.unknown import Unknown
from kms.core.network import Grade, Lookup, NetworkFinding, Suggestion, Tried, findings, in_order, suggestions
from kms.models import KmsNetworkSettings
from kms.selectors.network import network_case, network_settings
from kms.services.hosts import add_host
from kms.services.network import change_network_settings, request_look
from kms.web.hours import hours_of
from project.backbone.clock import now
from project.backbone.models import Project
from project.backbone.problems import Invalid
from project.web.pages import ProjectForm

TONES = {Grade.ALARM: "bad", Grade.HINT: "caution", Grade.QUESTION: "unknown", Grade.UNKNOWN: "unknown"}


@dataclass(frozen=True, slots=True)
class RecordLine:
    """One SRV record in words."""

    domain: str
    target: str
    port: int
    order: str
    addresses: str
    looked_at: datetime


@dataclass(frozen=True, slots=True)
class TryLine:
    """One attempt in words; `tone` is good for an open port and bad for any other answer."""

    subject: str
    tone: str
    word: str
    detail: str
    at: datetime
    took_s: float
    timeout_s: float


@dataclass(frozen=True, slots=True)
class NetworkTold:
    """What the page says of the way to KMS."""

    settings: KmsNetworkSettings
    findings: tuple[tuple[NetworkFinding, str], ...]
    records: tuple[RecordLine, ...]
    tries: tuple[TryLine, ...]
    suggestions: tuple[Suggestion, ...]


def told(project: Project, firewall: tuple[NetworkFinding, ...] = ()) -> NetworkTold:
    """All of it for one project, with what is to be asked of a wave's networks."""
    case = network_case(project, at=now())
    return NetworkTold(
        settings=network_settings(project),
        findings=tuple((finding, TONES[finding.grade]) for finding in in_order((*findings(case), *firewall))),
        records=tuple(line for lookup in case.lookups for line in _records(lookup)),
        tries=tuple(_try(tried) for tried in sorted(case.tries.values(), key=lambda each: each.result.name.casefold())),
        suggestions=suggestions(case),
    )


def _records(lookup: Lookup) -> list[RecordLine]:
    records = lookup.answer.records if lookup.answer is not None else ()
    return [
        RecordLine(
            domain=lookup.domain,
            target=record.target,
            port=record.port,
            order=f"{record.priority} / {record.weight}",
            addresses="unknown" if isinstance(record.addresses, Unknown) else ", ".join(record.addresses) or "does not resolve",
            looked_at=lookup.looked_at,
        )
        for record in records
    ]


def _try(tried: Tried) -> TryLine:
    result = tried.result
    return TryLine(
        subject=f"{result.name}:{result.port}",
        tone="good" if result.outcome is PortOutcome.OPEN else "bad",
        word=result.outcome.value,
        detail=result.detail,
        at=tried.at,
        took_s=result.took_s,
        timeout_s=result.timeout_s,
    )


class LookForm(ProjectForm):
    """Look now."""

    back = "project-kms"

    def act(self, **kwargs: Any) -> str:
        request_look(self.project, actor=self.actor)
        return "DNS is being asked and the hosts' ports are being tried; load this page again in some seconds."


class NetworkSettingsForm(ProjectForm):
    """Set domains, resolvers and schedule."""

    back = "project-kms"

    def act(self, **kwargs: Any) -> str:
        changes = {
            "domains": self._listed("domains"),
            "resolvers": self._listed("resolvers"),
            "every_hours": hours_of(self.request.POST.get("every_hours", "")),
        }
        change_network_settings(self.project, changes=changes, actor=self.actor)
        return "The settings are stored."

    def _listed(self, name: str) -> list[str]:
        return [part for part in self.request.POST.get(name, "").replace(",", " ").split() if part]


class AddSuggestedForm(ProjectForm):
    """Add a host that DNS names."""

    back = "project-kms"

    def act(self, **kwargs: Any) -> str:
        name = self.request.POST.get("name", "").strip()
        case = network_case(self.project, at=now())
        if name not in {each.name for each in suggestions(case)}:
            raise Invalid("DNS does not name such a host any more.", next_step="Look around again.")
        add_host(self.project, name=name, actor=self.actor)
        return f"{name} is added; give it a reading next."


PAGES = [
    path("kms/network/look", LookForm.as_view(), name="kms-look-form"),
    path("kms/network/settings", NetworkSettingsForm.as_view(), name="kms-network-settings-form"),
    path("kms/network/add", AddSuggestedForm.as_view(), name="kms-add-suggested-form"),
]
