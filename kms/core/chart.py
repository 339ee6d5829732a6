"""The chart of a host's count over time: observed, modelled and projected, thresholds, cap and waves; and the same as a table.

Values in, plain SVG 1.1 or rows out. Lines are told apart by stroke, mark and words, never by colour alone. No CSS, no fonts of
our own: the same text goes into a page and into a typesetter. What a count means is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from xml.sax.saxutils import escape

from kms.core.forecast import ForecastDay
from kms.core.past import CountPoint
from kms.core.policy import Threshold

WIDTH, HEIGHT = 960, 420
LEFT, RIGHT, TOP, BOTTOM = 52, 930, 84, 340
LEGEND_Y = 396
INK, PAPER, GRID = "#1b2733", "#ffffff", "#d5d9e1"
MODELLED, BAND, LIMIT, WAVE = "#1d5bb8", "#c9d9f2", "#a61b1b", "#6b3fa0"
FONT = 'font-family="Helvetica, Arial, sans-serif"'
_NAMES_OVER_EACH_OTHER = 3
_THRESHOLD_WORDS = {Threshold.SERVER: "5: servers", Threshold.CLIENT: "25: workstations"}


@dataclass(frozen=True, slots=True)
class WaveMark:
    """A wave at the moment it moves or moved."""

    at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is drawn, seen from `at`. `cap` is 0 while nobody asked; `days` are empty where nothing can be projected."""

    host_name: str
    at: datetime
    begin: datetime
    observed: tuple[CountPoint, ...]
    modelled: tuple[CountPoint, ...]
    days: tuple[ForecastDay, ...]
    cap: int
    waves: tuple[WaveMark, ...] = ()

    @property
    def end(self) -> datetime:
        """Where the drawing ends on the right."""
        return self.days[-1].at + timedelta(days=1) if self.days else self.at + timedelta(days=1)

    @property
    def title(self) -> str:
        """What the chart is of."""
        return f"KMS count of {self.host_name}"

    @property
    def summary(self) -> str:
        """What the chart shows, for readers who cannot see it."""
        observed = f"last observed {self.observed[-1].count}" if self.observed else "never observed"
        modelled = f"modelled now {self.modelled[-1].count}" if self.modelled else "no log to model it from"
        lowest = min(self.days, key=lambda day: day.lower, default=None)
        ahead = "nothing can be projected" if lowest is None else _ahead(lowest, len(self.days) - 1)
        waves = "; ".join(f"{wave.name} on {wave.at:%Y-%m-%d}" for wave in self.waves)
        return f"{observed}, {modelled}; {ahead}" + (f"; waves: {waves}" if waves else "")


def _ahead(lowest: ForecastDay, days: int) -> str:
    return f"in the next {days} days at worst {lowest.lower} on {lowest.at:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class ChartRow:
    """One day of the chart on which something is different from the day before. None: not known or not of that kind."""

    at: datetime
    observed: int | None
    modelled: int | None
    at_least: bool
    lower: int | None
    upper: int | None
    waves: tuple[str, ...]


def rows(chart: Chart) -> tuple[ChartRow, ...]:
    """The chart as a table: every reading, every wave, every change of the modelled count and of the forecast's bounds."""
    by_day: dict[str, ChartRow] = {}
    for row in sorted((*_past_rows(chart), *_coming_rows(chart), *_wave_rows(chart)), key=lambda each: each.at):
        key = f"{row.at:%Y-%m-%d}"
        by_day[key] = _joined(by_day[key], row) if key in by_day else row
    return tuple(by_day.values())


def _past_rows(chart: Chart) -> Iterator[ChartRow]:
    for point in chart.observed:
        yield ChartRow(point.at, point.count, None, False, None, None, ())
    previous: tuple[int, bool] | None = None
    for point in chart.modelled:
        if (point.count, point.at_least) != previous or point is chart.modelled[-1]:
            yield ChartRow(point.at, None, point.count, point.at_least, None, None, ())
        previous = (point.count, point.at_least)


def _coming_rows(chart: Chart) -> Iterator[ChartRow]:
    previous: tuple[int, int] | None = None
    for day in chart.days:
        if (day.lower, day.upper) != previous or day is chart.days[-1]:
            yield ChartRow(day.at, None, None, False, day.lower, day.upper, ())
        previous = (day.lower, day.upper)


