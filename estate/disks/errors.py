"""What can be wrong with a disk on its way. Each names the byte offset; retrying helps only where the line failed."""

from __future__ import annotations

from estate.errors import AskPerson, Retry

_READ_SOURCE_AGAIN = "Export the disk again; if it happens again, have the source datastore checked."


class StreamTruncated(Retry):
    """The stream ended before the disk did. Whatever the transport said, this is a failed read."""

    code = "disk_stream_truncated"

    def __init__(self, offset_bytes: int, expected: str) -> None:
        super().__init__(
            f"the disk stream ended at byte {offset_bytes}, before {expected}",
            next_step="The copy starts again by itself. If it keeps ending there, look at the source host and the network path.",
        )


class StreamLost(Retry):
    """Reading the source failed underneath the format."""

    code = "disk_stream_lost"

    def __init__(self, offset_bytes: int, reason: str) -> None:
        super().__init__(
            f"reading the source disk failed at byte {offset_bytes}: {reason}",
            next_step="The copy starts again by itself. If it keeps failing, look at the source host and the network path.",
        )


class StreamMalformed(AskPerson):
    """The stream breaks the rules of its format; `code` says which."""

    code = "vmdk_malformed"

    def __init__(self, offset_bytes: int, what: str, *, code: str = "") -> None:
        message = f"the VMDK stream is not usable: {what} (at byte {offset_bytes})"
        super().__init__(message, code=code, next_step=_READ_SOURCE_AGAIN)
        self.offset_bytes = offset_bytes


class SourceChanged(AskPerson):
    """A resumed copy read other bytes from the source than the copy it continues."""

    code = "disk_source_changed"

    def __init__(self, upto_bytes: int) -> None:
        super().__init__(
            f"the first {upto_bytes} bytes of the source disk differ from what was already copied",
            next_step="Somebody changed the source since. Start again: it is copied from the beginning then.",
        )


class SourceOutOfOrder(AskPerson):
    """A source gave an extent behind or beyond where it may be."""

    code = "disk_source_out_of_order"

    def __init__(self, offset_bytes: int, what: str) -> None:
        super().__init__(f"the source disk gave bytes at {offset_bytes}, {what}", next_step=_READ_SOURCE_AGAIN)


class ReadBackShort(Retry):
    """The target ended before its capacity was read back."""

    code = "disk_read_back_short"

    def __init__(self, offset_bytes: int, capacity_bytes: int) -> None:
        super().__init__(
            f"reading the copied disk back ended at byte {offset_bytes} of {capacity_bytes}",
            next_step="The verification starts again by itself. If it keeps ending there, look at the SR that holds the VDI.",
        )


class ReadBackMalformed(AskPerson):
    """What the target sent for reading back is not the image that was asked for."""

    code = "disk_read_back_malformed"

    def __init__(self, offset_bytes: int, what: str) -> None:
        super().__init__(
            f"what came back of the copied disk cannot be read: {what} (at byte {offset_bytes})",
            next_step="Look at the VDI and at the toolstack's log on the host that served it, then retry: nothing is proven yet.",
        )


class TargetExists(AskPerson):
    """The file that a disk should be written to is there already."""

    code = "disk_target_exists"

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} exists already; it was left alone", next_step="Give another name, or remove that file first.")


class TargetFull(AskPerson):
    """The file system that a disk is written to cannot hold it."""

    code = "disk_target_full"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"writing {path} failed: {reason}; what was written of it is removed",
            next_step="Free space there, or write to another file system, then start again.",
        )


class TargetFailed(AskPerson):
    """The system refuses to write the file."""

    code = "disk_target_failed"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"writing {path} failed: {reason}", next_step="Check that folder, its rights and its medium, then start again."
        )


class TargetTooLarge(AskPerson):
    """The format cannot hold a disk of this size."""

    code = "disk_target_too_large"

    def __init__(self, path: str, kind: str, limit_bytes: int) -> None:
        super().__init__(
            f"{path}: a {kind} holds {limit_bytes >> 30} GiB at most", next_step="Write this disk as raw or qcow2 instead."
        )


class ImageMalformed(AskPerson):
    """A file of a disk breaks the rules of its format."""

    code = "disk_image_malformed"

    def __init__(self, name: str, offset_bytes: int, what: str) -> None:
        super().__init__(
            f"{name} is not usable: {what} (at byte {offset_bytes})",
            next_step="Check the disk with its own product (vmkfstools -x check), repair it or restore it, then start again.",
        )
        self.offset_bytes = offset_bytes


class ImageKindRefused(AskPerson):
    """A file of a disk is of a kind that is not read here."""

    code = "disk_image_kind"

    def __init__(self, name: str, what: str) -> None:
        super().__init__(
            f"{name} cannot be read: {what}", next_step="Export the machine instead, or clone the disk to a thin one."
        )


class ImageFileMissing(AskPerson):
    """A file that a disk consists of is not there."""

    code = "disk_image_missing"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} cannot be opened: {why}", next_step="Put all files of the disk where its descriptor says.")


class ImageChainBroken(AskPerson):
    """A disk and the parents it is built on do not fit together."""

    code = "disk_chain_broken"

    def __init__(self, name: str, what: str) -> None:
        super().__init__(
            f"the chain of {name} is broken: {what}",
            next_step="Never copy it as it is: consolidate the machine's snapshots, or restore the parent it was made on.",
        )


class ImageReadFailed(Retry):
    """The medium failed under a file of a disk."""

    code = "disk_image_read_failed"

    def __init__(self, name: str, offset_bytes: int, reason: str) -> None:
        super().__init__(
            f"reading {name} failed at byte {offset_bytes}: {reason}",
            next_step="The copy starts again by itself. If it keeps failing, check the medium that the file lies on.",
        )
