"""Ways to talk to a running pool of the lab: XenAPI, a raw TLS socket, the control desk; and records it accepts."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import XenAPI

from lab.control import ControlServer
from lab.xapi_sim import PoolSim, PoolSpec, small_pool

PASSWORD = "a-lab-password"
CLOCK_FACTOR = 600.0
SIZE = 8 << 20


@dataclass(frozen=True)
class Wire:
    """A running pool with its control desk."""

    sim: PoolSim
    control: ControlServer

    def login(self) -> Any:
        """A fresh XenAPI session on the coordinator."""
        session = XenAPI.Session(self.sim.url, ignore_ssl=True)
        session.xenapi.login_with_password("root", PASSWORD, "2.0", "xapi-sim-tests")
        return session

    def desk(self, method: str, path: str, /, **body: Any) -> Any:
        """One control call; the status is raised as HTTPError when it is no 200."""
        content = json.dumps(body).encode() if body else None
        headers = {"Authorization": f"Bearer {self.control.token}"}
        request = urllib.request.Request(self.control.url + path, content, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.loads(reply.read())

    def run_trial(self, path: str, /, **body: Any) -> dict[str, Any]:
        """Cut something and wait for the trial's end."""
        trial = self.desk("POST", path, **body)["trial"]
        return wait_for(lambda: done(self.desk("GET", f"/pool/trials/{trial}")), "the trial to end")

    def connect(self, url: str = "") -> ssl.SSLSocket:
        """A TLS connection to the host of `url`, the coordinator by default."""
        where = urlsplit(url or self.sim.url)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(socket.create_connection((where.hostname, where.port), timeout=30))

    def exchange(self, head: str, *payload: bytes, url: str = "") -> tuple[int, bytes]:
        """Send a request head; on 200 the payload as well. Returns the status and everything that was answered."""
        with self.connect(url) as sock:
            sock.sendall(f"{head}\r\nHost: lab\r\n\r\n".encode())
            answer = sock.recv(65536)
            while b"\r\n\r\n" not in answer:
                answer += sock.recv(65536)
            status = int(answer.split(b" ", 2)[1])
            with contextlib.suppress(OSError):  # the pool may cut the line; what it had said by then is the answer
                for piece in payload if status == 200 else ():
                    sock.sendall(piece)
                while piece := sock.recv(1 << 20):
                    answer += piece
            return status, answer


@dataclass(frozen=True)
class Disk:
    """A fresh VDI of SIZE bytes and how to move its bytes."""

    wire: Wire
    session: Any
    vdi: str

    def put(self, *payload: bytes, headers: str = "", url: str = "", **params: str) -> tuple[int, dict[str, Any]]:
        """Import; returns the HTTP status and the task's record once it has ended."""
        task = self.session.xenapi.task.create("import", "")
        query = {"session_id": self.session._session, "task_id": task, "vdi": self.vdi, "format": "raw"} | params
        status, _ = self.wire.exchange(f"PUT /import_raw_vdi?{urlencode(query)} HTTP/1.1{headers}", *payload, url=url)
        return status, {} if status == 302 else self.task_end(task)

    def put_frames(self, *frames: bytes, headers: str = "", **params: str) -> tuple[int, dict[str, Any]]:
        """Import frames followed by the end mark."""
        return self.put(*frames, bytes(12), headers=headers, chunked="true", **params)

    def task_end(self, task: str) -> dict[str, Any]:
        """The task's record when it has ended."""
        wait_for(lambda: self.session.xenapi.task.get_status(task) not in ("pending", "cancelling"), "the task to end")
        return self.session.xenapi.task.get_record(task)

    def read(self, disk_format: str = "raw") -> bytes:
        """Export the whole disk."""
        query = urlencode({"session_id": self.session._session, "vdi": self.vdi, "format": disk_format})
        _, answer = self.wire.exchange(f"GET /export_raw_vdi?{query} HTTP/1.1")
        return answer.split(b"\r\n\r\n", 1)[1]


def frame(offset: int, content: bytes) -> bytes:
    """One frame of a chunked import."""
    return struct.pack("<QI", offset, len(content)) + content


def done(trial: dict[str, Any]) -> dict[str, Any] | None:
    return trial if trial["state"] == "done" else None


def wait_for(look: Callable[[], Any], what: str, seconds: float = 10) -> Any:
    """Ask until the answer is truthy."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for {what}")


def refusal(call: Callable[..., Any], *args: Any) -> list[str]:
    """The error description of a call that must fail."""
    with pytest.raises(XenAPI.Failure) as caught:
        call(*args)
    return list(caught.value.details)


def start_pool(state_dir: Path, spec: PoolSpec | None = None) -> Wire:
    """A running pool, the small one unless told; stop both of its halves afterwards."""
    sim = PoolSim(spec or small_pool(), state_dir, PASSWORD, CLOCK_FACTOR)
    sim.start()
    control = ControlServer("control-token")
    sim.register_control(control)
    control.start()
    return Wire(sim, control)


def a_disk(wire: Wire, session: Any, sr_name: str) -> Iterator[Disk]:
    sr = session.xenapi.SR.get_by_name_label(sr_name)[0]
    vdi = session.xenapi.VDI.create(vdi_record(sr, SIZE))
    yield Disk(wire, session, vdi)
    fresh = wire.login()
    if vdi in fresh.xenapi.VDI.get_all():
        fresh.xenapi.VDI.destroy(vdi)


def vdi_record(sr: str, size_bytes: int) -> dict[str, Any]:
    record = {"name_label": "test disk", "SR": sr, "virtual_size": str(size_bytes), "type": "user"}
    return record | {"sharable": False, "read_only": False, "other_config": {}}


def vm_record(**changes: Any) -> dict[str, Any]:
    """A record VM.create accepts, with changes."""
    memory = str(1 << 30)
    record: dict[str, Any] = dict.fromkeys(
        ("PV_bootloader", "PV_kernel", "PV_ramdisk", "PV_args", "PV_bootloader_args", "PV_legacy_args", "PCI_bus"), ""
    )
    record |= dict.fromkeys(("memory_static_max", "memory_dynamic_max", "memory_dynamic_min", "memory_static_min"), memory)
    record |= {
        "name_label": "test vm", "user_version": "1", "is_a_template": False, "affinity": "OpaqueRef:NULL",
        "VCPUs_params": {}, "VCPUs_max": "2", "VCPUs_at_startup": "2", "actions_after_shutdown": "destroy",
        "actions_after_reboot": "restart", "actions_after_crash": "restart", "HVM_boot_policy": "BIOS order",
        "HVM_boot_params": {"firmware": "uefi", "order": "cd"}, "platform": {}, "other_config": {},
        "recommendations": "",
    }  # fmt: skip
    return record | changes


def vbd_record(vm: str, vdi: str, **changes: Any) -> dict[str, Any]:
    record = {"VM": vm, "VDI": vdi, "userdevice": "0", "bootable": True, "mode": "RW", "type": "Disk", "empty": False}
    return record | {"other_config": {}, "qos_algorithm_type": "", "qos_algorithm_params": {}} | changes


def vif_record(vm: str, network: str, **changes: Any) -> dict[str, Any]:
    record = {"VM": vm, "network": network, "device": "0", "MAC": "00:50:56:01:02:03", "MTU": "1500", "other_config": {}}
    return record | {"qos_algorithm_type": "", "qos_algorithm_params": {}} | changes
