"""Faults of disk transfer that the desk arms: stalls, VDIs in use, tasks that are too old, raw volumes with old bytes."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.xapi_sim.pool_wire import SIZE, Disk, Wire, a_disk, frame

MIB = 1 << 20


def test_a_stalled_import_stands_still_and_then_ends_well(disk: Disk) -> None:
    disk.wire.desk("POST", "/pool/fault", kind="stall", seconds=1, after_bytes=0)
    began = time.monotonic()
    _, task = disk.put_frames(frame(0, b"A" * 4096), frame(MIB, b"B" * 4096))
    assert task["status"] == "success" and time.monotonic() - began >= 1


def test_a_vdi_in_use_fails_the_task_and_is_free_the_next_time(disk: Disk) -> None:
    disk.wire.desk("POST", "/pool/fault", kind="vdi_in_use")
    _, task = disk.put_frames(frame(0, b"A" * 4096))
    assert (task["status"], task["error_info"][0]) == ("failure", "VDI_IN_USE")
    assert disk.put_frames(frame(0, b"A" * 4096))[1]["status"] == "success"


def test_a_task_that_is_too_old_is_gone_and_nobody_holds_its_vdi(disk: Disk) -> None:
    disk.wire.desk("POST", "/pool/fault", kind="task_expiry", after_bytes=0)
    with pytest.raises(Exception, match=r"HANDLE_INVALID|reset|BrokenPipe|closed|Errno"):
        disk.put_frames(*(frame(number * MIB, b"A" * MIB) for number in range(3)))
    assert disk.put_frames(frame(0, b"A" * 4096))[1]["status"] == "success"


def test_tasks_pending_for_a_day_of_lab_time_are_garbage(wire: Wire, session: Any) -> None:
    old = session.xenapi.task.create("old", "")
    tasks, clock = wire.sim.pool.tasks, wire.sim.pool.clock
    created = wire.sim.pool.store.get("task", old, "created")
    wire.sim.pool.store.set("task", old, created=created - timedelta(hours=25) / clock.factor)
    young = session.xenapi.task.create("young", "")
    assert (wire.sim.pool.store.has("task", old), wire.sim.pool.store.has("task", young)) == (False, True)
    assert tasks is not None


def test_a_raw_volume_holds_what_was_there_before(fresh_wire: Wire) -> None:
    fresh_wire.desk("POST", "/pool/fault", kind="raw_lvm", sr="san-lun-01")
    for disk in a_disk(fresh_wire, fresh_wire.login(), "san-lun-01"):
        disk.put_frames(frame(0, b"A" * 4096))
        uuid = disk.session.xenapi.VDI.get_uuid(disk.vdi)
        path = next(v["path"] for v in fresh_wire.desk("GET", "/vdis") if v["uuid"] == uuid)
        seen = Path(path).read_bytes()
        assert seen[:4096] == b"A" * 4096 and set(seen[4096 : 4096 + 4]) == {0xA5, *b"old"} and len(seen) >= SIZE
        assert seen[-512:].startswith(b"\xa5old")
