"""Pure parts of the inventory: identity of content, what is volatile, what changed between two inventories."""
