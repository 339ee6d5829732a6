"""Sources that are files: a path that may be read, and a name of their own."""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction

from estate.ova.errors import PathNotAllowed
from estate.ova.place import resolve
from migration.inventory.models import Source
from project.backbone.problems import Conflict, Invalid


def checked(path: str) -> str:
    """The path of a package that lies in the import folder now. Raises: Invalid (400), with the error's code on `path`."""
    if not path:
        detail = "A package needs its path, relative to the import folder."
        raise Invalid(detail, errors=[{"field": "path", "code": "required", "detail": detail}])
    try:
        resolve(settings.IMPORT_DIR, path)
    except PathNotAllowed as refused:
        problem = {"field": "path", "code": refused.code, "detail": f"{refused}: {refused.where}"}
        raise Invalid(problem["detail"], errors=[problem], next_step=refused.next_step) from None
    return path


def saved(source: Source) -> Source:
    """Write a file source. Raises: Invalid (no name), Conflict `name_taken` (409)."""
    if not source.name:
        detail = "A file source needs a name."
        raise Invalid(detail, errors=[{"field": "name", "code": "required", "detail": detail}])
    try:
        with transaction.atomic():
            source.save()
    except IntegrityError:
        raise Conflict(
            f"The project already has an {source.kind} source named {source.name}.",
            code="name_taken",
            next_step="Give it another name.",
        ) from None
    return source
