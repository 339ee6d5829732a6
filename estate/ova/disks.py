"""The disks of a package as sources of extents, read from where they lie in the archive or folder, and proven on the way.

A file that the manifest lists is hashed while it is read; the source ends only when the whole file has that digest.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

from estate.disks.blockmap import BlockHashes
from estate.disks.errors import StreamLost, StreamTruncated
from estate.disks.ports import Extent
from estate.disks.vmdk.source import StreamVmdkSource
from estate.ova import manifest
from estate.ova.errors import DiskFormatRefused, ManifestMismatch, PackageNotReadable
from estate.ova.manifest import Digest
from estate.ova.package import MemberStream, Package

_SIGNATURES = {
    b"# Di": "a VMDK descriptor for separate extents",
    b"QFI\xfb": "qcow2",
    b"cone": "VHD",
    b"<<< ": "VDI",
    b"COWD": "COWD",
}
_DRAIN_BYTES = 1 << 20


class _HashedStream:
    """A member whose bytes are hashed as they pass. Implements `estate.disks.ports.ByteStream`."""

    def __init__(self, stream: MemberStream, algorithm: str) -> None:
        self._stream = stream
        self._hash = hashlib.new(algorithm)

    def readinto(self, buffer: memoryview, /) -> int | None:
        read = self._stream.readinto(buffer) or 0
        self._hash.update(buffer[:read])
        return read

    def close(self) -> None:
        self._stream.close()

    def drained(self) -> str:
        """The digest of the whole member: what no format asked for (padding behind the end marker) is read now."""
        rest = memoryview(bytearray(_DRAIN_BYTES))
        while self.readinto(rest):
            pass
        return self._hash.hexdigest()


class PackageDisk:
    """One disk of a package. Implements `estate.disks.ports.ExtentSource`.

    `extents()` raises `ManifestMismatch` at the end of a file that is not the one the manifest speaks of, and
    `PackageNotReadable` where a file ends too early or cannot be read: neither passes by repeating.
    """

    def __init__(self, package: Package, file_name: str, told: Digest | None) -> None:
        self._where = f"{file_name} of {package.name}"
        self._told = told
        stream = package.stream(file_name)
        self._hashed = _HashedStream(stream, told.algorithm) if told else None
        try:
            self._disk = StreamVmdkSource(self._hashed or stream)
        except (StreamTruncated, StreamLost) as error:
            raise PackageNotReadable(error.message, where=self._where) from None

    @property
    def capacity_bytes(self) -> int:
        return self._disk.capacity_bytes

    def hash_into(self, block_hashes: BlockHashes) -> bool:
        return self._disk.hash_into(block_hashes)

    def extents(self) -> Iterator[Extent]:
        try:
            yield from self._disk.extents()
            digest = self._hashed.drained() if self._hashed else ""
        except (StreamTruncated, StreamLost) as error:
            raise PackageNotReadable(error.message, where=self._where) from None
        except OSError as error:
            raise PackageNotReadable(f"It cannot be read: {error.strerror}", where=self._where) from None
        if self._told and not hmac.compare_digest(digest, self._told.hexdigest):
            raise ManifestMismatch("It does not have the digest that the manifest gives for it", where=self._where)

    def close(self) -> None:
        self._disk.close()


def open_disk(package: Package, file_name: str) -> PackageDisk:
    """The disk in this file of the package, not unpacked. To be closed by the caller.

    Raises:
        PackageNotReadable: no such file, or it ends before its header does.
        ManifestMismatch: the manifest cannot be read.
        DiskFormatRefused: not a VMDK of one file.
        StreamMalformed: see `estate.disks.vmdk.source`.
    """
    probe = package.stream(file_name)
    try:
        start = bytearray(4)
        probe.readinto(memoryview(start))
    finally:
        probe.close()
    if bytes(start) != b"KDMV":
        kind = _SIGNATURES.get(bytes(start), "no VMDK")
        raise DiskFormatRefused(f"{file_name} is {kind}; only streamOptimized VMDK is read", where=package.name)
    return PackageDisk(package, file_name, manifest.digests(package).get(file_name))
