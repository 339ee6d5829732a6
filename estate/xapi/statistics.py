"""What hosts keep in their statistics: the latencies of the heartbeat, read from the round-robin archives each serves over HTTP.

The data sources exist only while HA is on, and only where somebody had them recorded (`xe host-data-source-record`); a host that
keeps none, or a gap in it, is UNKNOWN. Source: xen-api `rrdd_ha_stats.ml` (names, seconds), `rrdd_http_handler.ml` (rrd_updates).
"""

from __future__ import annotations

import http.client
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from urllib.parse import urlencode

from lxml import etree

from estate.errors import EdgeError
from estate.facts.pool import HeartbeatLatencyFacts
from estate.facts.unknown import Unknown
from estate.tls import PinnedHTTPSConnection, line_error
from estate.xapi.session import XapiSession
from estate.xapi.transport import split_address

PATH = "/rrd_updates"
INTERVAL_S = 60
"""The finest archive of maxima; the finer one keeps averages, which would hide a stall."""
MOST_BYTES = 8 << 20
PATIENCE_S = 10.0


MOST_AT_ONCE = 8
NETWORK = "network/latency"


def latencies(
    session: XapiSession, addresses: Mapping[str, str], statefile_uuid: str, since: datetime
) -> tuple[HeartbeatLatencyFacts, ...]:
    """The highest latencies since then of the hosts at `addresses` (uuid -> address), one request to each, several at a time."""

    def ask(host: tuple[str, str]) -> HeartbeatLatencyFacts:
        return _of_host(session, *host, statefile_uuid, since)

    with ThreadPoolExecutor(max_workers=MOST_AT_ONCE, thread_name_prefix="statistics") as several:
        return tuple(several.map(ask, sorted(addresses.items())))


def _of_host(session: XapiSession, uuid: str, address: str, statefile_uuid: str, since: datetime) -> HeartbeatLatencyFacts:
    query = {"session_id": session.handle, "start": int(since.timestamp()), "interval": INTERVAL_S, "cf": "MAX", "host": "true"}
    try:
        body = _get(session, address, f"{PATH}?{urlencode(query)}")
    except EdgeError as failure:
        why = Unknown(f"its statistics could not be read ({failure.code})")
        return HeartbeatLatencyFacts(uuid, since, why, why)
    return HeartbeatLatencyFacts(uuid, since, _told(body, f"statefile/{statefile_uuid}/latency"), _told(body, NETWORK))


def _told(body: bytes, source: str) -> float | Unknown:
    found = highest(body, source)
    return Unknown(f"the host does not record {source}, or not all of the time") if found is None else found


def _get(session: XapiSession, address: str, target: str) -> bytes:
    """The answer's body; empty for any status but 200. Raises: EdgeError."""
    host, port = split_address(address, session.port)
    where = f"{session.name} ({address}), its statistics"
    line = PinnedHTTPSConnection(host, port, pins=session.pins, timeout_s=PATIENCE_S, where=where)
    try:
        line.request("GET", target)
        answer = line.getresponse()
        return answer.read(MOST_BYTES) if answer.status == http.client.OK else b""
    except (OSError, http.client.HTTPException) as error:
        raise line_error(error, where=where) from None  # the cause may carry the request with the session in it
    finally:
        line.close()


def highest(body: bytes, source: str) -> float | None:
    """The highest value of a data source in an `xport` document; None without the source, without rows, or with a gap."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    names = [str(entry.text or "").split(":") for entry in root.iterfind("meta/legend/entry")]
    column = next((n for n, parts in enumerate(names) if parts[0] == "MAX" and parts[-1] == source), None)
    if column is None:
        return None
    values = [_value([each.text for each in row.iterfind("v")], column) for row in root.iterfind("data/row")]
    return max(values) if values and all(math.isfinite(value) for value in values) else None


def _value(cells: list[str | None], column: int) -> float:
    try:
        return float(cells[column] or "nan")
    except (IndexError, ValueError):
        return math.nan
