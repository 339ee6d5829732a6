"""The pages of readiness: the verdict on a pool (verdicts.py), the tuning of its HA timeout (timeouts.py, timeout_forms.py), its watch (watching.py)."""

from __future__ import annotations

from readiness.web import timeout_forms, timeouts, verdicts, watching

PAGES = [*verdicts.PAGES, *timeouts.PAGES, *timeout_forms.PAGES, *watching.PAGES]
