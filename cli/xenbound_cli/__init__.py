"""The `xenbound` command: an HTTP client of Xenbound's API, a distribution of its own.

It knows names on the wire and nothing else: no rule, no state machine and no database of the product belongs here.
"""

from __future__ import annotations

__version__ = "0.1.0"
