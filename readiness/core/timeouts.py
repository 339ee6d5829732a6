"""The HA timeout T: which value is in force and what xapi derives from it.

Pure arithmetic. Source: xen-api `ocaml/xapi/xapi_ha.ml` (`get_base_t`, `Timeouts.derive`).
"""

from __future__ import annotations

from dataclasses import dataclass

from estate.facts.pool import PoolFacts
from estate.facts.unknown import Unknown
from readiness.core.policy import Policy

TIMEOUT_FLOOR_S = 10


class TimeoutTooShort(ValueError):
    """xapi refuses a base timeout below ten seconds."""

    code = "ha_timeout_too_short"


@dataclass(frozen=True, slots=True)
class DerivedTimeouts:
    """Seconds, as xapi writes them into each host's HA daemon configuration."""

    timeout_s: int
    heartbeat_interval_s: int
    statefile_interval_s: int
    heartbeat_watchdog_s: int
    statefile_watchdog_s: int
    join_s: int


def derive(timeout_s: int) -> DerivedTimeouts:
    """What follows from a base timeout of `timeout_s` seconds. Raises: TimeoutTooShort below ten."""
    if timeout_s < TIMEOUT_FLOOR_S:
        raise TimeoutTooShort(f"An HA timeout of {timeout_s} s is refused; the least is {TIMEOUT_FLOOR_S} s.")
    return DerivedTimeouts(
        timeout_s=timeout_s,
        heartbeat_interval_s=min((timeout_s + 10) // 10, 3),
        statefile_interval_s=max(2, timeout_s // 20),
        heartbeat_watchdog_s=timeout_s,
        statefile_watchdog_s=timeout_s + 15,
        join_s=timeout_s + 60,
    )


MONITOR_INTERVAL_S = 20
SHORTEST_DECLARATION_S = 10


def declared_dead_s(timeout_s: int) -> int:
    """How long after it lost its disk a host is called dead by the others, at most: before, no fence can have been seen.

    Source: xha `daemon/sm.c`; xapi's monitor looks every 20 s.
    """
    derived = derive(timeout_s)
    watchdog_s = max(derived.heartbeat_watchdog_s, derived.statefile_watchdog_s)
    interval_s = max(derived.heartbeat_interval_s, derived.statefile_interval_s)
    return timeout_s + max(watchdog_s - timeout_s + interval_s, SHORTEST_DECLARATION_S) + MONITOR_INTERVAL_S


@dataclass(frozen=True, slots=True)
class EffectiveTimeout:
    """The timeout in force and the field that says so."""

    timeout_s: int | Unknown
    source: str


def _seconds(text: str, where: str) -> int | Unknown:
    return int(text) if text.strip().isdecimal() else Unknown(f"{where} holds {text!r}, which is no number of seconds")


def next_timeout(facts: PoolFacts, policy: Policy) -> EffectiveTimeout:
    """What `pool.ha_configuration`, else `default_ha_timeout`, else the product's default say, in that order."""
    if isinstance(facts.ha_configuration, Unknown):
        return EffectiveTimeout(facts.ha_configuration, "pool.ha_configuration")
    if "timeout" in facts.ha_configuration:
        where = 'pool.ha_configuration["timeout"]'
        return EffectiveTimeout(_seconds(facts.ha_configuration["timeout"], where), where)
    if isinstance(facts.other_config, Unknown):
        return EffectiveTimeout(facts.other_config, "pool.other_config")
    if "default_ha_timeout" in facts.other_config and policy.default_survives_reenable:
        where = 'pool.other_config["default_ha_timeout"]'
        return EffectiveTimeout(_seconds(facts.other_config["default_ha_timeout"], where), where)
    return EffectiveTimeout(policy.default_timeout_s, f"default of profile {policy.name}")


def effective_timeout(facts: PoolFacts, policy: Policy) -> EffectiveTimeout:
    """The timeout in force now. While HA is off there is none: the stored one is history only."""
    if isinstance(facts.ha_enabled, Unknown):
        return EffectiveTimeout(facts.ha_enabled, "pool.ha_enabled")
    if not facts.ha_enabled:
        return EffectiveTimeout(Unknown("HA is off, so no timeout is in force"), "pool.ha_enabled")
    return next_timeout(facts, policy)
