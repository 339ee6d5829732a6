"""The control domain's temporary drive around a disk transfer, and how a transfer ends.

While it is attached, the VDI is in use for everybody else, as on a real host.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.xapi_sim.failure import XapiFailure
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.vm_power import in_use


class ConnectionBroken(Exception):
    """The transfer's connection is to be cut without another word."""


IO_ERROR = ("VDI_IO_ERROR", "Device I/O errors")


@contextmanager
def attached(pool: Pool, host: str, vdi: str, *, writing: bool) -> Iterator[int]:
    """Attach a VDI to the host's control domain for the time of the block; yields its virtual size in bytes.

    Raises:
        XapiFailure: VDI_IN_USE, VDI_READONLY, HANDLE_INVALID when it is gone.
    """
    with pool.store.lock:
        vbd = _attach(pool, host, vdi, writing)
        size_bytes = int(pool.store.get("VDI", vdi, "virtual_size"))
    try:
        yield size_bytes
    finally:
        with pool.store.lock:
            if pool.store.has("VBD", vbd):
                pool.store.destroy("VBD", vbd)
            if writing and pool.store.has("VDI", vdi):
                pool.storage.refresh(pool.store.get("VDI", vdi, "SR"))


def _attach(pool: Pool, host: str, vdi: str, writing: bool) -> str:
    if pool.faults.take("vdi_in_use") or in_use(pool, vdi, writing):
        raise XapiFailure("VDI_IN_USE", vdi, "attach")
    if writing and pool.store.get("VDI", vdi, "read_only"):
        raise XapiFailure("VDI_READONLY", vdi)
    domain = pool.store.get("host", host, "control_domain")
    taken = {int(pool.store.get("VBD", vbd, "userdevice")) for vbd in pool.store.get("VM", domain, "VBDs")}
    return pool.store.create(
        "VBD",
        VM=domain,
        VDI=vdi,
        userdevice=str(next(number for number in range(10_000) if number not in taken)),
        mode="RW" if writing else "RO",
        type="Disk",
        currently_attached=True,
    )


@contextmanager
def ending(pool: Pool, task: str, result: str) -> Iterator[None]:
    """End the task by how the block ends: well, with an API error, or broken off (an I/O error for the task)."""
    try:
        yield
    except XapiFailure as failure:
        pool.tasks.fail(task, failure.description)
        raise
    except (ConnectionBroken, OSError):
        pool.tasks.fail(task, IO_ERROR)
        raise
    pool.tasks.succeed(task, result)