def _wave_rows(chart: Chart) -> Iterator[ChartRow]:
    for wave in chart.waves:
        yield ChartRow(wave.at, None, None, False, None, None, (wave.name,))


def _joined(earlier: ChartRow, later: ChartRow) -> ChartRow:
    """Two rows of one day as one: the later figure of each kind stands."""
    return ChartRow(
        at=later.at,
        observed=earlier.observed if later.observed is None else later.observed,
        modelled=earlier.modelled if later.modelled is None else later.modelled,
        at_least=earlier.at_least if later.modelled is None else later.at_least,
        lower=earlier.lower if later.lower is None else later.lower,
        upper=earlier.upper if later.upper is None else later.upper,
        waves=(*earlier.waves, *later.waves),
    )


def draw(chart: Chart) -> str:
    """The chart as one SVG element with a title and a description."""
    scale = _Scale.of(chart)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" role="img" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" aria-label="{_safe(chart.title)}: {_safe(chart.summary)}">',
        f"<title>{_safe(chart.title)}</title>",
        f"<desc>{_safe(chart.summary)}</desc>",
        f'<rect x="0" y="0" width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>',
        _text(LEFT, 22, _shortened(chart.title, 90), size=15, bold=True),
        *_grid(chart, scale),
        *_band(chart.days, scale),
        *_limits(chart, scale),
        *_waves(chart.waves, scale),
        *_modelled(chart.modelled, scale),
        *_observed(chart.observed, scale),
        *_legend(),
        "</svg>",
    ]
    return "\n".join(parts)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a moment and a count lie on the paper."""

    begin: datetime
    end: datetime
    top_count: int

    @staticmethod
    def of(chart: Chart) -> _Scale:
        counts = [point.count for point in (*chart.observed, *chart.modelled)]
        highest = max([*counts, *(day.upper for day in chart.days), chart.cap, Threshold.CLIENT], default=Threshold.CLIENT)
        step = _step(highest)
        return _Scale(chart.begin, chart.end, (highest // step + 1) * step)

    def x(self, at: datetime) -> float:
        share = (at - self.begin) / (self.end - self.begin)
        return round(LEFT + (RIGHT - LEFT) * min(1.0, max(0.0, share)), 1)

    def y(self, figure: int) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * figure / self.top_count, 1)


def _step(highest: int) -> int:
    """The distance of the grid's lines: the smallest round figure that needs at most eight of them."""
    step = 1
    for factor in cycle((2, 2.5, 2)):
        if highest < 8 * step:
            break
        step = int(step * factor)
    return step


def _grid(chart: Chart, scale: _Scale) -> Iterator[str]:
    for figure in range(0, scale.top_count + 1, _step(scale.top_count - 1)):
        yield _line(LEFT, scale.y(figure), RIGHT, scale.y(figure), GRID)
        yield _text(LEFT - 8, scale.y(figure) + 4, str(figure), size=11, anchor="end")
    for number in range(7):
        at = chart.begin + (chart.end - chart.begin) * number / 6
        yield _text(scale.x(at), BOTTOM + 18, f"{at:%Y-%m-%d}", size=10, anchor="middle")
    yield _line(scale.x(chart.at), TOP, scale.x(chart.at), BOTTOM, INK, width=1.5)
    yield _text(scale.x(chart.at), BOTTOM + 32, "now", size=10, bold=True, anchor="middle")


def _band(days: Sequence[ForecastDay], scale: _Scale) -> Iterator[str]:
    """Between the bounds; a day's figures hold for its 24 hours."""
    if not days:
        return
    upper = _stairs([(day.at, day.upper) for day in days], scale)
    lower = _stairs([(day.at, day.lower) for day in days], scale)
    yield f'<polygon points="{_points([*upper, *reversed(lower)])}" fill="{BAND}" stroke="none"/>'
    yield _polyline(upper, MODELLED, ' stroke-dasharray="6 4"')
    yield _polyline(lower, MODELLED, ' stroke-dasharray="2 3"')


def _stairs(days: Sequence[tuple[datetime, int]], scale: _Scale) -> list[tuple[float, float]]:
    ends = [at for at, _ in days[1:]] + [days[-1][0] + timedelta(days=1)]
    return [(scale.x(x), scale.y(figure)) for (at, figure), end in zip(days, ends, strict=True) for x in (at, end)]


