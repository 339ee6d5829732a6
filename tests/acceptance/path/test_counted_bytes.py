"""Bytes in = bytes out: what was read, what the pool took and where the journal ends are counted apart and must agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from migration.conversion.models import DiskCopy
from migration.conversion.services import progress
from tests.builders.path import Site, copied, prepared
from tests.builders.path_looks import Looks, told

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own
SECTOR_BYTES = 512
LOST = {
    "a sector was not read": lambda disk: {"bytes_copied": disk.bytes_copied - SECTOR_BYTES},
    "a sector was taken by no segment": lambda disk: {"bytes_sent": disk.bytes_sent - SECTOR_BYTES},
    "a sector was empty that is counted by nobody": lambda disk: {"bytes_zero": disk.bytes_zero - SECTOR_BYTES},
    "the last segment is in no journal": lambda disk: {"durable_bytes": disk.durable_bytes - SECTOR_BYTES},
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST.keys())
def test_a_disk_whose_counts_do_not_agree_is_not_cut_over_and_is_copied_anew(
    site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch, lost: Callable[[DiskCopy], dict[str, int]]
) -> None:
    close, first = progress.close_copy, [1]

    def losing(disk: DiskCopy, **told_of_it: Any) -> None:
        close(disk, **told_of_it)
        if first:
            first.clear()
            now = DiskCopy.objects.get(pk=disk.pk)
            DiskCopy.objects.filter(pk=disk.pk).update(**lost(now))

    monkeypatch.setattr(progress, "close_copy", losing)
    row = copied(prepared(site.conversion("git01")))

    assert told(row, "git01", "Hard disk 1") == "bytes_differ"
    assert looks.retried_and_done(row)


def test_what_was_read_is_what_the_pool_took_and_what_was_empty(site: Site) -> None:
    row = copied(prepared(site.conversion("git01")))
    disk = row.disks.get()
    assert disk.bytes_copied == disk.durable_bytes == disk.bytes_total == disk.bytes_sent + disk.bytes_zero
    assert disk.bytes_zero > 0
