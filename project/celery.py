"""Celery's door: `celery -A project worker -Q default` finds the app here. The courier itself is the backbone's."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

from project.backbone.jobs.couriers.celery import app  # noqa: E402 - the courier needs the apps to be ready

__all__ = ["app"]
