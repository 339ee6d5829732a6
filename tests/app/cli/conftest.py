"""The command against the real API: a live server, people with passwords, jobs run while the command waits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders.cli import Desk
from tests.builders.jobs import run_jobs
from tests.builders.people import PASSWORD, People, with_password
from xenbound_cli import config
from xenbound_cli.config import Settings

DeskOf = Callable[[str], Desk]


@pytest.fixture
def desk_of(live_server: Any, people: People, tmp_path: Path) -> DeskOf:
    """A signed-in desk for `owner`, `teammate`, `stranger` or `admin`, working on the common project."""

    def make(who: str) -> Desk:
        with_password(getattr(people, who))
        desk = Desk(tmp_path / who, while_waiting=run_jobs)
        ran = desk.run("login", live_server.url, "--username", getattr(people, who).username, stdin=f"{PASSWORD}\n")
        assert ran.code == 0, ran.err
        return desk.signed_in(Settings(live_server.url, _token(desk), who, str(people.project.id)))

    return make


def _token(desk: Desk) -> str:
    return config.read(desk.config_file).token
