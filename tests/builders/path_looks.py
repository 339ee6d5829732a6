"""What tests of the path look at afterwards: both sides of the lab, seen without the product."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.test import override_settings

from estate.xapi import vm
from estate.xapi.session import XapiSession
from lab.testing import Lab
from migration.conversion.models import Conversion
from migration.conversion.services import lifecycle
from tests.builders.path import SYSTEM, Site, again, connection_to, copied, gone_live, pool_pins, settle, vdi_file


@dataclass(frozen=True, slots=True)
class Looks:
    """Eyes and hands on the lab of a test."""

    lab: Lab
    site: Site

    @contextmanager
    def pool(self) -> Iterator[XapiSession]:
        """A session of the test's own with the pool as it is now."""
        described = self.lab.json | {"pool": self.lab.whole.pool.lab_json()}  # type: ignore[union-attr]
        with XapiSession(connection_to(described, "pool", pool_pins(described))) as session:
            yield session

    def vm_record(self, row: Conversion) -> dict[str, Any]:
        with self.pool() as session:
            record: dict[str, Any] = session.call("VM.get_record", session.call("VM.get_by_uuid", row.target_vm_uuid))
            return record

    def left_in_pool(self, row: Conversion) -> tuple[int, int]:
        """How many VMs and VDIs carry the conversion's tag."""
        with self.pool() as session:
            left = vm.leftovers(session, str(row.pk))
        return len(left.vms), len(left.vdis)

    def attached_vdis(self) -> list[str]:
        """VDIs that something other than a running guest holds: a transfer that was not ended."""
        with self.pool() as session:
            held = [vbd for vbd in session.call("VBD.get_all_records").values() if vbd["currently_attached"]]
            halted_or_dom0 = [
                vbd
                for vbd in held
                if session.call("VM.get_is_control_domain", vbd["VM"])
                or session.call("VM.get_power_state", vbd["VM"]) == "Halted"
            ]
        return [vbd["VDI"] for vbd in halted_or_dom0]

    def state(self) -> dict[str, Any]:
        return dict(self.lab.control("GET", "/state"))

    def source_is(self, name: str) -> str:
        return str(self.state()["source_vms"][name])

    def nothing_open(self) -> bool:
        """No export lease, no session on either side, no VDI held by a transfer."""
        seen = self.state()
        pool_sessions = len(self.lab.whole.pool.pool.store.refs("session"))  # type: ignore[union-attr]
        return (seen["source_leases"], seen["source_sessions"], pool_sessions) == (0, 0, 0) and not self.attached_vdis()

    def calls(self, side: str, what: str) -> int:
        """How many requests of this name a side has seen."""
        whole = self.lab.whole
        log = whole.pool.log if side == "pool" else whole.control_server.log  # type: ignore[union-attr]
        return sum(1 for entry in log.since(0) if str(entry["what"]).endswith(what))

    def vcenter_fault(self, kind: str, **arguments: Any) -> None:
        self.lab.control("POST", "/vcenter/fault", {"kind": kind, **arguments})

    def pool_fault(self, kind: str, **arguments: Any) -> None:
        self.lab.control("POST", "/pool/fault", {"kind": kind, **arguments})

    def switch(self, name: str, state: str) -> None:
        self.lab.control("POST", "/vcenter/power", {"vm": name, "state": state})

    def source_obeys_slowly(self, lab_seconds: float) -> None:
        """Guests take so long to shut down, in the lab's own seconds (a thousand to a real one here)."""
        center = self.lab.whole.vcenter.center
        center.timing = replace(center.timing, guest_shutdown_lab_s=lab_seconds)

    def disk_pairs(self, row: Conversion) -> list[tuple[dict[str, Any], Path]]:
        """Each source disk of the lab with the file of the VDI it was copied into."""
        disks = {disk["device_key"]: disk for disk in self.lab.control("GET", "/disks") if disk["vm"] == row.name}
        return [(disks[copy.device_key], vdi_file(self.lab, copy.vdi_uuid)) for copy in row.disks.all()]

    def equal_bytes(self, row: Conversion) -> bool:
        """Whether every VDI file is the source's raw disk, byte for byte."""
        pairs = self.disk_pairs(row)
        return bool(pairs) and all(filecmp.cmp(disk["raw_path"], vdi, shallow=False) for disk, vdi in pairs)

    def most_of_stream(self, name: str) -> int:
        """Four fifths of what the export of a machine's first disk streams, in bytes: some segments are done by then."""
        disk = next(disk for disk in self.lab.control("GET", "/disks") if disk["vm"] == name)
        return Path(disk["vmdk_path"]).stat().st_size * 4 // 5

    def machine(self, name: str) -> Any:
        """The lab's own object behind a source VM."""
        return self.lab.whole.vcenter.center.places.machine_named(name)

    def cancelled_and_cleared(self, row: Conversion) -> bool:
        """Cancel it: afterwards nothing of it may be in the pool, and nothing may be open on either side."""
        lifecycle.cancel(again(row), actor=SYSTEM)
        settle()
        row = again(row)
        ledger = row.ledger.filter(removed_at=None).exists()
        return (row.state, self.left_in_pool(row), ledger, self.nothing_open()) == ("cancelled", (0, 0), False, True)

    def retried_and_done(self, row: Conversion) -> bool:
        """Retry it all the way: the next run picks up what is left, with one VM, and every byte right."""
        lifecycle.retry(again(row), actor=SYSTEM)
        settle()
        with override_settings(SEGMENT_BYTES=1 << 30):  # zeros are sent too this time; small segments would only take longer
            row = gone_live(copied(row))
        assert row.error is None, row.error
        disks = row.disks.count()
        return (row.state, self.left_in_pool(row), self.equal_bytes(row), self.nothing_open()) == ("done", (1, disks), True, True)


def told(row: Conversion, *names: str) -> str:
    """The code of a failed conversion's error, after checking that it names these things and the next step."""
    assert row.state == "failed", row.state
    assert row.error is not None and row.error["next_step"], row.error
    for name in names:
        assert name in row.error["message"], row.error
    return str(row.error["code"])
