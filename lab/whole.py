"""The lab as one thing: a world's vCenter, pool, KMS reading and control desk, started and stopped together.

`python -m lab` (lab/__main__.py) and the tests (lab/testing.py) both start it from here.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.control import ControlServer
from lab.disks import DiskStore
from lab.vcenter_sim import Timing, VCenterSim
from lab.worlds import ESTATES, EstateSpec
from lab.worlds.kms import HOST_NAME, reading
from lab.worlds.small import BOOTABLE_VM, WINDOWS_VMS

MARK = "xenbound-lab-state"
MIB = 1 << 20
Say = Callable[[str], None]


class LabRefused(Exception):
    """The lab cannot start as asked; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class LabOptions:
    """How to start a lab.

    `pool` is a name of lab/worlds/pool.py; `seed_secrets` makes passwords repeatable; `linux_image` is a raw or qcow2 file
    for the world's bootable VM; `estate` replaces the world's vCenter (tests of large inventories); `lease_timeout_s` is in
    real seconds. `with_files` writes an RVTools workbook of the vCenter and the appliances as packages.
    """

    world: str = "small"
    pool: str = "standard"
    seed: int = 1
    clock_factor: float = 60.0
    seed_secrets: str = ""
    with_pool: bool = True
    with_files: bool = False
    prepare_disks: bool = True
    linux_image: Path | None = None
    lease_timeout_s: int = 60
    session_idle_s: float = 1800
    estate: EstateSpec | None = None


class Lab:
    """Everything of one world, below one state directory. `start()` listens, `json` says where, `stop()` ends it."""

    def __init__(self, state_dir: Path, options: LabOptions, say: Say = lambda _line: None) -> None:
        self.options, self.state_dir, self._say = options, state_dir, say
        if options.estate is None and options.world not in ESTATES:
            raise LabRefused(f"there is no world {options.world!r}; there are {', '.join(sorted(ESTATES))}")
        self.estate = options.estate or ESTATES[options.world](options.seed)
        mark_state_dir(state_dir)
        self.control_server = ControlServer(self._secret("control"))
        images = {f"{BOOTABLE_VM}-disk0": options.linux_image} if options.linux_image else {}
        self.disks = DiskStore(state_dir / "disks", images=images)
        self.vcenter = VCenterSim(
            self.estate,
            state_dir,
            self._secret("vcenter"),
            timing=Timing(clock_factor=options.clock_factor, lease_timeout_s=options.lease_timeout_s),
            disks=self.disks,
            log=self.control_server.log,
            idle_timeout_s=options.session_idle_s,
        )
        self.pool = self._make_pool() if options.with_pool else None
        self.json: dict[str, Any] = {}

    def start(self) -> None:
        """Prepare the disks, write the KMS reading, listen everywhere."""
        if self.options.prepare_disks:
            self._prepare_disks()
        with contextlib.ExitStack() as undo:
            self.vcenter.start()
            undo.callback(self.vcenter.stop)
            self.vcenter.register_control(self.control_server)
            if self.pool is not None:
                self.pool.start()
                undo.callback(self.pool.stop)
                self.pool.register_control(self.control_server)
            self.control_server.start()
            undo.pop_all()
        self.json = self._describe()

    def stop(self) -> None:
        """Stop everything; the state directory stays."""
        self.control_server.stop()
        if self.pool is not None:
            self.pool.stop()
        self.vcenter.stop()

    def _secret(self, what: str) -> str:
        if not self.options.seed_secrets:
            return secrets.token_urlsafe(18)
        return hashlib.sha256(f"{self.options.seed_secrets}:{what}".encode()).hexdigest()[:24]

    def _make_pool(self) -> Any:
        # Imported here: a lab without a pool needs nothing of the pool's side.
        from lab.worlds.pool import POOLS, pool_for
        from lab.xapi_sim import PoolSim

        if self.options.pool not in POOLS:
            raise LabRefused(f"there is no pool {self.options.pool!r}; there are {', '.join(sorted(POOLS))}")
        return PoolSim(
            pool_for(self.estate, self.options.pool), self.state_dir / "pool", self._secret("pool"), self.options.clock_factor
        )

    def _prepare_disks(self) -> None:
        began = time.monotonic()
        capacity = allocated = 0
        for machine in self.vcenter.center.places.machines.values():
            for index, disk in enumerate(machine.spec.disks):
                if disk.rdm:
                    continue
                prepared = self.disks.prepare(self.estate.disk_plan(machine.spec, index))
                used = prepared.raw_path.stat().st_blocks * 512
                capacity, allocated = capacity + prepared.capacity_bytes, allocated + used
                self._say(
                    f"disk {prepared.name}: {prepared.capacity_bytes // MIB} MiB, {used // MIB} MiB allocated, "
                    f"{prepared.vmdk_bytes // MIB} MiB as a stream"
                )
        self._say(f"disks ready: {capacity // MIB} MiB, {allocated // MIB} MiB allocated, {time.monotonic() - began:.1f} s")

    def _describe(self) -> dict[str, Any]:
        head = {"world": self.estate.name, "seed": self.options.seed, "pid": os.getpid()}
        whole = head | self.vcenter.lab_json()
        if self.pool is not None:
            whole["pool"] = self.pool.lab_json()
        whole["kms"] = {"name": HOST_NAME, "reading_file": str(self._write_kms_reading())}
        if self.options.with_files:
            whole |= self._write_files()
        return whole | {"control": self.control_server.lab_json()}

    def _write_files(self) -> dict[str, Any]:
        """What reaches a consultant by mail: the estate as a workbook, and appliances as packages."""
        # Imported here: a lab that writes no workbook needs no spreadsheet writer.
        from lab.ova import write_appliances
        from lab.rvtools import write_workbook

        workbook = write_workbook(self.vcenter.center, self.state_dir / "rvtools" / "RVTools_export_all.xlsx")
        folder = self.state_dir / "packages"
        packages = write_appliances(folder, self.disks, self.options.seed)
        return {"rvtools": {"workbook": str(workbook)}, "appliances": {"folder": str(folder), "packages": packages}}

    def _write_kms_reading(self) -> Path:
        path = self.state_dir / "kms" / "kms01.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(reading(self.options.seed, WINDOWS_VMS, datetime.datetime.now(datetime.UTC)), indent=1))
        return path


def mark_state_dir(state_dir: Path) -> None:
    """Make `state_dir` and mark it as the lab's own."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    (state_dir / MARK).touch()


def remove_state_dir(state_dir: Path) -> None:
    """Remove a lab's state directory with everything in it; a missing one is fine.

    Raises:
        LabRefused: the directory was not made by a lab.
    """
    if not state_dir.exists():
        return
    if not (state_dir / MARK).exists() and any(state_dir.iterdir()):
        raise LabRefused(f"{state_dir} was not made by the lab, so --fresh will not remove it; name another --state")
    shutil.rmtree(state_dir)


def write_private_json(path: Path, value: dict[str, Any]) -> None:
    """Write `value` to `path` in one move, readable by its owner only: it holds passwords."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(value, file, indent=1)
        file.write("\n")
    draft.replace(path)
