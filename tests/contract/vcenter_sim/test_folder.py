"""Files of datastores by range: 206 with the right bytes, the whole file where a fault is armed, nothing without a login."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from lab.testing import Lab
from tests.contract.vcenter_sim.conftest import Client


def fetch(lab: Lab, client: Client, path: str, *, bytes_range: str = "", login: bool = True, method: str = "GET") -> Any:
    parts = urlsplit(lab.json["vcenter"]["url"])
    connection = http.client.HTTPSConnection(
        parts.hostname or "", parts.port, context=ssl._create_unverified_context(), timeout=20
    )
    headers = {"Range": bytes_range} if bytes_range else {}
    if login:
        headers["Cookie"] = client.instance._stub.cookie.split(";")[0]
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer, answer.read()


@pytest.fixture
def disk(lab: Lab) -> dict[str, Any]:
    return next(each for each in lab.control("GET", "/disks") if each["vm"] == "git01")


def address(lab: Lab, client: Client, suffix: str) -> str:
    backing = next(device.backing for device in client.vm("git01").config.hardware.device if hasattr(device, "capacityInBytes"))
    while getattr(backing, "parent", None):
        backing = backing.parent
    store, path = backing.fileName[1:].split("] ")
    return f"/folder/{quote(path.replace('.vmdk', suffix))}?dcPath=Lab%20Datacenter&dsName={quote(store)}"


def test_a_range_gives_exactly_these_bytes_with_206(lab: Lab, client: Client, disk: dict[str, Any]) -> None:
    raw, flat = Path(disk["raw_path"]).read_bytes(), address(lab, client, "-flat.vmdk")
    for asked, start, end in (
        ("bytes=0-511", 0, 512),
        ("bytes=1048576-2097151", 1 << 20, 2 << 20),
        ("bytes=-512", len(raw) - 512, len(raw)),
    ):
        answer, body = fetch(lab, client, flat, bytes_range=asked)
        assert (answer.status, answer.getheader("Content-Range")) == (206, f"bytes {start}-{end - 1}/{len(raw)}")
        assert body == raw[start:end]
    assert fetch(lab, client, flat, bytes_range=f"bytes={len(raw)}-")[0].status == 416
    whole, body = fetch(lab, client, flat)
    assert (whole.status, len(body)) == (200, len(raw))
    assert fetch(lab, client, flat, method="HEAD")[0].getheader("Content-Length") == str(len(raw))


def test_the_descriptor_names_the_extent(lab: Lab, client: Client, disk: dict[str, Any]) -> None:
    _, body = fetch(lab, client, address(lab, client, ".vmdk"))
    assert body.startswith(b"# Disk DescriptorFile") and f"RW {disk['capacity_bytes'] // 512} VMFS".encode() in body


def test_an_armed_fault_answers_a_range_with_all_of_it_once(lab: Lab, client: Client, disk: dict[str, Any]) -> None:
    lab.control("POST", "/vcenter/fault", {"kind": "folder_whole"})
    flat = address(lab, client, "-flat.vmdk")
    assert fetch(lab, client, flat, bytes_range="bytes=0-511")[0].status == 200
    assert fetch(lab, client, flat, bytes_range="bytes=0-511")[0].status == 206


def test_nobody_reads_a_file_without_a_session_or_of_another_name(lab: Lab, client: Client) -> None:
    assert fetch(lab, client, address(lab, client, "-flat.vmdk"), login=False)[0].status == 401
    assert fetch(lab, client, "/folder/none/none.vmdk?dsName=x")[0].status == 404
