"""Disk transfer: framing, refusals before and after the 200, faults, space."""

from __future__ import annotations

import base64
import shutil
import subprocess
import time
import xmlrpc.client
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import XenAPI

from tests.contract.xapi_sim.pool_wire import PASSWORD, SIZE, Disk, Wire, frame, refusal, vbd_record, vdi_record, vm_record

MIB = 1 << 20
IO_ERROR = ["VDI_IO_ERROR", "Device I/O errors"]


def test_frames_land_at_their_offsets_in_any_order_and_gaps_stay_zero(disk: Disk) -> None:
    status, task = disk.put_frames(frame(4 * MIB, b"B" * 4096), frame(0, b"A" * (3 * MIB)), frame(SIZE - 512, b"C" * 512))
    assert (status, task["status"], task["progress"]) == (200, "success", 1.0)
    want = bytearray(SIZE)
    want[0 : 3 * MIB], want[4 * MIB : 4 * MIB + 4096], want[-512:] = b"A" * (3 * MIB), b"B" * 4096, b"C" * 512
    assert disk.read() == want
    assert task["result"] == f"<value>{disk.vdi}</value>"


def test_the_file_shown_by_the_desk_holds_the_very_bytes(disk: Disk) -> None:
    disk.put_frames(frame(MIB, b"xyz!" * 1024))
    uuid = disk.session.xenapi.VDI.get_uuid(disk.vdi)
    shown = next(v for v in disk.wire.desk("GET", "/vdis") if v["uuid"] == uuid)
    assert Path(shown["path"]).read_bytes() == disk.read()
    assert shown["sr"] == "san-lun-01" and shown["virtual_size_bytes"] == SIZE


def test_plain_raw_takes_exactly_content_length_bytes(disk: Disk) -> None:
    status, task = disk.put(b"P" * 65536, headers="\r\nContent-Length: 65536")
    assert (status, task["status"]) == (200, "success")
    assert disk.read()[:65537] == b"P" * 65536 + b"\0"


def test_a_stream_without_end_frame_fails_the_task(disk: Disk) -> None:
    query = urlencode({"session_id": disk.session._session, "vdi": disk.vdi, "chunked": "1"})
    task = disk.session.xenapi.task.create("torn", "")
    with disk.wire.connect() as sock:
        sock.sendall(f"PUT /import_raw_vdi?{query}&task_id={task} HTTP/1.1\r\n\r\n".encode())
        assert b"200 OK" in sock.recv(4096)
        sock.sendall(frame(0, b"A" * 4096))
    assert disk.task_end(task)["error_info"] == IO_ERROR


@pytest.mark.parametrize(
    "bad", [frame(SIZE, b"Z" * 4096), frame(SIZE - 512, b"Z" * 1024), frame(100, b"Z" * 512), frame(512, b"Z" * 100)]
)
def test_frames_beyond_the_end_or_off_the_sectors_fail_the_task(disk: Disk, bad: bytes) -> None:
    status, task = disk.put_frames(bad)
    assert status == 200
    assert (task["status"], task["error_info"]) == ("failure", IO_ERROR)


def test_transfer_encoding_is_refused(disk: Disk) -> None:
    status, task = disk.put_frames(headers="\r\nTransfer-Encoding: chunked")
    assert status == 403 and task["error_info"][0] == "INTERNAL_ERROR"


def test_an_unknown_format_is_not_found_and_fails_the_task(disk: Disk) -> None:
    status, task = disk.put(format="vhdx")
    assert status == 404 and task["status"] == "failure"


@pytest.mark.qemu
@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
def test_a_disk_comes_out_as_a_vhd_of_the_blocks_that_were_written(disk: Disk, tmp_path: Path) -> None:
    disk.put_frames(frame(0, b"A" * 4096), frame(4 * MIB, b"B" * 4096))
    raw, vhd = tmp_path / "disk.raw", tmp_path / "disk.vhd"
    raw.write_bytes(disk.read())
    vhd.write_bytes(disk.read("vhd"))
    assert 2 * 2 * MIB < vhd.stat().st_size < 2 * 2 * MIB + 16384
    compared = subprocess.run(
        ["qemu-img", "compare", "-f", "raw", "-F", "vpc", raw, vhd], capture_output=True, text=True, check=False
    )
    assert compared.stdout == "Images are identical.\n"


@pytest.mark.parametrize("session", ["OpaqueRef:bogus", ""])
def test_a_bad_session_is_unauthorized(wire: Wire, session: str) -> None:
    assert wire.exchange(f"PUT /import_raw_vdi?session_id={session}&vdi=x&chunked=1 HTTP/1.1")[0] == 401


def test_no_vdi_is_a_bad_request(disk: Disk) -> None:
    head = f"PUT /import_raw_vdi?session_id={disk.session._session}&chunked=1 HTTP/1.1"
    assert disk.wire.exchange(head)[0] == 400


