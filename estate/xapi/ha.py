"""Switching HA off and on and keeping its default timeout. Nobody calls this without a grant for the very pool.

Source: xen-api `xapi_ha.ml`; `disable_ha` retries for ever inside the pool, so it runs as a task with a deadline of ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from estate.xapi import tasks
from estate.xapi.session import XapiSession

DEFAULT_KEY = "default_ha_timeout"
SWITCH_OFF_DEADLINE_S = 600.0
SWITCH_ON_MARGIN_S = 300.0


def keep_default(session: XapiSession, timeout_s: str | None) -> None:
    """Set `pool.other_config:default_ha_timeout`, or take it away for None. Raises: EdgeError."""
    pool = session.call("pool.get_all")[0]
    session.call("pool.remove_from_other_config", pool, DEFAULT_KEY)
    if timeout_s is not None:
        session.call("pool.add_to_other_config", pool, DEFAULT_KEY, timeout_s)


def switch_off(session: XapiSession) -> None:
    """Disable HA. Raises: TaskStuck after ten minutes, EdgeError."""
    tasks.run(session, "pool.disable_ha", deadline_s=SWITCH_OFF_DEADLINE_S, what="switching HA off")


def switch_on(session: XapiSession, sr_uuid: str, configuration: Mapping[str, str], join_s: float) -> None:
    """Enable HA on one SR with this configuration. `join_s`: how long hosts may take to join. Raises: TaskStuck, EdgeError."""
    sr = session.call("SR.get_by_uuid", sr_uuid)
    deadline_s = join_s + SWITCH_ON_MARGIN_S
    tasks.run(session, "pool.enable_ha", [sr], dict(configuration), deadline_s=deadline_s, what="switching HA on")
