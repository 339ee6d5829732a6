"""The one script of Xenbound that a KMS host runs: shipped as a file, so that people read, sign and run the very same text."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def collection_script() -> str:
    """The text of `kms-collect.ps1`. It only reads, and prints one JSON document."""
    return files("estate.kmshost").joinpath("data", "kms-collect.ps1").read_text(encoding="utf-8")
