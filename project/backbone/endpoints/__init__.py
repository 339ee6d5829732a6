"""The one row per vCenter, ESXi, pool and KMS host: URL, confirmed pins, sealed password. Snapshots hang on its id elsewhere."""
