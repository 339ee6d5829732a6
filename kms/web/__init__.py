"""The pages of KMS: what each host counts and the verdict (hosts.py), the hosts' collection (collecting.py), the way to them
(network.py), uploads, and guests.
"""

from __future__ import annotations

from kms.web import collecting, guests, hosts, network, uploads

PAGES = [*uploads.PAGES, *guests.PAGES, *network.PAGES, *collecting.PAGES, *hosts.PAGES]
