"""Inventory of a vCenter or ESXi: bulk reads the raw way, page by page, straight into `estate.facts.source`.

`collect` is the door. Nothing in here changes anything on the source, and nothing keeps what it read.
"""

from estate.vsphere.inventory.collect import OnPage, collect

__all__ = ["OnPage", "collect"]
