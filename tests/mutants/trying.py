"""One mutant tried: a forked process loads it in place of the module, and runs the tests that belong to the module."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import resource
import signal
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from migration.assessment.core.registry import RULES

RULES_PACKAGE = "migration.assessment.core.rules"
MOST_S = 60
MOST_BYTES = 2 << 30
QUIET = ("-x", "-q", "--no-header", "--no-summary", "--show-capture=no", "-p", "no:cacheprovider", "-p", "no:unraisableexception")
PURE = ("--noconftest", "--assert=plain", "-c", os.devnull, "--rootdir", ".", "--import-mode=importlib")
"""Neither the product's settings nor plugins: the rules and their tests know no framework."""


class _InPlace(SourceFileLoader):
    """Finds and loads one module from a text instead of its file."""

    def __init__(self, module: str, path: Path, text: str) -> None:
        super().__init__(module, str(path))
        self._text = text

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._text, self.path, "exec")


def survives(path: Path, text: str, tests: Sequence[Path]) -> bool:
    """Whether all tests pass with this text in the place of the module at `path`. A test that hangs has failed."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status) == 0
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    signal.alarm(MOST_S)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            _forget_rules()
            sys.meta_path.insert(0, _InPlace(".".join(path.with_suffix("").parts), path, text))  # type: ignore[arg-type]
            importlib.import_module(RULES_PACKAGE)
            code = int(pytest.main([*QUIET, *PURE, *map(str, tests)]))
    except BaseException:
        code = 1
    os._exit(code)


def _forget_rules() -> None:
    """Everything else stays loaded, which is what makes a try quick."""
    RULES.clear()
    for name in [name for name in sys.modules if name.startswith(RULES_PACKAGE)]:
        del sys.modules[name]
