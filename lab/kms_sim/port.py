"""A port that opens, as a KMS host's 1688 does, and answers nothing: it keeps what was sent to it, which ought to be nothing."""

from __future__ import annotations

import socket
import threading
from types import TracebackType

from lab.netbind import require_loopback


class OpenPort:
    """Listens from construction to `stop()`; `connections` counts who came, `received` is all that they sent."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self._listener = socket.create_server((require_loopback(address), port))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._came = threading.Condition()
        self.received = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line:
                line.settimeout(2)
                told = _all(line)
            with self._came:
                self.received += told
                self.connections += 1
                self._came.notify_all()

    def wait_for(self, connections: int, *, timeout_s: float = 30) -> bool:
        """Whether so many connections have come and gone within `timeout_s`."""
        with self._came:
            return self._came.wait_for(lambda: self.connections >= connections, timeout_s)

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=5)

    def __enter__(self) -> OpenPort:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _all(line: socket.socket) -> bytes:
    held = b""
    try:
        while part := line.recv(4096):
            held += part
    except OSError:
        pass
    return held
