"""Every error code in the product's source is listed in docs/errors.md: scripts and people look it up there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
PRODUCT = ("project", "estate", "migration", "readiness", "kms")


def codes_in(source: ast.AST) -> Iterator[str]:
    """Class attributes and arguments called `code`."""
    for node in ast.walk(source):
        if isinstance(node, ast.ClassDef):
            values = [part.value for part in node.body if isinstance(part, ast.Assign | ast.AnnAssign) and _is_code(part)]
        else:
            values = [word.value for word in node.keywords if word.arg == "code"] if isinstance(node, ast.Call) else []
        yield from (value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str))


def _is_code(part: ast.Assign | ast.AnnAssign) -> bool:
    target = part.targets[0] if isinstance(part, ast.Assign) else part.target
    return isinstance(target, ast.Name) and target.id == "code"


def test_every_code_is_listed_in_the_docs() -> None:
    listed = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    missing: dict[str, str] = {}
    for package in PRODUCT:
        for path in (ROOT / package).rglob("*.py"):
            for code in codes_in(ast.parse(path.read_text(encoding="utf-8"))):
                if code and f"| `{code}` |" not in listed:
                    missing[code] = str(path.relative_to(ROOT))
    assert not missing, f"add a line to docs/errors.md for each: {missing}"
