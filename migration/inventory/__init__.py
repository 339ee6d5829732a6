"""Inventory: what a source holds, collected once and kept unchanged; the stable identity of its machines."""
