"""A KMS host's log of 50,000 events replayed and its 5,000 clients projected over 45 days, and the same at twice of it.

Timed is what a forecast's answer takes once its readings are loaded. The clients move in part, so that both ends are computed.
"""

from __future__ import annotations

import statistics
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from estate.facts.kms import KmsContact
from kms.core.expected import last_contacts
from kms.core.forecast import forecast
from kms.core.milestones import milestones
from kms.core.observed import HostHistory
from kms.core.plan import Plan, PlannedMove
from tests.builders.kms import a_contact, a_history, a_reading, cmid, day

ROUNDS = 5
LARGE_EVENTS, SMALL_EVENTS = 100_000, 50_000
EVENTS_PER_CLIENT = 10
LIMIT_S = 5.0
LINEAR = 1.2
READ_ON = 35.0


def run(work: Path) -> dict[str, Any]:
    """Both sizes in every round; medians of the ratios inside a round."""
    large, small = _case(LARGE_EVENTS), _case(SMALL_EVENTS)
    rounds = [(_timed(*large), _timed(*small)) for _ in range(ROUNDS)]
    whole = statistics.median(little for _, little in rounds)
    per_event = statistics.median((big / LARGE_EVENTS) / (little / SMALL_EVENTS) for big, little in rounds)
    return {
        "name": "kms_50k",
        "unit": "seconds of the processor; ratio of cost per event",
        "runs": ROUNDS,
        "peer_version": "",
        "cases": [
            {"case": "replay_50000_events_forecast_5000_clients", "ours": round(whole, 3), "peer": None, "limit": LIMIT_S},
            {"case": "cost_per_event_100000_against_50000", "ratio": round(per_event, 3), "limit": LINEAR},
        ],
    }


def _case(events: int) -> tuple[HostHistory, Plan]:
    clients = events // EVENTS_PER_CLIENT
    contacts: list[KmsContact] = []
    for number in range(clients):
        required = 5 if number % 3 else 25
        first = (number % 340) / 100
        days = [first + 3.5 * nth for nth in range(EVENTS_PER_CLIENT)]
        contacts += (a_contact(f"m{number}", at, required) for at in days)
    history = a_history(a_reading(READ_ON, contacts, current_count=50))
    moves = tuple(PlannedMove(cmid(f"m{number}"), day(READ_ON) + timedelta(days=2)) for number in range(0, clients, 4))
    return history, Plan(moves=moves)


def _timed(history: HostHistory, plan: Plan) -> float:
    began_s = time.process_time()
    projected = forecast(history, now=day(READ_ON), days=45, plan=plan)
    milestones(projected, last_contacts(history, day(READ_ON)))
    return time.process_time() - began_s
