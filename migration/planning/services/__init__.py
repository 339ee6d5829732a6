"""Writing plans: mappings, planning, approval. Reading is in selectors, deciding in core."""
