"""The pages of conversions: how they go, and how they are run."""

from __future__ import annotations

from django.urls import path

from migration.conversion.web.progress import ConversionsPage
from migration.conversion.web.running import AddWindowForm, NumbersForm, RemoveWindowForm, RunningPage

BASE = "conversions/running"
PAGES = [
    path("conversions", ConversionsPage.as_view(), name="project-conversions"),
    path(BASE, RunningPage.as_view(), name="project-running"),
    path(f"{BASE}/change", NumbersForm.as_view(), name="running-form"),
    path(f"{BASE}/window", AddWindowForm.as_view(), name="running-window-form"),
    path(f"{BASE}/window/remove", RemoveWindowForm.as_view(), name="running-window-remove-form"),
]
