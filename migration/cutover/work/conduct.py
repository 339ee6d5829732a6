"""Conducts the machines of a wave: prepare all, cut all over, roll all back. Holds no slot while others work.

A cutover runs gate -> copy -> gate -> go live. A crash or a wait comes back here with the phase in the checkpoint. Machines fail
alone: the wave goes on with the others and says at the end who stayed behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from estate.errors import AskPerson
from migration.conversion import selectors as conversions
from migration.conversion.core.states import State
from migration.conversion.selectors import Conversion
from migration.conversion.services import lifecycle, looking
from migration.conversion.services.transitions import note
from migration.cutover import selectors
from migration.cutover.core.batch import room_for
from migration.cutover.core.gate import GateState, is_stale
from migration.cutover.models import GateDecisionRow, Phase
from migration.cutover.services import waves
from migration.cutover.services.batches import options_of_wave
from migration.cutover.services.machines import create_conversions
from migration.cutover.work.gate import answer
from migration.planning import selectors as planning
from project.backbone.accounts.policy import Actor
from project.backbone.clock import now
from project.backbone.jobs.context import JobContext
from project.backbone.models import Job
from project.backbone.problems import Conflict

POLL_S = 1.0
TOLD = 5
Start = Callable[..., Job]


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg as a wave runs it: who is due for it, how it is asked for, and what is said meanwhile.

    `name` is where the checkpoint keeps its jobs. A machine that an earlier, cancelled cutover left copying is due for its
    copy: asking again gives the same job. One that failed when its VM may have run is taken up by itself, by a person.
    """

    name: str
    states: frozenset[State]
    start: Start
    doing: str

    def takes(self, row: Conversion) -> bool:
        """Whether the machine is due for it."""
        state = State(row.state)
        return state in self.states and not (state is State.FAILED and row.start_asked_at is not None)


def _prepare_or_retry(row: Conversion, *, actor: Actor) -> Job:
    again = State(row.state) is State.FAILED
    return lifecycle.retry(row, actor=actor) if again else lifecycle.start_preparing(row, actor=actor)


BEING_PREPARED = frozenset({State.PLANNED, State.PREPARING})
PREPARE = Leg("asked", BEING_PREPARED, lifecycle.start_preparing, "are being prepared")
RETRY = Leg("asked", BEING_PREPARED | {State.FAILED}, _prepare_or_retry, "are being prepared again")
COPY = Leg("copy", frozenset({State.READY, State.COPYING, State.VERIFYING}), lifecycle.start_copying, "are being copied")
GO_LIVE = Leg("go_live", frozenset({State.CUTTING_OVER}), lifecycle.start_going_live, "are being started")


def start_wave(job: JobContext, wave_id: str) -> dict[str, Any]:
    """Make every machine of the wave in the pool. Returns the number of conversions by state."""
    if "asked" not in job.checkpoint:
        create_conversions(UUID(wave_id), actor=job.actor)
    _run_leg(job, wave_id, PREPARE)
    return _outcome(job, wave_id)


def take_up_again(job: JobContext, wave_id: str) -> dict[str, Any]:
    """As `start_wave`, and what failed is taken up again from its start."""
    if "asked" not in job.checkpoint:
        create_conversions(UUID(wave_id), actor=job.actor)
    _run_leg(job, wave_id, RETRY)
    return _outcome(job, wave_id)


def cut_over_wave(job: JobContext, wave_id: str, decision_id: UUID) -> dict[str, Any]:
    """Gate, copy, gate, go live, on the strength of the signed answer `decision_id`.

    Raises AskPerson `gate_closed` with the first reasons when a gate stays closed.
    """
    if _phase(job) == "before_copy":
        _require_open(answer(job, wave_id, Phase.BEFORE_COPY, signed_as=decision_id))
        _advance(job, "preflight")
    if _phase(job) == "preflight":
        if _in_state(wave_id, State.READY):
            _require_preflight(job, wave_id)
        _advance(job, "copy")
    if _phase(job) == "copy":
        _run_leg(job, wave_id, COPY)
        _advance(job, "before_start")
    if _phase(job) == "before_start" and _in_state(wave_id, State.CUTTING_OVER):
        _require_open(answer(job, wave_id, Phase.BEFORE_START, signed_as=decision_id))
    _advance(job, "go_live")
    _require_young_answer(job, wave_id, decision_id)
    _run_leg(job, wave_id, GO_LIVE)
    return _outcome(job, wave_id)


