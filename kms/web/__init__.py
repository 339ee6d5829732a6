"""The pages of KMS: what each host counts, drawn over time, and the verdict (hosts.py)."""

from __future__ import annotations

from kms.web import hosts

PAGES = [*hosts.PAGES]
