"""The page of how a project's conversions are run: how many at once, how well proven, how fast at which time of the week.

Forms call the service that the API calls, so both refuse alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from migration.conversion import selectors
from migration.conversion.core.bandwidth import DAYS, Window, windows_from
from migration.conversion.core.running import NUMBERS
from migration.conversion.models import RunningSettings
from migration.conversion.services import running
from migration.conversion.web.week import Week, week_of
from project.backbone.accounts.policy import Role
from project.backbone.problems import Invalid, PreconditionFailed
from project.web.pages import ProjectForm, ProjectPage, permitted
from readiness.selectors import pools

LABELS = {
    "per_source_host": "Disks at a time from one host of a source",
    "per_datastore": "from one datastore",
    "per_pool_host": "through one host of a pool",
    "per_sr": "into one SR",
    "disks_at_once": "of one machine",
}
MIB = 1 << 20
EVERY_POOL = "every pool"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table of bandwidth. `stored` is the row as it stands, for saying which one to remove."""

    mib_per_s: str
    days: str
    hours: str
    pool: str
    stored: str


class RunningPage(ProjectPage):
    """What holds now; forms for those who may change it."""

    page = "conversions"
    template_name = "conversion/running.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = selectors.running_settings(self.project)
        names = {str(pool.pk): pool.name for pool in pools.pools(self.project)}
        return super().get_context_data(
            numbers=[(name, label, getattr(row, name), NUMBERS[name]) for name, label in LABELS.items()],
            running=row,
            at_work=selectors.at_work(self.project.pk),
            rows=[_row(stored, names) for stored in row.bandwidth],
            weeks=list(_weeks(row, names)),
            pools=names,
            days=DAYS,
            may_change=permitted(self.actor.require, self.project, Role.ADMIN),
            **kwargs,
        )


def _row(stored: dict[str, Any], names: dict[str, str]) -> Row:
    days = stored.get("days") or DAYS
    begins, ends = stored.get("from") or "00:00", stored.get("to") or "00:00"
    return Row(
        mib_per_s=f"{stored['bytes_per_s'] / MIB:g}",
        days="every day" if set(days) == set(DAYS) else ", ".join(day for day in DAYS if day in days),
        hours="all day" if begins == ends else f"{begins} to {ends}",
        pool=names.get(stored["pool"], "a pool that is gone") if stored.get("pool") else EVERY_POOL,
        stored=json.dumps(stored, sort_keys=True),
    )


def _weeks(row: RunningSettings, names: dict[str, str]) -> Iterator[tuple[str, Week]]:
    """One picture for what holds everywhere, and one for each pool with rows of its own."""
    windows: tuple[Window, ...] = windows_from(row.bandwidth)
    own = sorted({window.pool for window in windows if window.pool}, key=lambda pool: names.get(pool, ""))
    if windows:
        yield (EVERY_POOL if not own else "every other pool"), week_of(windows, "")
    for pool in own:
        yield names.get(pool, "a pool that is gone"), week_of(windows, pool)


class _RunningForm(ProjectForm):
    back = "project-running"

    def _number(self, name: str) -> int:
        said = self.request.POST.get(name, "").strip()
        if not (said.isascii() and said.isdecimal()) or len(said) > 9:
            raise Invalid(f"{said[:40]!r} is no whole number ({LABELS[name]}).", next_step="Write one, such as 4.")
        return int(said)


class NumbersForm(_RunningForm):
    """Budgets, verify policy and time zone together, as they were when the page was drawn but for what its reader changed."""

    def act(self, **kwargs: Any) -> str:
        seen = self._seen()
        changes: dict[str, Any] = {name: self._number(name) for name in LABELS}
        changes |= {name: self.request.POST.get(name, "").strip()[:64] for name in ("verify", "time_zone")}
        running.change(self.project, seen=seen, actor=self.actor, **changes)
        return "This holds for what is begun from now on."

    def _seen(self) -> RunningSettings:
        """What the page showed. An old page would set back, unseen, whatever somebody else changed since."""
        self.actor.require(self.project, Role.ADMIN)
        row = selectors.running_settings(self.project)
        if self.request.POST.get("version") != str(row.version):
            raise PreconditionFailed(
                "Somebody changed these settings after your page was drawn; nothing of yours was saved.",
                next_step="Look at what holds now, and make your change again.",
            )
        return row


class AddWindowForm(_RunningForm):
    """A row more of the table of bandwidth."""

    def act(self, **kwargs: Any) -> str:
        said = self.request.POST
        window = {
            "bytes_per_s": _bytes_per_s(said.get("mib_per_s", "")),
            "days": [day for day in DAYS if day in said.getlist("days")] or list(DAYS),
            "from": said.get("from", "").strip()[:5] or "00:00",
            "to": said.get("to", "").strip()[:5] or "00:00",
        }
        if said.get("pool"):
            window["pool"] = said["pool"][:36]
        running.add_window(self.project, window, actor=self.actor)
        return "This limit holds at once, also for what is being copied."


class RemoveWindowForm(_RunningForm):
    """A row less."""

    def act(self, **kwargs: Any) -> str:
        try:
            window = json.loads(self.request.POST.get("row", ""))
        except (ValueError, RecursionError):
            window = None
        running.remove_window(self.project, window, actor=self.actor)
        return "This limit is gone."


def _bytes_per_s(said: str) -> int:
    try:
        return int(float(said.strip().replace(",", ".")) * MIB)
    except (ValueError, OverflowError):
        raise Invalid(f"{said[:40]!r} is no number of MiB a second.", next_step="Write one, such as 50.") from None
