"""What can be wrong with an OVF package. Each names the file; none passes by repeating."""

from __future__ import annotations

from estate.errors import AskPerson

_EXPORT_AGAIN = "Export the machine again, or copy the whole package again, then collect the source once more."


class PathNotAllowed(AskPerson):
    """The path leaves the import folder, or there is no import folder."""

    code = "ova_path_not_allowed"


class PackageNotReadable(AskPerson):
    """The archive or file is missing, cut off or damaged."""

    code = "ova_not_readable"

    def __init__(self, message: str, *, where: str) -> None:
        super().__init__(message, next_step=_EXPORT_AGAIN, where=where)


class MemberUnsafe(AskPerson):
    """A member has a name or kind that no OVF package needs."""

    code = "ova_member_unsafe"

    def __init__(self, message: str, *, where: str) -> None:
        step = "Do not use this archive before you know who made it; export the machine again from its source."
        super().__init__(message, next_step=step, where=where)


class ManifestMismatch(AskPerson):
    """A file is not the one the manifest speaks of, or the manifest cannot be read."""

    code = "ova_manifest_mismatch"

    def __init__(self, message: str, *, where: str) -> None:
        super().__init__(message, next_step=_EXPORT_AGAIN, where=where)


class DescriptorInvalid(AskPerson):
    """The OVF descriptor breaks the rules of its format, or leaves the bounds of this reader."""

    code = "ovf_invalid"

    def __init__(self, message: str, *, where: str) -> None:
        super().__init__(message, next_step=_EXPORT_AGAIN, where=where)


class DiskFormatRefused(AskPerson):
    """A disk file is chunked, compressed around its format, or of a format that is not read."""

    code = "ovf_disk_format"

    def __init__(self, message: str, *, where: str) -> None:
        step = "Export the machine again as OVF with streamOptimized VMDK disks, unchunked and without outer compression."
        super().__init__(message, next_step=step, where=where)
