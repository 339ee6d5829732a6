"""The manifest of a package: what it lists is hashed and compared; what it leaves out is told."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from estate.ova.errors import ManifestMismatch
from estate.ova.package import Package

UNPROVEN = "manifest"
"""The part of `lacking` where digests are missing: for all files (this word alone), or for one (with ": " and its name)."""
MAX_MANIFEST_BYTES = 1 << 20
_READ_BYTES = 1 << 20
_LINE = re.compile(r"(SHA1|SHA256|SHA512)\s*\(([^\n]{1,255})\)\s*=\s*([0-9a-fA-F]{40,128})")


@dataclass(frozen=True, slots=True)
class Digest:
    """What a manifest says of one file; both in lower case."""

    algorithm: str
    hexdigest: str


def digests(package: Package) -> dict[str, Digest]:
    """The digests by file name; none without a manifest. Raises: ManifestMismatch for a line that is no digest."""
    listing = package.beside(".mf")
    return {} if listing is None else _parse(package, listing)


def leaves_open(lacking: Iterable[tuple[str, str]]) -> bool:
    """Whether a package of which this is `lacking` has a file that can be held against no digest."""
    return any(part.partition(":")[0] == UNPROVEN for part, _ in lacking)


def check(package: Package, needed: list[str], alive: Callable[[], None]) -> Iterator[tuple[str, str]]:
    """Compare every listed file; yields (part, what is unknown for it) where nothing could be compared.

    `needed` are the files that the descriptor refers to.
    Raises: ManifestMismatch naming the file.
    """
    if package.beside(".cert"):
        yield "certificate", "the package is signed, and the signature is not verified: check it with the tool that made it"
    if package.beside(".mf") is None:
        yield UNPROVEN, "the package has no manifest: nobody can tell whether its files are whole"
        return
    told = digests(package)
    for name, digest in told.items():
        if name not in package.files:
            raise ManifestMismatch(f"{name} is in the manifest but not in the package", where=package.name)
        if not hmac.compare_digest(_digest(package, name, digest.algorithm, alive), digest.hexdigest):
            raise ManifestMismatch(f"{name} does not have the digest that the manifest gives for it", where=package.name)
    for name in (package.descriptor, *needed):
        if name not in told:
            yield f"{UNPROVEN}: {name}", "the manifest does not list this file: nobody can tell whether it is whole"


def _parse(package: Package, listing: str) -> dict[str, Digest]:
    found: dict[str, Digest] = {}
    for number, line in enumerate(package.content(listing, MAX_MANIFEST_BYTES).decode("utf-8", "replace").splitlines(), 1):
        if not line.strip():
            continue
        told = _LINE.fullmatch(line.strip())
        if told is None:
            raise ManifestMismatch(f"Line {number} of {listing} is not of the form SHA256(file)= digest", where=package.name)
        found[told[2]] = Digest(told[1].lower(), told[3].lower())
    return found


def _digest(package: Package, name: str, algorithm: str, alive: Callable[[], None]) -> str:
    digest, buffer, stream = hashlib.new(algorithm), memoryview(bytearray(_READ_BYTES)), package.stream(name)
    try:
        while read := stream.readinto(buffer):
            digest.update(buffer[:read])
            alive()
    except OSError as error:
        raise ManifestMismatch(f"{name} cannot be read: {error.strerror}", where=package.name) from None
    finally:
        stream.close()
    return digest.hexdigest()
