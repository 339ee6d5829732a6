"""How findings, waivers and attestations spell what they are about: `machine id`, or `kind:` and the ids that lead to it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from migration.assessment.core.registry import Subject

INVENTORY = "inventory"
KINDS = (*(kind.value for kind in Subject), INVENTORY)
MANY = {Subject.MACHINE: "machines", Subject.HOST: "hosts", Subject.CLUSTER: "clusters"}
"""Kinds of which one source has many, with the word for how many of them inherit a question from it."""


@dataclass(frozen=True, slots=True)
class About:
    """One subject of an assessment: its kind, its spelling, its name, and the cluster it stands in (empty without one)."""

    kind: str
    subject: str
    name: str
    cluster: str = ""


def of_machine(machine_id: UUID) -> str:
    """A machine is spelled by its id alone."""
    return str(machine_id)


def of_host(source_id: UUID, native_id: str) -> str:
    return f"host:{source_id}:{native_id}"


def of_cluster(source_id: UUID, native_id: str) -> str:
    return f"cluster:{source_id}:{native_id}"


def of_source(source_id: UUID) -> str:
    return f"source:{source_id}"


def of_pool(pool_id: UUID) -> str:
    return f"pool:{pool_id}"


def of_inventory(source_id: UUID) -> str:
    """Everything one source holds: what is unknown for all of it is told once, and waived once."""
    return f"{INVENTORY}:{source_id}"
