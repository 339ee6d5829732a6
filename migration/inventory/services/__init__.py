"""Writing the inventory: sources, collections and what people decide on machines. Reading is in selectors."""
