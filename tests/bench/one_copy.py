"""One copy in a process of its own, for the benches: from a VMDK (file or URL) into a file or as frames to a peer.

Prints its peak memory in MiB and the bytes it sent, as JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from estate.disks import pump
from estate.disks.blockmap import BlockHashes
from estate.disks.frames import FrameWriter
from estate.disks.ports import VdiSink
from estate.disks.vmdk import StreamVmdkSource

READ_TIMEOUT_S = 300.0


class FrameSink:
    """Sends frames as the product does, on a line that was opened without a pool."""

    zero_fill = False

    def __init__(self, url: str, pin: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._line: Any = socket.create_connection((parts.hostname, parts.port))
        if pin:
            from estate.tls import pinned_context

            self._line = pinned_context(frozenset({pin})).wrap_socket(self._line)
        self._line.sendall(b"PUT /import_raw_vdi HTTP/1.1\r\n\r\n")
        self._line.recv(4096)
        self._frames = FrameWriter(self._line, lambda: None)

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None:
        self._frames.frame(offset_bytes, data)

    def finish(self) -> None:
        self._frames.end()
        self._line.close()

    abort = finish


class UrlStream:
    """The body of a GET, read into the caller's buffer."""

    def __init__(self, url: str, pin: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        self._line: http.client.HTTPConnection
        if pin:
            from estate.tls import PinnedHTTPSConnection

            self._line = PinnedHTTPSConnection(parts.hostname, parts.port, pins=frozenset({pin}), timeout_s=READ_TIMEOUT_S)
        else:
            self._line = http.client.HTTPConnection(parts.hostname, parts.port)
        self._line.request("GET", parts.path)
        self._answer = self._line.getresponse()

    def readinto(self, buffer: memoryview, /) -> int:
        return self._answer.readinto(buffer)

    def close(self) -> None:
        self._answer.close()
        self._line.close()


class NoHashes(StreamVmdkSource):
    """Says that it hashes and does not, so that the cost of hashing shows."""

    def hash_into(self, block_hashes: BlockHashes) -> bool:
        return True


def main() -> None:
    """Copy once as the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", help="a path, or a URL of the peer")
    parser.add_argument("target", help="a path (.raw, .vhd, .qcow2), or a URL of the peer")
    parser.add_argument("--pin", default="", help="the peer's fingerprint: both sides over TLS")
    parser.add_argument("--no-hashes", action="store_true")
    arguments = parser.parse_args()
    stream = UrlStream(arguments.source, arguments.pin) if "://" in arguments.source else _file(arguments.source)
    source = (NoHashes if arguments.no_hashes else StreamVmdkSource)(stream)
    sink = _sink(arguments.target, arguments.pin, source.capacity_bytes)
    stats = pump.copy(source, sink, block_hashes=BlockHashes(source.capacity_bytes))
    print(json.dumps({"peak_rss_mib": peak_rss_mib(), "sent_bytes": stats.bytes_sent}))


def _sink(target: str, pin: str, capacity_bytes: int) -> VdiSink:
    if "://" in target:
        return FrameSink(target, pin)
    from estate.disks import files

    kinds = {".raw": files.RawSink, ".vhd": files.VhdSink, ".qcow2": files.Qcow2Sink}
    # qemu-img does not wait for the medium either.
    return kinds[Path(target).suffix](Path(target), capacity_bytes, sync=False)


def _file(path: str) -> Any:
    return Path(path).open("rb", buffering=0)


def peak_rss_mib() -> float:
    """Most memory this process ever had (Linux)."""
    with contextlib.suppress(OSError):
        fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return round(int(fields["VmHWM"].split()[0]) / 1024, 1)
    return 0.0


if __name__ == "__main__":
    main()
