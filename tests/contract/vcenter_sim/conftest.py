"""A small vCenter of the lab per test, and a pyvmomi client that pins its certificate."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim, vmodl

from lab.testing import Lab, running_lab

query = vmodl.query.PropertyCollector


@dataclass(frozen=True, slots=True)
class Client:
    """A logged-in pyvmomi client of a lab."""

    lab: Lab
    instance: Any

    @property
    def content(self) -> Any:
        return self.instance.content

    def view(self, *kinds: type) -> Any:
        content = self.content
        return content.viewManager.CreateContainerView(content.rootFolder, list(kinds), True)

    def vm(self, name: str) -> Any:
        return next(vm for vm in self.view(vim.VirtualMachine).view if vm.name == name)

    def spec(self, kind: type, *paths: str) -> Any:
        walk = query.TraversalSpec(name="view", type=vim.view.ContainerView, path="view", skip=False)
        start = query.ObjectSpec(obj=self.view(kind), skip=True, selectSet=[walk])
        return query.FilterSpec(objectSet=[start], propSet=[query.PropertySpec(type=kind, pathSet=list(paths))])

    def retrieve(self, kind: type, *paths: str, size: int | None = None) -> list[list[Any]]:
        """All pages of a bulk read."""
        collector = self.content.propertyCollector
        options = query.RetrieveOptions(maxObjects=size) if size else query.RetrieveOptions()
        answer = collector.RetrievePropertiesEx([self.spec(kind, *paths)], options)
        pages = []
        while answer is not None:
            pages.append(list(answer.objects))
            answer = collector.ContinueRetrievePropertiesEx(answer.token) if answer.token else None
        return pages

    def export(self, name: str) -> Any:
        """A lease of this VM that is ready."""
        lease = self.vm(name).ExportVm()
        return wait_for_state(lease, "ready")


def wait_for_state(lease: Any, state: str, within_s: float = 10.0) -> Any:
    deadline = time.monotonic() + within_s
    while lease.state != state:
        assert time.monotonic() < deadline, f"the lease stays {lease.state}, wanted {state}"
        time.sleep(0.02)
    return lease


def shown_certificate(lab: Lab) -> str:
    """The certificate vCenter shows now, as PEM."""
    parts = urlsplit(lab.json["vcenter"]["url"])
    return ssl.get_server_certificate((parts.hostname or "", parts.port or 0))


def log_in(lab: Lab, password: str | None = None, trusted_pem: str | None = None) -> Any:
    """A ServiceInstance that trusts one certificate only: the given one, or the one shown now."""
    where = lab.json["vcenter"]
    parts = urlsplit(where["url"])
    return SmartConnect(
        host=parts.hostname,
        port=parts.port,
        user=where["user"],
        pwd=where["password"] if password is None else password,
        sslContext=ssl.create_default_context(cadata=trusted_pem or shown_certificate(lab)),
    )


def download(lab: Lab, url: str) -> tuple[http.client.HTTPResponse, Callable[[], bytes]]:
    """Start an NFC download; the second value reads the body to its end."""
    parts = urlsplit(url.replace("*", urlsplit(lab.json["vcenter"]["url"]).hostname or ""))
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context, timeout=30)
    connection.request("GET", parts.path)
    response = connection.getresponse()
    return response, response.read


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with running_lab(tmp_path, world="tiny", with_pool=False, lease_timeout_s=5, clock_factor=300) as running:
        yield running


@pytest.fixture
def client(lab: Lab) -> Iterator[Client]:
    instance = log_in(lab)
    yield Client(lab, instance)
    Disconnect(instance)
