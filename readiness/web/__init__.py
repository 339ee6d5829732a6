"""The pages of readiness: the verdict on a pool (verdicts.py) and the tuning of its HA timeout (timeouts.py)."""

from __future__ import annotations

from readiness.web import timeouts, verdicts

PAGES = [*verdicts.PAGES, *timeouts.PAGES]
