"""RVTools workbooks (`.xlsx`, CSV folder or zip, any version) as facts of an estate.

What a workbook does not have is UNKNOWN: live changes, device lists, encryption keys, and everything on a sheet that is missing.
"""

from __future__ import annotations

from estate.rvtools.read import OnPage, read

__all__ = ["OnPage", "read"]