def _limits(chart: Chart, scale: _Scale) -> Iterator[str]:
    for threshold, words in _THRESHOLD_WORDS.items():
        yield _line(LEFT, scale.y(threshold), RIGHT, scale.y(threshold), LIMIT, dashes="12 5")
        yield _text(LEFT + 5, scale.y(threshold) - 4, words, size=10)
    if chart.cap:
        yield _line(LEFT, scale.y(chart.cap), RIGHT, scale.y(chart.cap), INK, dashes="2 4")
        yield _text(RIGHT - 4, scale.y(chart.cap) - 4, f"cap {chart.cap}: at least", size=10, anchor="end")


def _waves(waves: Sequence[WaveMark], scale: _Scale) -> Iterator[str]:
    """Vertical lines; their names stand over each other, so that neighbours can be read."""
    for number, wave in enumerate(sorted(waves, key=lambda each: each.at)):
        x, y = scale.x(wave.at), TOP - 8 - 13 * (number % _NAMES_OVER_EACH_OTHER)
        yield _line(x, y + 3, x, BOTTOM, WAVE, dashes="8 3 2 3")
        anchor = "end" if x > (LEFT + RIGHT) / 2 else "start"
        yield _text(x, y, f"\u25bc {_shortened(wave.name, 40)}", size=10, anchor=anchor)


def _modelled(points: Sequence[CountPoint], scale: _Scale) -> Iterator[str]:
    """Solid where the log covers the window, dotted where the figure means "at least"."""
    thin = [point for point in points if point.at_least]
    full = [*thin[-1:], *(point for point in points if not point.at_least)]
    for part, dashes in ((thin, ' stroke-dasharray="1 4"'), (full, "")):
        if len(part) > 1:
            yield _polyline([(scale.x(point.at), scale.y(point.count)) for point in part], MODELLED, dashes, width=2)


def _observed(points: Sequence[CountPoint], scale: _Scale) -> Iterator[str]:
    for point in points:
        yield _circle(scale.x(point.at), scale.y(point.count))


def _legend() -> Iterator[str]:
    yield _circle(LEFT + 20, LEGEND_Y - 4)
    yield _text(LEFT + 32, LEGEND_Y, "observed on the host", size=11)
    yield _line(LEFT + 180, LEGEND_Y - 4, LEFT + 215, LEGEND_Y - 4, MODELLED, width=2)
    yield _text(LEFT + 222, LEGEND_Y, "modelled (dotted: at least)", size=11)
    frame = f'fill="{BAND}" stroke="{MODELLED}" stroke-dasharray="6 4"'
    yield f'<rect x="{LEFT + 400}" y="{LEGEND_Y - 12}" width="35" height="14" {frame}/>'
    yield _text(LEFT + 442, LEGEND_Y, "forecast, between its bounds", size=11)
    yield _line(LEFT + 632, LEGEND_Y - 4, LEFT + 667, LEGEND_Y - 4, LIMIT, dashes="12 5")
    yield _text(LEFT + 674, LEGEND_Y, "needed", size=11)
    yield _line(LEFT + 742, LEGEND_Y - 4, LEFT + 777, LEGEND_Y - 4, WAVE, dashes="8 3 2 3")
    yield _text(LEFT + 784, LEGEND_Y, "wave", size=11)


def _circle(x: float, y: float) -> str:
    return f'<circle cx="{x:g}" cy="{y:g}" r="4" fill="{PAPER}" stroke="{INK}" stroke-width="2"/>'


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _polyline(points: Sequence[tuple[float, float]], colour: str, dashes: str, *, width: float = 1) -> str:
    return f'<polyline points="{_points(points)}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashes}/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, width: float = 1, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    ends = f'x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def _text(x: float, y: float, words: str, *, size: int, bold: bool = False, anchor: str = "start") -> str:
    weight = ' font-weight="bold"' if bold else ""
    place = f'x="{x:g}" y="{y:g}" {FONT} font-size="{size}"{weight} text-anchor="{anchor}" fill="{INK}"'
    return f"<text {place}>{_safe(words)}</text>"


def _shortened(words: str, letters: int) -> str:
    return words if len(words) <= letters else words[: letters - 1] + "\u2026"


def _safe(words: str) -> str:
    """Words for XML: markup escaped, characters that XML does not allow replaced."""
    return escape("".join(letter if letter.isprintable() else "\ufffd" for letter in words), {'"': "&quot;"})
