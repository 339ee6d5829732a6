"""Who tells KMS about waves and machines: the apps above register here, because KMS knows machines by ids and aliases only.

A teller is asked each time, so that nothing of a plan or of the conversion ledger is kept twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kms.core.firewall import PlannedNetwork
from kms.core.machines import MachineAlias, MovedMachine
from kms.core.verdict import Placement, PlannedMachine
from project.backbone.models import Project
from project.backbone.problems import NotVisible


@dataclass(frozen=True, slots=True)
class KnownWave:
    """A wave of the project. `moved_at`: when the first of its machines ran in the pool; None while none did."""

    wave_id: str
    name: str
    moved_at: datetime | None = None


class Teller(Protocol):
    """What an app above answers. Raises NotVisible for a wave that is not the project's."""

    def planned(self, project: Project, wave_id: str) -> list[PlannedMachine]:
        """The machines of a wave that ask KMS or may, with every name and SMBIOS UUID they are known by."""

    def aliases(self, project: Project) -> list[MachineAlias]:
        """Every machine of the project that the conversion ledger joins with its copy in a pool."""

    def waves(self, project: Project) -> list[KnownWave]:
        """Every wave of the project's plans."""

    def networks(self, project: Project, wave_id: str) -> list[PlannedNetwork]:
        """The networks of the pool into which the wave's Windows machines move."""

    def moved(self, project: Project) -> list[MovedMachine]:
        """The project's Windows machines that run in a pool now."""

    def placements(self, project: Project) -> list[Placement]:
        """Where each VM of the project's pools runs, as the pools were collected last."""


_tellers: list[Teller] = []


def register(teller: Teller) -> None:
    """Called once by the app that knows the waves, when Django is ready."""
    _tellers[:] = [teller]


def planned(project: Project, wave_id: str) -> list[PlannedMachine]:
    """The machines of a wave. Raises: NotVisible."""
    for teller in _tellers:
        return teller.planned(project, wave_id)
    raise NotVisible("wave")


def aliases(project: Project) -> list[MachineAlias]:
    """The machines the conversion ledger joins; none while no app above tells."""
    return [alias for teller in _tellers for alias in teller.aliases(project)]


def known_waves(project: Project) -> list[KnownWave]:
    """The waves of the project's plans; none while no app above tells."""
    return [wave for teller in _tellers for wave in teller.waves(project)]


def networks(project: Project, wave_id: str) -> list[PlannedNetwork]:
    """The networks a wave's Windows machines move into. Raises: NotVisible, Conflict `machine_gone`."""
    for teller in _tellers:
        return teller.networks(project, wave_id)
    raise NotVisible("wave")


def moved(project: Project) -> list[MovedMachine]:
    """The Windows machines that run in a pool now; none while no app above tells."""
    return [machine for teller in _tellers for machine in teller.moved(project)]


def placements(project: Project) -> list[Placement]:
    """Where the VMs of the project's pools run; none while no app above tells."""
    return [placement for teller in _tellers for placement in teller.placements(project)]
