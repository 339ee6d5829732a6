"""One estate told by three: the lab's vCenter, govmomi's simulator serving the same objects, and the workbook the lab exports.

None of the three shares code with another, nor with the readers. Where two know a fact it is the same; who knows what alone is
listed here, field by field, so that nothing is taken from a source that does not tell it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest

from estate import rvtools
from lab.disks import DiskStore
from lab.rvtools import write_workbook
from tests.contract.rvtools.sameness import differences, known_to_one, live_differences
from tests.contract.vsphere.agreement import Collected, collected
from tests.contract.vsphere.conftest import built_vcsim  # noqa: F401 - a fixture
from tests.contract.vsphere.lab_vcenter import running_lab_vcenter
from tests.vcsim.saved import save
from tests.vcsim.server import running_vcsim
from tests.vcsim.tagging import Tagger

# The simulator says that it is vSphere 6.5: what came later is not asked for. Zeros that a type lets go are left out, and a
# host's certificate, which is bytes, does not survive being served again.
NOT_IN_VCSIM = """host.tls_expires_at host.tls_sha256 vm.active_memory_bytes vm.ballooned_bytes vm.confidential vm.created_at
vm.crypto_state vm.failover_in_progress vm.guest_detailed_data vm.suspended_to_memory vm.swapped_bytes"""

# It gives an empty list of disabled methods where the lab gives none.
ONLY_IN_VCSIM = "vm.disabled_methods"

# What no sheet of RVTools has.
NOT_IN_WORKBOOKS = """cluster.evc_mode cluster.groups cluster.root_pool_id cluster.rules cluster.tags container.tags
datastore.lun_names datastore.maintenance_mode datastore.raw_mappings_possible datastore.remote_host
datastore.remote_path datastore.tags datastore.thin_disks_possible datastore.vm_ids
host.connection_state host.cpu_used_mhz host.distributed_switches host.kernel_nics.services
host.licensable host.license_product host.luns.capacity_bytes host.luns.targets host.luns.transport host.memory_used_bytes
host.pci_devices host.power_state host.tags host.tls_expires_at host.tls_sha1 host.tls_sha256 network.is_opaque network.tags
network.vm_ids switch.host_ids switch.private_vlans switch.tags switch.uuid vm.alternate_guest_name vm.boot_order
vm.change_tracking_supported vm.confidential vm.cpu_affinity vm.crypto_state vm.devices vm.disks.backing
vm.disks.chain_length vm.disks.change_id vm.disks.encrypted vm.disks.has_parent vm.disks.io_filters
vm.disks.native_linked_clone vm.disks.vdisk_id vm.disks.vflash_reservation_bytes vm.encrypted
vm.extra_config vm.failover_in_progress vm.files vm.forked vm.guest_dns_servers vm.guest_family
vm.guest_gateways vm.has_ovf_properties vm.has_vtpm vm.managed_by vm.memory_affinity vm.modified_at
vm.nested_hv vm.network_boot_protocol vm.network_ids vm.npiv_wwns vm.paused vm.performance_counters
vm.pmem vm.question vm.replicated vm.snapshot_disabled vm.snapshot_locked vm.tags
vm.tools_version_status vm.vbs vm.vflash_reservation_bytes vm.vvtd"""

# A workbook names the store in the disk's path, the level of shares that the lab's disks leave out of their allocation, and
# in a list of its own what servers tell among a machine's other devices.
ONLY_IN_WORKBOOKS = "vm.cd_drives vm.disks.allocation.shares_level vm.disks.datastore_name"


@dataclass(frozen=True, slots=True)
class Told:
    """The same estate, as each of the three tells it."""

    lab: Collected
    vcsim: Collected
    workbook: Collected


@pytest.fixture(scope="module")
def told(built_vcsim: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:  # noqa: F811 - the fixture
    work = tmp_path_factory.mktemp("three")
    read_back: Collected = defaultdict(list)
    with running_lab_vcenter(work, DiskStore(work / "disks"), world="small") as lab:
        live, saved = collected(lab.connection()), save(lab.connection(), work / "saved")
        book = write_workbook(lab.sim.center, work / "RVTools_export_all.xlsx")
    rvtools.read(book, on_page=lambda kind, facts: read_back[kind].extend(facts))
    with running_vcsim(work / "vcsim", load=saved) as simulator:
        tagger = Tagger(simulator.connection())
        for title in sorted({title for facts in live.values() for fact in facts for title in fact.tags}):
            tagger.tag(title, [("Any", fact.native_id) for facts in live.values() for fact in facts if title in fact.tags])
        yield Told(live, collected(simulator.connection()), read_back)


@pytest.mark.vcsim
def test_two_servers_tell_the_same_estate_to_the_last_field(told: Told) -> None:
    assert list(live_differences(told.lab, told.vcsim)) == []
    assert sum(map(len, told.lab.values())) == sum(map(len, told.vcsim.values())) == 37


@pytest.mark.vcsim
def test_a_difference_between_two_servers_would_be_found(told: Told) -> None:
    first, *others = told.vcsim["vm"]
    changed = {**told.vcsim, "vm": [msgspec.structs.replace(first, vcpus=first.vcpus + 1, nics=()), *others]}
    assert [each.partition(" ")[0] for each in live_differences(told.lab, changed)] == [
        f"vm:{first.name}.vcpus",
        f"vm:{first.name}.nics",
    ]


@pytest.mark.vcsim
def test_the_workbook_tells_what_either_server_tells(told: Told) -> None:
    assert list(differences(told.lab, told.workbook)) == []
    assert list(differences(told.vcsim, told.workbook)) == []


@pytest.mark.vcsim
def test_a_server_knows_alone_what_is_listed_and_nothing_else(told: Told) -> None:
    assert known_to_one(told.lab, told.vcsim) == (set(NOT_IN_VCSIM.split()), set(ONLY_IN_VCSIM.split()))


@pytest.mark.vcsim
def test_what_a_workbook_lacks_is_unknown_and_listed(told: Told) -> None:
    assert known_to_one(told.lab, told.workbook) == (set(NOT_IN_WORKBOOKS.split()), set(ONLY_IN_WORKBOOKS.split()))
