"""Exporting a VM's disks under an NFC lease: open it, match its URLs to disks, keep it alive, end it.

The lease dies when nobody tells it to go on, so a thread of its own does. The bytes are read in nfc.py and understood in
`estate.disks`. A lease that died is worthless: open another and read every unfinished disk from its start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import structlog
from pyVmomi import vim

from estate.errors import AskPerson, EdgeError
from estate.facts.source import DiskFacts
from estate.facts.unknown import UNKNOWN, Unknown, is_known
from estate.tls import READ_TIMEOUT_S, fingerprint, host_and_port
from estate.vsphere.errors import translate
from estate.vsphere.inventory.devices import NetworkNames, read_devices
from estate.vsphere.keepalive import LeaseKeeper
from estate.vsphere.machine import machine, read_machine
from estate.vsphere.nfc import LeaseDead, NfcStream
from estate.vsphere.session import VsphereSession
from estate.vsphere.watch import wait_until

READY_S = 300.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ExportDisk:
    """One disk of an export. `committed_bytes` is the host's estimate of the stream, often unknown.

    `sha1` is the thumbprint the lease promises for the host behind `url`, empty when it promises none.
    """

    device_key: int
    address: str
    url: str
    sha1: str
    committed_bytes: int | Unknown
    label: str = ""
    capacity_bytes: int | Unknown = UNKNOWN


class ExportLease:
    """A lease that is ready and kept alive. Use it as a context manager: a clean end completes it, an error aborts it.

    Disks that cannot be exported (physical RDM, independent) are not among `disks` but `left_out`. How far the transfer is
    shows in the vSphere Client with every keep-alive: bytes read of all disks against `expected_bytes`, an estimate.
    """

    def __init__(
        self,
        session: VsphereSession,
        lease: Any,
        name: str,
        disks: tuple[ExportDisk, ...],
        left_out: tuple[DiskFacts, ...],
        expected_bytes: int,
        timeout_s: float,
    ) -> None:
        self.disks = disks
        self.left_out = left_out
        self.name = name
        self._session = session
        self._lease = lease
        self._ended = False
        self._expected_bytes = expected_bytes
        self._streams: dict[str, NfcStream] = {}
        self._keeper = LeaseKeeper(self._progress, timeout_s=timeout_s, where=f"{session.where}, {name}")
        self._keeper.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.complete()
        else:
            self.abort()

    def percent(self) -> int:
        """How far it is, 0 to 99; 100 is told at its end."""
        read_bytes = sum(stream.bytes_read for stream in list(self._streams.values()))
        return min(99, read_bytes * 100 // self._expected_bytes) if self._expected_bytes else 0

    def check(self) -> None:
        """Raises LeaseDead once the lease is gone."""
        self._keeper.check()

    def open_stream(self, disk: ExportDisk, *, timeout_s: float = READ_TIMEOUT_S) -> NfcStream:
        """The disk's bytes as a streamOptimized VMDK, over TLS to the host that the URL names.

        Its certificate has to be in the endpoint's confirmed pins and to match the lease's SHA-1. Each read waits at most
        `timeout_s` seconds. Opening it again starts from the first byte.

        Raises:
            CertificateChanged: the host shows another certificate.
            LeaseDead, Retry: the lease has ended, or the host does not answer.
        """
        self.check()
        connection = self._session.connection
        at_home = host_and_port(disk.url) == host_and_port(connection.url)
        stream = self._streams[disk.address] = NfcStream(
            disk.url,
            pins=connection.pins,
            sha1=disk.sha1,
            # The URL carries its own ticket; the session cookie belongs to the endpoint alone.
            cookie=self._session.stub.cookie if at_home else "",
            where=f"{self._session.where}, {self.name}, {disk.label or disk.address}",
            check=self._keeper.check,
            ask=self._keeper.ask,
            timeout_s=timeout_s,
        )
        return stream

    def complete(self) -> None:
        """End the lease after everything was read. A lease that is gone by then is no loss, and only logged."""
        if self._ended:
            return
        self._ended = True
        self._keeper.stop()
        try:
            with self._session.translated(self.name):
                self._lease.HttpNfcLeaseProgress(100)
                self._lease.HttpNfcLeaseComplete()
        except EdgeError as error:
            log.warning("vsphere.lease_not_completed", endpoint=self._session.where, vm=self.name, code=error.code)

    def abort(self) -> None:
        """End the lease early, so that the machine is free again. Never raises an edge error."""
        if self._ended:
            return
        self._ended = True
        self._keeper.stop()
        _abort(self._session, self._lease, self.name)

    def _progress(self) -> None:
        percent = self.percent()
        self._session.call(lambda: self._lease.HttpNfcLeaseProgress(percent), where=self.name)


def open_export(
    session: VsphereSession,
    vm_id: str,
    *,
    snapshot_id: str = "",
    ready_s: float = READY_S,
    alive: Callable[[], None] | None = None,
) -> ExportLease:
    """Open an export of a VM that is off, or of one of its snapshots, and wait until it is ready.

    Raises:
        AskPerson: it runs (`invalid_power_state`), a privilege is missing, or the export was refused with a reason.
        Wait: another task holds it, or the lease is not ready after `ready_s` seconds.
    """
    found = read_machine(session, vm_id, ("name", "config.hardware.device", "summary.storage.committed"))
    name = found.name()
    listed = found.element("config.hardware.device")
    if isinstance(listed, Unknown):
        raise _no_devices(session, name, listed)
    told = read_devices(listed, NetworkNames(), {}).disks
    disks = () if isinstance(told, Unknown) else told
    lease = session.call(lambda: _start(session, vm_id, snapshot_id), where=name)
    try:
        info = _ready(session, lease, name, ready_s, alive)
        matched = _matched(session, info, disks, name)
    except BaseException:
        _abort(session, lease, name)
        raise
    offered = {disk.address for disk in matched}
    left_out = tuple(disk for disk in disks if disk.address not in offered)
    expected_bytes = _expected_bytes(matched, found.integer("summary.storage.committed"))
    return ExportLease(session, lease, name, matched, left_out, expected_bytes, float(info.leaseTimeout))


def _expected_bytes(disks: tuple[ExportDisk, ...], committed: int | Unknown) -> int:
    """What the hosts estimate for the streams, else what the machine takes on its datastores; 0 when nobody tells."""
    estimates = [disk.committed_bytes for disk in disks]
    if estimates and all(is_known(each) and each for each in estimates):
        return sum(each for each in estimates if is_known(each))
    return committed if is_known(committed) else 0


def _start(session: VsphereSession, vm_id: str, snapshot_id: str) -> Any:
    if snapshot_id:
        return session.managed(vim.vm.Snapshot, snapshot_id).ExportSnapshot()
    return machine(session, vm_id).ExportVm()


def _no_devices(session: VsphereSession, name: str, why: Unknown) -> AskPerson:
    return AskPerson(
        f"{session.where}, {name}: its devices cannot be read ({why.reason}), so its disks cannot be told apart",
        code="devices_unreadable",
        next_step="Reconnect the machine's host in vCenter, then start this step again.",
        where=name,
    )


def _ready(session: VsphereSession, lease: Any, name: str, ready_s: float, alive: Callable[[], None] | None) -> Any:
    values = wait_until(
        session,
        lease,
        ("state", "error"),
        lambda seen: seen.get("state") in ("ready", "error", "done"),
        deadline_s=ready_s,
        where=name,
        alive=alive,
    )
    if values["state"] == "error" and values.get("error") is not None:
        raise translate(values["error"], where=f"{session.where}, {name}") from values["error"]
    if values["state"] != "ready":
        raise LeaseDead(f"{session.where}, {name}: the export ended before it began ({values['state']})", where=name)
    return session.call(lambda: lease.info, where=name)


def _abort(session: VsphereSession, lease: Any, name: str) -> None:
    try:
        with session.translated(name):
            lease.HttpNfcLeaseAbort(None)
    except EdgeError as error:
        # It is dead already, or dies by itself when nobody keeps it alive; the first error is the one to be told.
        log.info("vsphere.lease_left_behind", endpoint=session.where, vm=name, code=error.code)


def _matched(session: VsphereSession, info: Any, disks: tuple[DiskFacts, ...], name: str) -> tuple[ExportDisk, ...]:
    """The lease's disk URLs with the disks they belong to: a key ends in controller type, bus and unit."""
    by_address = {disk.address: disk for disk in disks}
    matched = []
    for offer in info.deviceUrl:
        if not offer.disk:
            continue
        address = offer.key.rsplit("/", 1)[-1]
        if address not in by_address:
            raise AskPerson(
                f"{session.where}, {name}: the export offers a disk at {address}, where the machine has none",
                code="export_mismatch",
                next_step="Collect the inventory again; somebody may be changing the machine.",
                where=name,
            )
        matched.append(_export_disk(session, offer, by_address[address]))
    return tuple(matched)


def _export_disk(session: VsphereSession, offer: Any, disk: DiskFacts) -> ExportDisk:
    return ExportDisk(
        device_key=disk.device_key,
        address=disk.address,
        url=_reachable(offer.url, session.connection.url),
        sha1=_sha1(offer.sslThumbprint),
        committed_bytes=UNKNOWN if offer.fileSize is None else int(offer.fileSize),
        label=disk.label,
        capacity_bytes=disk.capacity_bytes,
    )


def _sha1(thumbprint: str | None) -> str:
    """The SHA-1 a lease names. vSphere can be set to hand out SHA-256 instead: the pins say that already."""
    shown = fingerprint(thumbprint or "")
    return shown if len(shown) == len("AA:") * 20 - 1 else ""


def _reachable(url: str, endpoint_url: str) -> str:
    """A lease URL with `*` replaced by the address we are connected to."""
    parts = urlsplit(url)
    if not parts.netloc.startswith("*"):
        return url
    host, port = host_and_port(endpoint_url)
    shown = f"[{host}]" if ":" in host else host
    own_port = parts.netloc.partition(":")[2]
    return urlunsplit(parts._replace(netloc=f"{shown}:{own_port or port}"))
