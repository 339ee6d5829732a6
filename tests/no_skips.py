"""Pytest plugin: where XENBOUND_NO_SKIP=1 is set (continuous integration) a skipped test fails the run.

Elsewhere tests whose tool is missing skip, and pytest's short summary (-ra) lists them with the reason.
"""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("XENBOUND_NO_SKIP") == "1" and skipped and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
