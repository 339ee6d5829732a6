"""A short look at a pool, taken every few seconds while a failover trial runs: who is alive since when, with how many paths.

A value that could not be read is None here. Times are aware UTC; `at` is the collector's clock, message times are the pool's.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class HostLook(Struct, frozen=True):
    """`paths_active`: paths to the SR that is watched. `latency_s`: state-file latency from the host's statistics, in seconds."""

    uuid: str
    live: bool | None
    boot_time: datetime | None
    paths_active: int | None = None
    latency_s: float | None = None


class MessageLook(Struct, frozen=True):
    uuid: str
    name: str
    obj_uuid: str
    at: datetime


class PoolLook(Struct, frozen=True):
    """`ha_enabled` and `ha_configuration` are the pool's fields; None where it does not tell them.

    `messages` are None when they could not be read: then nobody knows what the pool said.
    """

    at: datetime
    ha_enabled: bool | None
    ha_configuration: dict[str, str] | None
    other_config: dict[str, str] | None
    hosts: tuple[HostLook, ...]
    messages: tuple[MessageLook, ...] | None = ()