def test_basic_authentication_and_a_vdi_uuid_are_enough(disk: Disk) -> None:
    uuid = disk.session.xenapi.VDI.get_uuid(disk.vdi)
    token = base64.b64encode(f"root:{PASSWORD}".encode()).decode()
    head = f"PUT /import_raw_vdi?vdi={uuid}&chunked=1 HTTP/1.1\r\nAuthorization: Basic {token}"
    assert disk.wire.exchange(head, frame(0, b"Q" * 512), bytes(12))[0] == 200
    assert disk.read()[:512] == b"Q" * 512


def test_a_second_import_and_an_attached_vdi_are_in_use(disk: Disk) -> None:
    query = urlencode({"session_id": disk.session._session, "vdi": disk.vdi, "chunked": "1"})
    with disk.wire.connect() as sock:
        sock.sendall(f"PUT /import_raw_vdi?{query} HTTP/1.1\r\n\r\n".encode() + frame(0, b"A" * 512))
        assert b"200 OK" in sock.recv(4096)
        status, task = disk.put_frames(frame(0, b"B" * 512))
        assert status == 200 and task["error_info"][:2] == ["VDI_IN_USE", disk.vdi]
        assert refusal(disk.session.xenapi.VDI.destroy, disk.vdi)[0] == "VDI_IN_USE"
        vm = disk.session.xenapi.VM.create(vm_record())
        disk.session.xenapi.VBD.create(vbd_record(vm, disk.vdi))
        assert refusal(disk.session.xenapi.VM.start, vm, False, False)[:2] == ["VDI_IN_USE", disk.vdi]
        sock.sendall(bytes(12))
        while sock.recv(100):
            pass
    disk.session.xenapi.VM.start(vm, False, False)
    assert disk.put_frames(frame(0, b"B" * 512))[1]["error_info"][:2] == ["VDI_IN_USE", disk.vdi]
    disk.session.xenapi.VM.hard_shutdown(vm)
    disk.session.xenapi.VM.destroy(vm)


def test_a_host_without_the_sr_redirects_and_the_other_host_takes_it(disk: Disk) -> None:
    pbd = pbd_on(disk, "xen01", "nfs-01")
    sr = disk.session.xenapi.SR.get_by_name_label("nfs-01")[0]
    disk.session.xenapi.PBD.unplug(pbd)
    vdi = disk.session.xenapi.VDI.create(vdi_record(sr, SIZE))
    query = urlencode({"session_id": disk.session._session, "vdi": vdi, "chunked": "1"})
    status, answer = disk.wire.exchange(f"PUT /import_raw_vdi?{query} HTTP/1.1")
    assert status == 302
    location = next(line for line in answer.decode().split("\r\n") if line.startswith("Location: "))[10:]
    assert location.startswith(f"https://127.0.0.12:{disk.wire.sim.pool.port}/import_raw_vdi?session_id=")
    path = location.split("/", 3)[3]
    assert disk.wire.exchange(f"PUT /{path} HTTP/1.1", frame(0, b"R" * 512), bytes(12), url=location)[0] == 200
    disk.session.xenapi.PBD.plug(pbd)
    disk.session.xenapi.VDI.destroy(vdi)


def pbd_on(disk: Disk, host_name: str, sr_name: str) -> str:
    host = disk.session.xenapi.host.get_by_name_label(host_name)[0]
    sr = disk.session.xenapi.SR.get_by_name_label(sr_name)[0]
    records = disk.session.xenapi.PBD.get_all_records()
    return next(ref for ref, pbd in records.items() if (pbd["host"], pbd["SR"]) == (host, sr))


def test_an_armed_redirect_is_followed_once(disk: Disk) -> None:
    disk.wire.desk("POST", "/pool/fault", kind="redirect", to="xen03")
    assert disk.put_frames()[0] == 302
    assert disk.put_frames()[0] == 200


def test_an_armed_task_failure_comes_after_the_200(disk: Disk) -> None:
    error = ["SR_BACKEND_FAILURE_46", "", "The VDI is not available", ""]
    disk.wire.desk("POST", "/pool/fault", kind="task_failure", error=error, after_bytes=4096)
    status, task = disk.put_frames(frame(0, b"A" * 4096), frame(4096, b"B" * 512))
    assert status == 200 and task["error_info"] == error


def test_a_dropped_connection_fails_the_task(disk: Disk) -> None:
    disk.wire.desk("POST", "/pool/fault", kind="drop_connection", after_bytes=1)
    _, task = disk.put_frames(frame(0, b"A" * 4096))
    assert task["error_info"] == IO_ERROR


def test_corrupt_changes_exactly_the_armed_bytes(disk: Disk) -> None:
    disk.wire.desk("POST", "/pool/fault", kind="corrupt", offset=4090, length=10)
    disk.put_frames(frame(0, b"\x0f" * 4096), frame(4096, b"\x0f" * 4096))
    assert disk.read()[:8192] == b"\x0f" * 4090 + b"\xf0" * 10 + b"\x0f" * 4092


