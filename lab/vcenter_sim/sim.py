"""The vCenter stand-in as one thing: an estate, its listeners, start and stop.

`python -m lab` and the tests use this class and control.py; everything else in the package is behind it.
"""

from __future__ import annotations

import datetime
import uuid
from pathlib import Path
from typing import Any

from lab.control import ControlServer, RequestLog
from lab.disks import DiskStore
from lab.netbind import listen_on_common_port
from lab.vcenter_sim.center import Center, Timing
from lab.vcenter_sim.control import register_calls
from lab.vcenter_sim.faults import Faults
from lab.vcenter_sim.http import NfcHandler, VCenterHandler
from lab.vcenter_sim.listener import Listener
from lab.vcenter_sim.mobs import Registry
from lab.vcenter_sim.places import lay_out
from lab.vcenter_sim.rest import RestDesk
from lab.vcenter_sim.service import register_singletons
from lab.vcenter_sim.sessions import Session, SessionBook
from lab.vcenter_sim.soap import SoapDesk
from lab.vcenter_sim.tree import hang
from lab.worlds.spec import EstateSpec

USER = "administrator@vsphere.local"


class VCenterSim:
    """A vCenter with its ESXi hosts on loopback. `start()` listens on one port of all their addresses."""

    def __init__(
        self,
        estate: EstateSpec,
        state_dir: Path,
        password: str,
        *,
        timing: Timing | None = None,
        disks: DiskStore | None = None,
        log: RequestLog | None = None,
        idle_timeout_s: float = 1800,
        port: int = 0,
    ) -> None:
        self.estate, self._password, self._state_dir, self._port = estate, password, state_dir, port
        self.log = log or RequestLog()
        self.listeners: dict[str, Listener] = {}
        self.center = Center(
            registry=Registry(),
            places=lay_out(estate, _utc_now()),
            sessions=SessionBook(USER, password, _utc_now, self._forget_views, idle_timeout_s),
            disks=disks or DiskStore(state_dir / "disks"),
            faults=Faults(),
            timing=timing or Timing(),
            now=_utc_now,
            instance_uuid=str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{estate.name}:{estate.seed}")),
            state_dir=state_dir,
            nfc_url=self._nfc_url,
        )
        self.rest = RestDesk(self.center, self.log)
        register_singletons(self.center)
        hang(self.center.places, self.center.registry, self._certificate)

    @property
    def url(self) -> str:
        """`https://127.0.0.20:port`, without `/sdk`; valid after `start()`."""
        vcenter = self.listeners["vcenter"]
        return f"https://{vcenter.address}:{vcenter.port}"

    def start(self) -> None:
        """Listen on vCenter's and every ESXi host's address."""
        addresses = [self.estate.vcenter_address, *(host.address for host in self.estate.hosts)]
        bound = listen_on_common_port(addresses, self._port)
        certificates = self._state_dir / "tls"
        common = {"center": self.center, "log": self.log}
        sdk = type("_Sdk", (VCenterHandler,), common | {"desk": SoapDesk(self.center, self.log), "rest": self.rest})
        first = self.estate.vcenter_address
        self.listeners["vcenter"] = Listener("vcenter.lab.example", first, bound.sockets[first], certificates, sdk)
        for host in self.estate.hosts:
            name = host.name.partition(".")[0]
            nfc = type("_Nfc", (NfcHandler,), common | {"server_name_in_log": name})
            self.listeners[name] = Listener(host.name, host.address, bound.sockets[host.address], certificates, nfc)
        for listener in self.listeners.values():
            listener.start()

    def stop(self) -> None:
        """Close every listener and connection; background work ends by itself."""
        self.center.stopping.set()
        with self.center.registry.changed:
            self.center.registry.changed.notify_all()
        for listener in self.listeners.values():
            listener.stop()

    def lab_json(self) -> dict[str, Any]:
        """The "vcenter" and "esxi" parts of the lab's JSON file."""
        vcenter = self.listeners["vcenter"]
        esxi = [self.listeners[host.name.partition(".")[0]] for host in self.estate.hosts]
        return {
            "vcenter": {"url": self.url, "user": USER, "password": self._password, "sha256": vcenter.files.sha256_fingerprint},
            "esxi": [
                {"name": one.name, "address": one.address, "port": one.port, "sha256": one.files.sha256_fingerprint}
                for one in esxi
            ],
        }

    def register_control(self, server: ControlServer) -> None:
        """Plug the vCenter's control calls into the control desk."""
        register_calls(self.center, server)
        for name, listener in self.listeners.items():
            server.register_listener(name, lambda listener=listener: self._renew(listener))

    def _forget_views(self, session: Session) -> None:
        for moid in session.views:
            self.center.registry.remove(moid)

    def _renew(self, listener: Listener) -> str:
        fingerprint = listener.renew()
        for ref in self.center.places.hosts.values():
            self.center.registry.touch(ref._moId)
        return fingerprint

    def _certificate(self, host: str) -> tuple[str, bytes]:
        files = self.listeners[host.partition(".")[0]].files
        return files.sha1, files.cert_path.read_bytes()

    def _nfc_url(self, host: str) -> tuple[str, str]:
        spec = next(one for one in self.estate.hosts if one.name == host)
        listener = self.listeners["vcenter" if spec.nfc_wildcard else host.partition(".")[0]]
        address = "*" if spec.nfc_wildcard else listener.address
        return f"{address}:{listener.port}", listener.files.sha1


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
