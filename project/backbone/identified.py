"""The abstract base of every stored row: a UUID key that may leave the house, and the time the row was made."""

from __future__ import annotations

from uuid import uuid4

from django.db import models

from project.backbone.clock import now


class Identified(models.Model):
    """`id` is the id on the wire; `created_at` is aware UTC from the product's clock."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    created_at = models.DateTimeField(default=now, editable=False, db_index=True)

    class Meta:
        abstract = True
