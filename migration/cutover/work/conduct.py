"""Conducts the machines of a wave: prepare all, cut all over, roll all back. Holds no slot while others work.

A cutover runs gate -> copy -> gate -> go live. A crash or a wait comes back here with the phase in the checkpoint. Machines fail
alone: the wave goes on with the others and says at the end who stayed behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any
from uuid import UUID

from estate.errors import AskPerson
from migration.conversion import selectors as conversions
from migration.conversion.core.states import Event, State, may
from migration.conversion.selectors import Conversion
from migration.conversion.services import lifecycle
from migration.cutover.core.gate import GateState
from migration.cutover.models import GateDecisionRow, Phase
from migration.cutover.services.machines import create_conversions
from migration.cutover.work.gate import answer
from project.backbone.jobs.context import JobContext

POLL_S = 1.0
BEING_PREPARED = frozenset({State.PLANNED, State.PREPARING})
TO_COPY = frozenset({State.READY, State.COPYING, State.VERIFYING})
"""A machine that an earlier, cancelled cutover left copying is waited for: asking for its copy again gives the same job."""


def start_wave(job: JobContext, wave_id: str) -> dict[str, Any]:
    """Make every machine of the wave in the pool. Returns the number of conversions by state."""
    if "asked" not in job.checkpoint:
        rows = create_conversions(UUID(wave_id), actor=job.actor)
        due = [row for row in rows if State(row.state) in BEING_PREPARED]
        job.save_checkpoint({"asked": [str(lifecycle.start_preparing(row, actor=job.actor).pk) for row in due]})
    _wait_while_asked(job, wave_id, "asked", BEING_PREPARED, "are being prepared")
    return _outcome(wave_id)


def cut_over_wave(job: JobContext, wave_id: str, decision_id: UUID) -> dict[str, Any]:
    """Gate, copy, gate, go live, on the strength of the signed answer `decision_id`.

    Raises AskPerson `gate_closed` with the first reasons when a gate stays closed.
    """
    if "closed" in job.checkpoint:
        raise _gate_was_closed()
    if _phase(job) == "before_copy":
        _require_open(job, answer(job, wave_id, Phase.BEFORE_COPY, signed_as=decision_id))
        _advance(job, "copy")
    if _phase(job) == "copy":
        _ask_once(job, wave_id, "copy", TO_COPY)
        _wait_while_asked(job, wave_id, "copy", TO_COPY, "are being copied")
        _advance(job, "before_start")
    if _phase(job) == "before_start" and _in_state(wave_id, State.CUTTING_OVER):
        _require_open(job, answer(job, wave_id, Phase.BEFORE_START, signed_as=decision_id))
    _advance(job, "go_live")
    _ask_once(job, wave_id, "go_live", {State.CUTTING_OVER})
    _wait_while_asked(job, wave_id, "go_live", {State.CUTTING_OVER}, "are being started")
    return _outcome(wave_id)


def roll_back_wave(job: JobContext, wave_id: str) -> dict[str, Any]:
    """Roll back every machine that allows it. Returns the number of conversions by state."""
    if "asked" not in job.checkpoint:
        able = [row for row in conversions.conversions_of_wave(wave_id) if may(State(row.state), Event.ROLL_BACK)]
        asked = [str(lifecycle.roll_back(row, actor=job.actor).pk) for row in able]
        job.save_checkpoint({"asked": asked})
    pending = lifecycle.unfinished(job.checkpoint["asked"])
    if pending:
        job.wait(POLL_S, f"{pending} machines are being rolled back")
    return _outcome(wave_id)


def _phase(job: JobContext) -> str:
    return str(job.checkpoint.get("phase", "before_copy"))


def _advance(job: JobContext, phase: str) -> None:
    if _phase(job) != phase:
        job.save_checkpoint({**job.checkpoint, "phase": phase})


def _gate_was_closed() -> AskPerson:
    return AskPerson(
        "This cutover ended at a closed gate and does not go on by itself.",
        code="gate_closed",
        next_step="Ask the gate again, have it signed, and start a new cutover; what is prepared or copied stays.",
    )


def _require_open(job: JobContext, row: GateDecisionRow) -> None:
    """Go on or end here: the checkpoint remembers a closed gate, so that repeating the job cannot pass it unsigned."""
    if row.state == GateState.OPEN.value and row.signed_at is not None:
        return
    job.save_checkpoint({**job.checkpoint, "closed": str(row.pk)})
    named = "; ".join(f"{reason['code']} {reason['subject']}: {reason['detail']}" for reason in row.reasons[:3])
    raise AskPerson(
        f"The gate is closed ({row.get_phase_display().lower()}): {named}",
        code="gate_closed",
        next_step="Work through the reasons, ask the gate again, have it signed, and cut over again; what is prepared stays.",
    )


def _ask_once(job: JobContext, wave_id: str, leg: str, states: Collection[State]) -> None:
    """Ask for one leg of every conversion that is in one of `states`; the checkpoint keeps a restart from asking again."""
    if leg in job.checkpoint:
        return
    start = lifecycle.start_copying if leg == "copy" else lifecycle.start_going_live
    asked = [str(start(row, actor=job.actor).pk) for row in _in_state(wave_id, *states)]
    job.save_checkpoint({**job.checkpoint, leg: asked})


def _wait_while_asked(job: JobContext, wave_id: str, leg: str, states: Collection[State], doing: str) -> None:
    """Wait for the jobs of a leg; a conversion whose job ended is not waited for, whatever its state says."""
    rows = conversions.conversions_of_wave(wave_id)
    busy = [row for row in rows if State(row.state) in states]
    pending = lifecycle.unfinished(job.checkpoint[leg])
    job.progress(len(rows) - len(busy), len(rows), "machines")
    if pending:
        job.wait(POLL_S, f"{pending} machines {doing}")


def _in_state(wave_id: str, *states: State) -> list[Conversion]:
    return [row for row in conversions.conversions_of_wave(wave_id) if State(row.state) in states]


def _outcome(wave_id: str) -> dict[str, Any]:
    rows = conversions.conversions_of_wave(wave_id)
    return {"conversions": dict(Counter(row.state for row in rows)), "left_behind": [row.name for row in rows if row.error]}