def test_a_cancelled_import_stops(disk: Disk) -> None:
    task = disk.session.xenapi.task.create("import", "")
    query = urlencode({"session_id": disk.session._session, "vdi": disk.vdi, "chunked": "1", "task_id": task})
    with disk.wire.connect() as sock:
        sock.sendall(f"PUT /import_raw_vdi?{query} HTTP/1.1\r\n\r\n".encode() + frame(0, b"A" * 512))
        assert b"200 OK" in sock.recv(4096)
        disk.session.xenapi.task.cancel(task)
        sock.sendall(frame(0, b"A" * 512) * 3)
        assert disk.task_end(task)["status"] == "cancelled"


def test_a_full_thin_sr_fails_in_mid_copy_and_shows_no_room(thin_disk: Disk) -> None:
    thin_disk.wire.desk("POST", "/pool/fault", kind="sr_full", sr="nfs-01", after_bytes=MIB)
    _, task = thin_disk.put_frames(frame(0, b"A" * MIB), frame(MIB, b"B" * 4096))
    sr = thin_disk.session.xenapi.SR.get_record(thin_disk.session.xenapi.SR.get_by_name_label("nfs-01")[0])
    assert task["error_info"] == IO_ERROR
    assert sr["physical_utilisation"] == sr["physical_size"]


def test_a_thin_sr_counts_what_is_written_and_a_block_sr_what_is_promised(disk: Disk, thin_disk: Disk) -> None:
    thin_disk.put_frames(frame(0, b"A" * MIB))
    thin = int(thin_disk.session.xenapi.VDI.get_physical_utilisation(thin_disk.vdi))
    thick = int(disk.session.xenapi.VDI.get_physical_utilisation(disk.vdi))
    assert MIB <= thin < 2 * MIB
    assert SIZE < thick <= SIZE + 8 * MIB


@pytest.mark.parametrize(
    ("sr_name", "size_bytes", "code"),
    [
        ("san-lun-01", (2040 << 30) + 1, "SR_BACKEND_FAILURE_79"),
        ("san-lun-01", 2040 << 30, "SR_BACKEND_FAILURE_44"),
        ("iso-library", MIB, "SR_OPERATION_NOT_SUPPORTED"),
    ],
)
def test_vdis_the_sr_cannot_hold_are_refused(session: Any, sr_name: str, size_bytes: int, code: str) -> None:
    sr = session.xenapi.SR.get_by_name_label(sr_name)[0]
    assert refusal(session.xenapi.VDI.create, vdi_record(sr, size_bytes))[0] == code


def test_an_odd_size_is_rounded_up_to_two_mib_and_grows_on_resize(session: Any) -> None:
    sr = session.xenapi.SR.get_by_name_label("nfs-01")[0]
    vdi = session.xenapi.VDI.create(vdi_record(sr, 3 * MIB + 1))
    assert session.xenapi.VDI.get_virtual_size(vdi) == str(4 * MIB)
    session.xenapi.VDI.resize(vdi, str(5 * MIB))
    assert session.xenapi.VDI.get_virtual_size(vdi) == str(6 * MIB)
    assert refusal(session.xenapi.VDI.resize, vdi, str(MIB))[0] == "INVALID_VALUE"
    session.xenapi.VDI.destroy(vdi)


def test_slow_holds_a_transfer_at_the_armed_rate(disk: Disk) -> None:
    disk.wire.desk("POST", "/pool/fault", kind="slow", bytes_per_s=8 * MIB)
    began = time.monotonic()
    disk.put_frames(frame(0, b"A" * (2 * MIB)))
    assert time.monotonic() - began >= 0.2


def test_a_fault_fires_as_often_as_it_was_armed_and_clearing_disarms_the_rest(disk: Disk) -> None:
    disk.wire.desk("POST", "/pool/fault", kind="task_failure", error=["VDI_NOT_AVAILABLE", disk.vdi], times=3)
    for _ in range(2):
        assert disk.put_frames(frame(0, b"A" * 512))[1]["error_info"] == ["VDI_NOT_AVAILABLE", disk.vdi]
    assert disk.wire.desk("POST", "/pool/fault", kind="none") == {"armed": []}
    assert disk.put_frames(frame(0, b"A" * 512))[1]["status"] == "success"


def test_an_expired_session_is_refused_once_and_gone(disk: Disk) -> None:
    doomed = disk.wire.login()
    disk.wire.desk("POST", "/pool/fault", kind="session_expire")
    with pytest.raises(xmlrpc.client.Fault, match="log in"):
        XenAPI.Session.xenapi_request(_without_password(doomed), "pool.get_all", ())
    assert disk.session.xenapi.pool.get_all()
    assert disk.wire.exchange(f"PUT /import_raw_vdi?session_id={doomed._session}&vdi=x HTTP/1.1")[0] == 401


def _without_password(session: Any) -> Any:
    """XenAPI logs in again by itself when it still knows how."""
    session.last_login_method = None
    return session
