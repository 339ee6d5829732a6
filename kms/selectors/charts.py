"""What the chart of a host shows: its readings, its replayed past, the days to come under a wave, and when waves moved."""

from __future__ import annotations

from datetime import datetime, timedelta

from kms import waves
from kms.core.chart import Chart, WaveMark
from kms.core.forecast import forecast
from kms.core.judge import days_ahead, plan_of
from kms.core.machines import AliasBook
from kms.core.past import CountPoint, modelled_past
from kms.core.policy import DEFAULT_POLICY, KmsPolicy
from kms.core.verdict import VerdictQuestion
from kms.models import KmsHost
from kms.selectors import history_of
from kms.selectors.standing import host_rows

PAST = timedelta(days=45)


def host_chart(
    host: KmsHost,
    *,
    at: datetime,
    wave_id: str = "",
    moves_at: datetime | None = None,
    policy: KmsPolicy = DEFAULT_POLICY,
) -> Chart:
    """The host's count from 45 days ago to 45 days after a wave's move (after `at` without one).

    Raises: NotVisible (a wave that is not the project's), Conflict `machine_gone`.
    """
    history, begin = history_of(host, at=at), at - PAST
    planned = tuple(waves.planned(host.project, wave_id)) if wave_id else ()
    book = AliasBook(tuple(each.machine for each in planned))
    question = VerdictQuestion(at, moves_at or at, planned, book)
    days = days_ahead(at, question.moves_at, policy)
    projected = forecast(history, now=at, days=days, plan=plan_of(history, question, policy), policy=policy)
    return Chart(
        host_name=host.name,
        at=at,
        begin=begin,
        observed=_observed(host, begin, at),
        modelled=modelled_past(history, begin=begin, at=at, policy=policy),
        days=projected.days,
        cap=projected.start.cap,
        waves=_marks(host, begin, question.moves_at, wave_id),
    )


def _observed(host: KmsHost, begin: datetime, at: datetime) -> tuple[CountPoint, ...]:
    """What the host itself said, one figure per reading that holds one."""
    told = host_rows(host).filter(collected_at__gte=begin, collected_at__lte=at)
    figures = told.order_by("collected_at", "created_at").values_list("collected_at", "current_count")
    return tuple(CountPoint(collected_at, figure) for collected_at, figure in figures if figure is not None)


def _marks(host: KmsHost, begin: datetime, moves_at: datetime, wave_id: str) -> tuple[WaveMark, ...]:
    """Waves that moved, at that time; the one asked about, when it is to move."""
    known = waves.known_waves(host.project)
    moved = [WaveMark(wave.moved_at, wave.name) for wave in known if wave.moved_at is not None and wave.moved_at >= begin]
    asked = [WaveMark(moves_at, f"{wave.name} (planned)") for wave in known if wave.wave_id == wave_id and wave.moved_at is None]
    return tuple(sorted((*moved, *asked), key=lambda mark: mark.at))
