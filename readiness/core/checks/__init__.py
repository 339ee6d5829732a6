"""The checks, a module per family of the catalogue. Importing this package registers them all."""

from readiness.core.checks import (
    agility,
    composition,
    ha_config,
    heartbeat,
    heartbeat_paths,
    network,
    network_fit,
    room,
    storage,
    tuning,
    uniformity,
)

__all__ = [
    "agility",
    "composition",
    "ha_config",
    "heartbeat",
    "heartbeat_paths",
    "network",
    "network_fit",
    "room",
    "storage",
    "tuning",
    "uniformity",
]
