"""Assessment: what stands against moving a machine, rule by rule, in three values."""
