"""Saves the objects of a vCenter as govc's `object.save` does, for another simulator to serve: one estate, two servers."""

from __future__ import annotations

from pathlib import Path

from pyVmomi import vim
from pyVmomi.SoapAdapter import Serialize

from estate.connection import Connection
from tests.contract.vsphere.typed import PC, typed_session

VERSION = "vim.version.v8_0_2_0"


def save(connection: Connection, folder: Path) -> Path:
    """Write every managed entity with all its properties into `folder`, the root first, and return it."""
    folder.mkdir()
    with typed_session(connection) as instance:
        content = instance.RetrieveContent()
        view = content.viewManager.CreateContainerView(content.rootFolder, [vim.ManagedEntity], True)
        through = PC.TraversalSpec(name="view", type=vim.view.ContainerView, path="view", skip=False)
        roots = [PC.ObjectSpec(obj=content.rootFolder), PC.ObjectSpec(obj=content.customFieldsManager)]
        inside = PC.ObjectSpec(obj=view, skip=True, selectSet=[through])
        kinds = [PC.PropertySpec(type=kind, all=True) for kind in (vim.ManagedEntity, vim.CustomFieldsManager)]
        spec = PC.FilterSpec(objectSet=[*roots, inside], propSet=kinds)
        answer = content.propertyCollector.RetrievePropertiesEx([spec], PC.RetrieveOptions())
        assert not answer.token, "the estate is larger than a page"
        root = content.rootFolder
        for number, found in enumerate(sorted(answer.objects, key=lambda each: each.obj != root)):
            (folder / f"{number:04d}-{found.obj._moId}.xml").write_bytes(_as_sent(found))
        view.DestroyView()
    return folder


def _as_sent(found: object) -> bytes:
    """pyVmomi names a reference's type otherwise than servers do."""
    written: bytes = Serialize(found, version=VERSION)
    return written.replace(b'xsi:type="ManagedObject"', b'xsi:type="ManagedObjectReference"')
