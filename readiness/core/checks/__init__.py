"""The checks, a module per family of the catalogue. Importing this package registers them all."""

from readiness.core.checks import composition, ha_config, heartbeat, heartbeat_paths, network, tuning

__all__ = ["composition", "ha_config", "heartbeat", "heartbeat_paths", "network", "tuning"]
