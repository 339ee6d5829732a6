"""VDIs as sparse files, and the space an SR has left.

Block SRs (lvm*) claim a whole logical volume when a VDI is made; file SRs allocate what is written. Records are
refreshed from the files, so physical_utilisation is what the disk really holds. No transfer and no policy here.
"""

from __future__ import annotations

from pathlib import Path

from lab.xapi_sim.failure import XapiFailure
from lab.xapi_sim.store import Store

MIB = 1 << 20
VHD_BLOCK_BYTES = 2 * MIB
VHD_MAX_BYTES = 2040 << 30
VHD_BITMAP_BYTES = 4096
LVM_EXTENT_BYTES = 4 * MIB
OLD_DATA = b"\xa5old" * 128
"""A sector that somebody else's volume left behind."""
SIZE_LIMITS = "VDI Invalid size [opterr=VDI size must be between 1 MB and 2088960 MB]"
NO_SPACE = ("SR_BACKEND_FAILURE_44", "", "There is insufficient space", "")


class Storage:
    """The files of all VDIs under `directory`, and the accounting of all SRs."""

    def __init__(self, store: Store, directory: Path) -> None:
        self._store = store
        self._directory = directory
        self.foreign_bytes: dict[str, int] = {}
        self._reported_full: set[str] = set()

    def path(self, vdi: str) -> Path:
        """The file behind a VDI."""
        return self._directory / f"{self._store.get('VDI', vdi, 'uuid')}.raw"

    def make_file(self, vdi: str) -> None:
        """A fresh file of the VDI's virtual size: all zero, or on a raw LVM SR what its extents held before."""
        self._directory.mkdir(parents=True, exist_ok=True)
        size_bytes = int(self._store.get("VDI", vdi, "virtual_size"))
        with self.path(vdi).open("wb") as file:
            if not self.is_vhd(self._store.get("VDI", vdi, "SR")):
                for at in range(0, size_bytes, MIB):
                    file.write(OLD_DATA * (min(MIB, size_bytes - at) // len(OLD_DATA)))
            file.truncate(size_bytes)

    def resize_file(self, vdi: str, size_bytes: int) -> None:
        """Grow the file; what is new reads as zeros."""
        with self.path(vdi).open("r+b") as file:
            file.truncate(size_bytes)

    def remove_file(self, vdi: str) -> None:
        """Remove the file, if it is still there."""
        self.path(vdi).unlink(missing_ok=True)

    def round_up(self, sr: str, size_bytes: int) -> int:
        """The virtual size the SR's driver makes of a wish.

        Raises:
            XapiFailure: SR_BACKEND_FAILURE_79 when a VHD cannot be that large or small.
        """
        if size_bytes < 1 or size_bytes > VHD_MAX_BYTES:
            raise XapiFailure("SR_BACKEND_FAILURE_79", "", SIZE_LIMITS, "")
        unit = VHD_BLOCK_BYTES if self.is_vhd(sr) else LVM_EXTENT_BYTES
        return -(-size_bytes // unit) * unit

    def is_vhd(self, sr: str) -> bool:
        """Whether new VDIs are VHDs (and so read as zeros) and not raw volumes."""
        return not self.is_thick(sr) or self._store.get("SR", sr, "sm_config").get("use_vhd") == "true"

    def is_thick(self, sr: str) -> bool:
        """Whether a VDI claims its whole size at once."""
        return bool(self._store.get("SR", sr, "type").startswith("lvm"))

    def claim_bytes(self, sr: str, virtual_bytes: int) -> int:
        """What making a VDI of that size takes from the SR at once."""
        if not self.is_thick(sr):
            return VHD_BITMAP_BYTES
        bitmaps = virtual_bytes // VHD_BLOCK_BYTES * VHD_BITMAP_BYTES if self.is_vhd(sr) else 0
        overhead = bitmaps + (LVM_EXTENT_BYTES if self.is_vhd(sr) else 0)
        return -(-(virtual_bytes + overhead) // LVM_EXTENT_BYTES) * LVM_EXTENT_BYTES

    def require_space(self, sr: str, needed_bytes: int) -> None:
        """Refuse what does not fit.

        Raises:
            XapiFailure: SR_BACKEND_FAILURE_44, as the storage manager words it.
        """
        if self.free_bytes(sr) < needed_bytes:
            raise XapiFailure(*NO_SPACE)

    def free_bytes(self, sr: str) -> int:
        """Physical size less what is used, by the books and not by the report."""
        return int(self._store.get("SR", sr, "physical_size")) - self._used(sr)

    def allocated_bytes(self, vdi: str) -> int:
        """What the VDI takes from its SR now."""
        sr = self._store.get("VDI", vdi, "SR")
        if self.is_thick(sr):
            return self.claim_bytes(sr, self._store.get("VDI", vdi, "virtual_size"))
        path = self.path(vdi)
        return path.stat().st_blocks * 512 if path.exists() else 0

    def report_full(self, sr: str, full: bool = True) -> None:
        """Let the SR's figures say that nothing is left (a fault), until told otherwise."""
        (self._reported_full.add if full else self._reported_full.discard)(sr)
        self.refresh(sr)

    def refresh(self, sr: str) -> None:
        """Write the SR's and its VDIs' figures into their records."""
        with self._store.lock:
            vdis = self._store.get("SR", sr, "VDIs")
            for vdi in vdis:
                self._store.set("VDI", vdi, physical_utilisation=self.allocated_bytes(vdi))
            size = self._store.get("SR", sr, "physical_size")
            self._store.set(
                "SR",
                sr,
                physical_utilisation=size if sr in self._reported_full else self._used(sr),
                virtual_allocation=sum(self._store.get("VDI", vdi, "virtual_size") for vdi in vdis),
            )

    def _used(self, sr: str) -> int:
        own = sum(self.allocated_bytes(vdi) for vdi in self._store.get("SR", sr, "VDIs"))
        return self.foreign_bytes.get(sr, 0) + own
