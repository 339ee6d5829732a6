"""The simulator as the lab starts it: key pairs, listeners, records, and the doors for the control desk."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Any

from lab.control import ControlServer, RequestLog
from lab.netbind import listen_on_common_port
from lab.tls import CertFiles, make_certificate, server_context
from lab.xapi_sim import calls_devices, calls_ha, calls_host, calls_session, calls_vdi, calls_vm, control_calls, statistics
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.populate import certificate_directory, populate
from lab.xapi_sim.server import HostServer
from lab.xapi_sim.spec import PoolSpec
from lab.xapi_sim.trials import Trials

# Importing the call modules is what signs their functions up with the dispatcher.
CALL_MODULES = (calls_devices, calls_ha, calls_host, calls_session, calls_vdi, calls_vm, statistics)
USER = "root"


class PoolSim:
    """A running pool. `clock_factor` lab seconds pass in one second; records start anew with every start."""

    def __init__(self, spec: PoolSpec, state_dir: Path, password: str, clock_factor: float = 60.0) -> None:
        self.spec = spec
        self._state_dir = state_dir
        self._password = password
        self.pool = Pool(spec, state_dir, password, clock_factor)
        self.trials = Trials(self.pool)
        self.log = RequestLog()
        self._servers: dict[str, HostServer] = {}
        self._certificates: dict[str, CertFiles] = {}
        self._renewing = threading.Lock()
        self.pool.on_fenced = self.cut_fenced

    def start(self, port: int = 0) -> None:
        """Make key pairs and records, listen on every host's address, serve in background threads.

        Raises:
            lab.netbind.NoCommonPort: the port is taken on one of the addresses.
        """
        for stale in (self._state_dir / "vdis").glob("*.raw"):
            stale.unlink()
        listeners = listen_on_common_port([host.address for host in self.spec.hosts], port)
        self.pool.port = listeners.port
        with self.pool.store.lock:
            populate(self.pool)
        for host, spec in self.pool.fabric.hosts.items():
            self._make_certificate(host)
            context = server_context(self._certificates[host])
            server = HostServer(listeners.sockets[spec.address], self.pool, host, context, self.log)
            self._servers[host] = server
            server.start()

    def stop(self) -> None:
        """Stop all listeners and sleeps; files stay."""
        self.pool.clock.stop()
        with self.pool.store.lock:
            self.pool.store.changed.notify_all()
        for server in self._servers.values():
            server.stop()

    @property
    def url(self) -> str:
        """The coordinator's URL."""
        return f"https://{self.pool.fabric.hosts[self.pool.coordinator].address}:{self.pool.port}"

    def lab_json(self) -> dict[str, Any]:
        """The "pool" object of the lab's JSON file, password included: the file's mode is 0600."""
        return {
            "url": self.url,
            "user": USER,
            "password": self._password,
            "sha256": self._certificates[self.pool.coordinator].sha256_fingerprint,
            "hosts": [
                {
                    "name": spec.name,
                    "uuid": spec.uuid,
                    "address": spec.address,
                    "port": self.pool.port,
                    "sha256": self._certificates[host].sha256_fingerprint,
                }
                for host, spec in self.pool.fabric.hosts.items()
            ],
        }

    def register_control(self, control: ControlServer) -> None:
        """Plug the pool's calls, state and certificates into the control desk, and log there from now on."""
        self.log = control.log
        for host, server in self._servers.items():
            server.log = control.log
            control.register_listener(self.pool.fabric.hosts[host].name, partial(self.renew_certificate, host))
        control_calls.register(control, self.pool, self.trials)

    def renew_certificate(self, host: str) -> str:
        """Give a host's listener a new key pair; returns the new SHA-256 fingerprint."""
        with self._renewing:
            self._make_certificate(host)
            self._servers[host].context = server_context(self._certificates[host])
            return self._certificates[host].sha256_fingerprint

    def cut_fenced(self) -> None:
        """Break the connections of hosts that have been fenced."""
        for host, server in self._servers.items():
            if not self.pool.fabric.is_up(host):
                server.cut_connections()

    def _make_certificate(self, host: str) -> None:
        spec = self.pool.fabric.hosts[host]
        files = make_certificate(certificate_directory(self._state_dir), spec.name, [spec.address])
        self._certificates[host] = files
        with self.pool.store.lock:
            for old in self.pool.store.where("Certificate", host=host, type="host"):
                self.pool.store.destroy("Certificate", old)
            self.pool.store.create(
                "Certificate",
                name="",
                type="host",
                host=host,
                not_before=files.not_before,
                not_after=files.not_after,
                fingerprint=files.sha256_fingerprint,
                fingerprint_sha256=files.sha256_fingerprint,
                fingerprint_sha1=files.sha1,
            )
