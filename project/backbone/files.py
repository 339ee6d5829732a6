"""Files that people hand in: written in full before they get their place, so that no reader meets half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from project.backbone.problems import Refused


@contextmanager
def uploading(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file in `folder` (made with mode 0700) and its path; whoever has written it all flushes it and moves it to its place.

    What is not moved is removed. Raises: Refused (507) `file_not_stored` when the data folder takes no more.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".uploading-")
        part = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file, part
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise Refused(
            507,
            "The file cannot be stored",
            f"The server's data folder does not take the file: {error.strerror or error}.",
            code="file_not_stored",
            next_step="Have room made in the data folder (XENBOUND_VAR), then hand the file in again.",
        ) from error
