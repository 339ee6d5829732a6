"""Pages of readiness: a pool's verdict (verdicts.py), its watch (watching.py), its timeout (timeouts.py, timeout_forms.py)."""

from __future__ import annotations

from readiness.web import timeout_forms, timeouts, verdicts, watching

PAGES = [*verdicts.PAGES, *timeouts.PAGES, *timeout_forms.PAGES, *watching.PAGES]
