"""What an ESXi host calls its storage: far LUNs with their targets, file servers; what was not read is a gap, never nothing."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from estate.facts.source import HostFacts
from estate.facts.unknown import Unknown
from migration.inventory.selectors.esxi_storage import storage_of
from tests.builders.estate import a_datastore, a_host
from tests.builders.landscape import a_lun

FAR = a_lun(name="naa.6000", local=False, targets=("10.9.0.1:3260", "iqn.2000-08.example:lun1"))
VMFS = a_datastore(remote_host=None)


def a_host_with(*luns: Any, **changes: Any) -> HostFacts:
    return a_host(luns=luns, **changes)


def test_far_luns_and_their_targets_are_named_and_local_disks_are_not() -> None:
    told = storage_of(a_host_with(FAR, a_lun(name="naa.local", local=True)), [VMFS])
    assert (told.names, told.gap) == (frozenset({"naa.6000", "10.9.0.1:3260", "iqn.2000-08.example:lun1"}), "")


def test_a_lun_that_does_not_say_whether_it_is_local_counts_as_far() -> None:
    assert "naa.6000" in storage_of(a_host_with(replace(FAR, local=Unknown("not told"))), []).names


def test_the_servers_of_nfs_stores_are_named_for_the_hosts_that_mount_them() -> None:
    nfs = a_datastore("images", remote_host="nfs01.example, 10.9.0.9", host_ids=("host-1",))
    assert storage_of(a_host_with(), [nfs]).names == frozenset({"nfs01.example", "10.9.0.9"})
    elsewhere = replace(nfs, native_id="datastore-9", host_ids=("host-2",))
    assert storage_of(a_host_with(), [elsewhere]).names == frozenset()
    untold = a_host_with(datastore_ids=Unknown("not told"))
    assert storage_of(untold, [elsewhere]).names == frozenset({"nfs01.example", "10.9.0.9"}), "it may be one of its stores"


@pytest.mark.parametrize(
    ("host", "stores", "words"),
    [
        (a_host(luns=Unknown("no right")), [], "its LUNs could not be read (no right)"),
        (a_host_with(replace(FAR, targets=Unknown("not told"))), [], "the targets of 1 of its LUNs were not read"),
        (a_host_with(), [replace(VMFS, remote_host=Unknown("not told"))], "where datastore san-a lies was not read"),
    ],
)
def test_what_was_not_read_is_a_gap(host: HostFacts, stores: list[Any], words: str) -> None:
    assert storage_of(host, stores).gap == words
