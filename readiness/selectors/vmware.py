"""What ESXi hosts of a project call their storage. Whoever keeps inventories hands it in here when Django is ready.

Readiness knows no inventory: without anybody who registered, or without an inventory, the answer is UNKNOWN, never "none".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from estate.facts.unknown import Unknown
from project.backbone.models import Project
from readiness.core.campaign.overlap import EsxiStorage

EsxiStorageOf = Callable[[Project], Sequence[EsxiStorage] | Unknown]
_sources: list[EsxiStorageOf] = []


def register(source: EsxiStorageOf) -> None:
    """Enter who knows the ESXi hosts of a project."""
    _sources.append(source)


def esxi_storage(project: Project) -> Sequence[EsxiStorage] | Unknown:
    """Every ESXi host of the project with the names of its storage. UNKNOWN when one source does not know."""
    if not _sources:
        return Unknown("no inventory of ESXi hosts is kept here")
    found: list[EsxiStorage] = []
    for source in _sources:
        told = source(project)
        if isinstance(told, Unknown):
            return told
        found += told
    return found
