"""The same estate through vCenter and through a workbook made from it: equal where both know, unknown where a workbook cannot.

What the two may call differently is listed in `sameness` field by field, with the reason; nothing else may differ.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest

from estate import rvtools
from estate.connection import Connection
from estate.facts.unknown import Unknown
from lab.disks import DiskStore
from tests.builders import workbooks
from tests.contract.rvtools.sameness import differences
from tests.contract.vsphere.agreement import Collected, collected
from tests.contract.vsphere.conftest import built_vcsim, vcsim, vcsim_connection  # noqa: F401 - fixtures
from tests.contract.vsphere.lab_vcenter import running_lab_vcenter
from tests.vcsim.server import Vcsim

FORMS = ("xlsx", "old xlsx", "csv folder", "csv zip")

# The simulator's hosts name their stores, its stores do not name their hosts, as which RVTools tells it.
NOT_SIMULATED = re.compile(r"(host|cluster):.*\.datastore_ids$")

ASKED = """power_state connection_state is_template host_id cluster_id guest_full_name hardware_version vcpus memory_bytes
cores_per_socket cpu_hot_add memory_hot_add firmware secure_boot disk_uuid_enabled ft_state consolidation_needed change_tracking
latency_sensitivity tools_status tools_running instance_uuid bios_uuid disks nics snapshots ballooned_bytes"""


@pytest.fixture(scope="module")
def lab_estate(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    """The lab's vCenter, read once."""
    work = tmp_path_factory.mktemp("lab")
    with running_lab_vcenter(work, DiskStore(work / "disks"), world="small") as lab:
        return collected(lab.connection())


@pytest.mark.parametrize("form", FORMS)
def test_the_labs_estate_is_the_same_through_a_workbook(lab_estate: Collected, tmp_path: Path, form: str) -> None:
    read_back = through_workbook(lab_estate, tmp_path, form)
    assert list(differences(lab_estate, read_back)) == []


@pytest.mark.vcsim
def test_the_simulators_estate_is_the_same_through_a_workbook(
    vcsim: Vcsim,  # noqa: F811 - the fixture
    vcsim_connection: Connection,  # noqa: F811
    tmp_path: Path,
) -> None:
    found = collected(vcsim_connection)
    differing = differences(found, through_workbook(found, tmp_path, "xlsx"))
    assert [each for each in differing if not NOT_SIMULATED.search(each.partition(" ")[0])] == []


def test_a_difference_would_be_found(lab_estate: Collected, tmp_path: Path) -> None:
    read_back = through_workbook(lab_estate, tmp_path, "xlsx")
    first = read_back["vm"][0]
    read_back["vm"][0] = msgspec.structs.replace(first, vcpus=first.vcpus + 1, disks=())
    assert [each.partition(" ")[0] for each in differences(lab_estate, read_back)] == [
        f"vm:{first.name}.vcpus",
        f"vm:{first.name}.disks",
    ]


def test_most_of_what_rules_ask_is_known_through_a_workbook(lab_estate: Collected, tmp_path: Path) -> None:
    """A reader that answers UNKNOWN to everything would agree with anything."""
    read_back = through_workbook(lab_estate, tmp_path, "xlsx")
    asked = ASKED.split()
    known_live = {(vm.name, name) for vm in lab_estate["vm"] for name in asked if not isinstance(getattr(vm, name), Unknown)}
    unknown = {(vm.name, name) for vm in read_back["vm"] for name in asked if isinstance(getattr(vm, name), Unknown)}
    assert known_live & unknown == set()


def through_workbook(found: Collected, tmp_path: Path, form: str) -> Collected:
    """Write what was collected as RVTools would, and read that."""
    sheets = workbooks.workbook_of(found, old=form == "old xlsx")
    path = tmp_path / "estate.xlsx"
    if form == "csv folder":
        path = workbooks.csv_folder(sheets, tmp_path / "csv", grouped=True)
    elif form == "csv zip":
        path = workbooks.csv_zip(sheets, tmp_path / "csv.zip", separator=";")
    else:
        path.write_bytes(workbooks.xlsx(sheets))
    read_back: Collected = defaultdict(list)
    rvtools.read(path, on_page=lambda kind, facts: read_back[kind].extend(facts))
    return read_back
