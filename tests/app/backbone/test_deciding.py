"""One registry of the moments at which people decided: what inventory and readiness keep by it is the same."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from project.backbone import deciding

MOMENT = datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_every_app_in_which_people_decide_is_asked() -> None:
    assert {"planning", "cutover", "reports"} <= set(deciding._registered)


def test_moments_of_all_apps_are_told_together_and_an_app_loaded_twice_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "_registered", {})
    asked: list[UUID] = []

    def moments(project_id: UUID) -> list[datetime]:
        asked.append(project_id)
        return [MOMENT]

    for name in ("plans", "plans", "gates"):
        deciding.register(name, moments)
    project_id = uuid4()
    assert deciding.decided_at(project_id) == {MOMENT}
    assert asked == [project_id, project_id]
