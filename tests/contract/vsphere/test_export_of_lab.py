"""Exports from the lab's vCenter: every byte, under a lease that is kept alive, and what happens when it dies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from estate.disks.vmdk import StreamVmdkSource
from estate.errors import AskPerson, Retry
from estate.tls import CertificateChanged
from estate.vsphere import export
from estate.vsphere.export import ExportLease, open_export
from estate.vsphere.inventory.devices import Devices
from estate.vsphere.nfc import LeaseDead, NfcStream
from estate.vsphere.session import VsphereSession
from lab.disks import DiskStore
from tests.contract.vsphere.lab_vcenter import LabVcenter, running_lab_vcenter


@contextmanager
def _export(lab: LabVcenter, name: str) -> Iterator[ExportLease]:
    moref = lab.switch(name, on=False)
    with VsphereSession(lab.connection()) as session, open_export(session, moref) as lease:
        yield lease


def _sha256(stream: NfcStream, buffer_bytes: int = 100_000) -> str:
    digest, buffer = hashlib.sha256(), bytearray(buffer_bytes)
    while count := stream.readinto(buffer):
        digest.update(memoryview(buffer)[:count])
    return digest.hexdigest()


def _vmdk(lab: LabVcenter, name: str, index: int) -> Path:
    machine = lab.machine(name)
    return lab.sim.center.disks.prepare(machine.estate.disk_plan(machine.spec, index)).vmdk_path


def _lease_states(lab: LabVcenter) -> list[str]:
    return [lease.state for lease in lab.sim.center.leases.values()]


def test_every_disk_arrives_byte_for_byte(lab_vcenter: LabVcenter) -> None:
    with _export(lab_vcenter, "db01") as lease:
        assert [disk.address for disk in lease.disks] == ["ParaVirtualSCSIController0:0", "ParaVirtualSCSIController1:0"]
        for index, disk in enumerate(lease.disks):
            with lease.open_stream(disk) as stream:
                read = _sha256(stream)
            assert read == hashlib.sha256(_vmdk(lab_vcenter, "db01", index).read_bytes()).hexdigest()
    assert _lease_states(lab_vcenter) == ["done"]
    assert lab_vcenter.sim.center.sessions.all() == []


def test_a_url_with_a_star_is_read_from_the_address_we_are_connected_to(lab_vcenter: LabVcenter) -> None:
    with _export(lab_vcenter, "file01") as lease:
        assert [disk.device_key for disk in lease.disks] == [2000], "the physical RDM is left out"
        assert lease.disks[0].url.startswith(lab_vcenter.sim.url + "/")
        with lease.open_stream(lease.disks[0]) as stream:
            assert _sha256(stream) == hashlib.sha256(_vmdk(lab_vcenter, "file01", 0).read_bytes()).hexdigest()


def test_a_running_machine_is_not_exported(lab_vcenter: LabVcenter) -> None:
    with VsphereSession(lab_vcenter.connection()) as session, pytest.raises(AskPerson) as refused:
        open_export(session, lab_vcenter.machine("git01").moid)
    assert refused.value.code == "invalid_power_state"
    assert "git01" in refused.value.message


def test_the_lease_outlives_its_timeout_while_somebody_reads_slowly(tmp_path: Path, lab_disks: DiskStore) -> None:
    with running_lab_vcenter(tmp_path, lab_disks, world="tiny", lease_timeout_s=1) as lab, _export(lab, "git01") as lease:
        lab.arm("slow", bytes_per_s=1_500_000)
        with lease.open_stream(lease.disks[0]) as stream:
            assert _sha256(stream) == hashlib.sha256(_vmdk(lab, "git01", 0).read_bytes()).hexdigest()
        progress = [entry for entry in lab.sim.log.since(0) if entry["what"] == "HttpNfcLeaseProgress"]
        assert len(progress) >= 4


def test_a_lease_nobody_keeps_alive_dies_and_says_read_again_from_the_start(tmp_path: Path, lab_disks: DiskStore) -> None:
    with running_lab_vcenter(tmp_path, lab_disks, world="tiny", lease_timeout_s=1) as lab:
        lab.arm("slow", bytes_per_s=1_000_000)
        with pytest.raises(LeaseDead) as dead, _export(lab, "git01") as lease:
            lease._keeper.stop()
            with lease.open_stream(lease.disks[0]) as stream:
                _sha256(stream)
        assert (dead.value.code, isinstance(dead.value, Retry)) == ("lease_dead", True)
        assert "from its start" in dead.value.next_step


def test_a_lease_that_dies_in_mid_stream_is_told_and_the_machine_can_be_exported_again(lab_vcenter: LabVcenter) -> None:
    lab_vcenter.arm("lease_dead", after_bytes=1_000_000)
    with pytest.raises(LeaseDead), _export(lab_vcenter, "git01") as lease, lease.open_stream(lease.disks[0]) as stream:
        _sha256(stream)
    with _export(lab_vcenter, "git01") as lease, lease.open_stream(lease.disks[0]) as stream:
        assert _sha256(stream) == hashlib.sha256(_vmdk(lab_vcenter, "git01", 0).read_bytes()).hexdigest()
    assert _lease_states(lab_vcenter) == ["error", "done"]


def test_once_dead_the_lease_opens_no_further_stream(lab_vcenter: LabVcenter) -> None:
    lab_vcenter.arm("lease_dead", after_bytes=500_000)
    with pytest.raises(LeaseDead), _export(lab_vcenter, "db01") as lease:
        with pytest.raises(LeaseDead), lease.open_stream(lease.disks[0]) as stream:
            _sha256(stream)
        lease.open_stream(lease.disks[1])


def test_a_stream_that_ends_early_without_an_error_is_seen_by_the_vmdk_reader(lab_vcenter: LabVcenter) -> None:
    lab_vcenter.arm("truncate", after_bytes=1_000_000)
    with _export(lab_vcenter, "git01") as lease, lease.open_stream(lease.disks[0]) as stream, pytest.raises(Retry):
        for _extent in StreamVmdkSource(stream).extents():
            pass


def test_a_host_with_a_new_certificate_is_refused_before_the_ticket_is_sent(lab_vcenter: LabVcenter) -> None:
    confirmed = lab_vcenter.connection()
    moref = lab_vcenter.switch("git01", on=False)
    lab_vcenter.sim.listeners["esxi01"].renew()
    with (
        VsphereSession(confirmed) as session,
        pytest.raises(CertificateChanged) as refused,
        open_export(session, moref) as lease,
    ):
        lease.open_stream(lease.disks[0])
    assert "127.0.0.21" in refused.value.message
    assert not [entry for entry in lab_vcenter.sim.log.since(0) if entry["method"] == "GET" and "nfc" in str(entry["what"])]
    assert _lease_states(lab_vcenter) == ["error"], "the export was given up, so the machine is free"


def test_an_error_of_the_reader_frees_the_machine(lab_vcenter: LabVcenter) -> None:
    with pytest.raises(ZeroDivisionError), _export(lab_vcenter, "git01"):
        raise ZeroDivisionError
    assert _lease_states(lab_vcenter) == ["error"]
    with _export(lab_vcenter, "git01") as lease:
        assert lease.disks


def test_a_session_that_expires_during_the_export_does_not_end_it(lab_vcenter: LabVcenter) -> None:
    with _export(lab_vcenter, "git01") as lease:
        lab_vcenter.sim.center.sessions.end(lab_vcenter.sim.center.sessions.all()[0])
        lease._keeper.ask()
        with lease.open_stream(lease.disks[0]) as stream:
            assert _sha256(stream)
    assert _lease_states(lab_vcenter) == ["done"]


def test_a_machine_that_somebody_powers_on_during_the_export_ends_it(lab_vcenter: LabVcenter) -> None:
    lab_vcenter.arm("slow", bytes_per_s=2_000_000)
    with pytest.raises(Retry), _export(lab_vcenter, "git01") as lease, lease.open_stream(lease.disks[0]) as stream:
        stream.read(10)
        from lab.vcenter_sim.leases import close_lease

        close_lease(lab_vcenter.sim.center, next(iter(lab_vcenter.sim.center.leases.values())), "error")
        _sha256(stream)


def test_the_vsphere_client_sees_how_far_it_is(lab_vcenter: LabVcenter) -> None:
    """By bytes read against what the machine takes on its datastores; the whole only once it is over."""

    def told() -> int:
        lease._keeper.ask()
        return int(next(iter(lab_vcenter.sim.center.leases.values())).percent)

    with _export(lab_vcenter, "db01") as lease:
        lease._expected_bytes = sum(_vmdk(lab_vcenter, "db01", number).stat().st_size for number in (0, 1))
        seen = [told()]
        for disk in lease.disks:
            with lease.open_stream(disk) as stream:
                _sha256(stream)
            seen.append(told())
    seen.append(next(iter(lab_vcenter.sim.center.leases.values())).percent)
    assert (seen[0], seen[2], seen[3]) == (0, 99, 100)
    assert 0 < seen[1] < 99
    with _export(lab_vcenter, "git01") as lease:
        assert lease._expected_bytes > 0, "vCenter told what the machine takes"


@pytest.mark.parametrize(("name", "at_home"), [("git01", False), ("file01", True)])
def test_the_session_cookie_goes_to_the_endpoint_and_never_to_a_host(
    lab_vcenter: LabVcenter, monkeypatch: pytest.MonkeyPatch, name: str, at_home: bool
) -> None:
    cookies: list[str] = []

    class Recorded(NfcStream):
        def __init__(self, url: str, **options: Any) -> None:
            cookies.append(options["cookie"])
            super().__init__(url, **options)

    monkeypatch.setattr(export, "NfcStream", Recorded)
    with _export(lab_vcenter, name) as lease:
        lease.open_stream(lease.disks[0]).close()
    assert [cookie.startswith("vmware_soap_session=") for cookie in cookies] == [at_home]


def test_an_export_with_a_disk_the_machine_does_not_have_is_given_up(
    lab_vcenter: LabVcenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_disks = Devices(disks=(), nics=(), has_vtpm=False)
    monkeypatch.setattr(export, "read_devices", lambda *_arguments: no_disks)
    with pytest.raises(AskPerson) as refused, _export(lab_vcenter, "git01"):
        pass
    assert refused.value.code == "export_mismatch"
    assert _lease_states(lab_vcenter) == ["error"], "the machine is free again"


def test_a_machine_whose_devices_cannot_be_read_is_not_exported(lab_vcenter: LabVcenter) -> None:
    lab_vcenter.machine("git01").reachable = False
    with pytest.raises(AskPerson) as refused, _export(lab_vcenter, "git01"):
        pass
    assert refused.value.code == "devices_unreadable"
    assert _lease_states(lab_vcenter) == []
