"""The audit table. Rows are inserted and never changed; the model refuses anything else."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.db import models

from project.backbone.accounts.models import Project
from project.backbone.identified import Identified


class AuditIsInsertOnly(Exception):
    """Somebody tried to change or delete an audit entry. Write a new entry that says what was wrong instead."""


class InsertOnlyQuerySet(models.QuerySet["AuditEntry"]):
    """Refuses the bulk ways around `save()` and `delete()`."""

    def update(self, **_: Any) -> NoReturn:
        raise AuditIsInsertOnly("audit entries are never updated")

    def delete(self) -> NoReturn:
        raise AuditIsInsertOnly("audit entries are never deleted")


class AuditEntry(Identified):
    """One change: who did what to what, what it was before and after, and the hash that chains it to the entry before.

    `chain` is the project's id, or `installation` for what belongs to none; `number` counts from 1 without gaps.
    """

    project = models.ForeignKey(Project, null=True, on_delete=models.PROTECT, related_name="+")
    chain = models.CharField(max_length=36)
    number = models.PositiveBigIntegerField()
    actor = models.CharField(max_length=200)
    actor_id = models.UUIDField(null=True)
    action = models.CharField(max_length=100, db_index=True)
    subject = models.CharField(max_length=300, db_index=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = InsertOnlyQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["chain", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["chain", "number"], name="audit_number_per_chain")]

    def __str__(self) -> str:
        return f"{self.chain} #{self.number} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AuditIsInsertOnly(f"audit entry {self} is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AuditIsInsertOnly(f"audit entry {self} is never deleted")
