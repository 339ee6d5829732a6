"""The forms of a host's collection over WinRM on the KMS page: set, probe, confirm, collect, stop."""

from __future__ import annotations

from typing import Any

from django.shortcuts import resolve_url
from django.urls import path

from kms import selectors
from kms.models import KmsAuth, KmsHost
from kms.services import collecting as services
from kms.web.hours import hours_of
from project.backbone.problems import Invalid
from project.web.pages import ProjectForm


class _OfHost(ProjectForm):
    """A form of one host's part of the page."""

    @property
    def host(self) -> KmsHost:
        return selectors.host(self.project, self.kwargs["host_id"])

    def back_url(self, **kwargs: Any) -> str:
        return resolve_url("kms-host", self.project.pk, kwargs["host_id"])


class SetCollectionForm(_OfHost):
    """Set how the host is collected; an empty secret leaves the one that is stored."""

    def act(self, **kwargs: Any) -> str:
        said = {name: self.request.POST.get(name, "").strip() for name in ("url", "username", "configuration")}
        changes: dict[str, Any] = {name: value for name, value in said.items() if value}
        changes["auth"] = self.request.POST.get("auth", "")
        if changes["auth"] not in KmsAuth.values:
            raise Invalid("There is no such way to sign in.", next_step=f"Choose one of {', '.join(KmsAuth.values)}.")
        if self.request.POST.get("secret"):
            changes["secret"] = self.request.POST["secret"]
        changes["every_hours"] = hours_of(self.request.POST.get("every_hours", ""))
        services.set_collection(self.host, changes=changes, actor=self.actor)
        return f"{self.host.name}: stored. Look at its certificate next."


class ProbeForm(_OfHost):
    """Look at the host's certificate."""

    def act(self, **kwargs: Any) -> str:
        services.request_probe(self.host, actor=self.actor)
        return f"The certificate of {self.host.name} is being looked at; load this page again in some seconds."


class ConfirmForm(_OfHost):
    """Vouch for one fingerprint that was shown."""

    def act(self, **kwargs: Any) -> str:
        services.confirm(self.host, tls_thumbprints=[self.request.POST.get("sha256", "")], actor=self.actor)
        return f"The certificate of {self.host.name} is confirmed."


class CollectForm(_OfHost):
    """Collect now."""

    def act(self, **kwargs: Any) -> str:
        services.request_collect(self.host, actor=self.actor)
        return f"{self.host.name} is being collected; load this page again in some seconds."


class StopForm(_OfHost):
    """Collect no more."""

    def act(self, **kwargs: Any) -> str:
        services.stop_collection(self.host, actor=self.actor)
        return f"{self.host.name} is not collected any more; its address and secret are forgotten."


PAGES = [
    path("kms/<uuid:host_id>/collection", SetCollectionForm.as_view(), name="kms-collection-form"),
    path("kms/<uuid:host_id>/collection/probe", ProbeForm.as_view(), name="kms-probe-form"),
    path("kms/<uuid:host_id>/collection/confirm", ConfirmForm.as_view(), name="kms-confirm-form"),
    path("kms/<uuid:host_id>/collection/collect", CollectForm.as_view(), name="kms-collect-form"),
    path("kms/<uuid:host_id>/collection/stop", StopForm.as_view(), name="kms-stop-form"),
]
