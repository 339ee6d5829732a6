"""GET /rrd_updates: a host's heartbeat latencies as its statistics have them, once `host.record_data_source` was called for each.

One row a minute, and the running one; the highest stall of each. Source: rrdd_http_handler.ml, rrdd_ha_stats.ml.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from lab.xapi_sim.context import Context, api_call
from lab.xapi_sim.pool import Pool

ROW_S = 60
QUIET_LATENCY_S = 0.01


@api_call("host.record_data_source")
def record_data_source(context: Context, host: str, data_source: str) -> None:
    """Keep the data source from now on."""
    context.pool.recorded.setdefault(host, {})[data_source] = context.pool.clock.now()


def updates(pool: Pool, host: str, params: Mapping[str, str]) -> bytes:
    """The answer's document for the host that was asked."""
    now = int(pool.clock.now().timestamp())
    start = int(params["start"]) if params.get("start", "").isdigit() else now - ROW_S
    names = sorted(pool.recorded.get(host, {})) if pool.armed_timeout_s is not None else []
    ends = [*range(start + ROW_S, now, ROW_S), now]
    legend = "".join(f"<entry>MAX:host:{pool.uuid_of('host', host)}:{escape(name)}</entry>" for name in names)
    rows = "".join(_row(pool, host, names, end) for end in reversed(ends))
    meta = f"<start>{start}</start><step>{ROW_S}</step><end>{now}</end><rows>{len(ends)}</rows><columns>{len(names)}</columns>"
    return f"<xport><meta>{meta}<legend>{legend}</legend></meta><data>{rows}</data></xport>".encode()


def _row(pool: Pool, host: str, names: list[str], end: int) -> str:
    cells = "".join(f"<v>{_highest(pool, host, name, end)}</v>" for name in names)
    return f"<row><t>{end}</t>{cells}</row>"


def _highest(pool: Pool, host: str, name: str, end: int) -> Any:
    """NaN before it was recorded; else the longest stall that ended in this row's minute."""
    if pool.recorded[host][name].timestamp() > end:
        return "NaN"
    first = datetime.datetime.fromtimestamp(end - ROW_S, datetime.UTC)
    last = datetime.datetime.fromtimestamp(end + 1, datetime.UTC)
    stood = pool.stalls.get(host, []) if name.startswith("statefile/") else []
    stalls = [s for at, s in stood if first <= at <= last]
    return f"{max(stalls, default=QUIET_LATENCY_S):.4f}"
