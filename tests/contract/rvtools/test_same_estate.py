"""The same estate through vCenter and through a workbook made from it: equal where both know, unknown where a workbook cannot.

What the two may call differently is listed here field by field, with the reason; nothing else may differ.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from estate import rvtools
from estate.connection import Connection
from estate.facts.unknown import Unknown
from lab.disks import DiskStore
from tests.builders import workbooks
from tests.contract.vsphere.agreement import Collected, collected
from tests.contract.vsphere.conftest import vcsim, vcsim_connection  # noqa: F401 - fixtures
from tests.contract.vsphere.lab_vcenter import running_lab_vcenter
from tests.vcsim.server import Vcsim

MIB = 1 << 20
FORMS = ("xlsx", "old xlsx", "csv folder", "csv zip")

# RVTools gives no id for these, so they have one made of their name; what refers to them is compared by name.
MADE_IDS = re.compile(
    r"(^(network|container):.*\.native_id|\.network_id|\.resource_pool_id|\.network_ids|container:.*\.parent_id)$"
)

# Facts without an unknown value, which a workbook leaves empty.
LEFT_EMPTY = re.compile(
    r"(\.backing_type|\.lun_uuid|\.portgroup_key|\.origins|\.prefix_lengths|container:.*\.path|network:.*\.host_ids|cluster:.*\.network_ids)$"
)

# RVTools shows no column for these attributes here; the builder writes the attribute Owner only.
OTHERWISE_KEPT = re.compile(r"\.(custom_values|extra)$")

# A guest id is derived from the full name, and these names belong to several ids.
SHARED_NAMES = re.compile(r"vCLS.*guest_id$")

# The simulator's hosts name their stores, its stores do not name their hosts, as which RVTools tells it.
NOT_SIMULATED = re.compile(r"(host|cluster):.*\.datastore_ids$")

ASKED = """power_state connection_state is_template host_id cluster_id guest_full_name hardware_version vcpus memory_bytes
cores_per_socket cpu_hot_add memory_hot_add firmware secure_boot disk_uuid_enabled ft_state consolidation_needed change_tracking
latency_sensitivity tools_status tools_running instance_uuid bios_uuid disks nics snapshots ballooned_bytes"""

CONTRACTS = (MADE_IDS, LEFT_EMPTY, OTHERWISE_KEPT, SHARED_NAMES)


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


def differences(live: Collected, read_back: Collected) -> Iterator[str]:
    """Every known value that is another one on the other side, and every object that is on one side only."""
    for kind in ("host", "cluster", "datastore", "network", "switch", "container", "vm"):
        ours = {_key(each): each for each in read_back[kind]}
        theirs = {_key(each): each for each in live[kind] if _is_exported(each)}
        yield from (f"{kind}:{name} is on one side only" for name in ours.keys() ^ theirs.keys())
        for name in theirs.keys() & ours.keys():
            yield from _differing(f"{kind}:{theirs[name].name}", theirs[name], ours[name])


def _is_exported(found: Any) -> bool:
    """RVTools has no folders, and a standard network only as the port groups of hosts."""
    kind = type(found).__name__
    if kind == "NetworkFacts":
        return bool(found.is_distributed or found.host_ids)
    return kind != "ContainerFacts" or found.kind == "resource_pool"


def _key(found: Any) -> Any:
    """Standard networks and pools have no id in a workbook: their name, and for pools what is in them."""
    kind = type(found).__name__
    if kind == "ContainerFacts":
        return found.name, found.member_ids
    return found.name if kind == "NetworkFacts" else found.native_id


def _differing(path: str, live: Any, ours: Any) -> Iterator[str]:
    if isinstance(live, Unknown) or isinstance(ours, Unknown) or any(each.search(path) for each in CONTRACTS):
        return
    if isinstance(live, msgspec.Struct) and type(live) is type(ours):
        for field in msgspec.structs.fields(live):
            yield from _differing(f"{path}.{field.name}", getattr(live, field.name), getattr(ours, field.name))
    elif isinstance(live, tuple) and live and isinstance(live[0], msgspec.Struct) and len(live) == len(ours):
        for one, other in zip(live, ours, strict=True):
            yield from _differing(path, one, other)
    elif not _same(path, live, ours):
        yield f"{path} {live!r} {ours!r}"


def _same(path: str, live: Any, ours: Any) -> bool:
    """Sizes in a workbook are whole MiB, times whole seconds; orders of ids follow other sheets."""
    if path.endswith("_bytes") and live is not None:
        return abs(live - ours) <= 2 * MIB
    if path.endswith(("_at", "_time")) and live is not None:
        return abs((live - ours).total_seconds()) < 1
    return sorted(live) == sorted(ours) if path.endswith("_ids") else bool(live == ours)
