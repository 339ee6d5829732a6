"""One copy in a process of its own, for the bench: a VMDK into a raw file, or as frames over TLS to a peer that drops them.

Prints its peak memory in MiB.
"""

from __future__ import annotations

import argparse
import os
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from estate.disks import pump
from estate.disks.blockmap import BlockHashes
from estate.disks.vmdk import StreamVmdkSource


class RawFileSink:
    """Writes extents into a sparse file."""

    zero_fill = False

    def __init__(self, path: Path, capacity_bytes: int) -> None:
        self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600)
        os.truncate(self._descriptor, capacity_bytes)

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None:
        os.pwrite(self._descriptor, data, offset_bytes)

    def finish(self) -> None:
        os.close(self._descriptor)

    abort = finish


class TlsSink:
    """Sends frames to a peer process on loopback that reads and drops them."""

    zero_fill = False

    def __init__(self) -> None:
        from estate.xapi.wire import Sender, open_line

        self._peer = subprocess.Popen([sys.executable, "-m", "tests.bench.one_copy", "--peer"], stdout=subprocess.PIPE)
        assert self._peer.stdout
        port, pin = self._peer.stdout.readline().decode().split()
        self._line = open_line("PUT", "/", host="127.0.0.1", port=int(port), pins=frozenset({pin}), where="peer")
        self._sender = Sender(self._line.sock, lambda: None)

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None:
        self._sender.send(struct.pack("<QI", offset_bytes, len(data)))
        self._sender.send(data)

    def finish(self) -> None:
        self._line.close()
        self._peer.kill()
        # Not waited for, so that the peer's CPU stays out of this process's account.

    abort = finish


def serve_peer() -> None:
    """Answer one request with 200 and drop what follows."""
    from lab.tls import make_certificate, server_context

    with tempfile.TemporaryDirectory() as directory, socket.create_server(("127.0.0.1", 0)) as listener:
        files = make_certificate(Path(directory), "peer", ["127.0.0.1"])
        print(listener.getsockname()[1], files.sha256_fingerprint, flush=True)
        plain, _ = listener.accept()
        with server_context(files).wrap_socket(plain, server_side=True) as line:
            buffer = memoryview(bytearray(2 << 20))
            line.recv_into(buffer)
            line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while line.recv_into(buffer):
                pass


def main() -> None:
    """Copy once as the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path, nargs="?")
    parser.add_argument("--raw", type=Path)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--peer", action="store_true")
    arguments = parser.parse_args()
    if arguments.peer:
        serve_peer()
        return
    source = StreamVmdkSource(arguments.source.open("rb", buffering=0))
    sink = TlsSink() if arguments.tls else RawFileSink(arguments.raw, source.capacity_bytes)
    pump.copy(source, sink, block_hashes=BlockHashes(source.capacity_bytes))
    print(peak_rss_mib())


def peak_rss_mib() -> float:
    """Most memory this process ever had (Linux)."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return round(int(fields["VmHWM"].split()[0]) / 1024, 1)


if __name__ == "__main__":
    main()
