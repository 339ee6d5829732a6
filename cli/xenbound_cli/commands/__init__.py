"""The commands, one module per noun. Each module's `add` declares its arguments; each command calls the API and shows the answer.

A command returns an exit code; None means done. Nothing is decided here that the server should decide.
"""

from __future__ import annotations
