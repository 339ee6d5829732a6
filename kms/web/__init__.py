"""The pages of KMS: what each host counts, drawn over time, and the verdict (hosts.py), their collection (collecting.py) and the
way to them (network.py).
"""

from __future__ import annotations

from kms.web import collecting, hosts, network

PAGES = [*hosts.PAGES, *collecting.PAGES, *network.PAGES]
