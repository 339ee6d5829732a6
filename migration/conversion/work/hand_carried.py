"""Copies one disk from a file into a file, for carrying it by hand: no server, no database, every block read back."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from estate.disks import pump, verify
from estate.disks.blockmap import BlockHashes
from estate.disks.errors import (
    ImageFileMissing,
    ImageReadFailed,
    ReadBackMalformed,
    ReadBackShort,
    StreamLost,
    StreamTruncated,
)
from estate.disks.files import Qcow2Sink, RawSink, VhdSink
from estate.disks.files.reading import Qcow2Readback, RawReadback, open_vhd
from estate.disks.files.target import give_name, require_free
from estate.disks.images import ImageSource, LocalFolder, open_image, open_raw
from estate.disks.ports import BlockReader, ExtentSource, VdiSink
from estate.disks.vmdk import StreamVmdkSource
from estate.disks.vmdk.header import is_stream
from estate.errors import AskPerson, EdgeError
from estate.ova.disks import open_disk
from estate.ova.package import Package, open_package

Progress = Callable[[str, int, int], None]
"""(what is being done, bytes done, bytes of the disk)."""

_SINKS: dict[str, Callable[[Path, int], VdiSink]] = {".raw": RawSink, ".img": RawSink, ".vhd": VhdSink, ".qcow2": Qcow2Sink}
_READBACKS: dict[str, Callable[[Path], BlockReader]] = {
    ".raw": RawReadback,
    ".img": RawReadback,
    ".vhd": open_vhd,
    ".qcow2": Qcow2Readback,
}
TARGET_ENDINGS = tuple(_SINKS)
_NOT_RAW = {
    b"KDMV": "a VMDK",
    b"COWD": "a VMDK",
    b"# Disk DescriptorFile": "a VMDK's descriptor",
    b"QFI\xfb": "a qcow2",
    b"conectix": "a VHD",
    b"vhdxfile": "a VHDX",
    b"<<< ": "a VDI of VirtualBox",
    b"\x1f\x8b": "compressed",
    b"\xfd7zXZ": "compressed",
}
"""How files begin that are disks of another kind."""
_READ_AGAIN = "Check the medium that it lies on, and the way to it, then copy again."
_TARGET_AGAIN = "Check the medium that the new file was written to, then copy again."
AGAIN_BY_HAND = {
    StreamTruncated.code: "Get the whole file (compare its size and checksum with the original's), then copy again.",
    StreamLost.code: _READ_AGAIN,
    ImageReadFailed.code: _READ_AGAIN,
    ReadBackShort.code: _TARGET_AGAIN,
    ReadBackMalformed.code: _TARGET_AGAIN,
}
"""Next steps of what a conversion does by itself, or a pool is to blame for, by code."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What one copy did: `digest` is over the hashes of all blocks of the source, which the target was compared with."""

    capacity_bytes: int
    data_bytes: int
    digest: str
    blocks_compared: int
    elapsed_s: float


@contextmanager
def _by_hand() -> Iterator[None]:
    """Where a job would try again by itself, here a person has to."""
    try:
        yield
    except EdgeError as error:
        error.next_step = AGAIN_BY_HAND.get(error.code, error.next_step)
        raise


@_by_hand()
def carry(source: Path, target: Path, *, member: str = "", on_progress: Progress) -> Carried:
    """Copy a VMDK (stream, or descriptor with its extents and parents), a member of a package or a raw file to a new file.

    The kind of the target is its ending. It has its name only when every block read back equals the source.

    Raises: EdgeError, with nothing left behind; ValueError for an ending that is no kind.
    """
    make, reopen = _SINKS[target.suffix.lower()], _READBACKS[target.suffix.lower()]
    opened = _opened(source, member)
    hashes = BlockHashes(opened.capacity_bytes)
    with _proven(target, opened) as unproven:
        sink = make(unproven, opened.capacity_bytes)
        stats = pump.copy(opened, sink, block_hashes=hashes, on_progress=lambda *at: on_progress("Copying", *at))
        compared = verify.read_back(
            reopen(unproven), hashes, hashes.capacity_bytes, on_progress=lambda *at: on_progress("Reading back", *at)
        )
        _require_equal(target, compared)
    return Carried(stats.bytes_total, stats.bytes_data, hashes.digest(), compared.blocks_compared, stats.elapsed_s)


@contextmanager
def _proven(target: Path, opened: ExtentSource) -> Iterator[Path]:
    """A name to write to, beside the target: it becomes the target's when all went well, and otherwise nothing is left."""
    unproven = target.with_name(f".{secrets.token_hex(4)}.unproven{target.suffix}")
    try:
        require_free(target)
        yield unproven
        give_name(unproven, target)
    except EdgeError as error:
        error.message = error.message.replace(str(unproven), str(target))
        error.args = (error.message,)
        raise
    finally:
        opened.close()
        with contextlib.suppress(OSError):  # where nothing can be written nothing is left; the first error is to be told
            unproven.unlink(missing_ok=True)


def _opened(source: Path, member: str) -> ExtentSource:
    try:
        return _source(source, member)
    except OSError as error:
        raise ImageFileMissing(str(source), error.strerror or "it cannot be opened") from error


def _source(source: Path, member: str) -> ExtentSource:
    if source.suffix.lower() == ".ova" or source.is_dir():
        package = open_package(source)
        return open_disk(package, member or _only_disk(package))
    if not source.is_file():
        raise ImageFileMissing(str(source), "there is no such file")
    _require_no_choice(source, member)
    folder = LocalFolder(source.parent)
    with source.open("rb") as file:
        start = file.read(512)
    if source.suffix.lower() != ".vmdk":
        _require_raw(source, start)
        return ImageSource(open_raw(folder, source.name))
    if is_stream(start):
        return StreamVmdkSource(source.open("rb", buffering=0))
    return ImageSource(open_image(folder, source.name))


def _require_raw(source: Path, start: bytes) -> None:
    """An image of another kind, taken byte for byte, would be proven equal and boot nowhere."""
    kind = next((kind for signature, kind in _NOT_RAW.items() if start.startswith(signature)), "")
    if kind:
        raise AskPerson(
            f"{source.name} is {kind}, not a raw disk",
            code="disk_image_kind",
            next_step="Give a VMDK its ending .vmdk; make a raw disk of any other kind first, for example with qemu-img convert.",
        )


def _require_no_choice(source: Path, member: str) -> None:
    """Whoever names a disk of a file that is one may have given the wrong file."""
    if member not in ("", source.name):
        raise AskPerson(
            f"{source.name} is one disk, not a package; {member} cannot be chosen from it",
            code="disk_choice_refused",
            next_step="Give the package (.ova or its folder) that holds this disk, or leave --disk out.",
        )


def _only_disk(package: Package) -> str:
    disks = sorted(name for name in package.files if name.lower().endswith(".vmdk"))
    if len(disks) == 1:
        return disks[0]
    raise AskPerson(
        f"{package.name} holds {len(disks)} disks: {', '.join(disks[:20]) or 'none'}",
        code="disk_choice_needed",
        next_step="Name one of them with --disk.",
        where=package.name,
    )


def _require_equal(target: Path, compared: verify.VerifyResult) -> None:
    if compared.mismatched_ranges:
        start, end = compared.mismatched_ranges[0]
        raise AskPerson(
            f"{target} differs from its source, first at bytes {start}-{end}; it is removed",
            code="verification_failed",
            next_step="Check the medium that it was written to, then copy again.",
        )
