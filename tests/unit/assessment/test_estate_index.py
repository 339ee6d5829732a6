"""The index of an estate: objects by id, and the carriers of each value."""

from __future__ import annotations

from estate.facts.unknown import UNKNOWN
from migration.assessment.core.estate_index import estate_of
from tests.builders.estate import a_cluster, a_container, a_datastore, a_disk, a_guest_nic, a_host, a_network, a_switch, a_vm


def test_objects_of_the_source_are_found_by_their_native_id() -> None:
    things = (a_host(), a_cluster(), a_datastore(), a_network(), a_switch(), a_container(), a_vm())
    estate = estate_of(own=things, project_vms=())
    found = (estate.hosts, estate.clusters, estate.datastores, estate.networks, estate.switches, estate.containers)
    assert [list(index.values()) for index in found] == [[thing] for thing in things[:-1]]
    assert estate.vms_of_host == {"host-1": (a_vm(),)}


def test_values_are_compared_in_lower_case_over_the_whole_project() -> None:
    vms = (a_vm("a", bios_uuid="ABC", guest_host_name="Web"), a_vm("b", bios_uuid="abc", guest_host_name="web"))
    estate = estate_of(own=(), project_vms=vms)
    assert estate.bios_uuid_owners == {"abc": ("a", "b")}
    assert estate.host_name_owners == {"web": ("a", "b")}
    assert estate.ipv4_owners == {"192.0.2.10": ("a", "b")}


def test_disk_files_are_compared_inside_the_source_alone() -> None:
    own = (a_vm("a", disks=(a_disk(file_name="[S] X.vmdk"),)),)
    estate = estate_of(own=own, project_vms=(*own, a_vm("b", disks=(a_disk(file_name="[s] x.vmdk"),))))
    assert estate.disk_file_owners == {"[s] x.vmdk": ("a",)}
    assert list(estate.disk_uuid_owners.values()) == [("a", "b")]


def test_what_was_not_read_and_ipv6_own_nothing() -> None:
    silent = a_vm("s", host_id=UNKNOWN, bios_uuid=UNKNOWN, disks=UNKNOWN, guest_nics=UNKNOWN)
    other = a_vm("t", guest_nics=(a_guest_nic(ip_addresses=("fe80::1", "192.0.2.9", "192.0.2.9")),), disks=())
    estate = estate_of(own=(silent,), project_vms=(silent, other))
    assert (estate.vms_of_host, estate.disk_uuid_owners) == ({}, {})
    assert estate.ipv4_owners == {"192.0.2.9": ("t",)}
