"""Where a package may lie: under the folder that the administrator allowed, and nowhere else."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from estate.ova.errors import PathNotAllowed


def resolve(import_dir: Path | None, relative: str) -> Path:
    """The existing file or folder `relative` under `import_dir`, links followed.

    Raises:
        PathNotAllowed: no import folder is set, or the path is absolute, climbs, leads out through a link, or does not exist.
    """
    if import_dir is None:
        raise _refused("No import folder is set on this server", relative, "Set XENBOUND_IMPORT_DIR and start the server again.")
    named = PurePosixPath(relative)
    if not relative or named.is_absolute() or ".." in named.parts or "\\" in relative or "\0" in relative:
        raise _refused(
            "The path has to be relative to the import folder, without '..'", relative, "Write it like exports/web.ova."
        )
    try:
        root = import_dir.resolve(strict=True)
        found = (root / named).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise _refused(
            "There is no such file in the import folder", relative, "Put the package there, or correct the path."
        ) from None
    if not found.is_relative_to(root):
        raise _refused("The path leads out of the import folder", relative, "Copy the package itself there instead of a link.")
    return found


def _refused(what: str, relative: str, next_step: str) -> PathNotAllowed:
    return PathNotAllowed(what, next_step=next_step, where=relative[:200].replace("\0", "\\0"))
