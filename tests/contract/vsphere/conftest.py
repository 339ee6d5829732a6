"""Simulators for the vSphere adapter's contract tests: govmomi's (vcsim) and the lab's own vCenter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from estate.connection import Connection
from lab.disks import DiskStore
from tests.contract.vsphere.lab_vcenter import LabVcenter, running_lab_vcenter
from tests.vcsim.server import ToolMissing, Vcsim, build, running_vcsim


@pytest.fixture(scope="session")
def built_vcsim() -> None:
    """The simulator's binary is there, or the test skips and says what is missing."""
    try:
        build()
    except ToolMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def vcsim(built_vcsim: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vcsim]:
    """One vCenter simulator for the whole run; tests that change its machines use `own_vcsim`."""
    with running_vcsim(tmp_path_factory.mktemp("vcsim")) as simulator:
        yield simulator


@pytest.fixture
def own_vcsim(built_vcsim: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vcsim]:
    """A vCenter simulator for one test."""
    with running_vcsim(tmp_path_factory.mktemp("vcsim"), cluster=1, vm=1) as simulator:
        yield simulator


@pytest.fixture
def vcsim_connection(vcsim: Vcsim) -> Connection:
    return vcsim.connection()


@pytest.fixture(scope="session")
def lab_disks(tmp_path_factory: pytest.TempPathFactory) -> DiskStore:
    """Source disks of the lab, prepared once for all tests."""
    return DiskStore(tmp_path_factory.mktemp("disks"))


@pytest.fixture
def lab_vcenter(tmp_path: Path, lab_disks: DiskStore) -> Iterator[LabVcenter]:
    """The lab's vCenter with world `tiny`, fast clock, a lease that dies after three silent seconds."""
    with running_lab_vcenter(tmp_path, lab_disks, world="tiny") as running:
        yield running
