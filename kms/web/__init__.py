"""The pages of KMS: what each host counts, drawn over time, and the verdict (hosts.py), the way to the hosts (network.py)."""

from __future__ import annotations

from kms.web import hosts, network

PAGES = [*hosts.PAGES, *network.PAGES]
