"""Storage pods of the lab, as its vCenter tells them and as the workbook does."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from estate import rvtools
from lab.disks import DiskStore
from lab.rvtools import write_workbook
from lab.vcenter_sim.center import Timing
from lab.vcenter_sim.sim import VCenterSim
from lab.worlds import ESTATES
from tests.contract.rvtools.sameness import differences
from tests.contract.vsphere.agreement import Collected, collected
from tests.contract.vsphere.lab_vcenter import PASSWORD, LabVcenter

GIB = 1 << 30


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Collected, Collected]]:
    """The estate whose first two stores are in one pod: live, and through the workbook."""
    work: Path = tmp_path_factory.mktemp("pods")
    estate = ESTATES["small"]()
    gold, silver, *others = estate.datastores
    stores = (replace(gold, pod="fast"), replace(silver, pod="fast"), *others)
    read_back: Collected = defaultdict(list)
    sim = VCenterSim(replace(estate, datastores=stores), work, PASSWORD, timing=Timing(), disks=DiskStore(work / "disks"))
    sim.start()
    try:
        live = collected(LabVcenter(sim).connection())
        book = write_workbook(sim.center, work / "RVTools_export_all.xlsx")
    finally:
        sim.stop()
    rvtools.read(book, on_page=lambda kind, facts: read_back[kind].extend(facts))
    yield live, read_back


def test_a_pod_is_told_once_with_the_sizes_of_its_stores(both: tuple[Collected, Collected]) -> None:
    live = both[0]
    told = Counter(each.native_id for each in live["container"])
    assert set(told.values()) == {1}
    for estate in both:
        (pod,) = (each for each in estate["container"] if each.kind == "storage_pod")
        assert (pod.name, pod.capacity_bytes, pod.free_bytes) == ("fast", 12288 * GIB, 7000 * GIB)
        assert set(pod.member_ids) == {store.native_id for store in estate["datastore"] if store.pod_id}
        assert [store.pod_id == pod.native_id for store in estate["datastore"]] == [True, True, False]


def test_the_workbook_tells_what_the_server_tells(both: tuple[Collected, Collected]) -> None:
    assert list(differences(*both)) == []
