"""The pages of KMS: what each host counts and the verdict (hosts.py), the way to the hosts (network.py), uploads, and guests."""

from __future__ import annotations

from kms.web import guests, hosts, network, uploads

PAGES = [*uploads.PAGES, *guests.PAGES, *network.PAGES, *hosts.PAGES]
