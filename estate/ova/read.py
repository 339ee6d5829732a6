"""Reads a package into facts: networks, containers, then machines, each page handed on as the other sources do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from lxml.etree import _Element

from estate.facts.source import NetworkFacts, SourceAbout, SourceFact, VmFacts
from estate.facts.unknown import Unknown
from estate.ova import descriptor as descriptors
from estate.ova import manifest
from estate.ova.descriptor import Descriptor, attribute, child, children
from estate.ova.errors import PackageNotReadable
from estate.ova.machines import container_facts, vm_facts
from estate.ova.package import Package, open_package


class OnPage(Protocol):
    """Takes one page of facts; `kind` is `network`, `container` or `vm`. Never called with an empty page."""

    def __call__(self, kind: str, facts: Sequence[SourceFact], /) -> None: ...


def read(path: Path, *, on_page: OnPage, alive: Callable[[], None] | None = None) -> SourceAbout:
    """Check the package at `path` (folder, .ovf or .ova) against its manifest and hand its facts to `on_page`.

    `alive` is called while files are hashed and may raise to stop. What could not be checked is in the answer's `lacking`.

    Raises:
        PackageNotReadable, MemberUnsafe, ManifestMismatch, DescriptorInvalid, DiskFormatRefused: see `estate.ova.errors`.
    """
    package = open_package(path)
    found = descriptors.parse(package)
    for name in found.file_names:
        if name not in package.files:
            raise PackageNotReadable(f"{name} is in the descriptor but not in the package", where=package.name)
    lacking = tuple(manifest.check(package, found.file_names, alive or _nothing))
    package_id = package_digest(package)
    pages: tuple[tuple[str, list[SourceFact]], ...] = (
        ("network", list(_networks(found))),
        ("container", [container_facts(collection, package_id) for collection in found.collections]),
        ("vm", [vm_facts(found, system, package_id) for system in found.systems]),
    )
    for kind, facts in pages:
        if facts:
            on_page(kind, facts)
    return _about(found, package_id, lacking)


def machine(package: Package, native_id: str) -> VmFacts | None:
    """The facts of one machine as the package tells them now; None when its descriptor is another one by now.

    Raises: DescriptorInvalid, DiskFormatRefused.
    """
    found, package_id = descriptors.parse(package), package_digest(package)
    return next(
        (facts for facts in (vm_facts(found, system, package_id) for system in found.systems) if facts.native_id == native_id),
        None,
    )


def package_digest(package: Package) -> str:
    """SHA-256 of the descriptor, in hex."""
    return hashlib.sha256(package.content(package.descriptor, descriptors.MAX_DESCRIPTOR_BYTES)).hexdigest()


def package_identity(package: Package) -> str:
    """Changes when a file of the package was replaced; one beside it that neither descriptor nor manifest names does not count.

    Raises: PackageNotReadable, DescriptorInvalid, ManifestMismatch for a line of the manifest that is no digest.
    """
    own = (package.descriptor, package.beside(".mf"), package.beside(".cert"))
    named = (*descriptors.parse(package).file_names, *manifest.digests(package))
    return package.identity([*filter(None, own), *named])


def _networks(found: Descriptor) -> Iterator[NetworkFacts]:
    for name in sorted({attribute(entry, "name") for entry in children(child(found.root, "NetworkSection"), "Network")} - {""}):
        yield NetworkFacts(native_id=name, name=name)


def _about(found: Descriptor, package_id: str, lacking: tuple[tuple[str, str], ...]) -> SourceAbout:
    return SourceAbout(
        product=_product(found.root),
        api_version=attribute(found.root, "version") or "1.x",
        build=attribute(found.root, "buildId"),
        instance_uuid=f"ovf-{package_id[:32]}",
        is_vcenter=False,
        lacking=lacking,
        taken_at=Unknown("an OVF does not say when it was made", everywhere=True),
    )


def _product(root: _Element) -> str:
    spaces = " ".join(str(uri) for uri in root.nsmap.values())
    if "virtualbox" in spaces:
        return "OVF of VirtualBox"
    return "OVF of VMware" if "vmware.com" in spaces else "OVF"


def _nothing() -> None:
    """No one watches."""
