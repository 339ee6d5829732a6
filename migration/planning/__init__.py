"""Planning: where a machine goes in the pool (mapping), which machines go together (wave), and why."""
