"""kms as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class KmsConfig(AppConfig):
    name = "kms"
    label = "kms"
