"""Source disks of the lab: seeded raw images with real partitions and files, and the VMDK stream made from them.

Everything here is deterministic for a seed. Serving the bytes is lab.vcenter_sim's work.
"""

from lab.disks.image import DiskPlan, build_raw_disk
from lab.disks.store import DiskStore, PreparedDisk
from lab.disks.stream_vmdk import write_stream_vmdk

__all__ = ["DiskPlan", "DiskStore", "PreparedDisk", "build_raw_disk", "write_stream_vmdk"]
