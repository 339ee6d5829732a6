"""The disk path over a real TLS line from a host: cancelled in a silent moment, and cut in the middle."""

from __future__ import annotations

import ssl
import threading
import time
from pathlib import Path

import pytest

from estate.disks import pump
from estate.disks.blockmap import BLOCK_BYTES, BlockHashes
from estate.disks.vmdk import StreamVmdkSource
from estate.errors import Retry
from estate.vsphere.nfc import NfcStream
from tests.builders.disk_ends import MemorySink
from tests.builders.vmdk import vmware_stream
from tests.contract.vsphere.tls_peer import TlsPeer, tls_peer

CAPACITY = 3 * BLOCK_BYTES
DISK = bytes(range(1, 256)) * (CAPACITY // 255 + 1)


def open_stream(peer: TlsPeer) -> NfcStream:
    return NfcStream(
        f"{peer.url}/disk-0.vmdk",
        pins=peer.pins,
        sha1=peer.files.sha1,
        cookie="",
        where="lab, git01",
        check=lambda: None,
        ask=lambda: None,
        timeout_s=30,
    )


def test_cancelling_ends_a_copy_whose_host_has_fallen_silent(tmp_path: Path) -> None:
    over = threading.Event()

    class Cancelled(Exception):
        pass

    def silent(tls: ssl.SSLSocket) -> None:
        tls.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + vmware_stream(DISK[:CAPACITY])[:100_000])
        over.wait(20)

    def alive() -> None:
        if time.monotonic() - began_s > 0.5:
            raise Cancelled

    with tls_peer(tmp_path, silent) as peer:
        sink = MemorySink(CAPACITY)
        source = StreamVmdkSource(open_stream(peer))
        began_s = time.monotonic()
        with pytest.raises(Cancelled):
            pump.copy(source, sink, block_hashes=BlockHashes(CAPACITY), alive=alive)
        took_s = time.monotonic() - began_s
        over.set()
    assert took_s < 4
    assert sink.aborted
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vmdk")]


def test_host_that_hangs_up_in_the_middle_is_a_failed_copy(tmp_path: Path) -> None:
    def cut(tls: ssl.SSLSocket) -> None:
        tls.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + vmware_stream(DISK[:CAPACITY])[:-1024])

    with tls_peer(tmp_path, cut) as peer:
        sink = MemorySink(CAPACITY)
        with pytest.raises(Retry) as caught:
            pump.copy(StreamVmdkSource(open_stream(peer)), sink, block_hashes=BlockHashes(CAPACITY))
    assert caught.value.code == "disk_stream_truncated"
    assert (sink.aborted, sink.finished) == (True, False)
