"""ExportVm, its lease and the bytes it leads to."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import ssl
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from lab.testing import Lab
from tests.contract.vcenter_sim.conftest import Client, download, wait_for_state

FOOTER = b"KDMV"


@pytest.fixture
def powered_off(client: Client) -> Client:
    for name in ("web02", "db01", "file01", "git01"):
        client.lab.control("POST", "/vcenter/power", {"vm": name, "state": "off"})
    return client


def test_a_running_vm_is_not_exported(client: Client) -> None:
    with pytest.raises(vim.fault.InvalidPowerState):
        client.vm("web02").ExportVm()


def test_the_stream_is_the_disk(powered_off: Client, tmp_path: Path) -> None:
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img is not installed")
    lease = powered_off.export("db01")
    disks = {one["device_key"]: one for one in powered_off.lab.control("GET", "/disks") if one["vm"] == "db01"}
    assert len(lease.info.deviceUrl) == len(disks) == 2
    for url in lease.info.deviceUrl:
        response, read = download(powered_off.lab, url.url)
        assert response.headers["Content-Length"] is None
        streamed = tmp_path / "streamed.vmdk"
        streamed.write_bytes(read())
        truth = disks[int(url.targetId.rsplit("-", 1)[1])]
        compared = subprocess.run(
            ["qemu-img", "compare", "-f", "raw", "-F", "vmdk", truth["raw_path"], str(streamed)], capture_output=True, text=True
        )
        assert "identical" in compared.stdout, compared.stdout
        assert hashlib.sha256(Path(truth["raw_path"]).read_bytes()).hexdigest() == truth["sha256"]
    lease.HttpNfcLeaseComplete()
    assert lease.state == "done"


def test_the_lease_names_controller_bus_and_unit_and_the_hosts_certificate(powered_off: Client) -> None:
    info = powered_off.export("db01").info
    assert [url.key for url in info.deviceUrl] == [
        "/vm-104/ParaVirtualSCSIController0:0",
        "/vm-104/ParaVirtualSCSIController1:0",
    ]
    parts = urlsplit(info.deviceUrl[0].url)
    pem = ssl.get_server_certificate((parts.hostname or "", parts.port or 0))
    sha1 = hashlib.sha1(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    assert info.deviceUrl[0].sslThumbprint.replace(":", "") == sha1
    assert parts.hostname == "127.0.0.22"


def test_physical_rdms_are_left_out_and_a_wildcard_host_is_served_by_vcenter(powered_off: Client) -> None:
    info = powered_off.export("file01").info
    (url,) = info.deviceUrl
    assert url.url.startswith("https://*:")
    assert download(powered_off.lab, url.url)[0].status == 200


def test_efi_machines_send_their_nvram_too(powered_off: Client) -> None:
    urls = {url.key: url for url in powered_off.export("web02").info.deviceUrl}
    nvram = urls["/vm-103/nvram"]
    assert not nvram.disk
    assert len(download(powered_off.lab, nvram.url)[1]()) == nvram.fileSize


def test_a_lease_dies_when_it_is_not_kept_alive(powered_off: Client) -> None:
    lease = powered_off.export("git01")
    url = lease.info.deviceUrl[0].url
    wait_for_state(lease, "error", within_s=6)
    assert isinstance(lease.error, vim.fault.Timedout)
    assert download(powered_off.lab, url)[0].status == 404
    with pytest.raises(vim.fault.Timedout):
        lease.HttpNfcLeaseProgress(10)


def test_progress_keeps_a_lease_alive_beyond_its_timeout(powered_off: Client) -> None:
    lease = powered_off.export("git01")
    deadline = time.monotonic() + lease.info.leaseTimeout + 1
    while time.monotonic() < deadline:
        lease.HttpNfcLeaseProgress(1)
        time.sleep(0.5)
    assert lease.state == "ready"


def test_a_stream_breaks_when_its_lease_times_out(powered_off: Client) -> None:
    powered_off.lab.control("POST", "/vcenter/fault", {"kind": "slow", "bytes_per_s": 200_000})
    lease = powered_off.export("git01")
    _, read = download(powered_off.lab, lease.info.deviceUrl[0].url)
    with pytest.raises((http.client.IncompleteRead, OSError)):
        read()
    assert lease.state == "error"


def test_an_armed_lease_death_breaks_the_stream_in_the_middle(powered_off: Client) -> None:
    powered_off.lab.control("POST", "/vcenter/fault", {"kind": "lease_dead", "after_bytes": 500_000})
    lease = powered_off.export("git01")
    _, read = download(powered_off.lab, lease.info.deviceUrl[0].url)
    with pytest.raises((http.client.IncompleteRead, OSError)):
        read()
    assert (lease.state, type(lease.error)) == ("error", vmodl.fault.SystemError)


def test_a_truncated_stream_ends_without_any_error(powered_off: Client) -> None:
    powered_off.lab.control("POST", "/vcenter/fault", {"kind": "truncate", "after_bytes": 500_000})
    lease = powered_off.export("git01")
    url = lease.info.deviceUrl[0].url
    assert len(download(powered_off.lab, url)[1]()) == 500_000
    assert lease.state == "ready"
    whole = download(powered_off.lab, url)[1]()
    assert whole[-1024:-1020] == FOOTER


def test_one_export_at_a_time_and_no_power_meanwhile(powered_off: Client) -> None:
    vm = powered_off.vm("git01")
    lease = powered_off.export("git01")
    with pytest.raises(vim.fault.TaskInProgress):
        vm.ExportVm()
    with pytest.raises(vim.fault.TaskInProgress):
        vm.PowerOnVM_Task()
    lease.HttpNfcLeaseAbort()
    assert lease.state == "error"
    assert WaitForTask(vm.PowerOnVM_Task()) == "success"


def test_power_on_at_the_host_breaks_the_export(powered_off: Client) -> None:
    lease = powered_off.export("git01")
    powered_off.lab.control("POST", "/vcenter/power", {"vm": "git01", "state": "on"})
    assert lease.state == "error"
    assert powered_off.vm("git01").runtime.powerState == "poweredOn"


def test_a_guessed_ticket_leads_nowhere(powered_off: Client) -> None:
    where = powered_off.lab.json["esxi"][0]
    assert download(powered_off.lab, f"https://{where['address']}:{where['port']}/nfc/{'0' * 32}/disk-0.vmdk")[0].status == 404


def test_tickets_and_passwords_are_not_logged(powered_off: Client) -> None:
    lease = powered_off.export("git01")
    url = lease.info.deviceUrl[0].url
    download(powered_off.lab, url)[1]()
    log = str(powered_off.lab.control("GET", "/log"))
    assert "/nfc/.../disk-0.vmdk" in log
    assert url.split("/")[-2] not in log
    assert powered_off.lab.json["vcenter"]["password"] not in log


def test_a_renewed_host_certificate_is_in_the_next_lease(powered_off: Client, lab: Lab) -> None:
    before = powered_off.export("web02").info.deviceUrl[0].sslThumbprint
    lab.control("POST", "/certificate", {"of": "esxi02"})
    host = powered_off.vm("web02").runtime.host
    after = powered_off.export("db01").info.deviceUrl[0].sslThumbprint
    assert after != before
    assert host.summary.config.sslThumbprint == after
