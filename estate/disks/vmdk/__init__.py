"""streamOptimized VMDK, both dialects, read strictly from a stream that cannot seek. Other VMDK kinds have no room here."""

from estate.disks.vmdk.source import StreamVmdkSource

__all__ = ["StreamVmdkSource"]