def roll_back_wave(job: JobContext, wave_id: str) -> dict[str, Any]:
    """Roll back every machine that allows it, once what the wave's cutover had begun has ended.

    Returns the number of conversions by state. Raises: AskPerson `rollback_incomplete` naming every machine that stays behind.
    """
    if "asked" not in job.checkpoint:
        rows = conversions.conversions_of_wave(wave_id)
        busy = len(waves.cutovers_of(wave_id)) + sum(bool(lifecycle.others_at_work(row, but=job.id)) for row in rows)
        if busy:
            job.wait(POLL_S, "what the cutover had begun is let go first")
        able = [row for row in rows if waves.may_be_taken_back(row)]
        asked = {str(row.pk): str(lifecycle.roll_back(row, actor=job.actor).pk) for row in able}
        job.save_checkpoint({"asked": asked})
    asked = job.checkpoint["asked"]
    pending = lifecycle.unfinished(list(asked.values()))
    if pending:
        job.wait(POLL_S, f"{pending} machines are being rolled back")
    left = [row for row in conversions.conversions_of_wave(wave_id) if str(row.pk) in asked and row.state != State.ROLLED_BACK]
    if left:
        raise _rollback_incomplete(left)
    return _outcome(job, wave_id)


def _rollback_incomplete(left: list[Conversion]) -> AskPerson:
    told = " ".join(f"{row.name}: {(row.error or {}).get('message', 'it is ' + row.state)}." for row in left[:TOLD])
    more = f" And {len(left) - TOLD} more." if len(left) > TOLD else ""
    return AskPerson(
        f"{len(left)} machines are not rolled back: {told}{more}",
        code="rollback_incomplete",
        next_step="Look at each of them in the pool and at its source, remove the cause, then roll the wave back again.",
    )


def _phase(job: JobContext) -> str:
    return str(job.checkpoint.get("phase", "before_copy"))


def _advance(job: JobContext, phase: str) -> None:
    if _phase(job) != phase:
        job.save_checkpoint({**job.checkpoint, "phase": phase})


def _require_open(row: GateDecisionRow) -> None:
    """Go on or end here."""
    if row.state == GateState.OPEN.value and row.signed_at is not None:
        return
    named = "; ".join(f"{reason['code']} {reason['subject']}: {reason['detail']}" for reason in row.reasons[:3])
    raise AskPerson(
        f"The gate is closed ({row.get_phase_display().lower()}): {named}",
        code="gate_closed",
        next_step="Work through the reasons, ask the gate again, have it signed, and cut over again; what is prepared stays.",
    )


def _require_young_answer(job: JobContext, wave_id: str, decision_id: UUID) -> None:
    """Machines that are started hours after the gate was asked need a new answer of it: the pool may have changed since."""
    if not _standing(job, GO_LIVE, conversions.conversions_of_wave(wave_id))[1]:
        return
    latest = selectors.latest_decision(wave_id)
    if latest is None or latest.state != GateState.OPEN.value or is_stale(latest.decided_at, now()):
        _require_open(answer(job, wave_id, Phase.BEFORE_START, signed_as=decision_id))


