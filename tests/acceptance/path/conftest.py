"""The whole path against a lab in this process: vCenter and pool over TLS, the product's jobs run in the test's own thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.testing import Lab, running_lab
from migration.conversion.services import progress
from tests.builders.path import Site, a_site
from tests.builders.path_looks import Looks
from tests.builders.people import People

LEASE_TIMEOUT_S = 2


@pytest.fixture(scope="session")
def kept_disks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated source disks, made once: every lab has the same."""
    return tmp_path_factory.mktemp("disks")


@pytest.fixture
def lab(tmp_path: Path, kept_disks: Path) -> Iterator[Lab]:
    """World `tiny`, quick: a guest shuts down at once, a lease nobody keeps alive dies after two."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "disks").symlink_to(kept_disks, target_is_directory=True)
    with running_lab(tmp_path, world="tiny", clock_factor=1000.0, lease_timeout_s=LEASE_TIMEOUT_S) as running:
        yield running


@pytest.fixture(autouse=True)
def small_segments(settings: Any) -> None:
    """Segments of 2 MiB and more, and little patience with guests."""
    settings.SEGMENT_BYTES = 2 << 20
    settings.SHUTDOWN_DEADLINE_S = 1.0


@pytest.fixture
def site(people: People, lab: Lab) -> Site:
    return a_site(people.project, lab.json)


@pytest.fixture
def looks(lab: Lab, site: Site) -> Looks:
    return Looks(lab, site)


@pytest.fixture
def at_first_segment(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Lets something happen in mid-copy: once, right after the first segment became durable."""

    def arrange(act: Callable[[], object]) -> None:
        pending, close = [act], progress.close_segment

        def closing(*arguments: Any, **fields: Any) -> None:
            close(*arguments, **fields)
            if pending:
                pending.pop()()

        monkeypatch.setattr(progress, "close_segment", closing)

    return arrange
