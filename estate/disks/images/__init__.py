"""Disks in files that can be read at any offset: raw, VMFS descriptors with their extents, snapshots' sparse files, chains."""

from estate.disks.images.chain import DiskImage, open_image, open_raw
from estate.disks.images.local import LocalFile, LocalFolder
from estate.disks.images.source import ImageSource

__all__ = ["DiskImage", "ImageSource", "LocalFile", "LocalFolder", "open_image", "open_raw"]
