"""The start page, the home of a project with its gates, and the page for signed documents."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from migration.cutover.web.documents import DocumentForm, DocumentPage
from migration.cutover.web.home import AskGateForm, HomePage, SignGateForm, StartPage

TOP_PAGES = [
    path("", StartPage.as_view(), name="start"),
    path("projects/<uuid:project_id>", HomePage.as_view(), name="project-home"),
]
PAGES = [
    path("", RedirectView.as_view(pattern_name="project-home")),
    path("waves/<uuid:wave_id>/ask", AskGateForm.as_view(), name="wave-ask-form"),
    path("waves/<uuid:wave_id>/sign", SignGateForm.as_view(), name="wave-sign-form"),
    path("waves/<uuid:wave_id>/document", DocumentPage.as_view(), name="wave-document"),
    path("waves/<uuid:wave_id>/document/send", DocumentForm.as_view(), name="wave-document-form"),
]
