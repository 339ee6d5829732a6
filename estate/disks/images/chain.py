"""Opens a disk by its descriptor: its extents, and its parents down to the base, each held against the id it must have."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from estate.disks.errors import ImageChainBroken, ImageKindRefused, ImageMalformed
from estate.disks.images import cowd, descriptor, hosted, sesparse
from estate.disks.images.descriptor import Descriptor, ExtentLine
from estate.disks.images.layers import ChainLayer, FlatLayer, JoinedLayer, Layer, ZeroLayer, read_exactly
from estate.disks.ports import ImageFolder, RandomReader

_MOST_LAYERS = 64
"""vSphere allows 32 snapshots."""
_FLAT_KINDS = frozenset({"FLAT", "VMFS"})


@dataclass(frozen=True, slots=True)
class DiskImage:
    """A disk that can be read at any offset. `close()` lets go of all its files."""

    layer: Layer
    capacity_bytes: int
    readers: tuple[RandomReader, ...]

    def close(self) -> None:
        """Close every file."""
        for reader in self.readers:
            reader.close()


def open_raw(folder: ImageFolder, name: str) -> DiskImage:
    """A raw file as a disk. Raises: what the folder raises; ImageMalformed when it does not end with a sector."""
    reader = folder.open(name)
    if not reader.size_bytes or reader.size_bytes % 512:
        reader.close()
        raise ImageMalformed(name, reader.size_bytes, "a raw disk has to end with a sector of 512 bytes")
    return DiskImage(FlatLayer(reader, reader.size_bytes), reader.size_bytes, (reader,))


def open_image(folder: ImageFolder, name: str) -> DiskImage:
    """The disk whose descriptor (or hosted sparse file with one inside) has this name in the folder.

    Raises:
        ImageMalformed, ImageKindRefused, ImageFileMissing: one of its files.
        ImageChainBroken: a parent is missing, is not the one it was made on, or leads back.
    """
    opened: list[RandomReader] = []
    try:
        layers = _chain(folder, name, opened)
    except BaseException:
        for reader in opened:
            reader.close()
        raise
    return DiskImage(ChainLayer(layers), layers[0].length_bytes, tuple(opened))


def _chain(folder: ImageFolder, name: str, opened: list[RandomReader]) -> list[Layer]:
    layers: list[Layer] = []
    seen: set[str] = set()
    child: Descriptor | None = None
    here = name
    while True:
        if here in seen or len(layers) == _MOST_LAYERS:
            raise ImageChainBroken(name, f"it has more than {_MOST_LAYERS} layers, or {here} leads back to itself")
        seen.add(here)
        text, layer = _open_one(folder, here, opened)
        if child is not None and text.cid != child.parent_cid:
            raise ImageChainBroken(
                name, f"{here} was changed since: it has content id {text.cid:08x}, not {child.parent_cid:08x}"
            )
        if layers and layer.length_bytes > layers[-1].length_bytes:
            raise ImageChainBroken(name, f"{here} is larger than the disk made on it")
        layers.append(layer)
        if text.parent_cid is None:
            return layers
        if not text.parent_name:
            raise ImageChainBroken(name, f"{here} has a parent and does not say which")
        child, here = text, _beside(here, text.parent_name)


def _open_one(folder: ImageFolder, name: str, opened: list[RandomReader]) -> tuple[Descriptor, Layer]:
    reader = _opened(folder, name, opened)
    start = bytes(read_exactly(reader, 0, min(4, reader.size_bytes), "its start"))
    if start == hosted.MAGIC:
        layer, content = hosted.open_hosted(reader)
        return _own_descriptor(content, layer, name), layer
    if start in (cowd.MAGIC, sesparse.MAGIC[:4]):
        raise ImageKindRefused(name, "it is a part of a disk; open the disk by the descriptor that names this file")
    content = bytes(read_exactly(reader, 0, min(reader.size_bytes, descriptor.MOST_BYTES), "the descriptor"))
    if reader.size_bytes > descriptor.MOST_BYTES:
        raise ImageMalformed(name, descriptor.MOST_BYTES, "it is too long for a VMDK descriptor")
    text = descriptor.parse(content, name)
    parts = [_part(folder, name, line, opened) for line in text.extents]
    return text, parts[0] if len(parts) == 1 else JoinedLayer(parts)


def _own_descriptor(content: bytes, layer: Layer, name: str) -> Descriptor:
    if not content:
        raise ImageKindRefused(name, "it is a part of a disk; open the disk by the descriptor that names this file")
    text = descriptor.parse(content, name, embedded=True)
    if [(line.kind, line.length_bytes) for line in text.extents] != [("SPARSE", layer.length_bytes)]:
        raise ImageMalformed(name, 512, "the descriptor inside it speaks of other extents than itself")
    return text


def _part(folder: ImageFolder, name: str, line: ExtentLine, opened: list[RandomReader]) -> Layer:
    if line.kind == "ZERO":
        return ZeroLayer(line.length_bytes)
    if line.kind not in _FLAT_KINDS and line.kind not in _SPARSE_KINDS:
        raise ImageKindRefused(name, f"its extent {line.file_name or 'without a file'} is of the kind {line.kind}")
    if "://" in line.file_name:
        raise ImageKindRefused(name, f"its extent {line.file_name} lies in an object store, not in a file")
    reader = _opened(folder, _beside(name, line.file_name), opened)
    if line.kind in _FLAT_KINDS:
        if line.offset_bytes + line.length_bytes > reader.size_bytes:
            raise ImageMalformed(name, line.line_at, f"{line.file_name} is shorter than the extent that it should hold")
        return FlatLayer(reader, line.length_bytes, line.offset_bytes)
    layer = _SPARSE_KINDS[line.kind](reader)
    if layer.length_bytes != line.length_bytes:
        raise ImageMalformed(name, line.line_at, f"{line.file_name} is for another size than this extent")
    return layer


def _opened(folder: ImageFolder, name: str, opened: list[RandomReader]) -> RandomReader:
    reader = folder.open(name)
    opened.append(reader)
    return reader


def _beside(name: str, other: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), other))


def _hosted_part(reader: RandomReader) -> Layer:
    return hosted.open_hosted(reader)[0]


_SPARSE_KINDS = {"SPARSE": _hosted_part, "VMFSSPARSE": cowd.open_cowd, "SESPARSE": sesparse.open_sesparse}