def _require_preflight(job: JobContext, wave_id: str) -> None:
    """Everything that stands against copying is told before a source is shut down; what is unknown is in the job's result."""
    wave = planning.wave_by_id(wave_id)
    if "looked" not in job.checkpoint:
        asked = looking.ask_preflight(wave.plan.project, wave_id=wave.pk, name=wave.name, actor=job.actor)
        job.save_checkpoint({**job.checkpoint, "looked": str(asked.pk)})
    looked = Job.objects.get(pk=job.checkpoint["looked"])
    if lifecycle.unfinished([str(looked.pk)]):
        job.wait(POLL_S, "both sides are being looked at before the first byte")
    if looked.result is None:
        raise _preflight_failed(wave.name, [str((looked.error or {}).get("message") or f"it was {looked.state}")])
    against = [look for look in looked.result["looks"] if look["result"] == "fail"]
    if against:
        raise _preflight_failed(wave.name, [f"{look['subject']}: {look['detail']}. {look['next_step']}" for look in against])


def _preflight_failed(wave: str, told: list[str]) -> AskPerson:
    more = f" And {len(told) - TOLD} more." if len(told) > TOLD else ""
    return AskPerson(
        f"{len(told)} things stand against copying {wave}; nothing was begun: {' '.join(told[:TOLD])}{more}",
        code="preflight_failed",
        next_step="Work through them (POST …/waves/{id}/preflight shows all), then ask the gate, have it signed and cut over.",
    )


def _run_leg(job: JobContext, wave_id: str, leg: Leg) -> None:
    """Ask for one leg of the machines that are due for it, a few at a time, and wait until all that were asked have ended.

    The checkpoint keeps who is due, so that a restart asks nobody twice and a machine that becomes due later is left to the
    next cutover with its own gate. A machine whose job ended is not waited for, whatever its state says.
    """
    rows = conversions.conversions_of_wave(wave_id)
    asked, due = _standing(job, leg, rows)
    options = options_of_wave(wave_id)
    failed = sum(State(row.state) is State.FAILED and str(row.job_id) in asked for row in rows)
    at_work = lifecycle.unfinished(asked)
    stays = {str(row.pk): row for row in rows if leg.takes(row) and str(row.pk) in due}
    chosen = list(stays)[: room_for(options, at_work=at_work, failed=failed)]
    for key in chosen:
        try:
            asked.append(str(leg.start(stays[key], actor=job.actor).pk))
        except Conflict as refused:  # machines stay behind alone
            note(stays[key], f"Left out: {refused.detail}")
    left = [key for key in stays if key not in chosen]
    job.save_checkpoint({**job.checkpoint, leg.name: asked, f"{leg.name}_due": left})
    busy = sum(leg.takes(row) for row in rows)
    job.progress(len(rows) - busy, len(rows), "machines")
    if at_work or chosen:
        job.wait(POLL_S, f"{at_work + len(chosen)} machines {leg.doing}" + (f", {len(left)} wait their turn" if left else ""))


def _standing(job: JobContext, leg: Leg, rows: list[Conversion]) -> tuple[list[str], list[str]]:
    """The jobs this leg has asked for, and the conversions it still has to ask, in their order."""
    if leg.name in job.checkpoint:
        return list(job.checkpoint[leg.name]), list(job.checkpoint.get(f"{leg.name}_due", []))
    return [], [str(row.pk) for row in rows if leg.takes(row)]


def _in_state(wave_id: str, *states: State) -> list[Conversion]:
    return [row for row in conversions.conversions_of_wave(wave_id) if State(row.state) in states]


def _outcome(job: JobContext, wave_id: str) -> dict[str, Any]:
    rows = conversions.conversions_of_wave(wave_id)
    waiting = {key for name, keys in job.checkpoint.items() if name.endswith("_due") for key in keys}
    outcome = {
        "conversions": dict(Counter(row.state for row in rows)),
        "left_behind": [row.name for row in rows if row.error],
    }
    unprotected = [row.name for row in rows if (row.boot_proof or {}).get("unprotected_because")]
    if unprotected:
        outcome["unprotected"] = unprotected
    not_begun = [row.name for row in rows if str(row.pk) in waiting]
    return {**outcome, "not_begun": not_begun} if not_begun else outcome
