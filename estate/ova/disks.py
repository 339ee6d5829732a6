"""The disks of a package as sources of extents, read from where they lie in the archive or folder."""

from __future__ import annotations

from estate.disks.vmdk.source import StreamVmdkSource
from estate.ova.errors import DiskFormatRefused
from estate.ova.package import Package

_SIGNATURES = {
    b"# Di": "a VMDK descriptor for separate extents",
    b"QFI\xfb": "qcow2",
    b"cone": "VHD",
    b"<<< ": "VDI",
    b"COWD": "COWD",
}


def open_disk(package: Package, file_name: str) -> StreamVmdkSource:
    """The disk in this file of the package, not unpacked. To be closed by the caller.

    Raises:
        PackageNotReadable: no such file.
        DiskFormatRefused: not a VMDK of one file.
        StreamMalformed, StreamTruncated: see `estate.disks.vmdk.source`.
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
    return StreamVmdkSource(package.stream(file_name))
