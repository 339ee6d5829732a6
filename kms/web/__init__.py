"""The pages of KMS: counts and the verdict (hosts.py), their collection, the way to the hosts, uploads, guests."""

from __future__ import annotations

from kms.web import collecting, guests, hosts, network, uploads

PAGES = [*uploads.PAGES, *guests.PAGES, *network.PAGES, *collecting.PAGES, *hosts.PAGES]
